// Makes the SecureContext for TLS with servers from the options: versions, ciphers and trust.
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

/** The file and the folder of the authorities that servers are trusted by. */
export const trustOf = (options: ServerTlsOptions): TrustOptions => ({
  caFile: options.ssl_verify_upstream_trusted_ca,
  caDirectory: options.ssl_verify_upstream_trusted_confdir,
})

/**
 * OpenSSL's own suites first, then all others that encrypt and authenticate. Security level 0 takes what higher levels refuse:
 * short keys, SHA-1, and every version before TLS 1.2. But no level takes Diffie-Hellman with less than 1024 bits. Suites with
 * DHE come last, so that a server with such a group that follows our order takes another suite.
 */
const EVERY_CIPHER = 'DEFAULT:ALL:!aNULL:!eNULL:!PSK:!SRP:+kDHE:@SECLEVEL=0'

/** Throws ERR_ARGUMENT where the authorities to trust cannot be read. */
export function serverContext(options: ServerTlsOptions): SecureContext {
  const roots = options.ssl_insecure ? undefined : trustedRoots(trustOf(options))
  const max = VERSIONS[options.tls_version_server_max]
  const min = options.tls_version_server_min
  // With ssl_insecure the server's identity is not checked, so weak proofs of it are no loss.
  const legacy = options.tls_legacy_server || options.ssl_insecure
  return createSecureContext({
    ...(roots && { ca: roots }),
    minVersion: VERSIONS[min] ?? 'TLSv1.2',
    ...(max && { maxVersion: max }),
    ...((legacy || min === 'TLS1' || min === 'TLS1_1') && { ciphers: EVERY_CIPHER }),
    // A server without RFC 5746 lets an attacker on the path put bytes before the client's first ones.
    ...(legacy && { secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT }),
  })
}
