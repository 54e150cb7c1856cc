// How TLS is done with servers by the options: versions, ciphers and trust, as one SecureContext.
import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { type TrustOptions, trustedRoots } from '../certs/trust.js'
import { VERSIONS } from '../certs/versions.js'
import type { Options } from '../options/definitions.js'

type ServerTlsOptions = Pick<
  Options,
  | 'ssl_insecure'
  | 'ssl_verify_upstream_trusted_ca'
  | 'ssl_verify_upstream_trusted_confdir'
  | 'tls_version_server_min'
  | 'tls_version_server_max'
  | 'tls_legacy_server'
>

/** Where the authorities are that servers are trusted by. */
export const trustOf = (options: ServerTlsOptions): TrustOptions => ({
  caFile: options.ssl_verify_upstream_trusted_ca,
  caDirectory: options.ssl_verify_upstream_trusted_confdir,
})

/**
 * OpenSSL's own suites first, then all others that encrypt and authenticate. Its level 0 takes what the higher ones refuse:
 * short keys, SHA-1, and every version before TLS 1.2. But no level takes Diffie-Hellman with less than 1024 bits, so what
 * needs it comes last: a server that has such a group, and follows our order, takes something else.
 */
const EVERY_CIPHER = 'DEFAULT:ALL:!aNULL:!eNULL:!PSK:!SRP:+kDHE:@SECLEVEL=0'

/** Throws ERR_ARGUMENT where the authorities to trust cannot be read. */
export function serverContext(options: ServerTlsOptions): SecureContext {
  const roots = options.ssl_insecure ? undefined : trustedRoots(trustOf(options))
  const max = VERSIONS[options.tls_version_server_max]
  const min = options.tls_version_server_min
  // Those for whom a server need not be who it says it is do not mind how well it says so.
  const legacy = options.tls_legacy_server || options.ssl_insecure
  return createSecureContext({
    ...(roots && { ca: roots }),
    minVersion: VERSIONS[min] ?? 'TLSv1.2',
    ...(max && { maxVersion: max }),
    ...((legacy || min === 'TLS1' || min === 'TLS1_1') && { ciphers: EVERY_CIPHER }),
    // Without RFC 5746 somebody in between may put words before the client's first ones.
    ...(legacy && { secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT }),
  })
}
