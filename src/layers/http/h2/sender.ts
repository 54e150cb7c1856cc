// The sending side of a session: heads, data within the windows, what waits for them, and all other frames.
import { FLOW_CONTROL_ERROR, Http2Error } from './error.js'
import type { Floods } from './floods.js'
import { frameBlock, HEADER_SIZE, RST_STREAM, WINDOW_UPDATE, writeData, writeNumber } from './frames.js'
import { checkFields, HpackEncoder } from './hpack-encoder.js'
import { Output } from './output.js'
import { DEFAULT_WINDOW, MAX_WINDOW, Settings } from './settings.js'
import type { Stream } from './stream.js'

/** Data is put into frames while less than this waits to be taken; the rest waits in the streams, and shows there as `full`. */
export const MAX_FRAMED = 256 * 1024

export class Sender {
  readonly output = new Output()
  readonly peerSettings = new Settings()
  private readonly encoder = new HpackEncoder()
  private readonly floods: Floods
  /** What is told when a stream's side has ended, and when it has room again. */
  private readonly ended: (stream: Stream) => void
  private readonly roomy: (stream: Stream) => void
  /** What the connection may send. */
  private window = DEFAULT_WINDOW
  /** Streams whose data waits, each in its turn. */
  private readonly waiting: Stream[] = []

  constructor(floods: Floods, ended: (stream: Stream) => void, roomy: (stream: Stream) => void) {
    this.floods = floods
    this.ended = ended
    this.roomy = roomy
  }

  head(stream: Stream, fields: readonly string[], end: boolean, never?: readonly string[]): void {
    const { output } = this
    const before = output.length
    output.reserve(HEADER_SIZE)
    output.end += HEADER_SIZE
    try {
      this.encoder.encode(fields, output, never)
    } catch (error) {
      output.cut(before)
      throw error
    }
    frameBlock(output, before, stream.id, end, this.peerSettings.maxFrameSize)
    if (end) this.end(stream)
  }

  data(stream: Stream, data: Buffer, end: boolean): void {
    let sent = 0
    if (stream.queued === 0) {
      if (data.length === 0) {
        if (!end) return
        writeData(this.output, stream.id, data, 0, 0, true)
        this.end(stream)
        return
      }
      while (sent < data.length) {
        const more = this.frame(stream, data, sent, end)
        if (more === 0) break
        sent += more
      }
      if (sent === data.length) {
        if (end) this.end(stream)
        return
      }
      stream.sent = sent
    }
    if (data.length > 0) {
      stream.queue ??= []
      stream.queue.push(data)
      stream.queued += data.length - sent
    }
    if (end) {
      stream.endQueued = true
      stream.sending = false
    }
    stream.full = true
    if (!stream.waiting) {
      stream.waiting = true
      this.waiting.push(stream)
    }
  }

  trailers(stream: Stream, fields: readonly string[]): void {
    if (stream.queued === 0) {
      this.head(stream, fields, true)
      return
    }
    // Now, and not when their turn comes, so that the one who made them is told.
    checkFields(fields)
    stream.trailers = fields
    stream.sending = false
  }

  reset(stream: number, code: number): void {
    writeNumber(this.output, RST_STREAM, stream, code)
  }

  /** Gives credit back; on stream 0 to the connection. */
  credit(stream: number, bytes: number): void {
    writeNumber(this.output, WINDOW_UPDATE, stream, bytes)
  }

  /** Lets go of what waits in a stream that was reset. */
  drop(stream: Stream): void {
    stream.queue = undefined
    stream.queued = 0
    stream.trailers = undefined
    stream.endQueued = false
    stream.sending = false
    stream.full = false
    if (!stream.waiting) return
    stream.waiting = false
    this.waiting.splice(this.waiting.indexOf(stream), 1)
  }

  /** The peer's WINDOW_UPDATE for the connection. Throws where the window gets larger than the RFC allows. */
  handleWindow(bytes: number): void {
    this.window += bytes
    if (this.window > MAX_WINDOW) throw new Http2Error(FLOW_CONTROL_ERROR, 'the window of the connection overflows')
    this.pump()
  }

  /** The peer's WINDOW_UPDATE for a stream. False where the window gets larger than the RFC allows. */
  handleStreamWindow(stream: Stream, bytes: number): boolean {
    stream.sendWindow += bytes
    if (stream.sendWindow > MAX_WINDOW) return false
    if (stream.waiting) this.pump()
    return true
  }

  /** The peer's SETTINGS have come into force; `before` is the window that streams had until then (RFC 9113, 6.9.2). */
  handleSettings(streams: Iterable<Stream>, before: number): void {
    const { headerTableSize, initialWindowSize } = this.peerSettings
    this.encoder.setLimit(headerTableSize)
    const more = initialWindowSize - before
    if (more === 0) return
    for (const stream of streams) {
      stream.sendWindow += more
      if (stream.sendWindow > MAX_WINDOW) {
        throw new Http2Error(FLOW_CONTROL_ERROR, 'SETTINGS_INITIAL_WINDOW_SIZE makes the window of a stream overflow')
      }
    }
    this.pump()
  }

  /** Sends what waits, a frame of each stream in turn, as far as the windows and MAX_FRAMED allow. */
  pump(): void {
    const { waiting } = this
    if (waiting.length === 0) return
    const drained: Stream[] = []
    for (let idle = 0; idle < waiting.length && this.window > 0 && this.output.length < MAX_FRAMED; ) {
      const stream = waiting.shift() as Stream
      const queue = stream.queue as Buffer[]
      const more = this.frame(stream, queue[0] as Buffer, stream.sent, stream.endQueued && queue.length === 1)
      if (more === 0) {
        waiting.push(stream)
        idle++
        continue
      }
      idle = 0
      stream.sent += more
      stream.queued -= more
      if (stream.sent === (queue[0] as Buffer).length) {
        queue.shift()
        stream.sent = 0
      }
      if (stream.queued > 0) {
        waiting.push(stream)
        continue
      }
      stream.waiting = false
      drained.push(stream)
    }
    for (const stream of drained) {
      if (stream.reset || stream.queued > 0) continue
      stream.full = false
      if (stream.trailers) this.head(stream, stream.trailers, true)
      else if (stream.endQueued) this.end(stream)
      else this.roomy(stream)
    }
  }

  /** One frame of DATA as large as may be; the number of its bytes. It ends the stream where `end` and all of `data` is in it. */
  private frame(stream: Stream, data: Buffer, from: number, end: boolean): number {
    const room = Math.min(this.window, stream.sendWindow, this.peerSettings.maxFrameSize, data.length - from)
    if (room <= 0 || this.output.length >= MAX_FRAMED) return 0
    const to = from + room
    writeData(this.output, stream.id, data, from, to, end && to === data.length)
    this.window -= room
    stream.sendWindow -= room
    this.floods.sent(room)
    return room
  }

  private end(stream: Stream): void {
    stream.sending = false
    this.ended(stream)
  }
}
