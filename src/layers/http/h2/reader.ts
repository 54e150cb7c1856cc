// Cuts what comes into frames, in whatever pieces. Whole frames are not copied, and DATA is passed on as it comes.
import { Http2Error, PROTOCOL_ERROR } from './error.js'
import { CONTINUATION, DATA, HEADER_SIZE, PADDED, PREFACE } from './frames.js'

export interface FrameSink {
  /** The header of any frame. Throws where its payload must not be read. */
  handleHeader(length: number, type: number, flags: number, stream: number): void
  /** A whole frame of a known type other than DATA; its payload is in `bytes`. */
  handleFrame(type: number, flags: number, stream: number, bytes: Buffer, start: number, end: number): void
  /** Data of the DATA frame whose header came last, without padding. */
  handlePayload(data: Buffer): void
  /** Its end. */
  handlePayloadEnd(): void
}

/** Where a padded DATA frame has no byte for the length of its padding yet. */
const UNKNOWN = -1

export class FrameReader {
  /** Set by the owner when nothing more is to be read. */
  stopped = false
  private readonly sink: FrameSink
  /** Bytes of the preface that have come, of a server. */
  private preface: number
  private readonly header = Buffer.allocUnsafe(HEADER_SIZE)
  private headerLength = 0
  /** The frame that is not complete. */
  private type = 0
  private flags = 0
  private stream = 0
  private payload: Buffer | undefined
  private payloadLength = 0
  /** What DATA, or a frame that is skipped, still has: without its padding, and the padding. */
  private left = 0
  private padding = 0
  private reading: 'header' | 'payload' | 'data' | 'skip' = 'header'

  constructor(sink: FrameSink, expectPreface: boolean) {
    this.sink = sink
    this.preface = expectPreface ? 0 : PREFACE.length
  }

  /** The preface, or a frame other than DATA, has begun and is not whole. */
  get within(): boolean {
    if (this.preface < PREFACE.length) return this.preface > 0
    return this.headerLength > 0 || this.reading === 'payload'
  }

  push(data: Buffer): void {
    const { length } = data
    let at = this.preface < PREFACE.length ? this.readPreface(data) : 0
    while (!this.stopped) {
      if (this.reading === 'header') {
        if (this.headerLength === 0 && length - at >= HEADER_SIZE) {
          at = this.begin(data, at, data, at + HEADER_SIZE)
          continue
        }
        if (at === length) return
        const more = Math.min(HEADER_SIZE - this.headerLength, length - at)
        data.copy(this.header, this.headerLength, at, at + more)
        this.headerLength += more
        at += more
        if (this.headerLength < HEADER_SIZE) return
        this.headerLength = 0
        at = this.begin(this.header, 0, data, at)
      } else if (this.reading === 'payload') {
        const payload = this.payload as Buffer
        const more = Math.min(payload.length - this.payloadLength, length - at)
        data.copy(payload, this.payloadLength, at, at + more)
        this.payloadLength += more
        at += more
        if (this.payloadLength < payload.length) return
        this.reading = 'header'
        this.payload = undefined
        this.sink.handleFrame(this.type, this.flags, this.stream, payload, 0, payload.length)
      } else if (this.reading === 'data') {
        const next = this.readData(data, at)
        if (next === at && this.reading === 'data') return
        at = next
      } else {
        const more = Math.min(this.left, length - at)
        this.left -= more
        at += more
        if (this.left > 0) return
        this.reading = 'header'
      }
    }
  }

  private readPreface(data: Buffer): number {
    const more = Math.min(PREFACE.length - this.preface, data.length)
    if (data.compare(PREFACE, this.preface, this.preface + more, 0, more) !== 0) {
      throw new Http2Error(PROTOCOL_ERROR, 'the client does not begin with the preface of HTTP/2')
    }
    this.preface += more
    return more
  }

  /** Reads a header at `from` of `header`; its payload begins at `at` of `data`. The index behind what was read. */
  private begin(header: Buffer, from: number, data: Buffer, at: number): number {
    const size = ((header[from] as number) << 16) | ((header[from + 1] as number) << 8) | (header[from + 2] as number)
    const type = header[from + 3] as number
    const flags = header[from + 4] as number
    const stream =
      (((header[from + 5] as number) & 0x7f) << 24) |
      ((header[from + 6] as number) << 16) |
      ((header[from + 7] as number) << 8) |
      (header[from + 8] as number)
    this.sink.handleHeader(size, type, flags, stream)
    if (type === DATA) {
      this.left = size
      this.padding = flags & PADDED ? UNKNOWN : 0
      this.reading = 'data'
      return at
    }
    if (type > CONTINUATION) {
      this.left = size
      this.reading = 'skip'
      return at
    }
    const end = at + size
    if (end <= data.length) {
      this.sink.handleFrame(type, flags, stream, data, at, end)
      return end
    }
    this.type = type
    this.flags = flags
    this.stream = stream
    this.payload = Buffer.allocUnsafe(size)
    this.payloadLength = 0
    this.reading = 'payload'
    return at
  }

  private readData(data: Buffer, from: number): number {
    let at = from
    if (this.padding === UNKNOWN) {
      if (this.left > 0) {
        if (at === data.length) return at
        this.padding = data[at++] as number
        this.left--
      }
      if (this.padding === UNKNOWN || this.padding > this.left) {
        throw new Http2Error(PROTOCOL_ERROR, 'the padding of a DATA frame is longer than the frame')
      }
      this.left -= this.padding
    }
    if (this.left > 0) {
      const more = Math.min(this.left, data.length - at)
      if (more === 0) return at
      this.left -= more
      at += more
      this.sink.handlePayload(data.subarray(at - more, at))
      if (this.left > 0) return at
    }
    const more = Math.min(this.padding, data.length - at)
    this.padding -= more
    at += more
    if (this.padding > 0) return at
    this.reading = 'header'
    this.sink.handlePayloadEnd()
    return at
  }
}
