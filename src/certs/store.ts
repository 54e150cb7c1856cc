// Certificates for clients: a leaf for the names that each one wants, as the SecureContext of its handshake.
import { constants, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { MidwireError } from '../errors.js'
import type { Options } from '../options.js'
import type { Authority } from './authority.js'
import { type Leaf, type LeafMinter, type LeafRequest, leafMinter, leafNames, planLeaf } from './leaf.js'
import { pem } from './pem.js'
import { Recent } from './recent.js'
import { RetiredContexts } from './retired.js'
import { VERSIONS } from './versions.js'

export interface StoreOptions {
  /** Default `TLS1_2`. */
  readonly minVersion?: Options['tls_version_client_min']
  /** Default `UNBOUNDED`. */
  readonly maxVersion?: Options['tls_version_client_max']
  /** OpenSSL's list; default: what is good with an ECDSA key, AES-128 first. */
  readonly ciphers?: string
  /** How many leaves are kept; default 1,000. */
  readonly limit?: number
}

/** All leaves are ECDSA: what a client offers besides could not be used, and each name costs time in every context. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
].join(':')

/** A leaf is made anew when less than this is left of it, which a new one of an authority at its own end has, too. */
const RENEW_SECONDS = 3600

interface Kept {
  readonly context: SecureContext
  /** Seconds since the epoch. */
  readonly renewAt: number
}

/** One a proxy. The leaves' key is made with it, and is never written anywhere. Throws ERR_ARGUMENT or ERR_AUTHORITY. */
export class CertificateStore {
  readonly #authority: Authority
  readonly #mint: LeafMinter
  readonly #base: Parameters<typeof createSecureContext>[0]
  readonly #chain: string
  readonly #contexts: Recent<string, Kept>
  readonly #retired = new RetiredContexts()

  constructor(authority: Authority, options: StoreOptions = {}) {
    this.#authority = authority
    this.#chain = authority.chain.join('')
    this.#contexts = new Recent(options.limit ?? 1000)
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#mint = leafMinter(authority, createPublicKey(privateKey))
    const min = options.minVersion ?? 'TLS1_2'
    const max = VERSIONS[options.maxVersion ?? 'UNBOUNDED']
    // OpenSSL does not speak the old versions at its default level.
    const old = min === 'TLS1' || min === 'TLS1_1'
    this.#base = {
      key: privateKey.export({ type: 'sec1', format: 'pem' }),
      // No client certificate is asked for, so no roots have to be loaded.
      ca: [],
      ciphers: (options.ciphers ?? CIPHERS) + (old ? ':@SECLEVEL=0' : ''),
      minVersion: VERSIONS[min] ?? 'TLSv1.2',
      ...(max && { maxVersion: max }),
      honorCipherOrder: true,
      // Clients that put ChaCha20 first have no AES in hardware.
      secureOptions: constants.SSL_OP_PRIORITIZE_CHACHA,
    }
    attempt('ERR_ARGUMENT', 'ciphers for clients', () => createSecureContext(this.#base))
    // Not at the first handshake, but now: whether that authority's leaves and chain are accepted by OpenSSL.
    attempt('ERR_AUTHORITY', authority.path, () => this.#contextOf(planLeaf(leafNames({}), {}, authority)))
  }

  /** How many leaves are kept. */
  get size(): number {
    return this.#contexts.size
  }

  /**
   * The context of a handshake, with a leaf for that client. Clients that want the same names have the same context, so that
   * they resume sessions. A name that is none is as if it were not there: every request has an answer. Use it in the same
   * turn: one that is not kept any longer is closed a moment later.
   */
  context(request: LeafRequest): SecureContext {
    const names = leafNames(request)
    const { organization = '', crl = '' } = request.upstream ?? {}
    const key = `${names.join(' ')}\n${organization}\n${crl}`
    const kept = this.#contexts.get(key)
    if (kept && kept.renewAt > Date.now() / 1000) return kept.context
    const leaf = planLeaf(names, request, this.#authority)
    const context = this.#contextOf(leaf)
    const left = this.#contexts.set(key, { context, renewAt: leaf.notAfter - RENEW_SECONDS })
    if (left) this.#retired.add(left.context)
    return context
  }

  #contextOf(leaf: Leaf): SecureContext {
    return createSecureContext({ ...this.#base, cert: pem('CERTIFICATE', this.#mint(leaf)) + this.#chain })
  }
}

function attempt(code: 'ERR_ARGUMENT' | 'ERR_AUTHORITY', what: string, call: () => unknown): void {
  try {
    call()
  } catch (cause) {
    throw new MidwireError(code, `${what}: OpenSSL refuses: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    })
  }
}
