// A clock that the test moves: setTimeout, setInterval, Date.now and performance.now, for code that runs without waiting for anything else.

interface Ticking {
  due: number
  readonly every: number | undefined
  readonly milliseconds: number
  readonly work: () => void
}

export class Clock {
  now = 1_000_000
  readonly #running = new Set<Ticking>()

  /** Timers that run. */
  get timers(): number {
    return this.#running.size
  }

  /** Runs a test under this clock. It must not wait: other tests have the real one. */
  with(test: () => void): void {
    const { setTimeout, setInterval, clearTimeout, clearInterval } = globalThis
    const { now } = Date
    const steady = performance.now
    const begin = (repeats: boolean) => (work: () => void, milliseconds: number) => {
      const one = { due: this.now + milliseconds, every: repeats ? milliseconds : undefined, milliseconds, work }
      this.#running.add(one)
      return Object.assign(one, {
        unref: () => one,
        refresh: () => {
          one.due = this.now + milliseconds
          this.#running.add(one)
          return one
        },
      })
    }
    const end = (one: unknown) => void this.#running.delete(one as Ticking)
    const fakes = { setTimeout: begin(false), setInterval: begin(true), clearTimeout: end, clearInterval: end }
    try {
      Object.assign(globalThis, fakes)
      Date.now = () => this.now
      performance.now = () => this.now
      test()
    } finally {
      Object.assign(globalThis, { setTimeout, setInterval, clearTimeout, clearInterval })
      Date.now = now
      performance.now = steady
    }
  }

  /** Time passes, and what is due goes off in its order. */
  after(milliseconds: number): void {
    const end = this.now + milliseconds
    for (;;) {
      const [next] = [...this.#running].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)
      if (!next) break
      this.now = next.due
      if (next.every === undefined) this.#running.delete(next)
      else next.due += next.every
      next.work()
    }
    this.now = end
  }
}
