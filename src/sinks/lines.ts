// Text to a terminal, file or pipe: many lines of one turn in one write, and a bound on what waits for a slow reader.

/** Where text goes: `process.stdout`, any Writable, or a test. */
export interface TextOutput {
  write(text: string): unknown
  /** Bytes that were written and have not left yet. */
  readonly writableLength?: number
  /** The width of a terminal; undefined for what is none. */
  readonly columns?: number | undefined
}

/** Bytes that may wait for a reader, about 40,000 lines; what comes then is left out, and counted. */
const MAX_WAITING = 4 * 1024 * 1024

export class LineWriter {
  readonly #output: TextOutput
  readonly #droppedText: (count: number) => string
  #pending = ''
  #scheduled = false
  #dropped = 0

  /** `droppedText` is what to say, once there is room again, about texts that were left out; it may be empty. */
  constructor(output: TextOutput, droppedText: (count: number) => string) {
    this.#output = output
    this.#droppedText = droppedText
  }

  /** Texts that were left out and not yet spoken of. */
  get dropped(): number {
    return this.#dropped
  }

  /** Writes a text that ends in a newline; never throws, and never waits. */
  write(text: string): void {
    if (this.#pending.length + (this.#output.writableLength ?? 0) > MAX_WAITING) {
      this.#dropped += 1
      return
    }
    if (this.#dropped > 0) {
      this.#pending += this.#droppedText(this.#dropped)
      this.#dropped = 0
    }
    this.#pending += text
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => this.flush())
  }

  flush(): void {
    this.#scheduled = false
    const text = this.#pending
    this.#pending = ''
    if (text === '') return
    try {
      this.#output.write(text)
    } catch {
      // A reader that has gone (EPIPE), or is not ready (EAGAIN): the traffic goes on without it.
    }
  }
}
