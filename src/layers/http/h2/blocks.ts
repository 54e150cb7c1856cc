// Puts a field block together: HEADERS without its padding and priority, and the CONTINUATION frames behind it (RFC 9113, 4.3).
import { ENHANCE_YOUR_CALM, Http2Error, PROTOCOL_ERROR } from './error.js'
import type { Priority } from './fingerprint.js'
import { MAX_CONTINUATIONS } from './floods.js'
import { END_HEADERS, END_STREAM, PADDED, PRIORITY_FLAG } from './frames.js'

/** A block has this many times the bytes of its list at most; in truth it is nearly always smaller. */
export const BLOCK_FACTOR = 2

export class Blocks {
  /** The stream whose block is not complete, or 0. */
  stream = 0
  /** Of the last block: END_STREAM was set, and its priority. */
  end = false
  priority: Priority | undefined
  /** Where the complete block is. */
  bytes: Buffer = Buffer.alloc(0)
  from = 0
  to = 0
  private pieces: Buffer[] = []
  private length = 0
  private readonly most: number

  constructor(maxList: number) {
    this.most = BLOCK_FACTOR * maxList
  }

  /** Throws where the frame may not come, by its header alone: nothing else may stand inside a block, and a block is bounded. */
  check(length: number, isHeaders: boolean, isContinuation: boolean, stream: number): void {
    if (isContinuation ? stream !== this.stream || stream === 0 : this.stream !== 0) {
      throw new Http2Error(PROTOCOL_ERROR, 'CONTINUATION frames do not follow their HEADERS')
    }
    if (!isHeaders && !isContinuation) return
    if (this.length + length > this.most || (isContinuation && this.pieces.length > MAX_CONTINUATIONS)) {
      throw new Http2Error(ENHANCE_YOUR_CALM, `a field block has more than ${this.most} bytes, or too many frames`)
    }
  }

  /** True when the block is complete. */
  headers(flags: number, stream: number, bytes: Buffer, start: number, end: number): boolean {
    let from = start
    let padding = 0
    if (flags & PADDED) {
      if (from === end) throw new Http2Error(PROTOCOL_ERROR, 'a HEADERS frame has no byte for its padding')
      padding = bytes[from++] as number
    }
    this.priority = undefined
    if (flags & PRIORITY_FLAG) {
      if (end - from < 5) throw new Http2Error(PROTOCOL_ERROR, 'a HEADERS frame is too short for its priority')
      this.priority = readPriority(stream, bytes, from)
      from += 5
    }
    if (padding > end - from)
      throw new Http2Error(PROTOCOL_ERROR, 'the padding of a HEADERS frame is longer than the frame')
    this.end = (flags & END_STREAM) !== 0
    return this.add(flags, stream, bytes, from, end - padding)
  }

  continuation(flags: number, stream: number, bytes: Buffer, start: number, end: number): boolean {
    return this.add(flags, stream, bytes, start, end)
  }

  private add(flags: number, stream: number, bytes: Buffer, from: number, to: number): boolean {
    const complete = (flags & END_HEADERS) !== 0
    if (complete && this.pieces.length === 0) {
      this.bytes = bytes
      this.from = from
      this.to = to
      return true
    }
    // A copy: a piece would keep all that came with it.
    this.pieces.push(Buffer.from(bytes.subarray(from, to)))
    this.length += to - from
    this.stream = complete ? 0 : stream
    if (!complete) return false
    this.bytes = Buffer.concat(this.pieces, this.length)
    this.from = 0
    this.to = this.length
    this.pieces = []
    this.length = 0
    return true
  }
}

export function readPriority(stream: number, bytes: Buffer, at: number): Priority {
  const word = bytes.readUInt32BE(at)
  return {
    stream,
    exclusive: word >= 0x8000_0000,
    dependency: word & 0x7fff_ffff,
    weight: (bytes[at + 4] as number) + 1,
  }
}
