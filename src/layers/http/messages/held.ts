// The beginning of a message whose rest has not come: held up to a bound, and passed on beyond it.

/** The most bytes of an event, or of a line, that are held until its end has come. A longer one passes without its hook. */
export const MAX_HELD = 1024 * 1024

const SMALLEST = 1024

export class Held {
  readonly #max: number
  /** The bytes, with room behind them: pieces may be single bytes. */
  #buffer: Buffer = Buffer.alloc(0)
  #length = 0
  #passing = false

  constructor(max: number = MAX_HELD) {
    this.#max = max
  }

  /** Bytes that are held. */
  get length(): number {
    return this.#length
  }

  /** The bytes that are held, a view of them until the next call. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /** Adds a piece that is not the last of its message. Returns what passes on without a message: all of it where it is too long. */
  add(piece: Buffer): Buffer | undefined {
    if (piece.length === 0) return undefined
    if (this.#passing) return piece
    if (this.#length + piece.length > this.#max) {
      this.#passing = true
      return this.#with(piece)
    }
    const length = this.#length + piece.length
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(SMALLEST, 2 * length))
      this.bytes.copy(larger)
      this.#buffer = larger
    }
    piece.copy(this.#buffer, this.#length)
    this.#length = length
    return undefined
  }

  /** Ends the message with its last piece. `whole`: these are all bytes of the message, and not too many. */
  complete(piece: Buffer): { raw: Buffer; whole: boolean } {
    const whole = !this.#passing && this.#length + piece.length <= this.#max
    this.#passing = false
    return { raw: this.#with(piece), whole }
  }

  #with(piece: Buffer): Buffer {
    if (this.#length === 0) return piece
    const raw = Buffer.concat([this.bytes, piece])
    this.#buffer = Buffer.alloc(0)
    this.#length = 0
    return raw
  }
}
