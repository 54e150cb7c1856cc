// One spelling of an IP address: applied where an address enters, so that nothing behind has to think of the others.
import { isIP, isIPv6 } from 'node:net'
import type { Address } from './connection.js'

/**
 * An IP address in its shortest form (RFC 5952), without a zone (RFC 4007), and as IPv4 where it is an IPv4 address mapped into IPv6
 * (RFC 4291, 2.5.5.2), however that is written. Undefined for a text that is no address.
 */
export function plainAddress(text: string): string | undefined {
  const address = text.replace(/%.*$/s, '')
  const family = isIP(address)
  if (family === 4) return address
  if (family !== 6) return undefined
  // The URL parser writes any form of an IPv6 address in its shortest one (WHATWG URL, 4.5), dotted quads included.
  const short = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short)
  if (!mapped) return short
  const [high, low] = [Number.parseInt(mapped[1] ?? '', 16), Number.parseInt(mapped[2] ?? '', 16)]
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

/** One end of a connection, as the system has named it. */
export function addressOf(text: string, port: number): Address {
  const address = plainAddress(text) ?? text
  return { address, port, family: isIPv6(address) ? 6 : 4 }
}
