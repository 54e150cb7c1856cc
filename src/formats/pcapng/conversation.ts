// A TCP connection as packets: midwire sees its bytes and its ends, and the packets are made that a network without loss would have carried.
import type { Address } from '../../connection.js'
import { ACK, type Ends, endsOf, FIN, PSH, RST, SYN, tcpPacket, turnedEnds } from './packets.js'

/** The window that both sides announce, in units of 2^SCALE bytes: more than any piece of data, so that no packet is beyond it. */
const WINDOW = 0xffff
const SCALE = 7

/** Data in a segment: what fits into 1500 bytes. */
const segmentSize = ({ source }: Ends): number => (source.length === 16 ? 1440 : 1460)

/** One side of the connection: the packets that it sends. */
interface Side {
  readonly ends: Ends
  /** The sequence number of what it sends next. */
  next: number
  ended: boolean
}

export class Conversation {
  readonly #opener: Side
  readonly #other: Side
  #over = false

  /**
   * `opener` has opened the connection, and `other` has accepted it. `numbers`: their first sequence numbers, each below 2^32. A connection
   * between the same two ends should have others, so that readers tell them apart.
   */
  constructor(opener: Address | undefined, other: Address | undefined, numbers: readonly [number, number]) {
    const ends = endsOf(opener, other)
    this.#opener = { ends, next: numbers[0] >>> 0, ended: false }
    this.#other = { ends: turnedEnds(ends), next: numbers[1] >>> 0, ended: false }
  }

  /** SYN, SYN and ACK, ACK, with the maximum segment size and the scale of the window. */
  open(): Buffer[] {
    const [one, other] = [this.#opener, this.#other]
    const options = Buffer.from([2, 4, 0, 0, 1, 3, 3, SCALE])
    options.writeUInt16BE(segmentSize(one.ends), 2)
    const first = { sequence: one.next, acknowledgment: 0, flags: SYN, window: WINDOW, options }
    one.next = (one.next + 1) >>> 0
    const second = { sequence: other.next, acknowledgment: one.next, flags: SYN | ACK, window: WINDOW, options }
    other.next = (other.next + 1) >>> 0
    return [tcpPacket(one.ends, first), tcpPacket(other.ends, second), this.#packet(true, ACK)]
  }

  /** Data of one side in segments, and the other's ACK. */
  data(fromOpener: boolean, data: Uint8Array): Buffer[] {
    const side = this.#side(fromOpener)
    if (this.#over || side.ended || data.length === 0) return []
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    const size = segmentSize(side.ends)
    const packets: Buffer[] = []
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, at + size)
      packets.push(this.#packet(fromOpener, at + size >= bytes.length ? ACK | PSH : ACK, piece))
      side.next = (side.next + piece.length) >>> 0
    }
    packets.push(this.#packet(!fromOpener, ACK))
    return packets
  }

  /** The FIN of one side, and the other's ACK. */
  end(fromOpener: boolean): Buffer[] {
    const side = this.#side(fromOpener)
    if (this.#over || side.ended) return []
    const fin = this.#packet(fromOpener, FIN | ACK)
    side.next = (side.next + 1) >>> 0
    side.ended = true
    return [fin, this.#packet(!fromOpener, ACK)]
  }

  /** The RST of one side. Nothing follows it. */
  reset(fromOpener: boolean): Buffer[] {
    if (this.#over || (this.#opener.ended && this.#other.ended)) return []
    const packet = this.#packet(fromOpener, RST | ACK)
    this.#over = true
    return [packet]
  }

  #side(fromOpener: boolean): Side {
    return fromOpener ? this.#opener : this.#other
  }

  #packet(fromOpener: boolean, flags: number, data?: Buffer): Buffer {
    const side = this.#side(fromOpener)
    const { next: acknowledgment } = this.#side(!fromOpener)
    const segment = { sequence: side.next, acknowledgment, flags, window: WINDOW }
    return tcpPacket(side.ends, data ? { ...segment, data } : segment)
  }
}
