// Certificates for clients: a leaf for the names that each one wants, as the SecureContext of its handshake.
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
  /** How many leaves are kept; default 1,000. */
  readonly limit?: number
}

/** A leaf is made anew when less than this is left of it, which a new one of an authority at its own end has, too. */
const RENEW_SECONDS = 3600

interface Kept {
  readonly context: SecureContext
  /** Seconds since the epoch. */
  readonly renewAt: number
}

/** What leaves of one kind of key are made with. */
interface Kind {
  readonly mint: LeafMinter
  readonly base: SecureContextOptions
}

/** One a proxy. The leaves' keys are made with it, or later, and are never written anywhere. Throws ERR_AUTHORITY. */
export class CertificateStore {
  readonly #authority: Authority
  readonly #options: StoreOptions
  readonly #kinds = new Map<LeafKey, Kind>()
  readonly #making = new Map<LeafKey, Promise<void>>()
  readonly #chain: string
  readonly #contexts: Recent<string, Kept>
  readonly #retired = new RetiredContexts()

  constructor(authority: Authority, options: StoreOptions = {}) {
    this.#authority = authority
    this.#options = options
    this.#chain = authority.chain.join('')
    this.#contexts = new Recent(options.limit ?? 1000)
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#add('p256', privateKey)
    // Not at the first handshake, but now: whether that authority's leaves and chain are good enough for OpenSSL's own level.
    attempt(authority.path, () => this.#contextOf('p256', planLeaf(leafNames({}), {}, authority), CIPHERS.p256))
  }

  /** How many leaves are kept. */
  get size(): number {
    return this.#contexts.size
  }

  /** Makes a key where there is none of that kind yet; undefined where there is one. `p256` is always there. */
  prepare(kind: LeafKey): Promise<void> | undefined {
    if (this.#kinds.has(kind)) return undefined
    const before = this.#making.get(kind)
    if (before) return before
    const making = makeLeafKey(kind)
      .then((key) => this.#add(kind, key))
      .finally(() => this.#making.delete(kind))
    this.#making.set(kind, making)
    return making
  }

  /** Why a client that needs such a key may refuse the certificate all the same, as a sentence. */
  doubt(kind: LeafKey): string | undefined {
    if (kind !== 'rsa2048' || this.#authority.key.asymmetricKeyType === 'rsa') return undefined
    return `it asks for RSA, and may not know the signature of ${this.#authority.path}, whose key is not RSA: such clients need an authority with an RSA key`
  }

  /**
   * The context of a handshake, with a leaf for that client. Clients that want the same names have the same context, so that
   * they resume sessions. A name that is none is as if it were not there: every request has an answer. Use it in the same
   * turn: one that is not kept any longer is closed a moment later. Throws a TypeError where the key has not been prepared.
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
    this.#kinds.set(kind, {
      mint: leafMinter(this.#authority, createPublicKey(key)),
      base: {
        key: key.export({ type: 'pkcs8', format: 'pem' }),
        // No client certificate is asked for, so no roots have to be loaded.
        ca: [],
        minVersion: VERSIONS[minVersion] ?? 'TLSv1.2',
        ...(max && { maxVersion: max }),
        honorCipherOrder: true,
        // Clients that put ChaCha20 first have no AES in hardware.
        secureOptions: constants.SSL_OP_PRIORITIZE_CHACHA,
      },
    })
  }

  #contextOf(kind: LeafKey, leaf: Leaf, ciphers = `${CIPHERS[kind]}:@SECLEVEL=0`): SecureContext {
    const made = this.#kinds.get(kind)
    if (!made) throw new TypeError(`there is no key of kind ${kind} yet: prepare() makes it`)
    // Keys and suites are ours, and the same at any level. At 0 there are the old versions too, where the options allow them,
    // and signatures with SHA-1, after all others, for clients that know nothing else.
    return createSecureContext({ ...made.base, ciphers, cert: pem('CERTIFICATE', made.mint(leaf)) + this.#chain })
  }
}

function attempt(what: string, call: () => unknown): void {
  try {
    call()
  } catch (cause) {
    throw new MidwireError(
      'ERR_AUTHORITY',
      `${what}: OpenSSL refuses: ${cause instanceof Error ? cause.message : cause}`,
      {
        cause,
      },
    )
  }
}
