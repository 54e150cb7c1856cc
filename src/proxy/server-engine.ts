// How the addon does TLS with servers: its contexts, the routes with their sessions, and those that it leaves to OpenSSL.
import { hash } from 'node:crypto'
import { certificates, pkcs8 } from '../certs/pem-der.js'
import { Recent } from '../certs/recent.js'
import { versionsOf } from '../certs/settings.js'
import { trustedRoots } from '../certs/trust.js'
import type { CertificateAndKey } from '../hooks.js'
import type { ServerTls } from '../layers/route.js'
import type { Options } from '../options/definitions.js'
import {
  clientContext,
  hasEngine,
  isServerName,
  type NativeClientTls,
  type NativeTlsRoute,
  type Question,
  routeBy,
} from '../transports/connections/tls.js'
import { trustOf } from './server-context.js'

/** Routes that are kept with their sessions, and routes that are left to OpenSSL. */
const MAX_ROUTES = 1_000

/** Contexts for servers: one for all of them, and one for each certificate of ours and each setting of `tls_start_server`. */
const MAX_CONTEXTS = 100

/** A handshake with a server. */
export interface Asked {
  readonly tls: ServerTls
  /** The name or address of the server. */
  readonly name: string
  /** The certificate has to be for that name. */
  readonly verifies: boolean
  readonly identity: CertificateAndKey | undefined
}

/** Serves one set of options. */
export class ServerEngine {
  readonly #options: Options
  readonly #logsKeys: boolean
  readonly #contexts = new Recent<string, NativeClientTls>(MAX_CONTEXTS)
  readonly #routes = new Recent<string, NativeTlsRoute>(MAX_ROUTES)
  readonly #left = new Recent<string, true>(MAX_ROUTES)
  #roots: Buffer[] | undefined

  constructor(options: Options, logsKeys: boolean) {
    this.#options = options
    this.#logsKeys = logsKeys
  }

  /** The addon's question to the server of a route; undefined where OpenSSL is to ask it. Throws ERR_ARGUMENT where the roots cannot be read. */
  question(route: string, asked: Asked): Question | undefined {
    const { tls, name } = asked
    const { set } = tls
    const ciphers = set && 'ciphers' in set ? set.ciphers : this.#options.ciphers_server
    if (
      this.#options.tls_engine === 'node' ||
      ciphers !== undefined ||
      this.#options.tls_ecdh_curve_server !== undefined
    ) {
      return undefined
    }
    if (tls.inPlace || this.#left.get(route) || !isServerName(name) || !hasEngine()) return undefined
    const known = this.#routes.get(route)
    if (known) return { route: known, name }
    const context = this.#contextFor(asked)
    if (!context) return undefined
    const made = routeBy(context, tls.alpn, tls.sni !== undefined)
    this.#routes.set(route, made)
    return { route: made, name }
  }

  /** The route is OpenSSL's from now on. */
  leave(route: string): void {
    this.#left.set(route, true)
    this.forget(route)
  }

  /** No session of the route is resumed any more. */
  forget(route: string): void {
    this.#routes.delete(route)
  }

  #contextFor({ tls: { set }, verifies, identity }: Asked): NativeClientTls | undefined {
    const settings = {
      minVersion: set?.minVersion ?? this.#options.tls_version_server_min,
      maxVersion: set?.maxVersion ?? this.#options.tls_version_server_max,
    }
    const versions = versionsOf(settings)
    if (!versions.tls12 && !versions.tls13) return undefined
    const key = JSON.stringify([identity ? hash('sha256', identity.cert, 'base64') : '', verifies, versions])
    const before = this.#contexts.get(key)
    if (before) return before
    if (verifies) this.#roots ??= trustedRoots(trustOf(this.#options)).flatMap(certificates)
    const context = clientContext({
      roots: verifies ? this.#roots : undefined,
      versions,
      identity: identity && { chain: certificates(identity.cert), key: pkcs8(identity.key) },
      logsKeys: this.#logsKeys,
    })
    if (context) this.#contexts.set(key, context)
    return context
  }
}
