// How TLS is done with servers by the options: versions, ciphers and trust, as one SecureContext.
import { createSecureContext, type SecureContext } from 'node:tls'
import { type TrustOptions, trustedRoots } from '../certs/trust.js'
import { VERSIONS } from '../certs/versions.js'
import type { Options } from '../options.js'

type ServerTlsOptions = Pick<
  Options,
  | 'ssl_insecure'
  | 'ssl_verify_upstream_trusted_ca'
  | 'ssl_verify_upstream_trusted_confdir'
  | 'tls_version_server_min'
  | 'tls_version_server_max'
>

/**
 * The values of the options that decide which servers are accepted, as one text. A session or a connection that was made under
 * other values must not be used: a server that is resumed, or lies in the pool, is not verified again.
 */
export const settingsOf = (options: ServerTlsOptions): string =>
  [
    options.ssl_insecure,
    options.ssl_verify_upstream_trusted_ca,
    options.ssl_verify_upstream_trusted_confdir,
    options.tls_version_server_min,
    options.tls_version_server_max,
  ].join('\0')

/** Where the authorities are that servers are trusted by. */
export const trustOf = (options: ServerTlsOptions): TrustOptions => ({
  caFile: options.ssl_verify_upstream_trusted_ca,
  caDirectory: options.ssl_verify_upstream_trusted_confdir,
})

/** Keeps the context that was made last: with the system's roots it takes long to make. */
export class ServerContext {
  #settings: string | undefined
  #context: SecureContext | undefined

  /** Throws ERR_ARGUMENT where the authorities to trust cannot be read. */
  get(options: ServerTlsOptions): SecureContext {
    const settings = settingsOf(options)
    if (this.#context && this.#settings === settings) return this.#context
    const context = make(options)
    this.#context = context
    this.#settings = settings
    return context
  }
}

function make(options: ServerTlsOptions): SecureContext {
  const roots = options.ssl_insecure ? undefined : trustedRoots(trustOf(options))
  const max = VERSIONS[options.tls_version_server_max]
  const old = options.tls_version_server_min === 'TLS1' || options.tls_version_server_min === 'TLS1_1'
  return createSecureContext({
    ...(roots && { ca: roots }),
    minVersion: VERSIONS[options.tls_version_server_min] ?? 'TLSv1.2',
    ...(max && { maxVersion: max }),
    // OpenSSL refuses the old versions altogether at its default level.
    ...(old && { ciphers: 'DEFAULT@SECLEVEL=0' }),
  })
}
