// IP addresses as bytes and as text.
import { isIP, isIPv4 } from 'node:net'
import type { Address } from '../connection.js'
import { MidwireError } from '../errors.js'
import * as records from './records.js'

/** 4 or 16 bytes, or a MidwireError that says what the address was for. */
export function addressBytes(address: string, purpose: string): Uint8Array {
  const family = isIP(address)
  if (family === 4) return Uint8Array.from(address.split('.'), Number)
  if (family === 6 && !address.includes('%')) return ipv6Bytes(address)
  throw new MidwireError('ERR_ADDRESS', `${purpose} is not an IP address: ${JSON.stringify(address)}`)
}

function ipv6Bytes(address: string): Uint8Array {
  // The URL parser writes any form of an IPv6 address in its shortest one (WHATWG URL, 4.5), dotted quads included.
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

function addressText(bytes: Buffer, ipv6: boolean): string {
  if (!ipv6) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
  const words: string[] = []
  for (let at = 0; at < 16; at += 2) words.push(bytes.readUInt16BE(at).toString(16))
  return new URL(`http://[${words.join(':')}]`).hostname.slice(1, -1)
}

function end(bytes: Buffer, port: number, ipv6: boolean): Address {
  return { address: addressText(bytes, ipv6), port, family: ipv6 ? 6 : 4 }
}

export const sourceOf = (header: Buffer): Address =>
  end(records.sourceBytes(header), records.sourcePort(header), records.isIpv6(header))

export const destinationOf = (header: Buffer): Address =>
  end(records.destinationBytes(header), records.destinationPort(header), records.isIpv6(header))

/** `1.2.3.4:5`, `[::1]:5`. */
export const hostPort = (host: string, port: number): string =>
  isIPv4(host) || !host.includes(':') ? `${host}:${port}` : `[${host}]:${port}`
