// The part of a body that a flow keeps: its first bytes up to a limit, here or in a store, and how long the body was in all.

/** A chunk is copied when its allocation is more than so many times larger, so that keeping a few bytes does not keep 64 KiB. */
const WASTE = 4

/** Recorded bytes that lie elsewhere than in the flow: in a file of the store, say. */
export interface StoredBytes {
  /** How many bytes they are. */
  readonly size: number
  /** Reads them all. Where they are gone since, the answer is what can still be had: none. Never throws. */
  bytes(): Buffer
}

export class RecordedBody {
  #chunks: Buffer[] = []
  #recorded = 0
  #stored: StoredBytes | undefined
  /** The length of the body so far in bytes, recorded or not. */
  length = 0
  #limit: number
  #held = false

  /** At most `limit` bytes are recorded, but for a body that is held. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** From now on the recorded bytes are read from where they lie, and not kept here. `length`: of the whole body, which has ended. */
  store(stored: StoredBytes, length: number): void {
    this.length = length
    this.#chunks = []
    this.#recorded = stored.size
    this.#stored = stored
  }

  /** The place of the recorded bytes where that is not the flow itself. */
  get stored(): StoredBytes | undefined {
    return this.#stored
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

  /** Records no more than so many bytes in all, of what comes from now on. */
  limitTo(limit: number): void {
    this.#limit = Math.min(this.#limit, limit)
  }

  /** From now on the whole body is recorded, whatever the limit: it is held for a hook, and sent on from here. */
  hold(): void {
    this.#held = true
  }

  /** Ends `hold()`: the body has been sent on, and only its first bytes, up to the limit, are kept. */
  trim(): void {
    this.#held = false
    if (this.#recorded <= this.#limit || this.#stored) return
    this.#chunks = [withoutWaste(this.content.subarray(0, this.#limit))]
    this.#recorded = this.#limit
  }

  /** Forgets all of the body: what is sent in its place is recorded from now on. */
  restart(): void {
    this.#chunks = []
    this.#stored = undefined
    this.#recorded = 0
    this.length = 0
  }

  /** The recorded bytes. */
  get content(): Buffer {
    if (this.#stored) return this.#stored.bytes()
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? EMPTY
  }

  /** Puts `content` in the place of the recorded bytes. */
  replace(content: Buffer): void {
    this.#chunks = [content]
    this.#stored = undefined
    this.#recorded = content.length
    this.length = content.length
  }
}

const EMPTY = Buffer.alloc(0)

/** The bytes, or a copy of them where they are a small part of a larger allocation, which would be kept with them. */
export function withoutWaste(bytes: Buffer): Buffer {
  return bytes.buffer.byteLength > bytes.length * WASTE ? Buffer.from(bytes) : bytes
}
