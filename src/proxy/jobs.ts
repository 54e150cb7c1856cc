// Work of addons that the command stays for: files that are read, flows that are replayed.
import type { LogLevel } from '../hooks.js'
import { describe } from './dispatch.js'

/** The proxy, as its jobs need it. */
interface Surroundings {
  /** How many connections of clients there are. */
  connected(): number
  log(level: LogLevel, message: string): void
}

export class Jobs {
  readonly #around: Surroundings
  #begun = 0
  #running = 0
  #failures = 0
  #waiting: ((failures: number) => void)[] = []

  /** @internal */
  constructor(around: Surroundings) {
    this.#around = around
  }

  /** Counts a job until its promise is settled. Where the promise is rejected the job has failed, and the error is logged. */
  add(job: PromiseLike<unknown>): void {
    this.#begun += 1
    this.#running += 1
    const over = () => {
      this.#running -= 1
      this.look()
    }
    job.then(over, (error: unknown) => {
      this.#failures += 1
      this.#around.log('error', describe(error).text)
      over()
    })
  }

  /** How many jobs have begun so far. */
  get begun(): number {
    return this.#begun
  }

  /** Fulfilled with the number of jobs that have failed, as soon as no job runs and no client is connected. */
  finished(): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.look()
    })
  }

  /** Looks whether all is over. The proxy calls this when the last client has gone. */
  look(): void {
    if (this.#waiting.length === 0 || this.#running > 0 || this.#around.connected() > 0) return
    for (const resolve of this.#waiting.splice(0)) resolve(this.#failures)
  }
}
