// Makes certificates for clients: a leaf for the names that a client asks for, as the SecureContext of the handshake with that client.
import {
  constants,
  createPublicKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { LeafKey } from '../connection.js'
import { type ErrorCode, MidwireError } from '../errors.js'
import type { CertificateAndKey } from '../hooks.js'
import type { NativeServerTls } from '../native/load.js'
import type { Authority } from './authority.js'
import type { IdentitiesByName } from './by-name.js'
import { type LeafMinter, type LeafRequest, leafMinter, leafNames, planLeaf } from './leaf.js'
import { CIPHERS, makeLeafKey } from './leaf-keys.js'
import { NativeContexts } from './native-contexts.js'
import { type OwnLeaf, ownLeaf } from './own-leaf.js'
import { pem } from './pem.js'
import { Recent } from './recent.js'
import { RetiredContexts } from './retired.js'
import { suites, type TlsSettings, versionRange } from './settings.js'

/** The settings of TLS with clients, and what the store is like. */
export interface StoreOptions extends TlsSettings {
  /** The user's own certificates, which are shown in place of ours. */
  readonly own?: IdentitiesByName | undefined
  /** The most leaves that are kept; default 1,000. */
  readonly limit?: number
}

/**
 * A leaf that is valid for less than this is made anew. Where the authority itself ends so soon, the new leaf is no better, and is
 * made anew at each handshake.
 */
const RENEW_SECONDS = 3600

/**
 * The key of the tickets of all stores: a client that comes back resumes its session, whether the context of its name was kept or made anew.
 * It is never written to a file.
 */
const TICKET_KEYS = randomBytes(48)

/** Certificates of the user's own that are kept as the addon takes them: scripts may bring any number. */
const MAX_OWN = 1_000

/** A handshake: what the leaf is for, and what differs from the store's settings. */
export interface ContextRequest extends LeafRequest {
  /** Certificates that are sent after ours (DER): those of the server, where option `add_upstream_certs_to_client_chain` says so. */
  readonly extras?: readonly Buffer[] | undefined
  /** The client is asked for a certificate. */
  readonly asks?: boolean | undefined
  /** What the hook `tls_start_client` has set. */
  readonly set?: (TlsSettings & { readonly certificate?: CertificateAndKey | undefined }) | undefined
}

/** What the addon needs to know of a handshake beside that. */
export interface NativeRequest {
  /** The protocol to agree on. */
  readonly alpn: string | undefined
  /** The keys with which it serves the client. */
  readonly rustlsKeys: readonly LeafKey[]
  /** The secrets of sessions are told. */
  readonly logsKeys: boolean
}

interface KeptContext {
  readonly context: SecureContext
  /** Seconds since the epoch. */
  readonly renewAt: number
}

/** Makes the leaves of one kind of key, and the contexts of these leaves. */
interface LeafMaker {
  readonly mint: LeafMinter
  /** PEM. */
  readonly key: string
}

/** Certificates, the own one first, and the keys of the own ones, all as PEM. */
interface Shown {
  readonly cert: string | string[]
  readonly key: string | string[]
  readonly ciphers: string
  /** Seconds since the epoch. */
  readonly renewAt: number
}

/**
 * The leaves of a proxy. The P-256 key of leaves is made at once and the others when they are first needed; none is ever written
 * to a file. Throws ERR_AUTHORITY.
 */
export class CertificateStore {
  readonly #authority: Authority
  readonly #options: StoreOptions
  readonly #makers = new Map<LeafKey, LeafMaker>()
  readonly #making = new Map<LeafKey, Promise<void>>()
  /** The certificates above a leaf: as PEM, and as DER. */
  readonly #chain: string
  readonly #above: readonly Buffer[]
  readonly #contexts: Recent<string, KeptContext>
  readonly #retired = new RetiredContexts()
  readonly #native: NativeContexts
  /** What the addon makes of certificates of the user's own. */
  readonly #own = new Recent<string, { readonly leaf: OwnLeaf | undefined }>(MAX_OWN)
  /** The settings of nearly all clients, as in the keys of contexts. */
  readonly #usualSettings: string

  constructor(authority: Authority, options: StoreOptions = {}) {
    this.#authority = authority
    this.#options = options
    this.#usualSettings = this.#settingsKey({})
    this.#chain = authority.chain.join('')
    this.#above = authority.chain.map((one) => new X509Certificate(one).raw)
    this.#contexts = new Recent(options.limit ?? 1000)
    this.#native = new NativeContexts(options.limit ?? 1000)
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#add('p256', privateKey)
    // What OpenSSL refuses fails here, and not in the first handshake: leaves or a chain that are too weak, settings, the user's certificates.
    attempt(`${authority.path}: OpenSSL refuses the authority`, 'ERR_AUTHORITY', () => {
      // Of OpenSSL's default level: clients have it, too.
      const leaf = { ...this.#minted({}, leafNames({})), ciphers: CIPHERS.p256 }
      this.#make(leaf, { set: { ciphers: undefined } }, '')
    })
    for (const identity of options.own?.all() ?? []) {
      attempt('certs: OpenSSL refuses a certificate', 'ERR_OPTION', () => this.#make(ofIdentity(identity), {}, ''))
    }
  }

  /** The number of leaves that are kept. */
  get size(): number {
    return this.#contexts.size
  }

  /** Makes the key of a kind; undefined where there is one already. The key `p256` always exists. */
  prepare(kind: LeafKey): Promise<void> | undefined {
    if (this.#makers.has(kind)) return undefined
    const before = this.#making.get(kind)
    if (before) return before
    const making = makeLeafKey(kind)
      .then((key) => this.#add(kind, key))
      .finally(() => this.#making.delete(kind))
    this.#making.set(kind, making)
    return making
  }

  /** Says why a client that needs this kind of key may refuse the certificate all the same; undefined where it should not. */
  doubt(kind: LeafKey): string | undefined {
    if (kind !== 'rsa2048' || this.#authority.key.asymmetricKeyType === 'rsa') return undefined
    return `it asks for RSA, and may not know the signature of ${this.#authority.path}, whose key is not RSA: such clients need an authority with an RSA key`
  }

  /**
   * The context of a handshake, with a leaf for that client. Clients that want the same names have the same context, so that they
   * can resume sessions. An invalid name is ignored, so every request has a context. Use the context in the same turn: once the store
   * drops a context, it is closed a moment later. Throws a TypeError where the key has not been prepared.
   */
  context(request: ContextRequest): SecureContext {
    const { certificate } = request.set ?? {}
    const own = certificate ?? this.#options.own?.find(namesOf(request))
    const names = own ? [] : leafNames(request)
    const key = this.#keyOf(request, own, names)
    const kept = this.#contexts.get(key)
    if (kept && kept.renewAt > Date.now() / 1000) return kept.context
    const shown = own ? ofIdentity(own) : this.#minted(request, names)
    const context = this.#make(shown, request, key)
    const left = this.#contexts.set(key, { context, renewAt: shown.renewAt })
    if (left) this.#retired.add(left.context)
    return context
  }

  /** How the addon answers that client, with such a leaf; undefined where OpenSSL alone does. Throws as `context`. */
  native(request: ContextRequest, { alpn, rustlsKeys, logsKeys }: NativeRequest): NativeServerTls | undefined {
    const settings = request.set ? { ...this.#options, ...request.set } : this.#options
    if (settings.ciphers !== undefined || settings.curves !== undefined) return undefined
    const identity = request.set?.certificate ?? this.#options.own?.find(namesOf(request))
    const own = identity && this.#ownLeaf(identity)
    if (identity && !own) return undefined
    const kind = own?.kind ?? request.key ?? 'p256'
    if (!rustlsKeys.includes(kind)) return undefined
    const names = own ? [] : leafNames(request)
    const id = this.#keyOf(request, identity, names)
    const extras = request.extras ?? []
    try {
      return this.#native.get({ id, alpn, logsKeys, asks: request.asks === true, settings }, () => {
        if (own) return { ...own, chain: [...own.chain, ...extras] }
        const { mint, key } = this.#maker(kind)
        const leaf = planLeaf(names, request, this.#authority)
        return { chain: [mint(leaf), ...this.#above, ...extras], key, renewAt: leaf.notAfter - RENEW_SECONDS }
      })
    } catch (error) {
      if (!identity) throw error
      // rustls cannot read the certificate, as one of version 1, or ring does not take the key.
      this.#own.set(idOf(identity), { leaf: undefined })
      return undefined
    }
  }

  #ownLeaf(identity: CertificateAndKey): OwnLeaf | undefined {
    const id = idOf(identity)
    const known = this.#own.get(id)
    if (known) return known.leaf
    const leaf = ownLeaf(identity)
    this.#own.set(id, { leaf })
    return leaf
  }

  #maker(kind: LeafKey): LeafMaker {
    const maker = this.#makers.get(kind)
    if (!maker) throw new TypeError(`there is no key of kind ${kind} yet: prepare() makes it`)
    return maker
  }

  /** Everything that two contexts may differ in. A session is resumed only where this is the same, so it never shows another certificate. */
  #keyOf(request: ContextRequest, own: CertificateAndKey | undefined, names: readonly string[]): string {
    const { organization = '', crl = '' } = (own ? undefined : request.upstream) ?? {}
    const isUsual = !request.asks && request.set === undefined
    const settings = isUsual ? this.#usualSettings : this.#settingsKey(request)
    const extras = request.extras?.length ? hash('sha256', Buffer.concat(request.extras), 'base64') : ''
    const shown = own ? hash('sha256', own.cert, 'base64') : `${request.key ?? 'p256'}\n${names.join(' ')}`
    return [shown, organization, crl, extras, settings].join('\n')
  }

  #settingsKey({ asks, set }: ContextRequest): string {
    const { minVersion, maxVersion, ciphers, curves } = this.#options
    return hash('sha256', JSON.stringify([minVersion, maxVersion, ciphers, curves, asks === true, set]), 'base64')
  }

  #add(kind: LeafKey, key: KeyObject): void {
    this.#makers.set(kind, {
      mint: leafMinter(this.#authority, createPublicKey(key)),
      key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    })
  }

  #minted(request: ContextRequest, names: readonly string[]): Shown {
    const kind = request.key ?? 'p256'
    const leaf = planLeaf(names, request, this.#authority)
    const renewAt = leaf.notAfter - RENEW_SECONDS
    // With suites of the user's choice only OpenSSL knows the kind of key that they need, so it gets both.
    const kinds = new Set<LeafKey>((request.set?.ciphers ?? this.#options.ciphers) ? [kind, 'rsa2048'] : [kind])
    const makers = [this.#maker(kind), ...[...kinds].slice(1).flatMap((one) => this.#makers.get(one) ?? [])]
    const cert = makers.map(({ mint }) => pem('CERTIFICATE', mint(leaf)) + this.#chain)
    return { cert, key: makers.map(({ key }) => key), ciphers: atLevel0(CIPHERS[kind]), renewAt }
  }

  #make({ cert, key, ciphers }: Shown, { extras = [], set = {} }: ContextRequest, id: string): SecureContext {
    const settings = { ...this.#options, ...set }
    const above = extras.map((der) => pem('CERTIFICATE', der)).join('')
    return createSecureContext({
      key,
      cert: [cert].flat().map((one) => one + above),
      // A client's certificate is not verified, so no roots have to be loaded.
      ca: [],
      ...versionRange(settings),
      ciphers: settings.ciphers ? suites(settings.ciphers, 0) : ciphers,
      ...(settings.curves !== undefined && { ecdhCurve: settings.curves }),
      honorCipherOrder: true,
      // A client that puts ChaCha20 first has no AES in hardware.
      secureOptions: constants.SSL_OP_PRIORITIZE_CHACHA,
      ticketKeys: TICKET_KEYS,
      // A server may resume a session only for the name that it was made for (RFC 6066, 3). The field takes 32 characters.
      sessionIdContext: hash('sha256', id, 'hex').slice(0, 32),
    } as SecureContextOptions)
  }
}

/**
 * OpenSSL's level 0 changes neither our keys nor our suites. It allows old versions of TLS, where the options do, and, after all others,
 * signatures with SHA-1, for clients that know nothing else.
 */
function atLevel0(ciphers: string): string {
  return suites(ciphers, 0)
}

const idOf = ({ cert, key }: CertificateAndKey): string => hash('sha256', cert + key, 'base64')

/** The names that a certificate of the user's own is looked up by: the client's, then those of the server. */
const namesOf = ({ sni, address, upstream }: LeafRequest) => [sni, address, ...(upstream?.names ?? [])]

/** The suites for any kind of key: that of a certificate of somebody else's is not known. */
const ALL_CIPHERS = atLevel0(`${CIPHERS.p256}:${CIPHERS.rsa2048}`)

const ofIdentity = ({ cert, key }: CertificateAndKey): Shown => ({
  cert,
  key,
  ciphers: ALL_CIPHERS,
  renewAt: Number.POSITIVE_INFINITY,
})

function attempt(what: string, code: ErrorCode, call: () => unknown): void {
  try {
    call()
  } catch (cause) {
    throw new MidwireError(code, `${what}: ${cause instanceof Error ? cause.message : cause}`, { cause })
  }
}
