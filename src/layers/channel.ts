// One connection as layers see it: bytes that have come and were not taken, and whether there is room for more.
import type { Connection } from '../connection.js'

export class Channel<Of extends Connection = Connection> {
  readonly connection: Of
  /** What has come and was not taken, oldest first; of a UDP channel, one datagram each. */
  readonly chunks: Buffer[] = []
  /** Bytes in `chunks`. */
  buffered = 0
  /** The other side has said something. The world forgets it when TLS is there: what was said before was the handshake. */
  hasSpoken = false
  /** The other side will say nothing more (FIN). */
  ended = false
  /** The connection is gone, both ways. */
  closed = false
  /** Why it is gone, where it did not end by itself. */
  error: string | undefined
  /** The transport takes no more for now; senders wait. */
  full = false
  /** The machine has asked for no more data for now. */
  paused = false
  /** It carried something before, and lay idle: the other side may have let go of it meanwhile. */
  reused = false
  /** The driver's: what it stands for. */
  handle: unknown

  constructor(connection: Of) {
    this.connection = connection
  }

  /** Nothing is here, and nothing will come. */
  get over(): boolean {
    return this.chunks.length === 0 && (this.ended || this.closed)
  }

  push(data: Buffer): void {
    this.chunks.push(data)
    this.buffered += data.length
    this.hasSpoken = true
  }

  /** Takes the oldest chunk. */
  take(): Buffer | undefined {
    const { chunks } = this
    // One is the rule, and the ways of an array of many cost more.
    const data = chunks.length === 1 ? chunks.pop() : chunks.shift()
    if (data) this.buffered -= data.length
    return data
  }

  /** Takes everything, as one. */
  takeAll(): Buffer {
    const { chunks } = this
    this.buffered = 0
    const only = chunks.length === 1 ? chunks.pop() : undefined
    return only ?? Buffer.concat(chunks.splice(0))
  }

  /** Puts back what was taken too much. No bytes are nothing, but a datagram without any is one. */
  unread(data: Buffer): void {
    if (data.length === 0 && this.connection.transport === 'tcp') return
    if (this.chunks.length === 0) this.chunks.push(data)
    else this.chunks.unshift(data)
    this.buffered += data.length
  }
}

export type AnyChannel = Channel<Connection>
