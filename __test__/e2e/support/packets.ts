// IP packets byte by byte, for what no ordinary socket sends; and the way into a namespace for them.
import { fileURLToPath } from 'node:url'
import type { Namespace } from './netns.js'
import { run } from './processes.js'

// Python has no place in build/: it runs where it lies.
const script = fileURLToPath(new URL('../../../../__test__/e2e/programs/raw.py', import.meta.url))

function checksum(parts: readonly Buffer[]): number {
  const bytes = Buffer.concat(parts)
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at] as number) * 256 + (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2)
  for (const [at, value] of values.entries()) bytes.writeUInt16BE(value & 0xffff, at * 2)
  return bytes
}

/** The 4 or 16 bytes of an address. */
export function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number))
  const [front = '', back] = address.split('::')
  const groups = (text: string | undefined) => (text ? text.split(':').map((group) => Number.parseInt(group, 16)) : [])
  const [before, after] = [groups(front), groups(back)]
  return words(...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after)
}

function addressText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.')
  return Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16)).join(':')
}

/** A header of either family in front of an upper-layer message. */
export function ip(source: string, destination: string, protocol: number, payload: Buffer): Buffer {
  const [from, to] = [addressBytes(source), addressBytes(destination)]
  if (from.length === 16) {
    const head = words(0x6000, 0, payload.length, (protocol << 8) | 64)
    return Buffer.concat([head, from, to, payload])
  }
  const head = Buffer.concat([words(0x4500, 20 + payload.length, 1, 0, (64 << 8) | protocol, 0), from, to])
  head.writeUInt16BE(checksum([head]), 10)
  return Buffer.concat([head, payload])
}

/** The checksum's own header in front of a message (RFC 9293, 3.1; RFC 8200, 8.1; for short messages both come to the same). */
function pseudo(source: string, destination: string, protocol: number, length: number): Buffer {
  return Buffer.concat([addressBytes(source), addressBytes(destination), words(protocol, length)])
}

export interface End {
  address: string
  port: number
}

export const flag = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, ece: 64, cwr: 128 } as const

/** What a segment may say besides its flags, sequence number and data. */
export interface SegmentExtras {
  acknowledgement?: number
  window?: number
  /** A whole number of 32-bit words. */
  options?: Buffer
}

/** A TCP segment without its IP header. */
export function segment(
  source: End,
  destination: End,
  flags: number,
  sequence = 1,
  data: Buffer = Buffer.alloc(0),
  { acknowledgement = 0, window = 65_535, options = Buffer.alloc(0) }: SegmentExtras = {},
): Buffer {
  const head = Buffer.alloc(20)
  head.writeUInt16BE(source.port, 0)
  head.writeUInt16BE(destination.port, 2)
  head.writeUInt32BE(sequence, 4)
  head.writeUInt32BE(acknowledgement, 8)
  head.writeUInt16BE(((5 + options.length / 4) << 12) | flags, 12)
  head.writeUInt16BE(window, 14)
  const bytes = Buffer.concat([head, options, data])
  const sum = checksum([pseudo(source.address, destination.address, 6, bytes.length), bytes])
  bytes.writeUInt16BE(sum, 16)
  return bytes
}

type SegmentArguments = Parameters<typeof segment> extends [End, End, ...infer Rest] ? Rest : never

export function tcp(source: End, destination: End, ...rest: SegmentArguments): Buffer {
  return ip(source.address, destination.address, 6, segment(source, destination, ...rest))
}

/** A router's word that a packet of ours is longer than its next link takes (RFC 792 and RFC 1191; RFC 4443, 3.2). */
export function tooBig(router: string, original: Buffer, mtu: number): Buffer {
  const six = original[0] === 0x60
  const source = original.subarray(six ? 8 : 12, six ? 24 : 16)
  const message = Buffer.concat([
    six ? words(0x0200, 0, 0, mtu) : words(0x0304, 0, 0, mtu),
    original.subarray(0, six ? 600 : 28),
  ])
  const to = addressText(source)
  message.writeUInt16BE(checksum(six ? [pseudo(router, to, 58, message.length), message] : [message]), 2)
  return ip(router, to, six ? 58 : 1, message)
}

export function udp(source: End, destination: End, data: Buffer): Buffer {
  const datagram = Buffer.concat([words(source.port, destination.port, 8 + data.length, 0), data])
  const sum = checksum([pseudo(source.address, destination.address, 17, datagram.length), datagram])
  datagram.writeUInt16BE(sum || 0xffff, 6)
  return ip(source.address, destination.address, 17, datagram)
}

async function inject(namespace: Namespace, where: string[], packets: readonly Buffer[]): Promise<void> {
  const input = Buffer.concat(packets.flatMap((packet) => [words(packet.length), packet]))
  const { code, stderr } = await run('ip', namespace.command('python3', script, ...where), { input })
  if (code !== 0) throw new Error(`${script} ${where.join(' ')}: ${stderr}`)
}

/** Puts packets into a client's tunnel, past its kernel's routes and checks. */
export function intoDevice(namespace: Namespace, device: string, packets: readonly Buffer[]): Promise<void> {
  return inject(namespace, ['device', device], packets)
}

/** Sends IPv4 packets with any source on the ordinary network. */
export function byRoute(namespace: Namespace, packets: readonly Buffer[]): Promise<void> {
  return inject(namespace, ['ip'], packets)
}
