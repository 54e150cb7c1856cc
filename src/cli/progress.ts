// A line on stderr that says how far long work has come. It is there only on a terminal, not before a while, and gone when the work is over.
import type { Streams } from './streams.js'

/** Milliseconds of work before anything is said, and between two looks of the line. */
const PATIENCE = 500
const REFRESH = 100

export class Progress {
  readonly #streams: Streams
  readonly #now: () => number
  readonly #begun: number
  #drawnAt = 0
  #isThere = false
  #done = 0
  /** How much there is in all, or the part that is done, from 0 to 1; undefined where nobody knows. */
  total: number | undefined
  part: number | undefined

  constructor(streams: Streams) {
    this.#streams = streams
    this.#now = streams.now ?? (() => performance.now())
    this.#begun = this.#now()
  }

  /** One more flow was looked at. */
  step(): void {
    this.#done += 1
    const { stderr, env } = this.#streams
    // A dumb terminal cannot take a line back.
    if (!stderr.isTTY || env.TERM === 'dumb') return
    const now = this.#now()
    if (now - this.#begun < PATIENCE || now - this.#drawnAt < REFRESH) return
    this.#drawnAt = now
    this.#isThere = true
    stderr.write(`\r\x1b[K${this.#text().slice(0, (stderr.columns || 80) - 1)}`)
  }

  /** Takes the line away: the work is over, or another line is about to be written, which may go to the same terminal. */
  clear(): void {
    if (!this.#isThere) return
    this.#isThere = false
    this.#streams.stderr.write('\r\x1b[K')
  }

  #text(): string {
    const part = this.part ?? (this.total ? this.#done / this.total : undefined)
    const share = part === undefined ? '' : `, ${Math.floor(Math.min(part, 1) * 100)} %`
    return `${this.#done.toLocaleString('en')} flows read${share}`
  }
}
