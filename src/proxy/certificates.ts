// The certificates for clients, as the options have them.
import type { Authority } from '../certs/authority.js'
import { IdentitiesByName } from '../certs/by-name.js'
import { CertificateStore } from '../certs/store.js'
import type { Options } from '../options/definitions.js'
import { expandHome } from '../options/paths.js'

/** Throws ERR_OPTION for files of option `certs` that are wrong. */
export const certificatesFor = (authority: Authority, options: Options): CertificateStore =>
  new CertificateStore(authority, {
    minVersion: options.tls_version_client_min,
    maxVersion: options.tls_version_client_max,
    ciphers: options.ciphers_client,
    curves: options.tls_ecdh_curve_client,
    own: IdentitiesByName.of(options.certs, options.cert_passphrase, expandHome),
  })
