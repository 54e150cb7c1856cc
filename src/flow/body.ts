// The recorded part of a body: its first bytes up to a limit, and how long it was in all.

/** Chunks that share a much larger allocation are copied, so that keeping a few bytes does not keep 64 KiB. */
const WASTE = 4

export class RecordedBody {
  #chunks: Buffer[] = []
  #recorded = 0
  /** Bytes of the body so far, recorded or not. */
  length = 0
  readonly #limit: number
  #held = false

  /** At most `limit` bytes are recorded, but for a body that is held. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** How many bytes are recorded. */
  get recorded(): number {
    return this.#recorded
  }

  /** True when bytes passed that were not recorded. */
  get truncated(): boolean {
    return this.length > this.#recorded
  }

  append(chunk: Buffer): void {
    this.length += chunk.length
    const room = this.#held ? chunk.length : this.#limit - this.#recorded
    if (room <= 0 || chunk.length === 0) return
    const kept = chunk.length > room ? chunk.subarray(0, room) : chunk
    this.#recorded += kept.length
    this.#chunks.push(withoutWaste(kept))
  }

  /** Everything that comes is recorded from now on: the body is held, and what is sent on is what is recorded here. */
  hold(): void {
    this.#held = true
  }

  /** What was held has been sent on: all but the first bytes, up to the limit, is forgotten. */
  trim(): void {
    this.#held = false
    if (this.#recorded <= this.#limit) return
    this.#chunks = [withoutWaste(this.content.subarray(0, this.#limit))]
    this.#recorded = this.#limit
  }

  /** The recorded bytes. */
  get content(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? EMPTY
  }

  /** Puts other bytes in the place of what was recorded. */
  replace(content: Buffer): void {
    this.#chunks = [content]
    this.#recorded = content.length
    this.length = content.length
  }
}

const EMPTY = Buffer.alloc(0)

function withoutWaste(bytes: Buffer): Buffer {
  return bytes.buffer.byteLength > bytes.length * WASTE ? Buffer.from(bytes) : bytes
}
