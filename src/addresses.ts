// IP addresses as bytes and as text, and hosts beside ports. One spelling is applied where an address enters midwire, so that all other code can compare texts.
import { isIP, isIPv6 } from 'node:net'
import type { Address } from './connection.js'

/**
 * An IP address in its shortest form (RFC 5952), without a zone (RFC 4007). An IPv4 address that is mapped into IPv6 (RFC 4291,
 * 2.5.5.2), in any spelling, becomes an IPv4 address. Undefined for a text that is no address.
 */
export function plainAddress(text: string): string | undefined {
  const address = text.replace(/%.*$/s, '')
  const family = isIP(address)
  if (family === 4) return address
  if (family !== 6) return undefined
  // The URL parser writes an IPv6 address in its shortest form (WHATWG URL, 4.5), also one with a dotted quad in it.
  const short = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short)
  if (!mapped) return short
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)]
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

/** The address and port of one end of a connection, from the text that the operating system gave for the address. */
export function addressOf(text: string, port: number): Address {
  const address = plainAddress(text) ?? text
  return { address, port, family: isIPv6(address) ? 6 : 4 }
}

/** The 4 or 16 bytes of an IP address; undefined for a text that is none, and for one with a zone. */
export function ipBytes(address: string): Uint8Array | undefined {
  const family = isIP(address)
  if (family === 4) return Uint8Array.from(address.split('.'), Number)
  if (family !== 6 || address.includes('%')) return undefined
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [head = '', tail = ''] = text.split('::')
  const words = (part: string) => (part ? part.split(':').map((word) => Number.parseInt(word, 16)) : [])
  const [first, last] = [words(head), words(tail)]
  const all = [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last]
  const bytes = new Uint8Array(16)
  all.forEach((word, index) => {
    bytes[2 * index] = word >> 8
    bytes[2 * index + 1] = word & 0xff
  })
  return bytes
}

/** The text of an IP address of 4 or 16 bytes, in its shortest form. */
export function ipText(bytes: Buffer): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
  const words: string[] = []
  for (let at = 0; at < 16; at += 2) words.push(bytes.readUInt16BE(at).toString(16))
  return new URL(`http://[${words.join(':')}]`).hostname.slice(1, -1)
}

/** A host as it stands in a URL or before a port: IPv6 addresses are in brackets (RFC 3986, 3.2.2). `host` has none yet. */
export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** Host and port as text: `1.2.3.4:5`, `[::1]:5`, `example.org:5`. */
export const hostPort = (host: string, port: number): string => `${bracketed(host)}:${port}`
