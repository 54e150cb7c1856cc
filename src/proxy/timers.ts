// The timers of a machine's tasks. A task keeps one for all its waits: most end early, and the next may take as long as the last.
import type { Timed } from '../layers/world.js'

type Timer = { readonly milliseconds: number; readonly timeout: NodeJS.Timeout }

export class Timers {
  readonly #expired: (of: Timed) => void

  constructor(expired: (of: Timed) => void) {
    this.#expired = expired
  }

  start(of: Timed, milliseconds: number): void {
    const timer = of.timer as Timer | undefined
    if (timer?.milliseconds === milliseconds) {
      timer.timeout.refresh()
      return
    }
    clearTimeout(timer?.timeout)
    const timeout = setTimeout(() => this.#expired(of), milliseconds).unref()
    of.timer = { milliseconds, timeout } satisfies Timer
  }

  cancel(of: Timed): void {
    clearTimeout((of.timer as Timer | undefined)?.timeout)
  }
}
