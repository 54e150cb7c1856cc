// The last lines of the log, kept for those who look later: to a number of lines, and of characters.
import type { LogEntry } from '../hooks.js'

const MAX_LINES = 10_000
const MAX_CHARACTERS = 8 << 20
/** The characters of one line. */
const MAX_LINE = 64 << 10

export class LogLines {
  #lines: LogEntry[] = []
  #first = 0
  #characters = 0

  add(entry: LogEntry): void {
    const { message } = entry
    const kept = message.length > MAX_LINE ? { ...entry, message: `${message.slice(0, MAX_LINE)} ...` } : entry
    this.#lines.push(kept)
    this.#characters += kept.message.length
    while (this.#lines.length - this.#first > MAX_LINES || this.#characters > MAX_CHARACTERS) {
      this.#characters -= this.#lines[this.#first]?.message.length ?? 0
      this.#first += 1
    }
    // What is passed is cut off when it is half of all, so that each line is moved about once.
    if (this.#first * 2 <= this.#lines.length) return
    this.#lines = this.#lines.slice(this.#first)
    this.#first = 0
  }

  /** The oldest first. */
  get all(): LogEntry[] {
    return this.#lines.slice(this.#first)
  }
}
