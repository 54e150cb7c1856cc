// DNS messages in a byte stream: two octets of length before each (RFC 1035, 4.2.2; RFC 7766, 8).
import { DNS_HEADER, DnsError, headerFits } from '../flow/dns-message.js'
import type { AnyChannel } from './channel.js'
import { receiveWithin, type Step } from './layer.js'
import { TIMEOUT } from './world.js'

const HEAD = 2 + DNS_HEADER

export class DnsFramer {
  #chunks: Buffer[] = []
  #length = 0

  push(data: Buffer): void {
    this.#chunks.push(data)
    this.#length += data.length
  }

  /** Takes the next message; undefined until all of it has come. Throws a DnsError where its length is 0. */
  next(): Buffer | undefined {
    if (this.#length < 2) return undefined
    const end = 2 + this.#front(2).readUInt16BE(0)
    if (end === 2) throw new DnsError('a message of length 0')
    if (this.#length < end) return undefined
    const all = this.rest()
    if (end < all.length) this.push(all.subarray(end))
    return all.subarray(2, end)
  }

  /** False where the bytes so far cannot be the start of a message. */
  get plausible(): boolean {
    if (this.#length < HEAD) return true
    const head = this.#front(HEAD)
    return headerFits(head.subarray(2, HEAD), head.readUInt16BE(0))
  }

  /** Takes all bytes that are left. */
  rest(): Buffer {
    const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#length = 0
    return all
  }

  /** The first chunk, after joining chunks until it has `length` octets; so many must have come. */
  #front(length: number): Buffer {
    let count = 0
    let sum = 0
    while (sum < length) {
      sum += (this.#chunks[count] as Buffer).length
      count += 1
    }
    if (count > 1) this.#chunks.unshift(Buffer.concat(this.#chunks.splice(0, count)))
    return this.#chunks[0] as Buffer
  }
}

/** The bytes in which a message is sent: into a stream with its length in front, in a datagram as it is. */
export function frameDns(message: Buffer, stream: boolean): Buffer {
  if (!stream) return message
  const framed = Buffer.allocUnsafe(2 + message.length)
  framed.writeUInt16BE(message.length)
  message.copy(framed, 2)
  return framed
}

/**
 * The next message: of a stream with `framer`, else the next datagram. Undefined at the end; TIMEOUT after so many milliseconds
 * (0: never). Throws a DnsError where the bytes are not DNS.
 */
export function* readDns(
  from: AnyChannel,
  framer: DnsFramer | undefined,
  milliseconds: number,
): Step<Buffer | undefined | typeof TIMEOUT> {
  for (;;) {
    const message = framer?.next()
    if (message) return message
    const data = yield* receiveWithin(from, milliseconds)
    if (!framer || !data || data === TIMEOUT) return data
    framer.push(data)
    if (!framer.plausible) throw new DnsError('the bytes after the length are not the head of a message')
  }
}
