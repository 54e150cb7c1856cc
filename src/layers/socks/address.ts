// A place as SOCKS5 writes it (RFC 1928, 5): the type of the address, the address or the name, and the port.
import { ipBytes, ipText, plainAddress } from '../../addresses.js'

export interface SocksPlace {
  /** A name or an address. */
  readonly host: string
  readonly port: number
}

/** Types of addresses. */
export const KIND = { ipv4: 1, name: 3, ipv6: 4 } as const

/** A name is no longer than what one byte counts. */
const LONGEST_NAME = 255

/** Type, address and port, with names unresolved. Undefined for a name that is empty or too long. */
export function socksAddress({ host, port }: SocksPlace): Buffer | undefined {
  const bytes = ipBytes(host)
  const name = Buffer.from(host)
  if (!bytes && (name.length > LONGEST_NAME || name.length === 0)) return undefined
  const kind = bytes ? [bytes.length === 4 ? KIND.ipv4 : KIND.ipv6] : [KIND.name, name.length]
  return Buffer.from([...kind, ...(bytes ?? name), port >> 8, port & 0xff])
}

/** The host in 4 or 16 bytes of an address. */
export function hostOf(bytes: Buffer): string {
  const text = ipText(bytes)
  return plainAddress(text) ?? text
}

/** Reads a place that begins at `start`, and where it ends. Undefined where the bytes end before, and for a type of nobody. */
export function readSocksAddress(bytes: Buffer, start: number): { place: SocksPlace; end: number } | undefined {
  const kind = bytes[start]
  const from = kind === KIND.name ? start + 2 : start + 1
  const length = kind === KIND.ipv4 ? 4 : kind === KIND.ipv6 ? 16 : kind === KIND.name ? bytes[start + 1] : undefined
  if (length === undefined || bytes.length < from + length + 2) return undefined
  const host = bytes.subarray(from, from + length)
  const port = bytes.readUInt16BE(from + length)
  return { place: { host: kind === KIND.name ? host.toString() : hostOf(host), port }, end: from + length + 2 }
}

/** Whether a connection can lead there. A name goes on as it is, to a resolver or a proxy: no byte may be in it that is none of a host's. */
export const isPlace = ({ host, port }: SocksPlace): boolean => /^[\w.:-]+$/.test(host) && port > 0

/** Whether a host stands for no address in particular: 0.0.0.0 or ::. */
export const isUnspecified = (host: string): boolean => host === '0.0.0.0' || host === '::'
