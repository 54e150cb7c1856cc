// Lets tasks do something one after the other: the hooks of one WebSocket, whose message is the flow's `last` meanwhile.
import { type Context, join, type Step, sleep } from '../layer.js'
import type { Task } from '../task.js'

export class Turns {
  readonly #context: Context
  readonly #waiting: Task[] = []
  #taken = false

  constructor(context: Context) {
    this.#context = context
  }

  /** Waits for its turn, does the steps, and lets the next one begin. */
  *take<T>(steps: Step<T>): Step<T> {
    if (this.#taken) {
      // A task that sleeps until it is cancelled.
      const { machine, scope } = this.#context
      const turn = machine.fork(sleep(0), scope)
      this.#waiting.push(turn)
      yield* join(turn)
    }
    this.#taken = true
    try {
      return yield* steps
    } finally {
      this.#taken = false
      const next = this.#waiting.shift()
      if (next) this.#context.machine.cancel(next)
    }
  }
}
