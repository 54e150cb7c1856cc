// One connection as layers see it: the bytes that have come and that no layer has taken, and whether it has room for more.
import type { Connection } from '../connection.js'
import type { Route } from './route.js'

export class Channel<Of extends Connection = Connection> {
  readonly connection: Of
  /** Of a server: the route that the connection is of, as far as it is ready. */
  route: Route | undefined
  /** Data that has come and that no layer has taken, oldest first; in a UDP channel one datagram each. */
  readonly chunks: Buffer[] = []
  /** Bytes in `chunks`. */
  buffered = 0
  /** The peer has sent data. The world sets it back once TLS is established, so that a handshake does not count. */
  hasSpoken = false
  /** The peer will send nothing more (FIN). */
  ended = false
  /** The connection is gone, both ways. */
  closed = false
  /** Why the connection was lost; undefined where it was closed in order. */
  error: string | undefined
  /** The transport takes no more for now: tasks that send wait for `room`. */
  full = false
  /** The machine has asked for no more data for now. */
  paused = false
  /** The connection comes from the pool, where it lay idle: the server may have closed it meanwhile. */
  reused = false
  /** The driver's own value for this channel: the transport that it stands for. */
  handle: unknown

  constructor(connection: Of) {
    this.connection = connection
  }

  /** No data is here, and none will come. */
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
    // Mostly there is one chunk, and `pop` is cheaper than `shift`.
    const data = chunks.length === 1 ? chunks.pop() : chunks.shift()
    if (data) this.buffered -= data.length
    return data
  }

  /** Takes all chunks, joined into one. */
  takeAll(): Buffer {
    const { chunks } = this
    this.buffered = 0
    const only = chunks.length === 1 ? chunks.pop() : undefined
    return only ?? Buffer.concat(chunks.splice(0))
  }

  /** Puts data back in front. An empty buffer means nothing in a TCP channel, but is a datagram in a UDP channel. */
  unread(data: Buffer): void {
    if (data.length === 0 && this.connection.transport === 'tcp') return
    if (this.chunks.length === 0) this.chunks.push(data)
    else this.chunks.unshift(data)
    this.buffered += data.length
  }
}

export type AnyChannel = Channel<Connection>
