// The one clock of a connection: without any progress, either way, for as long as it allows, the connection is over.
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

  /** Something has come from either side, or either side has taken something. */
  progress(): void {
    this.#progressAt = this.#world.now()
  }

  /** The timer has gone off. True when the connection is over; while it `rests`, time does not count. */
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
