// Tells when the process is to end: on a signal, or when the reader of stdout is gone. A second signal ends the process at once.
import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Signals within so many milliseconds count as one: under npm, Ctrl-C sends one from the terminal, and npm passes on another. */
const ONE_SIGNAL = 300

/** The exit code after a signal is 128 plus its number, as in shells: 130 for SIGINT, 143 for SIGTERM. */
const codeOf = (signal: NodeJS.Signals) => 128 + (constants.signals[signal] ?? 0)

export class Stop {
  /** Fulfilled when the process is asked to end. */
  readonly asked: Promise<void>
  #ask: () => void = () => {}
  /** The time of the first signal, by `performance.now()`. */
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
    if (this.#first !== undefined && now - this.#first > ONE_SIGNAL) process.exit(codeOf(signal))
    this.#first ??= now
    this.#ask()
  }

  /** In `midwire | head`, writes fail with EPIPE once head has ended. */
  readonly #failed = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') this.#ask()
  }
}
