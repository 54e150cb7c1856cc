// Bytes that are put together from pieces: as many small pieces as a peer likes cost no more memory than twice their bytes.

const FIRST_CAPACITY = 1024

export class Growing {
  #bytes: Buffer = EMPTY
  #length = 0

  get length(): number {
    return this.#length
  }

  append(piece: Buffer): void {
    if (piece.length === 0) return
    // A single piece is not copied.
    if (this.#length === 0) {
      this.#bytes = piece
      this.#length = piece.length
      return
    }
    const length = this.#length + piece.length
    // There is no room behind a piece that was given, for its bytes are all that there are.
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(length, 2 * this.#length, FIRST_CAPACITY))
      this.#bytes.copy(grown, 0, 0, this.#length)
      this.#bytes = grown
    }
    piece.copy(this.#bytes, this.#length)
    this.#length = length
  }

  /** All bytes. They stay as they are when more are appended. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Forgets all bytes. What was handed out stays as it is. */
  clear(): void {
    this.#bytes = EMPTY
    this.#length = 0
  }

  /** Forgets the first bytes. */
  drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count)
    this.#length -= count
    if (this.#length === 0) this.clear()
  }
}

const EMPTY = Buffer.alloc(0)
