// Lets other work have its turn while many flows are read or put in order.

/** Milliseconds of work after which other work has a turn. */
const TURN = 10

export class Turns {
  readonly #now: () => number
  #begun: number

  /** `now`: milliseconds of a clock that only goes forward. */
  constructor(now: () => number) {
    this.#now = now
    this.#begun = now()
  }

  get isOver(): boolean {
    return this.#now() - this.#begun > TURN
  }

  async next(): Promise<void> {
    await new Promise((later) => setImmediate(later))
    this.#begun = this.#now()
  }
}
