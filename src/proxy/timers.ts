// The timers of a machine's tasks. Most waits end long before their time, and the next is as long: a task keeps one timer for all of them.
import type { Task } from '../layers/machine.js'

type Timer = { readonly milliseconds: number; readonly timeout: NodeJS.Timeout }

export class Timers {
  readonly #expired: (task: Task) => void

  constructor(expired: (task: Task) => void) {
    this.#expired = expired
  }

  start(task: Task, milliseconds: number): void {
    const timer = task.timer as Timer | undefined
    if (timer?.milliseconds === milliseconds) {
      timer.timeout.refresh()
      return
    }
    clearTimeout(timer?.timeout)
    const timeout = setTimeout(() => this.#expired(task), milliseconds).unref()
    task.timer = { milliseconds, timeout } satisfies Timer
  }

  cancel(task: Task): void {
    clearTimeout((task.timer as Timer | undefined)?.timeout)
  }
}
