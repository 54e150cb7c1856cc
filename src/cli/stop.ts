// When to end: a signal, or a reader of stdout that has gone. A second signal ends the process at once.
import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** A terminal's Ctrl-C reaches npm and us, and npm passes it on: signals so close together (milliseconds) are one. */
const SAME = 300

/** 128 and the signal's number, as shells have it: 130 for SIGINT, 143 for SIGTERM. */
const codeOf = (signal: NodeJS.Signals) => 128 + (constants.signals[signal] ?? 0)

export class Stop {
  /** Fulfilled when the process is asked to end. */
  readonly asked: Promise<void>
  #ask: () => void = () => {}
  /** When the first signal came. */
  #first: number | undefined

  constructor() {
    this.asked = new Promise((resolve) => {
      this.#ask = resolve
    })
    for (const signal of SIGNALS) process.on(signal, this.#signalled)
    process.stdout.on('error', this.#failed)
  }

  forget(): void {
    for (const signal of SIGNALS) process.off(signal, this.#signalled)
    process.stdout.off('error', this.#failed)
  }

  readonly #signalled = (signal: NodeJS.Signals) => {
    const now = performance.now()
    if (this.#first !== undefined && now - this.#first > SAME) process.exit(codeOf(signal))
    this.#first ??= now
    this.#ask()
  }

  /** `midwire | head`: nobody reads any more. */
  readonly #failed = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') this.#ask()
  }
}
