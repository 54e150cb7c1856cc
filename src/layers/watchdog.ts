// The one clock of a connection. When neither direction has made progress for the time limit, the connection is over.
import type { Timed, World } from './world.js'

export class Watchdog implements Timed {
  readonly #world: World
  /** Milliseconds. */
  readonly limit: number
  #progressAt: number
  timer: unknown

  constructor(world: World, limit: number) {
    this.#world = world
    this.limit = limit
    this.#progressAt = world.now()
    this.#sleep(limit)
  }

  /** Called when either side has sent data, or has taken data. */
  progress(): void {
    this.#progressAt = this.#world.now()
  }

  /** Called when the timer has gone off. True when the connection is over. `rests`: the time until now does not count. */
  expired(rests: boolean): boolean {
    if (rests) this.progress()
    const left = this.#progressAt + this.limit - this.#world.now()
    if (left <= 0) return true
    this.#sleep(left)
    return false
  }

  cancel(): void {
    this.#world.perform({ type: 'cancel', of: this })
  }

  #sleep(milliseconds: number): void {
    this.#world.perform({ type: 'timer', of: this, milliseconds })
  }
}
