// Recognises protocols by the first bytes of a client.
import { all, TOKEN } from './http/h1/bytes.js'

/** Whether the bytes so far look like a protocol; `more` where that depends on bytes that have not come yet. */
export type Look = 'yes' | 'no' | 'more'

/** A TLS record with a handshake: 0x16, 0x03, 0x00 to 0x03. A version of 0x0304 is never sent (RFC 8446, 5.1). */
export function looksLikeTls(bytes: Buffer): Look {
  return head(bytes, 0x03, 0x00, 0x03)
}

/** A DTLS record with a handshake: 0x16, 0xfe, 0xfd to 0xff; ClientHellos of DTLS 1.2 have 0xff, too (RFC 6347, 4.2.1). */
export function looksLikeDtls(bytes: Buffer): Look {
  return head(bytes, 0xfe, 0xfd, 0xff)
}

function head(bytes: Buffer, major: number, from: number, to: number): Look {
  const [type, high, low] = bytes
  if ((type ?? 0x16) !== 0x16 || (high ?? major) !== major) return 'no'
  if (low === undefined) return 'more'
  return low >= from && low <= to ? 'yes' : 'no'
}

/** The version that every SOCKS client begins with: 4 or 5 (RFC 1928, 3). */
export function looksLikeSocks(bytes: Buffer): boolean {
  return bytes[0] === 5 || bytes[0] === 4
}

/** Bytes of the shortest datagram that is taken for QUIC. */
const LEAST_QUIC = 18
const QUIC_PORTS = [80, 443, 8443]
/** Version 1, version 2 and its draft, Google's Q043, Q046 and Q050. */
const QUIC_VERSIONS = [0x00000001, 0x6b3343cf, 0x709a50c4, 0x51303433, 0x51303436, 0x51303530]

/** A QUIC packet: a long header with a version that is known or greased, or any datagram to a port of HTTP/3. */
export function looksLikeQuic(datagram: Buffer, destinationPort: number): boolean {
  if (datagram.length < LEAST_QUIC || looksLikeDtls(datagram) === 'yes') return false
  if (QUIC_PORTS.includes(destinationPort)) return true
  const version = datagram.readUInt32BE(1)
  // Versions of the form ?a?a?a?a are reserved (RFC 9000, 15), for the same purpose as GREASE.
  const greased = (version & 0x0f0f0f0f) === 0x0a0a0a0a
  return (datagram.readUInt8(0) & 0x80) !== 0 && (greased || QUIC_VERSIONS.includes(version))
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** The preface of a client of HTTP/2 (RFC 9113, 3.4). The first letters are those of methods, too. */
export function looksLikeHttp2(bytes: Buffer): Look {
  const start = bytes.toString('latin1', 0, PREFACE.length)
  if (!PREFACE.startsWith(start)) return 'no'
  return start.length === PREFACE.length ? 'yes' : 'more'
}

/**
 * The bit that all packets of QUIC have (RFC 9000, 17.2 and 17.3), those in the middle of a connection, too, which has begun before the client
 * came to us. DTLS, STUN, WireGuard and OpenVPN begin without it (RFC 9443, 3), and are at home at port 443 as well.
 */
export const hasQuicBit = (datagram: Buffer): boolean => ((datagram[0] ?? 0) & 0x40) !== 0

/** Methods of RFC 9110, RFC 5789 and WebDAV. A connection that begins with one is HTTP, even where the rest of the line is wrong. */
const METHODS = new Set([
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'QUERY'],
  ...['PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'REPORT', 'SEARCH', 'MKCALENDAR', 'ACL'],
])
const LONGEST_METHOD = 32

/**
 * A request line of HTTP/1. A method that is not known must begin with three letters, and `/`, `*` or `http://` must follow it: other
 * protocols have words and spaces, too (`NICK midwire`).
 */
export function looksLikeHttp(bytes: Buffer): Look {
  const start = bytes.toString('latin1', 0, LONGEST_METHOD + 1)
  const space = start.indexOf(' ')
  const method = space === -1 ? start : start.slice(0, space)
  if (!all(method, TOKEN) || /[^a-z]/i.test(method.slice(0, 3))) return 'no'
  if (space === -1) return start.length > LONGEST_METHOD ? 'no' : 'more'
  if (method.length < 3) return 'no'
  if (METHODS.has(method)) return 'yes'
  const target = bytes.toString('latin1', space + 1, space + 1 + 'https://'.length).toLowerCase()
  if (target.startsWith('/') || target.startsWith('*')) return 'yes'
  return startsWith(target, 'http://', 'https://')
}

/** Whether a text, of which the end may not have come yet, begins with one of `starts`. */
function startsWith(text: string, ...starts: readonly string[]): Look {
  if (starts.some((start) => text.startsWith(start))) return 'yes'
  return starts.some((start) => start.startsWith(text)) ? 'more' : 'no'
}

interface Probe {
  readonly protocol: string
  readonly look: (bytes: Buffer) => Look
}

const WORD_END = /[ \r\n]/

/** Recognises a protocol of lines by its first word, in any case, with a space or the end of the line after it. */
function words(protocol: string, ...list: readonly string[]): Probe {
  const longest = Math.max(...list.map((word) => word.length))
  return {
    protocol,
    look(bytes) {
      const text = bytes.toString('latin1', 0, longest + 1).toUpperCase()
      const whole = list.some((word) => text.startsWith(word) && WORD_END.test(text[word.length] ?? ''))
      if (whole) return 'yes'
      return list.some((word) => word.startsWith(text) && text.length <= word.length) ? 'more' : 'no'
    },
  }
}

/** Recognises a protocol by its first bytes. */
function octets(protocol: string, ...list: readonly string[]): Probe {
  return { protocol, look: (bytes) => startsWith(bytes.toString('latin1', 0, 24), ...list) }
}

/** MQTT 3.1, 3.1.1 and 5.0: CONNECT, its length in one to four bytes, the protocol's name. */
function looksLikeMqtt(bytes: Buffer): Look {
  if (bytes.length > 0 && bytes[0] !== 0x10) return 'no'
  let at = 1
  while (at <= 4 && (bytes[at] ?? 0) >= 0x80) at++
  if (at > 4) return 'no'
  return startsWith(bytes.toString('latin1', at + 1, at + 9), '\0\x04MQTT', '\0\x06MQIsdp')
}

const PROBES: readonly Probe[] = [
  octets('HTTP/2 with prior knowledge, and http2 is off', 'PRI * HTTP/2.0\r\n'),
  octets('SSH', 'SSH-'),
  octets('PostgreSQL', '\0\0\0\x08\x04\xd2\x16\x2f', '\0\0\0\x08\x04\xd2\x16\x30'),
  { protocol: 'MQTT', look: looksLikeMqtt },
  words('mail', 'EHLO', 'HELO', 'LHLO', 'STLS', 'CAPA'),
  words('STARTTLS', 'STARTTLS', 'AUTH TLS', 'AUTH SSL'),
  words('IRC or FTP', 'NICK', 'USER', 'PASS', 'CAP'),
]

/** The name of a protocol that passes as raw bytes, or `more`; undefined where no such protocol begins like this. `bytes` is not empty. */
export function knownProtocol(bytes: Buffer): string | 'more' | undefined {
  let more = false
  for (const { protocol, look } of PROBES) {
    const answer = look(bytes)
    if (answer === 'yes') return protocol
    if (answer === 'more') more = true
  }
  return more ? 'more' : undefined
}
