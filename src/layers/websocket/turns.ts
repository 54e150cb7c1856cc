// Lets tasks do something one after the other: the hooks of one WebSocket, whose message is the flow's `last` meanwhile.
import { join, type Step, sleep } from '../layer.js'
import type { Machine } from '../machine.js'
import type { Task } from '../task.js'

export class Turns {
  readonly #machine: Machine
  readonly #waiting: Task[] = []
  #taken = false

  constructor(machine: Machine) {
    this.#machine = machine
  }

  /** Waits for its turn, does the steps, and lets the next one begin. */
  *take<T>(steps: Step<T>): Step<T> {
    if (this.#taken) {
      // A task that sleeps until it is cancelled.
      const turn = this.#machine.fork(sleep(0))
      this.#waiting.push(turn)
      yield* join(turn)
    }
    this.#taken = true
    try {
      return yield* steps
    } finally {
      this.#taken = false
      const next = this.#waiting.shift()
      if (next) this.#machine.cancel(next)
    }
  }
}
