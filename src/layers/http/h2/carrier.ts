// Carries the streams of one HTTP/2 connection: what the session says becomes events of their channels, and what is done to them goes into it.
import type { Connection } from '../../../connection.js'
import type { AnyChannel, Carrier, Channel } from '../../channel.js'
import type { ChannelDeed } from '../../commands.js'
import { type Context, log, receiveWithin, room, type Step } from '../../layer.js'
import { TIMEOUT } from '../../world.js'
import { CANCEL, codeName, ENHANCE_YOUR_CALM, Http2Error, INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM } from './error.js'
import { type Role, Session, type SessionHandler, type SessionOptions } from './session.js'
import type { Stream } from './stream.js'
import { headersOf, StreamChannel } from './stream-channel.js'

const EMPTY = Buffer.alloc(0)
/** Milliseconds that a client has for the rest of a head that it has begun, as in HTTP/1. */
const HEAD_MILLISECONDS = 30_000
/** Milliseconds after which what looks like a flood is counted anew. */
const REFILL_MILLISECONDS = 10_000

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
  /** A PING was sent, and nothing has come since. */
  #pinged = false
  /** The head, or other frame, that the client has begun and not finished, and when its rest was waited for first. */
  #unfinished = 0
  #unfinishedAt = 0
  #refilledAt: number

  constructor(context: Context, connection: Channel, role: Role, options: SessionOptions) {
    this.context = context
    this.connection = connection
    this.session = new Session(role, options, this)
    this.#refilledAt = context.machine.world.now()
    context.machine.flushLater(this)
  }

  /** A stream of this connection, as the channel of its tasks. */
  protected adopt<Of extends Connection>(connection: Of, stream: Stream): StreamChannel<Of> {
    if (this.open === 0) this.#pinged = false
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
    const { connection } = this
    while (!this.#fatal) {
      const data = yield* receiveWithin(connection, this.#patience())
      if (data === TIMEOUT) this.#silence()
      else if (data) this.#take(data)
      // Else a stream was opened on a connection that was idle: from now on silence counts.
      else if (connection.ended || connection.closed) break
    }
    this.lost()
  }

  #take(data: Buffer): void {
    this.#pinged = false
    const now = this.context.machine.world.now()
    if (now - this.#refilledAt >= REFILL_MILLISECONDS) {
      this.#refilledAt = now
      this.session.refill()
    }
    this.session.receive(data)
    this.changed()
  }

  /** Milliseconds to wait for data; 0: without a limit. */
  #patience(): number {
    const { context, session } = this
    const silence = this.open > 0 ? context.options.http2_ping_keepalive * 1000 : 0
    const unfinished = session.role === 'server' ? session.unfinished : 0
    const now = context.machine.world.now()
    if (unfinished !== this.#unfinished) this.#unfinishedAt = now
    this.#unfinished = unfinished
    if (unfinished === 0) return silence
    const left = Math.max(1, this.#unfinishedAt + HEAD_MILLISECONDS - now)
    return silence > 0 ? Math.min(silence, left) : left
  }

  /** Nothing has come for as long as there was patience. */
  #silence(): void {
    const { context, session } = this
    if (this.#unfinished !== 0 && context.machine.world.now() - this.#unfinishedAt >= HEAD_MILLISECONDS) {
      this.#giveUp(ENHANCE_YOUR_CALM, `a head has not come whole within ${HEAD_MILLISECONDS / 1000} s`)
    } else if (this.#pinged) {
      this.#giveUp(NO_ERROR, `${this.name} has not answered a PING`)
    } else if (this.open > 0) {
      this.#pinged = true
      session.ping()
    }
    context.machine.flushLater(this)
  }

  #giveUp(code: number, message: string): void {
    this.session.goaway(code, Buffer.from(message))
    this.#fatal = new Http2Error(code, message)
    log(this.context, 'debug', `the HTTP/2 connection is given up: ${message}`)
  }

  /** No stream gets anything any more. */
  protected lost(): void {
    const error = this.#fatal?.message ?? this.connection.error ?? `${this.name} has ended the connection`
    for (const channel of this.#channels) this.#closed(channel, error)
    this.flush()
  }

  /** The peer has ended its side in order: only streams on which it still had to say something are lost. */
  protected loseUnfinished(error: string): void {
    for (const channel of this.#channels) {
      if (!channel.stream.receiving) continue
      channel.code = CANCEL
      this.#closed(channel, error)
    }
  }

  /** The connection is about to be closed: the peer need not go on with what is open. */
  protected cancelAll(): void {
    for (const { stream } of this.#channels) this.session.reset(stream, CANCEL)
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
        channel.abandon()
        if (stream.receiving) this.#closing.add(channel)
        this.streamOver(channel)
        break
      case 'reset':
        this.#channels.delete(channel)
        channel.abandon()
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
      if (data) machine.perform({ type: 'send', channel: connection, data, moreComes: true })
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
    // The code of a fault that was found here says nothing to the other side.
    if (error === undefined || code === REFUSED_STREAM) channel.code = code
    channel.refused = code === REFUSED_STREAM
    // A server that has answered may say that it wants no more of the request.
    const whole = code === NO_ERROR && !stream.receiving
    this.#closed(channel, whole ? undefined : (error ?? `${this.name} has reset the stream: ${codeName(code)}`))
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

  handlePong(): void {}

  handleFatal(error: Http2Error): void {
    this.#fatal = error
    log(this.context, 'warn', `the HTTP/2 of ${this.name} is wrong: ${error.message} (${codeName(error.code)})`)
  }

  handleRefused(error: Http2Error): void {
    log(this.context, 'warn', `a request was refused: ${error.message}`)
  }

  /** The other end, in sentences. */
  protected get name(): string {
    return this.session.role === 'server' ? 'the client' : 'the server'
  }
}
