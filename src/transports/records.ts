// The layout of the records between Node and the addon, in both directions. src/native/messages.rs has the same numbers.

/** Bytes of a record's head. It has three words: kind, id, payload length. The payload is padded to four bytes. */
export const HEADER = 12
/** Bytes of an address header: peer, flags, two ports, two addresses of 16 bytes. */
export const ADDRESS_HEADER = 44
/** The most bytes of payload in a `data` or `write` record. */
export const MAX_CHUNK = 64 * 1024
/** Bytes of a new stream that the addon hands up before the reader has taken any. */
export const RECEIVE_CREDIT = 256 * 1024
/** Bytes that the addon takes for a new stream, if its buffer may grow so far; `writable` events grant more. */
export const WRITE_CREDIT = 256 * 1024

export const EVENT = {
  opened: 1,
  data: 2,
  end: 3,
  reset: 4,
  writable: 5,
  closed: 6,
  datagram: 7,
  icmp: 8,
  log: 9,
  died: 10,
  stopped: 11,
  connected: 12,
  datagramExpired: 13,
} as const

export const COMMAND = {
  accept: 1,
  refuse: 2,
  write: 3,
  credit: 4,
  end: 5,
  reset: 6,
  sendDatagram: 7,
  refuseDatagram: 8,
  sendIcmp: 9,
  close: 10,
  impair: 11,
} as const

/** How a connection request is refused. */
export const REFUSAL = { reset: 0, network: 1, host: 2, prohibited: 3, silent: 4 } as const

const FLAG_HELD = 1
const FLAG_IPV6 = 2

export const padded = (length: number): number => (length + 3) & ~3

export const isHeld = (header: Buffer): boolean => (header.readUInt32LE(4) & FLAG_HELD) !== 0
export const peerOf = (header: Buffer): number => header.readUInt32LE(0)
export const isIpv6 = (header: Buffer): boolean => (header.readUInt32LE(4) & FLAG_IPV6) !== 0
export const sourcePort = (header: Buffer): number => header.readUInt16LE(8)
export const destinationPort = (header: Buffer): number => header.readUInt16LE(10)
export const sourceBytes = (header: Buffer): Buffer => header.subarray(12, 28)
export const destinationBytes = (header: Buffer): Buffer => header.subarray(28, 44)

/**
 * Turns a header that is kept as long as its connection into a string, and back. A small Buffer would keep the 8 KiB alive that Node has
 * cut it from, with the data of others.
 */
export const keptHeader = (header: Buffer): string => header.toString('latin1')
export const headerOf = (kept: string): Buffer => Buffer.from(kept, 'latin1')

/** The header of a message from `source` to `destination`, addresses of 4 or 16 bytes. */
export function addressHeader(
  source: Uint8Array,
  sourcePort: number,
  destination: Uint8Array,
  port: number,
  peer = 0,
): Buffer {
  const header = Buffer.alloc(ADDRESS_HEADER)
  header.writeUInt32LE(peer, 0)
  header.writeUInt32LE(source.length === 16 ? FLAG_IPV6 : 0, 4)
  header.writeUInt16LE(sourcePort, 8)
  header.writeUInt16LE(port, 10)
  header.set(source, 12)
  header.set(destination, 28)
  return header
}

/** The header of an answer, with source and destination exchanged. */
export function turned(header: Buffer): Buffer {
  const answer = Buffer.from(header)
  answer.writeUInt16LE(destinationPort(header), 8)
  answer.writeUInt16LE(sourcePort(header), 10)
  answer.set(destinationBytes(header), 12)
  answer.set(sourceBytes(header), 28)
  return answer
}
