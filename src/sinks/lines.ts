// Writes lines to a terminal, file or pipe: those of one turn of the event loop in one write, with a bound on those that wait.

/** Where text goes: `process.stdout`, any Writable, or a test. */
export interface TextOutput {
  write(text: string): unknown
  /** Bytes that were written here and have not left the process yet. */
  readonly writableLength?: number
  /** The width of a terminal in characters; undefined for a file or a pipe. */
  readonly columns?: number | undefined
}

/** Bytes that may wait for a slow reader, about 40,000 lines; texts beyond them are dropped, and counted. */
const MAX_WAITING = 4 * 1024 * 1024

export class LineWriter {
  readonly #output: TextOutput
  readonly #droppedText: (count: number) => string
  #pending = ''
  #scheduled = false
  #dropped = 0

  /** `droppedText` makes the text that tells of `count` dropped texts, written when there is room again; it may be empty. */
  constructor(output: TextOutput, droppedText: (count: number) => string) {
    this.#output = output
    this.#droppedText = droppedText
  }

  /** Texts that were dropped, and that the output has not been told of yet. */
  get dropped(): number {
    return this.#dropped
  }

  /** Takes a text that ends in a newline. Never throws, and never waits. */
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
      // The reader has gone (EPIPE), or is not ready (EAGAIN): the proxy goes on without it.
    }
  }
}
