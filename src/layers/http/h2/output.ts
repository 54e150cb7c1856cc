// The bytes that a session has to send, in one buffer that grows as they are written.

/** What a buffer begins with. Less than half of it is copied out when it is taken; more is given away, and a new one begun. */
const SIZE = 32 * 1024

export class Output {
  bytes: Buffer = Buffer.allocUnsafeSlow(SIZE)
  length = 0

  /** Makes room for `more` bytes behind `length`, so `bytes` may be another buffer afterwards. */
  reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.length + more))
    this.bytes.copy(larger, 0, 0, this.length)
    this.bytes = larger
  }

  push(data: Uint8Array): void {
    this.reserve(data.length)
    this.bytes.set(data, this.length)
    this.length += data.length
  }

  /** All bytes, which are then the caller's. */
  take(): Buffer | undefined {
    const { bytes, length } = this
    if (length === 0) return undefined
    this.length = 0
    if (length < SIZE / 2) return Buffer.from(bytes.subarray(0, length))
    this.bytes = Buffer.allocUnsafeSlow(SIZE)
    return bytes.subarray(0, length)
  }
}
