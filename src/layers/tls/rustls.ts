// With which keys rustls, by what ring has, serves a client as well as OpenSSL does. It has nothing of what is old.
import type { LeafKey } from '../../connection.js'
import type { ClientHello } from './client-hello.js'
import type { VersionRange } from './leaf-key.js'

const TLS_1_2 = 0x0303
const TLS_1_3 = 0x0304

/** X25519, P-256 and P-384. */
const GROUPS = [29, 23, 24]

const SUITES = {
  tls13: [0x1301, 0x1302, 0x1303],
  ecdsa: [0xc02b, 0xc02c, 0xcca9],
  rsa: [0xc02f, 0xc030, 0xcca8],
}

/** The signature schemes of each key. Before TLS 1.3 an ECDSA scheme names only a hash, and not a curve (RFC 8422, 5.1.1). */
const SCHEMES: Record<LeafKey, { readonly tls13: readonly number[]; readonly tls12: readonly number[] }> = {
  p256: { tls13: [0x0403], tls12: [0x0403] },
  p384: { tls13: [0x0503], tls12: [0x0503] },
  rsa2048: { tls13: [0x0804, 0x0805, 0x0806], tls12: [0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601] },
}

/** The group that a client of TLS 1.2 has to know for a certificate with that key (RFC 8422, 5.1.1). */
const CURVES: Partial<Record<LeafKey, number>> = { p256: 23, p384: 24 }

const KEYS = ['p256', 'rsa2048', 'p384'] as const satisfies readonly LeafKey[]

/** None, where rustls does not serve the client at all. */
export const rustlsKeys = (hello: ClientHello, versions: VersionRange): LeafKey[] =>
  KEYS.filter((key) => serves(hello, versions, key))

function serves(hello: ClientHello, { min, max }: VersionRange, key: LeafKey): boolean {
  const { supportedVersions, legacyVersion, serverName, sni, serverNameIsAddress, compressionMethods } = hello
  // A name that is none is passed over by OpenSSL, and an error for rustls.
  if (serverName !== undefined && sni === undefined && !serverNameIsAddress) return false
  if (!compressionMethods.includes(0) || !some(hello.supportedGroups, GROUPS)) return false
  const { cipherSuites, signatureAlgorithms } = hello
  const offers = (version: number) => supportedVersions.includes(version) && min <= version && version <= max
  if (offers(TLS_1_3)) return some(cipherSuites, SUITES.tls13) && some(signatureAlgorithms, SCHEMES[key].tls13)
  const offers12 =
    supportedVersions.length > 0 ? offers(TLS_1_2) : legacyVersion >= TLS_1_2 && min <= TLS_1_2 && TLS_1_2 <= max
  const suites = key === 'rsa2048' ? SUITES.rsa : SUITES.ecdsa
  const curve = CURVES[key]
  if (curve !== undefined && !hello.supportedGroups.includes(curve)) return false
  return offers12 && some(cipherSuites, suites) && some(signatureAlgorithms, SCHEMES[key].tls12)
}

const some = (offered: readonly number[], known: readonly number[]) => offered.some((value) => known.includes(value))
