// Reads a PCAPNG file with the eyes of a test: blocks, packets of IP, and the streams in them. Written from the formats, and not from what midwire writes.
import { ipText } from '../../src/addresses.js'

export interface Packet {
  readonly number: number
  /** Microseconds since the epoch. */
  readonly time: number
  readonly protocol: number
  readonly source: string
  readonly destination: string
  /** TCP: flags, sequence and acknowledgment number. */
  readonly flags: number
  readonly sequence: number
  readonly acknowledgment: number
  readonly data: Buffer
  /** Whether the checksums of IP and of what is in it are right. */
  readonly isSound: boolean
}

export interface Capture {
  /** The types of all blocks. */
  readonly types: readonly number[]
  readonly secrets: string
  readonly packets: readonly Packet[]
}

export function readCapture(file: Buffer): Capture {
  const types: number[] = []
  const packets: Packet[] = []
  let secrets = ''
  for (let at = 0; at < file.length; ) {
    const [type, length] = [file.readUInt32LE(at), file.readUInt32LE(at + 4)]
    if (length % 4 !== 0 || file.readUInt32LE(at + length - 4) !== length) throw new Error(`a block at ${at} is broken`)
    const body = file.subarray(at + 8, at + length - 4)
    types.push(type)
    if (type === 10) secrets += body.subarray(8, 8 + body.readUInt32LE(4)).toString()
    if (type === 6) {
      const time = body.readUInt32LE(4) * 2 ** 32 + body.readUInt32LE(8)
      packets.push(readPacket(body.readUInt32LE(0), time, body.subarray(20, 20 + body.readUInt32LE(12))))
    }
    at += length
  }
  return { types, secrets, packets }
}

export function readPacket(number: number, time: number, packet: Buffer): Packet {
  const isSix = (packet[0] ?? 0) >> 4 === 6
  const [protocol = 0, length, head] = isSix
    ? [packet[6], packet.readUInt16BE(4) + 40, 40]
    : [packet[9], packet.readUInt16BE(2), 20]
  const addresses = isSix ? packet.subarray(8, 40) : packet.subarray(12, 20)
  const payload = packet.subarray(head)
  const half = addresses.length / 2
  const place = (from: number, port: number) =>
    `${ipText(addresses.subarray(from, from + half))} ${payload.readUInt16BE(port)}`
  const pseudo = Buffer.concat([addresses, Buffer.from([0, protocol, payload.length >> 8, payload.length & 255])])
  const isTcp = protocol === 6
  return {
    number,
    time,
    protocol,
    source: place(0, 0),
    destination: place(half, 2),
    flags: isTcp ? (payload[13] ?? 0) : 0,
    sequence: isTcp ? payload.readUInt32BE(4) : 0,
    acknowledgment: isTcp ? payload.readUInt32BE(8) : 0,
    data: payload.subarray(isTcp ? ((payload[12] ?? 0) >> 4) * 4 : 8),
    isSound:
      length === packet.length &&
      (isSix || folded(packet.subarray(0, 20)) === 0xffff) &&
      folded(Buffer.concat([pseudo, payload])) === 0xffff,
  }
}

/** The ones' complement sum of bytes that have their checksum among them: all ones. */
function folded(bytes: Buffer): number {
  let total = 0
  for (let at = 0; at < bytes.length; at += 1) total += (bytes[at] ?? 0) << (at % 2 ? 0 : 8)
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16)
  return total
}

/** The bytes of each stream in both directions, by `SOURCE > DESTINATION`, as the sequence numbers have them. Throws for a hole. */
export function streamsOf(packets: readonly Packet[]): Map<string, Buffer> {
  const next = new Map<string, number>()
  const streams = new Map<string, Buffer>()
  for (const { source, destination, protocol, flags, sequence, data } of packets) {
    if (protocol !== 6) continue
    const name = `${source} > ${destination}`
    if (flags & 2) next.set(name, sequence)
    if (next.get(name) !== sequence) throw new Error(`a hole in ${name}: ${next.get(name)} and then ${sequence}`)
    streams.set(name, Buffer.concat([streams.get(name) ?? Buffer.alloc(0), data]))
    next.set(name, (sequence + data.length + (flags & 3 ? 1 : 0)) >>> 0)
  }
  return streams
}
