// Packets of IPv4 and IPv6 with TCP or UDP in them, with their checksums.
import { ipBytes } from '../../addresses.js'
import type { Address } from '../../connection.js'

const TCP = 6
const UDP = 17

/** Hops that a packet may still make. */
const HOPS = 64

/** Flags of TCP (RFC 9293, 3.1). */
export const FIN = 1
export const SYN = 2
export const RST = 4
export const PSH = 8
export const ACK = 16

/** The two ends of a packet, as bytes: both of IPv4, or both of IPv6. */
export interface Ends {
  readonly source: Uint8Array
  readonly sourcePort: number
  readonly destination: Uint8Array
  readonly destinationPort: number
}

/** The ends of packets from one address to another. An address that is not known, or of the other family, becomes that of none. */
export function endsOf(source: Address | undefined, destination: Address | undefined): Ends {
  const [from, to] = [bytesOf(source), bytesOf(destination)]
  const length = Math.max(from?.length ?? 4, to?.length ?? 4)
  return {
    source: from?.length === length ? from : new Uint8Array(length),
    sourcePort: source?.port ?? 0,
    destination: to?.length === length ? to : new Uint8Array(length),
    destinationPort: destination?.port ?? 0,
  }
}

const bytesOf = (address: Address | undefined) => address && ipBytes(address.address)

export const turnedEnds = ({ source, sourcePort, destination, destinationPort }: Ends): Ends => ({
  source: destination,
  sourcePort: destinationPort,
  destination: source,
  destinationPort: sourcePort,
})

/** A segment of TCP. `options` is a multiple of four bytes long. */
export interface Segment {
  readonly sequence: number
  readonly acknowledgment: number
  readonly flags: number
  readonly window: number
  readonly options?: Buffer
  readonly data?: Buffer
}

export function tcpPacket(ends: Ends, { sequence, acknowledgment, flags, window, options, data }: Segment): Buffer {
  const head = 20 + (options?.length ?? 0)
  const length = head + (data?.length ?? 0)
  const packet = ipPacket(ends, TCP, length)
  const tcp = packet.subarray(packet.length - length)
  tcp.writeUInt16BE(ends.sourcePort, 0)
  tcp.writeUInt16BE(ends.destinationPort, 2)
  tcp.writeUInt32BE(sequence, 4)
  tcp.writeUInt32BE(acknowledgment, 8)
  tcp[12] = head << 2
  tcp[13] = flags
  tcp.writeUInt16BE(window, 14)
  options?.copy(tcp, 20)
  data?.copy(tcp, head)
  tcp.writeUInt16BE(checksum(tcp, pseudoHeader(ends, TCP, length)), 16)
  return packet
}

/** The most bytes of a datagram that a packet of IPv4 can carry. */
const MAX_DATAGRAM = 65_507

/** A datagram; what no packet can carry of it is left out. */
export function udpPacket(ends: Ends, data: Uint8Array): Buffer {
  const carried = data.subarray(0, MAX_DATAGRAM)
  const length = 8 + carried.length
  const packet = ipPacket(ends, UDP, length)
  const udp = packet.subarray(packet.length - length)
  udp.writeUInt16BE(ends.sourcePort, 0)
  udp.writeUInt16BE(ends.destinationPort, 2)
  udp.writeUInt16BE(length, 4)
  udp.set(carried, 8)
  // A sum of zero is written as its other form: zero means that there is none (RFC 768).
  udp.writeUInt16BE(checksum(udp, pseudoHeader(ends, UDP, length)) || 0xffff, 6)
  return packet
}

/** A packet with its IP header, and room for the payload behind it. */
function ipPacket({ source, destination }: Ends, protocol: number, length: number): Buffer {
  if (source.length === 16) {
    const packet = Buffer.alloc(40 + length)
    packet[0] = 0x60
    packet.writeUInt16BE(length, 4)
    packet[6] = protocol
    packet[7] = HOPS
    packet.set(source, 8)
    packet.set(destination, 24)
    return packet
  }
  const packet = Buffer.alloc(20 + length)
  packet[0] = 0x45
  packet.writeUInt16BE(20 + length, 2)
  // Don't fragment.
  packet[6] = 0x40
  packet[8] = HOPS
  packet[9] = protocol
  packet.set(source, 12)
  packet.set(destination, 16)
  packet.writeUInt16BE(checksum(packet.subarray(0, 20), 0), 10)
  return packet
}

/** The sum of what the checksums of TCP and UDP cover beside the segment (RFC 9293, 3.1; RFC 8200, 8.1). */
const pseudoHeader = ({ source, destination }: Ends, protocol: number, length: number): number =>
  sum(source) + sum(destination) + protocol + length

/** The Internet checksum (RFC 1071). `begin`: the sum of what is not among the bytes. */
function checksum(bytes: Uint8Array, begin: number): number {
  let total = sum(bytes) + begin
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x10000)
  return ~total & 0xffff
}

function sum(bytes: Uint8Array): number {
  let total = 0
  const even = bytes.length & ~1
  for (let at = 0; at < even; at += 2) total += ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
  return bytes.length > even ? total + ((bytes[even] as number) << 8) : total
}
