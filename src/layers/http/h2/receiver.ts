// The receiving side of a session: each frame is checked against the state of its stream, and said to the handler.
import { Blocks } from './blocks.js'
import { ClosedStreams } from './closed.js'
import { Controls } from './controls.js'
import { Credit } from './credit.js'
import { FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, Http2Error, PROTOCOL_ERROR, STREAM_CLOSED } from './error.js'
import type { Fingerprint } from './fingerprint.js'
import type { Floods } from './floods.js'
import { ACK, CONTINUATION, DATA, END_STREAM, HEADERS, PUSH_PROMISE, SETTINGS, writeGoaway } from './frames.js'
import { Heads } from './heads.js'
import { FrameReader, type FrameSink } from './reader.js'
import type { Sender } from './sender.js'
import type { Role, SessionHandler } from './session.js'
import { DEFAULT_FRAME_SIZE, type Settings } from './settings.js'
import type { Stream } from './stream.js'

export interface ReceiverParts {
  role: Role
  /** Our settings. */
  own: Settings
  connectionWindow: number
  maxList: number
  maxFields: number
  handler: SessionHandler
  sender: Sender
  streams: Map<number, Stream>
  floods: Floods
  fingerprint: Fingerprint
}

export class Receiver implements FrameSink {
  /** The connection is over: nothing more is read. */
  dead = false
  /** A side has said GOAWAY. */
  goneAway = false
  /** Client: the last stream that was opened. */
  lastOpened = 0
  /** Server: the last stream of the peer, and the last that may be worked on. */
  highest = 0
  lastPeer = 0
  readonly closed = new ClosedStreams()
  readonly parts: ReceiverParts
  readonly credit: Credit
  private readonly reader: FrameReader
  private readonly blocks: Blocks
  readonly heads: Heads
  private readonly controls: Controls
  private begun = false
  /** Frames that came, heads counted as one. */
  private wholes = 0
  /** The DATA frame that is being read: its stream, if that takes it. */
  private stream: Stream | undefined
  private frameLength = 0
  private dataLength = 0
  private dataEnds = false

  constructor(parts: ReceiverParts) {
    this.parts = parts
    this.credit = new Credit(parts.sender, parts.connectionWindow)
    this.reader = new FrameReader(this, parts.role === 'server')
    this.blocks = new Blocks(parts.maxList)
    this.heads = new Heads(this)
    this.controls = new Controls(this)
  }

  get streamWindow(): number {
    return this.credit.streamWindow
  }

  get unfinished(): number {
    return this.blocks.stream !== 0 || this.reader.within ? this.wholes + 1 : 0
  }

  receive(data: Buffer): void {
    if (this.dead) return
    try {
      this.reader.push(data)
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error
      if (this.dead) return
      const debug = Buffer.from(error.message.slice(0, 200), 'latin1')
      writeGoaway(this.parts.sender.output, this.lastPeer, error.code, debug)
      this.stop()
      this.parts.handler.handleFatal(error)
    }
  }

  stop(): void {
    this.dead = true
    this.goneAway = true
    this.reader.stopped = true
  }

  /** Our side of the stream has ended. */
  handleSent(stream: Stream): void {
    if (!stream.receiving) this.finish(stream)
  }

  reset(stream: Stream, code: number): void {
    if (stream.reset || (!stream.receiving && !stream.sending && stream.queued === 0)) return
    this.parts.sender.reset(stream.id, code)
    this.drop(stream, true)
  }

  consumed(stream: Stream, bytes: number): void {
    if (!this.dead) this.credit.consumed(stream, bytes)
  }

  handleHeader(length: number, type: number, flags: number, id: number): void {
    const { own } = this.parts
    if (length > own.maxFrameSize) throw new Http2Error(FRAME_SIZE_ERROR, `a frame has ${length} bytes`)
    if (!this.begun) {
      if (type !== SETTINGS || flags & ACK) throw new Http2Error(PROTOCOL_ERROR, 'the first frame is not SETTINGS')
      this.begun = true
    }
    this.blocks.check(length, type === HEADERS, type === CONTINUATION, id)
    if (type === DATA) this.beginData(length, flags, id)
    else if (type > CONTINUATION) this.parts.floods.chatter()
    else if (type !== HEADERS && type !== CONTINUATION && length > DEFAULT_FRAME_SIZE) {
      throw new Http2Error(FRAME_SIZE_ERROR, `a frame other than DATA and HEADERS has ${length} bytes`)
    }
  }

  handleFrame(type: number, flags: number, id: number, bytes: Buffer, start: number, end: number): void {
    if (type !== CONTINUATION) this.wholes++
    switch (type) {
      case HEADERS:
        this.heads.check(id)
        if (this.blocks.headers(flags, id, bytes, start, end)) this.heads.handleBlock(id, this.blocks)
        return
      case CONTINUATION:
        if (this.blocks.continuation(flags, id, bytes, start, end)) this.heads.handleBlock(id, this.blocks)
        return
      case PUSH_PROMISE:
        // A client of ours forbids it, and no client may send it.
        throw new Http2Error(PROTOCOL_ERROR, 'PUSH_PROMISE is not allowed')
      default:
        this.controls.handleFrame(type, flags, id, bytes, start, end)
    }
  }

  handlePayload(data: Buffer) {
    this.dataLength += data.length
    const { stream } = this
    if (stream === undefined || stream.reset) return
    stream.received += data.length
    if (stream.bodyless || (stream.expected >= 0 && stream.received > stream.expected)) {
      const what = stream.bodyless
        ? 'a response that has no body has DATA'
        : 'there is more DATA than content-length says'
      return this.fail(stream, PROTOCOL_ERROR, what)
    }
    this.credit.handed(stream, data.length)
    this.parts.handler.handleData(stream, data)
  }

  handlePayloadEnd(): void {
    this.wholes++
    const { stream, parts } = this
    // What still comes of a stream that was reset is neither useful nor a flood: windows bound it.
    if (this.dataLength === 0 && !this.dataEnds) parts.floods.emptyData()
    else if (stream !== undefined) parts.floods.data()
    this.credit.give()
    this.stream = undefined
    if (stream === undefined || stream.reset) return
    if (this.dataEnds) {
      if (!this.endReceiving(stream)) return
      parts.handler.handleEnd(stream)
      this.finishEnded(stream)
    } else this.credit.giveStream(stream, this.frameLength - this.dataLength)
  }

  /** The peer's side of the stream is over, behind its head, data or trailers. False where content-length says something else. */
  endReceiving(stream: Stream): boolean {
    if (stream.expected >= 0 && !stream.bodyless && stream.received !== stream.expected) {
      this.fail(stream, PROTOCOL_ERROR, `content-length is ${stream.expected}, but ${stream.received} bytes came`)
      return false
    }
    stream.receiving = false
    return true
  }

  /** After the handler was told of the end: it may have ended our side, or have reset the stream. */
  finishEnded(stream: Stream): void {
    if (!stream.sending && !stream.reset && stream.queued === 0) this.finish(stream)
  }

  /** An error of the stream alone. */
  fail(stream: Stream, code: number, message: string): void {
    const { sender, handler } = this.parts
    sender.reset(stream.id, code)
    this.drop(stream, true)
    handler.handleReset(stream, code, message)
    this.misdeed()
  }

  /** We have reset a stream for an error of the peer. */
  misdeed(): void {
    this.parts.floods.answer()
    this.parts.floods.reset()
  }

  drop(stream: Stream, byUs: boolean): void {
    stream.reset = true
    stream.receiving = false
    this.parts.sender.drop(stream)
    this.credit.drop(stream)
    if (this.parts.streams.delete(stream.id)) this.closed.add(stream.id, byUs)
  }

  private finish(stream: Stream): void {
    if (this.parts.streams.delete(stream.id)) this.closed.add(stream.id, false)
  }

  /** True for a stream that was not opened yet. */
  isIdle(id: number): boolean {
    return (id & 1) === 0 || id > (this.parts.role === 'server' ? this.highest : this.lastOpened)
  }

  expectNotIdle(id: number, what: string): void {
    if (this.isIdle(id)) throw new Http2Error(PROTOCOL_ERROR, `there is ${what} on stream ${id}, which is not open`)
  }

  private beginData(length: number, flags: number, id: number) {
    this.expectNotIdle(id, 'DATA')
    this.credit.take(length)
    this.frameLength = length
    this.dataLength = 0
    this.dataEnds = (flags & END_STREAM) !== 0
    this.stream = undefined
    const stream = this.parts.streams.get(id)
    if (stream === undefined) return this.handleLate(id)
    if (!stream.receiving) return this.fail(stream, STREAM_CLOSED, 'there is DATA behind the end of the stream')
    if (!stream.headed) return this.fail(stream, PROTOCOL_ERROR, 'there is DATA before the response')
    if (length > stream.receiveWindow) {
      return this.fail(stream, FLOW_CONTROL_ERROR, 'there is more DATA than the window of the stream')
    }
    stream.receiveWindow -= length
    this.stream = stream
  }

  /** DATA of a stream that is closed. */
  private handleLate(id: number): void {
    const { floods, sender } = this.parts
    if (this.closed.find(id) === 'reset by us') return
    floods.chatter()
    floods.answer()
    sender.reset(id, STREAM_CLOSED)
    this.closed.add(id, true)
  }
}
