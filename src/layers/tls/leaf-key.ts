// Chooses the kind of key for a client's certificate by its ClientHello, because with a kind that the client cannot use OpenSSL would fail.
import type { LeafKey } from '../../connection.js'
import type { ClientHello } from './client-hello.js'

/** The lowest and the highest version that clients may use, as numbers of TLS: 0x0303 is TLS 1.2. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** The kinds of keys, in order of preference: the first that the client can use is taken. */
const KEYS = ['p256', 'rsa2048', 'p384'] as const satisfies readonly LeafKey[]

const TLS_1_3 = 0x0304
const TLS_1_2 = 0x0303

/** The suites that the certificate store has for each kind of key; a test holds the two together. */
export const SUITES = {
  tls13: [0x1301, 0x1302, 0x1303],
  ecdsa: { cbc: [0xc009, 0xc00a], aead: [0xc02b, 0xc02c, 0xcca9] },
  /** CBC suites with SHA-2 are in the list of AEAD suites: both need TLS 1.2. */
  ecdheRsa: { cbc: [0xc013, 0xc014], aead: [0xc02f, 0xc030, 0xcca8, 0xc027, 0xc028] },
  /** Suites without ECDHE: the client encrypts its secret with the key of the certificate, and needs no group. */
  rsa: { cbc: [0x002f, 0x0035], aead: [0x009c, 0x009d, 0x003c, 0x003d] },
} as const

const P256 = 23
const P384 = 24
/** OpenSSL's default groups for ECDHE: X25519, P-256, X448, P-521, P-384. */
const CURVES = [29, P256, 30, 25, P384]
/** OpenSSL's further groups for TLS 1.3: ffdhe2048 to ffdhe8192. */
const FINITE_FIELDS = [256, 257, 258, 259, 260]

/** The signature schemes for each key (RFC 8446, 4.2.3). Before TLS 1.3 a scheme names only a hash, and not a curve (RFC 8422, 5.1.1). */
const SCHEMES = {
  tls13: { p256: [0x0403], p384: [0x0503], rsa2048: [0x0804, 0x0805, 0x0806] },
  ecdsa: [0x0403, 0x0503, 0x0603, 0x0303, 0x0203],
  rsa: [0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0301, 0x0201],
} as const

/** The parts of TLS that a key needs and a client may not offer, in the order of the checks. */
type Lack = 'suite' | 'group' | 'signature'
const LACKS: readonly (Lack | undefined)[] = ['suite', 'group', 'signature', undefined]

export interface LeafChoice {
  readonly key: LeafKey
  /** Says in words what the client does not offer, where it can use no key and the handshake will fail; else undefined. */
  readonly missing: string | undefined
}

/** P-256 where the client can use it, else RSA with 2048 bits, else P-384. Where the client can use none, `missing` says why. */
export function leafKeyFor(hello: ClientHello, versions: VersionRange): LeafChoice {
  const version = versionOf(hello, versions)
  // Without a common version OpenSSL fails for any key, and its error says why.
  if (version === undefined) return { key: 'p256', missing: undefined }
  let most: Lack | undefined = 'suite'
  for (const key of KEYS) {
    const lack = version === TLS_1_3 ? lackIn13(hello, key) : lackBefore13(hello, key, version)
    if (lack === undefined) return { key, missing: undefined }
    if (LACKS.indexOf(lack) > LACKS.indexOf(most)) most = lack
  }
  return { key: 'p256', missing: sentence(hello, most) }
}

/** The version that OpenSSL will choose. */
function versionOf({ supportedVersions, legacyVersion }: ClientHello, { min, max }: VersionRange): number | undefined {
  // A client without supported_versions offers every version up to the legacy one, TLS 1.2 at most (RFC 8446, 4.2.1).
  const highest = Math.min(legacyVersion, TLS_1_2, max)
  const offered = supportedVersions.length > 0 ? supportedVersions : [highest]
  const common = offered.filter((version) => version >= min && version <= max)
  return common.length > 0 ? Math.max(...common) : undefined
}

function lackIn13(hello: ClientHello, key: LeafKey): Lack | undefined {
  if (!some(hello.cipherSuites, SUITES.tls13)) return 'suite'
  if (!some(hello.supportedGroups, [...CURVES, ...FINITE_FIELDS])) return 'group'
  return some(hello.signatureAlgorithms, SCHEMES.tls13[key]) ? undefined : 'signature'
}

function lackBefore13(hello: ClientHello, key: LeafKey, version: number): Lack | undefined {
  const { cipherSuites, supportedGroups, signatureAlgorithms } = hello
  const offers = ({ cbc, aead }: { cbc: readonly number[]; aead: readonly number[] }) =>
    some(cipherSuites, cbc) || (version === TLS_1_2 && some(cipherSuites, aead))
  // A client that names no groups accepts any (RFC 8422, 4), but OpenSSL chooses none for it: only RSA without ECDHE is left.
  const takes = (groups: readonly number[]) => some(supportedGroups, groups)
  if (key === 'rsa2048') {
    const ephemeral = offers(SUITES.ecdheRsa)
    if (!offers(SUITES.rsa) && !(ephemeral && takes(CURVES))) return ephemeral ? 'group' : 'suite'
  } else {
    if (!offers(SUITES.ecdsa)) return 'suite'
    // The list of groups also says which curves the certificate's key may have (RFC 8422, 5.1.1).
    if (!takes([key === 'p256' ? P256 : P384])) return 'group'
  }
  // Without signature_algorithms a client accepts SHA-1 with the suite's kind of key (RFC 5246, 7.4.1.4.1), as all do before TLS 1.2.
  if (version < TLS_1_2 || signatureAlgorithms.length === 0) return undefined
  return some(signatureAlgorithms, key === 'rsa2048' ? SCHEMES.rsa : SCHEMES.ecdsa) ? undefined : 'signature'
}

const some = (offered: readonly number[], known: readonly number[]) => offered.some((value) => known.includes(value))

/** The most offers of a client that a sentence lists. */
const SHOWN = 8

function sentence({ cipherSuites, supportedGroups, signatureAlgorithms }: ClientHello, lack: Lack): string {
  const shown = (values: readonly number[]) => {
    const list = values.slice(0, SHOWN).map((value) => `0x${value.toString(16).padStart(4, '0')}`)
    const more = values.length > SHOWN ? ` and ${values.length - SHOWN} others` : ''
    return list.length > 0 ? `${list.join(', ')}${more}` : 'none'
  }
  switch (lack) {
    case 'suite':
      return `a cipher suite that midwire has is missing (offered: ${shown(cipherSuites)})`
    case 'group':
      return `a group for the key exchange that midwire has is missing (offered: ${shown(supportedGroups)})`
    case 'signature':
      return `a signature scheme that midwire can have a key for is missing (offered: ${shown(signatureAlgorithms)})`
  }
}
