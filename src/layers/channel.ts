// One connection as layers see it: the bytes that have come and that no layer has taken, and whether it has room for more.
import type { Connection } from '../connection.js'
import type { ChannelDeed } from './commands.js'
import type { Route } from './route.js'
import type { Scope } from './scope.js'
import { type Task, takeOut } from './task.js'

/** When so many bytes wait in a channel for a layer, its connection is paused. */
const HIGH_WATER = 64 * 1024

/** The same for chunks, because datagrams may be empty. */
const MAX_CHUNKS = 1024

/** An engine that multiplexes: what is done to a channel of its own it does within another channel. */
export interface Carrier {
  perform(deed: ChannelDeed): void
  /** Sends what the deeds of this turn have come to. Called once at its end, where `machine.flushLater` has asked for it. */
  flush(): void
}

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
  /** Of a stream of HTTP/2: the code with which it was reset, or is to be reset. */
  code: number | undefined
  /** The transport takes no more for now: tasks that send wait for `room`. */
  full = false
  /** The machine has asked for no more data for now. */
  paused = false
  /** The connection comes from the pool, where it lay idle: the server may have closed it meanwhile. */
  reused = false
  /** The engine whose stream this is; undefined for a connection, which the world carries. */
  readonly carrier: Carrier | undefined
  /** The scope that ends with this channel. */
  scope: Scope | undefined
  /** The tasks that wait for data of this channel, or for room in it. */
  readonly waiters: Task[] = []
  /** The driver's own value for this channel: the transport that it stands for. */
  handle: unknown

  constructor(connection: Of) {
    this.connection = connection
  }

  /** No data is here, and none will come. */
  get over(): boolean {
    return this.chunks.length === 0 && (this.ended || this.closed)
  }

  /** So much waits for a layer that no more should come. */
  get hasMuch(): boolean {
    return this.buffered >= HIGH_WATER || this.chunks.length >= MAX_CHUNKS
  }

  /** A task waits for data. */
  get isAwaited(): boolean {
    return this.waiters.some(({ waitsFor }) => waitsFor?.type === 'receive')
  }

  /** The task waits for this channel no longer. */
  leave(task: Task): void {
    takeOut(this.waiters, task)
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
