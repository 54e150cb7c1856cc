// A connection of HTTP/2 with a server, and the table of those of one client connection: streams of equal routes share one.
import type { ServerConnection } from '../../../connection.js'
import { Channel } from '../../channel.js'
import type { OpenFailure } from '../../commands.js'
import type { Context, Step } from '../../layer.js'
import { type Route, routeKey, sameRoute } from '../../route.js'
import { TIMEOUT } from '../../world.js'
import { Http2Carrier } from './carrier.js'
import type { SessionOptions } from './session.js'
import type { Stream } from './stream.js'
import type { StreamChannel } from './stream-channel.js'

export class ServerSession extends Http2Carrier {
  /** An exchange has passed on it: it may have been closed since then. */
  reused = false
  /** The server has said SETTINGS: it speaks HTTP/2. */
  #speaks = false
  /** Tasks that wait until a stream can be opened. */
  readonly #waiting: Channel[] = []
  readonly #gone: () => void

  constructor(context: Context, connection: Channel<ServerConnection>, options: SessionOptions, gone: () => void) {
    super(context, connection, 'client', options)
    this.#gone = gone
    context.machine.fork(this.read(), context.scope)
  }

  /** It takes streams, now or once another one has ended. */
  get usable(): boolean {
    return !this.dead && !this.session.goneAway && !this.connection.ended
  }

  get speaks(): boolean {
    return this.#speaks
  }

  /** The server has said that it takes extended CONNECT (RFC 8441, 3). */
  get extendedConnect(): boolean {
    return this.session.peerSettings.enableConnectProtocol
  }

  /** Opens a stream; undefined where none can be opened. Throws an Http2Error for fields that HTTP/2 cannot have. */
  openStream(fields: readonly string[], end: boolean): StreamChannel<ServerConnection> | undefined {
    const idle = this.open === 0
    const stream = this.session.open(fields, end)
    this.changed()
    // The task that reads waits without a limit while nothing is asked of the server.
    if (stream && idle) this.context.machine.handle({ type: 'head', channel: this.connection })
    return stream && this.adopt(this.connection.connection as ServerConnection, stream)
  }

  /** Waits until a stream can be opened, or none can be any more. */
  *untilOpen(): Step<void> {
    while (this.usable && !this.session.canOpen) if (!(yield* this.#news())) return
  }

  /** Waits until the server has said SETTINGS, or will not. */
  *untilSettings(): Step<void> {
    while (this.usable && !this.#speaks) if (!(yield* this.#news())) return
  }

  /** False for a task that may wait no more. */
  *#news(): Step<boolean> {
    const signal = new Channel(this.connection.connection)
    this.#waiting.push(signal)
    return (yield { type: 'receive', channel: signal, milliseconds: 0 }) !== TIMEOUT
  }

  override handleHead(stream: Stream, fields: string[], end: boolean): void {
    const channel = stream.owner as StreamChannel
    channel.heads.push({ fields, end })
    this.context.machine.handle({ type: 'head', channel })
    if (end) this.handleEnd(stream)
  }

  override handleSettings(): void {
    this.#speaks = true
    this.#wake()
  }

  override handleGoaway(lastStream: number, code: number, debug: Buffer): void {
    super.handleGoaway(lastStream, code, debug)
    this.#wake()
  }

  protected override streamOver(channel: StreamChannel): void {
    // A server that has never said SETTINGS does not speak HTTP/2, and has understood nothing.
    if (!this.#speaks) channel.refused = true
    this.#wake()
  }

  #wake(): void {
    for (const channel of this.#waiting.splice(0)) this.context.machine.handle({ type: 'head', channel })
  }

  protected override lost(): void {
    super.lost()
    this.#gone()
    this.#wake()
    const { connection, context } = this
    if (!connection.closed) context.machine.perform({ type: 'close', channel: connection })
  }

  /** Says goodbye: no exchange needs it any more. */
  close(): void {
    this.cancelAll()
    this.session.goaway()
    this.flush()
    if (!this.connection.closed) this.context.machine.perform({ type: 'close', channel: this.connection })
  }
}

/** A task that waits while another one opens the connection that it is to share. */
interface Waiting {
  readonly signal: Channel
  failure?: OpenFailure | undefined
}

export class ServerSessions {
  readonly #context: Context
  readonly #sessions = new Map<string, ServerSession>()
  /** The one that was found last. */
  #last: { readonly route: Route; readonly session: ServerSession } | undefined
  /** Routes whose connection is being opened, for the tasks that wait to share it. */
  readonly #opening = new Map<string, Waiting[]>()
  /** Routes whose server speaks HTTP/1, as far as is known. */
  readonly #http1 = new Set<string>()

  /** `context`: that of the client's connection. */
  constructor(context: Context) {
    this.#context = context
  }

  /** The connection for a route; undefined where there is none that takes streams. */
  find(route: Route): ServerSession | undefined {
    // Mostly it is the one of the request before, and to compare routes costs less than to make a key.
    const last = this.#last
    if (last && sameRoute(last.route, route) && last.session.usable) return last.session
    const session = this.#sessions.get(routeKey(route))
    if (!session?.usable) return undefined
    this.#last = { route, session }
    return session
  }

  /** A connection that was opened by this route speaks HTTP/2. */
  add(route: Route, connection: Channel<ServerConnection>): ServerSession {
    const key = routeKey(route)
    const session: ServerSession = new ServerSession(this.#context, connection, this.options, () => {
      if (this.#sessions.get(key) === session) this.#sessions.delete(key)
      if (!session.speaks) this.#http1.add(key)
    })
    this.#sessions.set(key, session)
    return session
  }

  /** How midwire introduces itself to servers. */
  private get options(): SessionOptions {
    const { client, options } = this.#context
    const http2 = client.connection.http2
    if (!options.mirror_http2 || !http2) return {}
    const { settings, windowUpdate, priorities } = http2
    return { settings, windowUpdate, priorities }
  }

  get isEmpty(): boolean {
    return this.#sessions.size === 0
  }

  isHttp1(route: Route): boolean {
    return this.#http1.has(routeKey(route))
  }

  /**
   * Waits while another task opens a connection by this route. True: it is this task's turn to open one, and to say `opened` then. A
   * failure of the other task is this task's, too.
   */
  *turn(route: Route): Step<boolean | OpenFailure> {
    const key = routeKey(route)
    const waiting = this.#opening.get(key)
    if (!waiting) {
      if (!this.#http1.has(key)) this.#opening.set(key, [])
      return true
    }
    const one: Waiting = { signal: new Channel(this.#context.client.connection) }
    waiting.push(one)
    yield { type: 'receive', channel: one.signal, milliseconds: 0 }
    return one.failure ?? false
  }

  /** The task whose turn it was has a connection, or none, and then why. */
  opened(route: Route, speaksHttp1: boolean, failure: OpenFailure | undefined): void {
    const key = routeKey(route)
    if (speaksHttp1) this.#http1.add(key)
    const waiting = this.#opening.get(key) ?? []
    this.#opening.delete(key)
    for (const one of waiting) {
      one.failure = failure
      this.#context.machine.handle({ type: 'head', channel: one.signal })
    }
  }

  /** The client is gone. */
  close(): void {
    for (const session of this.#sessions.values()) session.close()
  }
}
