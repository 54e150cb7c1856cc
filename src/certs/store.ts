// Makes certificates for clients: a leaf for the names that a client asks for, as the SecureContext of the handshake with that client.
import { constants, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { LeafKey } from '../connection.js'
import { MidwireError } from '../errors.js'
import type { Options } from '../options/definitions.js'
import type { Authority } from './authority.js'
import { type Leaf, type LeafMinter, type LeafRequest, leafMinter, leafNames, planLeaf } from './leaf.js'
import { CIPHERS, makeLeafKey } from './leaf-keys.js'
import { pem } from './pem.js'
import { Recent } from './recent.js'
import { RetiredContexts } from './retired.js'
import { VERSIONS } from './versions.js'

export interface StoreOptions {
  /** Default `TLS1_2`. */
  readonly minVersion?: Options['tls_version_client_min']
  /** Default `UNBOUNDED`. */
  readonly maxVersion?: Options['tls_version_client_max']
  /** The most leaves that are kept; default 1,000. */
  readonly limit?: number
}

/**
 * A leaf that is valid for less than this is made anew. Where the authority itself ends so soon, the new leaf is no better, and is
 * made anew at each handshake.
 */
const RENEW_SECONDS = 3600

interface KeptContext {
  readonly context: SecureContext
  /** Seconds since the epoch. */
  readonly renewAt: number
}

/** Makes the leaves of one kind of key, and the contexts of these leaves. */
interface LeafMaker {
  readonly mint: LeafMinter
  readonly base: SecureContextOptions
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
  readonly #chain: string
  readonly #contexts: Recent<string, KeptContext>
  readonly #retired = new RetiredContexts()

  constructor(authority: Authority, options: StoreOptions = {}) {
    this.#authority = authority
    this.#options = options
    this.#chain = authority.chain.join('')
    this.#contexts = new Recent(options.limit ?? 1000)
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#add('p256', privateKey)
    // An authority whose leaves or chain are too weak for OpenSSL's default level fails here, and not in the first handshake.
    attempt(authority.path, () => this.#contextOf('p256', planLeaf(leafNames({}), {}, authority), CIPHERS.p256))
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
  context(request: LeafRequest): SecureContext {
    const names = leafNames(request)
    const { organization = '', crl = '' } = request.upstream ?? {}
    const kind = request.key ?? 'p256'
    const key = `${kind}\n${names.join(' ')}\n${organization}\n${crl}`
    const kept = this.#contexts.get(key)
    if (kept && kept.renewAt > Date.now() / 1000) return kept.context
    const leaf = planLeaf(names, request, this.#authority)
    const context = this.#contextOf(kind, leaf)
    const left = this.#contexts.set(key, { context, renewAt: leaf.notAfter - RENEW_SECONDS })
    if (left) this.#retired.add(left.context)
    return context
  }

  #add(kind: LeafKey, key: KeyObject): void {
    const { minVersion = 'TLS1_2', maxVersion = 'UNBOUNDED' } = this.#options
    const max = VERSIONS[maxVersion]
    this.#makers.set(kind, {
      mint: leafMinter(this.#authority, createPublicKey(key)),
      base: {
        key: key.export({ type: 'pkcs8', format: 'pem' }),
        // midwire asks for no client certificate, so no roots have to be loaded.
        ca: [],
        minVersion: VERSIONS[minVersion] ?? 'TLSv1.2',
        ...(max && { maxVersion: max }),
        honorCipherOrder: true,
        // A client that puts ChaCha20 first has no AES in hardware.
        secureOptions: constants.SSL_OP_PRIORITIZE_CHACHA,
      },
    })
  }

  #contextOf(kind: LeafKey, leaf: Leaf, ciphers = `${CIPHERS[kind]}:@SECLEVEL=0`): SecureContext {
    const maker = this.#makers.get(kind)
    if (!maker) throw new TypeError(`there is no key of kind ${kind} yet: prepare() makes it`)
    // OpenSSL's level 0 changes neither our keys nor our suites. It allows old versions of TLS, where the options do, and, after all
    // others, signatures with SHA-1, for clients that know nothing else.
    return createSecureContext({ ...maker.base, ciphers, cert: pem('CERTIFICATE', maker.mint(leaf)) + this.#chain })
  }
}

function attempt(path: string, call: () => unknown): void {
  try {
    call()
  } catch (cause) {
    throw new MidwireError(
      'ERR_AUTHORITY',
      `${path}: OpenSSL refuses the authority: ${cause instanceof Error ? cause.message : cause}`,
      {
        cause,
      },
    )
  }
}
