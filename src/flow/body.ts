// The recorded part of a body: its first bytes up to a limit, and how long it was in all.

/** Chunks that share a much larger allocation are copied, so that keeping a few bytes does not keep 64 KiB. */
const WASTE = 4

export class RecordedBody {
  #chunks: Buffer[] = []
  #recorded = 0
  /** Bytes of the body so far, recorded or not. */
  length = 0
  /** Bytes that are recorded. */
  limit: number

  constructor(limit: number) {
    this.limit = limit
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
    const room = this.limit - this.#recorded
    if (room <= 0 || chunk.length === 0) return
    const kept = chunk.length > room ? chunk.subarray(0, room) : chunk
    this.#recorded += kept.length
    this.#chunks.push(kept.buffer.byteLength > kept.length * WASTE ? Buffer.from(kept) : kept)
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
