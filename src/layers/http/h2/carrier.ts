// Carries the streams of one HTTP/2 connection: what the session says becomes events of their channels, and what is done to them goes into it.
import type { Connection } from '../../../connection.js'
import type { AnyChannel, Carrier, Channel } from '../../channel.js'
import type { ChannelDeed } from '../../commands.js'
import { type Context, log, receiveWithin, room, type Step } from '../../layer.js'
import { TIMEOUT } from '../../world.js'
import { CANCEL, codeName, type Http2Error, INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM } from './error.js'
import { type Role, Session, type SessionHandler, type SessionOptions } from './session.js'
import type { Stream } from './stream.js'
import { headersOf, StreamChannel } from './stream-channel.js'

const EMPTY = Buffer.alloc(0)

export abstract class Http2Carrier implements Carrier, SessionHandler {
  protected readonly context: Context
  readonly connection: Channel
  readonly session: Session
  /** The channels of streams that are not over. */
  readonly #channels = new Set<StreamChannel>()
  /** Streams that are reset once what waits in them has gone. */
  readonly #closing = new Set<StreamChannel>()
  /** Why the connection was given up. */
  #fatal: Http2Error | undefined
  /** A task waits until the connection takes more. */
  #waits = false
  /** A PING was sent, and not answered. */
  #pinged = false

  constructor(context: Context, connection: Channel, role: Role, options: SessionOptions) {
    this.context = context
    this.connection = connection
    this.session = new Session(role, options, this)
    context.machine.flushLater(this)
  }

  /** A stream of this connection, as the channel of its tasks. */
  protected adopt<Of extends Connection>(connection: Of, stream: Stream): StreamChannel<Of> {
    const channel = new StreamChannel(connection, this, stream)
    this.#channels.add(channel)
    return channel
  }

  /** The streams that are not over. */
  get open(): number {
    return this.#channels.size
  }

  /** The connection was given up for a fault, or is gone. */
  get dead(): boolean {
    return this.#fatal !== undefined || this.connection.closed
  }

  /** Reads the connection until its end, and sends PINGs while it is silent. Streams that are open then are lost. */
  *read(): Step<void> {
    const { connection, context } = this
    const patience = context.options.http2_ping_keepalive * 1000
    while (!this.#fatal) {
      const data = yield* receiveWithin(connection, this.open > 0 ? patience : 0)
      if (data === TIMEOUT) {
        if (this.#pinged) break
        this.#pinged = true
        this.session.ping()
        context.machine.flushLater(this)
        continue
      }
      if (!data) break
      this.session.receive(data)
      this.changed()
    }
    this.lost()
  }

  /** No stream gets anything any more. */
  protected lost(): void {
    const error = this.#fatal?.message ?? this.connection.error ?? 'the connection has ended'
    for (const channel of this.#channels) this.#closed(channel, error)
    this.flush()
  }

  #closed(channel: StreamChannel, error: string | undefined): void {
    this.#channels.delete(channel)
    this.streamOver(channel)
    this.context.machine.handle({ type: 'closed', channel, error })
  }

  /** A stream is over, or its task wants nothing more of it. */
  protected streamOver(_channel: StreamChannel): void {}

  /** The session may have something to send: all of a turn leaves at once. */
  changed(): void {
    if (this.session.hasOutput) this.context.machine.flushLater(this)
  }

  perform(deed: ChannelDeed): void {
    const channel = deed.channel as StreamChannel
    const { stream } = channel
    switch (deed.type) {
      case 'send':
        this.session.sendData(stream, deed.data, false)
        channel.full = stream.full
        break
      case 'end':
        if (stream.sending) this.session.sendData(stream, EMPTY, true)
        break
      case 'close':
        if (stream.sending) this.session.sendData(stream, EMPTY, true)
        this.#channels.delete(channel)
        if (stream.receiving) this.#closing.add(channel)
        this.streamOver(channel)
        break
      case 'reset':
        this.#channels.delete(channel)
        if (stream.sending || stream.receiving) this.session.reset(stream, channel.code ?? this.usualCode)
        this.streamOver(channel)
        break
      case 'pause':
      case 'resume':
        // The peer may send no more than a window.
        return
    }
    this.context.machine.flushLater(this)
  }

  /** The code of a reset for which nobody has given another. */
  protected get usualCode(): number {
    return this.session.role === 'client' ? CANCEL : INTERNAL_ERROR
  }

  /** The peer may send that much more in a stream. */
  consumed({ stream }: StreamChannel, bytes: number): void {
    this.session.consumed(stream, bytes)
    this.changed()
  }

  flush(): void {
    const { connection, session } = this
    const { machine } = this.context
    for (const channel of this.#closing) this.#closeWhenSent(channel)
    while (session.hasOutput && !connection.full && !connection.closed) {
      const data = session.takeOutput()
      if (data) machine.perform({ type: 'send', channel: connection, data })
      for (const channel of this.#closing) this.#closeWhenSent(channel)
    }
    if (!connection.full || this.#waits || connection.closed) return
    this.#waits = true
    machine.fork(this.#flushWithRoom(), this.context.scope)
  }

  *#flushWithRoom(): Step<void> {
    const open = yield* room(this.connection)
    this.#waits = false
    if (open) this.context.machine.flushLater(this)
  }

  /** The peer need not send the rest of what nobody reads (RFC 9113, 8.1). */
  #closeWhenSent(channel: StreamChannel): void {
    const { stream } = channel
    if (stream.queued > 0) return
    this.#closing.delete(channel)
    if (stream.receiving) this.session.reset(stream, this.session.role === 'client' ? CANCEL : NO_ERROR)
  }

  abstract handleHead(stream: Stream, fields: string[], end: boolean): void

  handleData({ owner }: Stream, data: Buffer): void {
    this.context.machine.handle({ type: 'data', channel: owner as AnyChannel, data })
  }

  handleTrailers(stream: Stream, fields: string[]): void {
    ;(stream.owner as StreamChannel).trailers = headersOf(fields)
    this.handleEnd(stream)
  }

  handleEnd({ owner }: Stream): void {
    this.context.machine.handle({ type: 'end', channel: owner as AnyChannel })
  }

  handleReset(stream: Stream, code: number, error?: string): void {
    const channel = stream.owner as StreamChannel | undefined
    if (!channel) return
    const peer = this.session.role === 'server' ? 'client' : 'server'
    channel.code = code
    channel.refused = code === REFUSED_STREAM
    // A server that has answered may say that it wants no more of the request.
    const whole = code === NO_ERROR && !stream.receiving
    this.#closed(channel, whole ? undefined : (error ?? `the ${peer} has reset the stream: ${codeName(code)}`))
  }

  handleRoom({ owner }: Stream): void {
    this.context.machine.handle({ type: 'drain', channel: owner as AnyChannel })
  }

  handleGoaway(_lastStream: number, code: number, debug: Buffer): void {
    if (code === NO_ERROR) return
    const why = debug.length > 0 ? `: ${JSON.stringify(debug.toString('latin1', 0, 200))}` : ''
    log(this.context, 'debug', `${this.name} gives the HTTP/2 connection up: ${codeName(code)}${why}`)
  }

  handleSettings(): void {}

  handlePong(): void {
    this.#pinged = false
  }

  handleFatal(error: Http2Error): void {
    this.#fatal = error
    log(this.context, 'warn', `the HTTP/2 of ${this.name} is wrong: ${error.message} (${codeName(error.code)})`)
  }

  handleRefused(error: Http2Error): void {
    log(this.context, 'warn', `a request was refused: ${error.message}`)
  }

  /** The other end, for the log. */
  protected get name(): string {
    return this.session.role === 'server' ? 'the client' : 'the server'
  }
}
