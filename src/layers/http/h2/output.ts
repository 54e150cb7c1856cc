// The bytes that a session has to send, in one piece for each turn. A session that has nothing to send holds no memory for it.

/** What is allocated at once. Sessions use it up one after the other, so that many small turns share a buffer and nothing is copied. */
const SIZE = 64 * 1024
/** Less than this at the end of a buffer is not used. */
const LEAST = 1024

const NOTHING = Buffer.alloc(0)
/** The rest of a buffer, from `spareAt` on, which the next session takes. */
let spare = NOTHING
let spareAt = 0

export class Output {
  /** Bytes are written at `end`, after `reserve`, which may move all that is not taken. */
  bytes = NOTHING
  end = 0
  /** Where what is not taken begins. */
  start = 0

  /** Bytes that are not taken. */
  get length(): number {
    return this.end - this.start
  }

  /** Makes room for `more` bytes at `end`. */
  reserve(more: number): void {
    if (this.end + more <= this.bytes.length) return
    const { bytes, start, length } = this
    if (length === 0 && spare.length - spareAt >= Math.max(more, LEAST)) {
      this.bytes = spare
      this.start = spareAt
      spare = NOTHING
      spareAt = 0
    } else {
      this.bytes = Buffer.allocUnsafeSlow(Math.max(SIZE, 2 * (length + more)))
      bytes.copy(this.bytes, 0, start, start + length)
      this.start = 0
    }
    this.end = this.start + length
  }

  push(data: Uint8Array): void {
    this.reserve(data.length)
    this.bytes.set(data, this.end)
    this.end += data.length
  }

  /** Forgets what was written behind the first `length` bytes. */
  cut(length: number): void {
    this.end = this.start + length
  }

  /** All bytes, which are then the caller's. */
  take(): Buffer | undefined {
    const { bytes, start, end } = this
    if (start === end) return undefined
    if (bytes.length - end >= LEAST) {
      spare = bytes
      spareAt = end
    }
    this.bytes = NOTHING
    this.start = 0
    this.end = 0
    return bytes.subarray(start, end)
  }
}
