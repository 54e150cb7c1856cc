// Reads a TLS ClientHello (RFC 8446, 4.1.2) from the records that carry it.
import { canonicalName } from '../../flow/host-name.js'
import { ClientHelloError } from './error.js'
import { Reader } from './reader.js'
import { handshakeOf } from './records.js'

export { ClientHelloError } from './error.js'

/** Lists are in the order in which they were sent; GREASE (RFC 8701) is kept everywhere. */
export interface ClientHello {
  /** The version of the first record: 0x0301 nearly always. */
  readonly recordVersion: number
  /** 0x0303 at most; TLS 1.3 is in `supportedVersions`. */
  readonly legacyVersion: number
  /** 32 bytes. */
  readonly random: Buffer
  readonly sessionIdLength: number
  readonly cipherSuites: readonly number[]
  readonly compressionMethods: readonly number[]
  /** Types of the extensions. */
  readonly extensions: readonly number[]
  /** The name that the client wants, in lower case and without a dot at its end; undefined for none, and for an address. */
  readonly sni: string | undefined
  /** The name or address as the client has sent it, latin1. */
  readonly serverName: string | undefined
  /** The client has sent an address where only names may stand (RFC 6066, 3). */
  readonly serverNameIsAddress: boolean
  /** The protocols that the client offers; latin1, a character a byte. */
  readonly alpn: readonly string[]
  readonly supportedVersions: readonly number[]
  readonly supportedGroups: readonly number[]
  readonly ecPointFormats: readonly number[]
  readonly signatureAlgorithms: readonly number[]
  readonly keyShareGroups: readonly number[]
  /** The client offers to resume a session (TLS 1.3). */
  readonly psk: boolean
  readonly earlyData: boolean
  /** There is an Encrypted ClientHello, or GREASE that looks the same. `sni` is then the name of the outer ClientHello. */
  readonly ech: boolean
}

/** A ClientHello while its fields are being set. */
type Draft = { -readonly [Field in keyof ClientHello]: ClientHello[Field] }

const SERVER_NAME = 0
const SUPPORTED_GROUPS = 10
const EC_POINT_FORMATS = 11
const SIGNATURE_ALGORITHMS = 13
const ALPN = 16
const PRE_SHARED_KEY = 41
const EARLY_DATA = 42
const SUPPORTED_VERSIONS = 43
const KEY_SHARE = 51
const ENCRYPTED_CLIENT_HELLO = 0xfe0d

const LONGEST_NAME = 255
/** A-labels, and underscores, which some clients send. Of other bytes each reader makes something else. */
const NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/
const ADDRESS = /^(\d{1,3}(\.\d{1,3}){3}|\[?[0-9a-f]*:[0-9a-f:.]*\]?)$/i

/**
 * The ClientHello at the start of `bytes`, which are all that the client has sent so far; undefined until all of it has come. Throws a
 * ClientHelloError where the bytes are not a ClientHello, or it does not end within 64 KiB.
 */
export function readClientHello(bytes: Buffer): ClientHello | undefined {
  const handshake = handshakeOf(bytes)
  return handshake && parseClientHello(handshake, bytes.readUInt16BE(1))
}

/** A ClientHello without records and handshake header, as QUIC's CRYPTO frames have it. Throws a ClientHelloError. */
export function parseClientHello(body: Buffer, recordVersion: number): ClientHello {
  const reader = new Reader(body)
  const hello: Draft = {
    recordVersion,
    legacyVersion: reader.u16(),
    random: reader.take(32),
    sessionIdLength: reader.vector8(0, 32).left,
    cipherSuites: reader.vector16(2).u16s(),
    compressionMethods: reader.vector8(1).u8s(),
    extensions: [],
    sni: undefined,
    serverName: undefined,
    serverNameIsAddress: false,
    alpn: [],
    supportedVersions: [],
    supportedGroups: [],
    ecPointFormats: [],
    signatureAlgorithms: [],
    keyShareGroups: [],
    psk: false,
    earlyData: false,
    ech: false,
  }
  // Up to TLS 1.2 a ClientHello may end without extensions (RFC 5246, 7.4.1.2).
  if (reader.left === 0) return hello
  const extensions = reader.vector16()
  reader.end()
  const types = new Set<number>()
  while (extensions.left > 0) {
    const type = extensions.u16()
    if (types.has(type)) throw new ClientHelloError(`extension ${type} is there twice`)
    types.add(type)
    readExtension(hello, type, extensions.vector16())
  }
  hello.extensions = [...types]
  return hello
}

function readExtension(hello: Draft, type: number, data: Reader): void {
  switch (type) {
    case SERVER_NAME:
      readServerName(hello, data)
      break
    case SUPPORTED_GROUPS:
      hello.supportedGroups = data.vector16(2).u16s()
      break
    case EC_POINT_FORMATS:
      hello.ecPointFormats = data.vector8(1).u8s()
      break
    case SIGNATURE_ALGORITHMS:
      hello.signatureAlgorithms = data.vector16(2).u16s()
      break
    case ALPN:
      hello.alpn = readProtocols(data.vector16(2))
      break
    case SUPPORTED_VERSIONS:
      hello.supportedVersions = data.vector8(2).u16s()
      break
    case KEY_SHARE:
      hello.keyShareGroups = readKeyShares(data.vector16())
      break
    case PRE_SHARED_KEY:
      hello.psk = true
      return
    case EARLY_DATA:
      hello.earlyData = true
      break
    case ENCRYPTED_CLIENT_HELLO:
      hello.ech = true
      return
    default:
      return
  }
  data.end()
}

function readProtocols(list: Reader): string[] {
  const protocols: string[] = []
  while (list.left > 0) protocols.push(list.vector8(1).text())
  return protocols
}

function readKeyShares(list: Reader): number[] {
  const groups: number[] = []
  while (list.left > 0) {
    groups.push(list.u16())
    list.vector16(1)
  }
  return groups
}

/** Reads the one host_name. Other types of names were never defined (RFC 6066, 3), and are skipped. */
function readServerName(hello: Draft, data: Reader): void {
  const list = data.vector16(1)
  while (list.left > 0) {
    const type = list.u8()
    const name = list.vector16(1)
    if (type !== 0) continue
    if (hello.serverName !== undefined) throw new ClientHelloError('two server names')
    if (name.left > LONGEST_NAME) throw new ClientHelloError(`a server name of ${name.left} bytes`)
    setServerName(hello, name.text())
  }
}

function setServerName(hello: Draft, sent: string): void {
  for (let at = 0; at < sent.length; at++) {
    const code = sent.charCodeAt(at)
    if (code <= 0x20 || code === 0x7f) throw new ClientHelloError('a server name with a space or a control character')
  }
  hello.serverName = sent
  hello.serverNameIsAddress = ADDRESS.test(sent)
  const name = canonicalName(sent)
  hello.sni = NAME.test(name) && !hello.serverNameIsAddress ? name : undefined
}
