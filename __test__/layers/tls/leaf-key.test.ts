// Which key a client's certificate has to have, by its ClientHello: a table.
import test from 'ava'
import { CIPHERS } from '../../../src/certs/leaf-keys.js'
import { readClientHello } from '../../../src/layers/tls/client-hello.js'
import { type LeafChoice, leafKeyFor, SUITES } from '../../../src/layers/tls/leaf-key.js'
import { captured, clientHello, PROGRAMS, u16, vector8, vector16 } from '../../support/client-hellos.js'

interface Offer {
  /** Default 0x0303. */
  version?: number
  versions?: readonly number[]
  suites: readonly number[]
  groups?: readonly number[]
  schemes?: readonly number[]
}

const DEFAULT = { min: 0x0303, max: 0x0304 }
const OLD = { min: 0x0301, max: 0x0304 }

function choose({ version = 0x0303, versions, suites, groups, schemes }: Offer, range = DEFAULT): LeafChoice {
  const extensions: [number, Buffer][] = []
  if (groups) extensions.push([10, vector16(u16(...groups))])
  if (schemes) extensions.push([13, vector16(u16(...schemes))])
  if (versions) extensions.push([43, vector8(u16(...versions))])
  const hello = readClientHello(clientHello({ version, ciphers: suites, extensions }))
  if (!hello) throw new Error('it is not whole')
  return leafKeyFor(hello, range)
}

const [P256, P384, X25519, BRAINPOOL] = [23, 24, 29, 26]
const ECDSA = [0xc02b, 0xc009]
const RSA_ECDHE = [0xc02f, 0xc013]
const RSA_STATIC = [0x002f]
const ALL = [...ECDSA, ...RSA_ECDHE, ...RSA_STATIC]
const TLS13 = { versions: [0x0304, 0x0303], suites: [0x1301, ...ALL], groups: [X25519, P256] }
const [ECDSA_256, ECDSA_384, ECDSA_SHA1] = [0x0403, 0x0503, 0x0203]
const [RSA_256, RSA_PSS, RSA_SHA1] = [0x0401, 0x0804, 0x0201]

for (const [what, offer, key] of [
  // TLS 1.3: signature schemes alone count (RFC 8446, 4.2.3).
  ['TLS 1.3 with all schemes', { ...TLS13, schemes: [RSA_PSS, ECDSA_384, ECDSA_256] }, 'p256'],
  ['TLS 1.3 with RSA-PSS alone', { ...TLS13, schemes: [RSA_PSS] }, 'rsa2048'],
  ['TLS 1.3 with P-384 alone', { ...TLS13, schemes: [ECDSA_384] }, 'p384'],
  ['TLS 1.3 with RSA and P-384', { ...TLS13, schemes: [ECDSA_384, RSA_PSS] }, 'rsa2048'],
  ['TLS 1.3 with the group P-384 alone', { ...TLS13, groups: [P384], schemes: [ECDSA_256] }, 'p256'],
  ['TLS 1.3, where PKCS#1 is for chains only', { ...TLS13, schemes: [RSA_256, ECDSA_384] }, 'p384'],
  // TLS 1.2: suites, groups (RFC 8422, 5.1.1) and schemes.
  ['everything', { suites: ALL, groups: [P256], schemes: [RSA_256, ECDSA_256] }, 'p256'],
  ['no extensions at all', { suites: ALL }, 'rsa2048'],
  ['groups alone', { suites: ALL, groups: [P256] }, 'p256'],
  ['groups alone, and RSA', { suites: RSA_ECDHE, groups: [P256] }, 'rsa2048'],
  ['ECDSA, with SHA-1 for its schemes', { suites: ECDSA, groups: [P256], schemes: [ECDSA_SHA1] }, 'p256'],
  ['RSA suites', { suites: RSA_ECDHE, groups: [P256, X25519], schemes: [RSA_256, ECDSA_256] }, 'rsa2048'],
  ['RSA without ECDHE', { suites: RSA_STATIC, schemes: [RSA_256] }, 'rsa2048'],
  ['RSA without ECDHE, or any extension', { suites: RSA_STATIC }, 'rsa2048'],
  ['RSA without ECDHE, and groups that we lack', { suites: [0xc02f, 0x002f], groups: [BRAINPOOL] }, 'rsa2048'],
  ['RSA with SHA-1 alone', { suites: RSA_ECDHE, groups: [P256], schemes: [RSA_SHA1] }, 'rsa2048'],
  ['all suites, and schemes of RSA alone', { suites: ALL, groups: [P256], schemes: [RSA_256] }, 'rsa2048'],
  ['all suites, and schemes of ECDSA alone', { suites: ALL, groups: [P256], schemes: [ECDSA_256] }, 'p256'],
  ['all suites, and P-384 alone', { suites: ALL, groups: [P384], schemes: [RSA_256, ECDSA_384] }, 'rsa2048'],
  ['all suites, and X25519 alone', { suites: ALL, groups: [X25519], schemes: [RSA_256, ECDSA_256] }, 'rsa2048'],
  ['ECDSA suites, and P-384 alone', { suites: ECDSA, groups: [P384], schemes: [ECDSA_384] }, 'p384'],
  ['ECDSA suites, P-384, and any hash', { suites: ECDSA, groups: [P384], schemes: [ECDSA_256] }, 'p384'],
  ['all suites, P-384 and ECDSA alone', { suites: ALL, groups: [P384], schemes: [ECDSA_384] }, 'p384'],
  ['TLS 1.2 at most, by its list of versions', { versions: [0x0303], suites: RSA_STATIC }, 'rsa2048'],
  ['GREASE', { ...TLS13, versions: [0x7a7a, 0x0304], groups: [0x1a1a, X25519], schemes: [0x2a2a, RSA_PSS] }, 'rsa2048'],
] as const satisfies [string, Offer, string][]) {
  test(what, (t) => {
    t.deepEqual(choose(offer), { key, missing: undefined })
  })
}

test('before TLS 1.2 there are no schemes, and CBC alone', (t) => {
  const before = { version: 0x0301, groups: [P256] }
  const key = (suites: number[], schemes?: number[]) => choose({ ...before, suites, ...(schemes && { schemes }) }, OLD)
  t.is(key([0xc009]).key, 'p256')
  t.is(key([0xc009], [RSA_256]).key, 'p256', 'they mean nothing there')
  t.is(key([0xc02b, 0xc013]).key, 'rsa2048', 'GCM is of TLS 1.2')
  t.is(key([0x009c, 0x002f]).key, 'rsa2048')
  t.regex(key([0x009c, 0xc02b]).missing ?? '', /a cipher suite .*offered: 0x009c, 0xc02b\)$/)
  // Where the client's highest version is refused, OpenSSL says so.
  t.deepEqual(choose({ ...before, suites: [0x0005] }), { key: 'p256', missing: undefined })
})

test('the version is the highest of both', (t) => {
  const offer = { ...TLS13, schemes: [ECDSA_384, RSA_256] }
  t.is(choose(offer).key, 'p384')
  t.is(choose(offer, { min: 0x0303, max: 0x0303 }).key, 'p256')
})

for (const [what, offer, sentence] of [
  ['suites', { suites: [0x0005, 0x000a] }, 'a cipher suite that midwire has is missing (offered: 0x0005, 0x000a)'],
  [
    'suites of TLS 1.3',
    { ...TLS13, suites: [0x1304, 0xc02b] },
    'a cipher suite that midwire has is missing (offered: 0x1304, 0xc02b)',
  ],
  ['no groups', { suites: [0xc02f] }, 'a group for the key exchange that midwire has is missing (offered: none)'],
  [
    'groups',
    { suites: [0xc02f], groups: [BRAINPOOL] },
    'a group for the key exchange that midwire has is missing (offered: 0x001a)',
  ],
  [
    'schemes',
    { suites: ALL, groups: [P256], schemes: [0x0402] },
    'a signature scheme that midwire can have a key for is missing (offered: 0x0402)',
  ],
  [
    'schemes of TLS 1.3',
    { ...TLS13, schemes: [0x0603] },
    'a signature scheme that midwire can have a key for is missing (offered: 0x0603)',
  ],
] as const satisfies [string, Offer, string][]) {
  test(`nothing fits: ${what}`, (t) => {
    const { key, missing } = choose(offer)
    t.is(key, 'p256')
    t.true(missing === sentence, missing)
  })
}

test('a sentence names eight offers at most', (t) => {
  const suites = Array.from({ length: 200 }, (_, index) => 0x5000 + index)
  const eight = '0x5000, 0x5001, 0x5002, 0x5003, 0x5004, 0x5005, 0x5006, 0x5007'
  t.true(choose({ suites }).missing?.endsWith(`${eight} and 192 others)`))
})

test('programs of today have P-256', (t) => {
  for (const program of PROGRAMS) {
    const hello = readClientHello(captured(program))
    t.deepEqual(hello && leafKeyFor(hello, DEFAULT), { key: 'p256', missing: undefined }, program)
  }
})

test('there are as many suites here as the certificate store has', (t) => {
  const counted = (lists: readonly { cbc: readonly number[]; aead: readonly number[] }[]) =>
    lists.reduce((sum, { cbc, aead }) => sum + cbc.length + aead.length, 3)
  t.is(CIPHERS.p256.split(':').length, counted([SUITES.ecdsa]))
  t.is(CIPHERS.rsa2048.split(':').length, counted([SUITES.ecdheRsa, SUITES.rsa]))
})
