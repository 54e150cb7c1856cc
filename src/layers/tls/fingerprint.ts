// JA3 and JA4: fingerprints of the program that has made a ClientHello.
import { hash } from 'node:crypto'
import type { ClientHello } from './client-hello.js'

/** The values 0x0a0a, 0x1a1a ... 0xfafa (RFC 8701). Clients send them at random, so fingerprints leave them out. */
export const isGrease = (value: number): boolean => (value & 0x0f0f) === 0x0a0a && value >>> 8 === (value & 0xff)

const withoutGrease = (values: readonly number[]) => values.filter((value) => !isGrease(value))

/** What a list says, where the last one is known: a program says the same in all of its ClientHellos, but for the order of its extensions. */
function knowing(say: (list: readonly number[]) => string): (list: readonly number[]) => string {
  let last = { list: [] as readonly number[], said: say([]) }
  return (list) => {
    if (!isEqual(last.list, list)) last = { list, said: say(list) }
    return last.said
  }
}

function isEqual(one: readonly number[], other: readonly number[]): boolean {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}

/** The same of texts that are hashed. */
function remembering(algorithm: 'md5' | 'sha256'): (text: string) => string {
  let last = { text: '', hash: hash(algorithm, '') }
  return (text) => {
    if (last.text !== text) last = { text, hash: hash(algorithm, text) }
    return last.hash
  }
}

const md5 = remembering('md5')
const sha256OfCiphers = remembering('sha256')
const sha256OfExtensions = remembering('sha256')

/** JA3 (salesforce/ja3): the text `version,ciphers,extensions,groups,point formats`, each a list of decimals, and the MD5 of it. */
export function ja3(hello: ClientHello): { text: string; hash: string } {
  const { legacyVersion, cipherSuites, extensions, supportedGroups, ecPointFormats } = hello
  const types = decimals(withoutGrease(extensions))
  const text = `${legacyVersion},${ciphersOfJa3(cipherSuites)},${types},${groups(supportedGroups)},${decimals(ecPointFormats)}`
  return { text, hash: md5(text) }
}

const decimals = (list: readonly number[]) => list.join('-')
const ciphersOfJa3 = knowing((list) => decimals(withoutGrease(list)))
const groups = knowing((list) => decimals(withoutGrease(list)))

/** How the ClientHello was sent: in TLS over TCP, in QUIC, or in DTLS. */
export type Ja4Transport = 't' | 'q' | 'd'

const SERVER_NAME = 0x0000
const ALPN = 0x0010
const NOTHING = '000000000000'

const VERSIONS = new Map([
  [0x0304, '13'],
  [0x0303, '12'],
  [0x0302, '11'],
  [0x0301, '10'],
  [0x0300, 's3'],
  [0x0002, 's2'],
  [0xfeff, 'd1'],
  [0xfefd, 'd2'],
  [0xfefc, 'd3'],
])

/** JA4 (FoxIO, technical_details/JA4.md): `t13d1516h2_8daaf6152771_e5627efa2ab1`. */
export function ja4(hello: ClientHello, transport: Ja4Transport = 't'): string {
  const { ciphers, extensions } = ja4Lists(hello)
  return `${ja4Head(hello, transport)}_${digest(ciphers, sha256OfCiphers)}_${digest(extensions, sha256OfExtensions)}`
}

/** JA4_r: JA4 with the lists in place of their hashes. */
export function ja4Raw(hello: ClientHello, transport: Ja4Transport = 't'): string {
  const { ciphers, extensions } = ja4Lists(hello)
  return `${ja4Head(hello, transport)}_${ciphers}_${extensions}`
}

function ja4Head(hello: ClientHello, transport: Ja4Transport): string {
  const name = hello.extensions.includes(SERVER_NAME) ? 'd' : 'i'
  const counts = count(hello.cipherSuites) + count(hello.extensions)
  return `${transport}${ja4Version(hello)}${name}${counts}${ja4Alpn(hello.alpn[0])}`
}

function ja4Lists(hello: ClientHello): { ciphers: string; extensions: string } {
  const named = withoutGrease(hello.extensions).filter((type) => type !== SERVER_NAME && type !== ALPN)
  const algorithms = algorithmsOfJa4(withoutGrease(hello.signatureAlgorithms))
  const extensions = extensionsOfJa4(inOrder(named))
  return {
    ciphers: ciphersOfJa4(hello.cipherSuites),
    extensions: algorithms === '' ? extensions : `${extensions}_${algorithms}`,
  }
}

const inOrder = (values: number[]) => values.sort((a, b) => a - b)
const hex = (values: readonly number[]) => values.map((value) => value.toString(16).padStart(4, '0')).join(',')
const ciphersOfJa4 = knowing((list) => hex(inOrder(withoutGrease(list))))
const extensionsOfJa4 = knowing(hex)
const algorithmsOfJa4 = knowing(hex)

const digest = (list: string, by: (text: string) => string) => (list === '' ? NOTHING : by(list).slice(0, 12))

const count = (values: readonly number[]) => String(Math.min(withoutGrease(values).length, 99)).padStart(2, '0')

/** The newest version that the client offers. In DTLS a newer version is a smaller number. */
function ja4Version({ legacyVersion, supportedVersions }: ClientHello): string {
  const offered = withoutGrease(supportedVersions)
  const dtls = legacyVersion >>> 8 === 0xfe
  const newest = offered.reduce(
    (best, one) => ((dtls ? one < best : one > best) ? one : best),
    offered[0] ?? legacyVersion,
  )
  return VERSIONS.get(newest) ?? '00'
}

/** The first and last character of the first protocol, or of its bytes in hex where one of the two is not a letter or digit. */
function ja4Alpn(protocol = ''): string {
  if (protocol === '') return '00'
  const text = /^[0-9a-z](.*[0-9a-z])?$/is.test(protocol) ? protocol : Buffer.from(protocol, 'latin1').toString('hex')
  return `${text.at(0)}${text.at(-1)}`
}
