// Makes the SecureContext for TLS with servers from the options: versions, ciphers and trust.
import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { isOld, suites, versionRange } from '../certs/settings.js'
import { type TrustOptions, trustedRoots } from '../certs/trust.js'
import type { CertificateAndKey } from '../hooks.js'
import type { SetForServer } from '../layers/route.js'
import type { Options } from '../options/definitions.js'

type ServerTlsOptions = Pick<
  Options,
  | 'ssl_insecure'
  | 'ssl_verify_upstream_trusted_ca'
  | 'ssl_verify_upstream_trusted_confdir'
  | 'tls_version_server_min'
  | 'tls_version_server_max'
  | 'tls_legacy_server'
  | 'ciphers_server'
  | 'tls_ecdh_curve_server'
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

/** What a connection has in place of the options: a client's certificate, and what the hook `tls_start_server` has set. */
export interface OwnSettings {
  readonly identity?: CertificateAndKey | undefined
  readonly set?: SetForServer | undefined
}

/** Throws ERR_ARGUMENT where the authorities to trust cannot be read. */
export function serverContext(
  options: ServerTlsOptions,
  { identity, set = { key: '' } }: OwnSettings = {},
): SecureContext {
  const verifies = set.verify ?? !options.ssl_insecure
  const roots = verifies ? trustedRoots(trustOf(options)) : undefined
  const settings = {
    minVersion: set.minVersion ?? options.tls_version_server_min,
    maxVersion: set.maxVersion ?? options.tls_version_server_max,
  }
  // Where the server's identity is not checked, weak proofs of it are no loss.
  const legacy = options.tls_legacy_server || !verifies
  const isWeak = legacy || isOld(settings)
  const chosen = 'ciphers' in set ? set.ciphers : options.ciphers_server
  const ciphers = chosen ? suites(chosen, isWeak ? 0 : undefined) : isWeak ? EVERY_CIPHER : undefined
  const curves = options.tls_ecdh_curve_server
  return createSecureContext({
    ...(roots && { ca: roots }),
    ...identity,
    ...versionRange(settings),
    ...(ciphers !== undefined && { ciphers }),
    ...(curves !== undefined && { ecdhCurve: curves }),
    // A server without RFC 5746 lets an attacker on the path put bytes before the client's first ones.
    ...(legacy && { secureOptions: constants.SSL_OP_LEGACY_SERVER_CONNECT }),
  })
}
