// What has changed in a list since somebody took the changes: one word a row, up to a number of rows.

/** The most rows whose changes are kept one by one. Beyond them the list is to be read anew. */
const MAX_CHANGES = 5_000

type RowChange = 'added' | 'updated' | 'removed'

export class Changes {
  readonly #rows = new Map<number, RowChange>()
  /** The ids of rows that are removed: their rows may be gone when they are asked for. */
  readonly #ids = new Map<number, string>()
  #reset = false

  get isEmpty(): boolean {
    return !this.#reset && this.#rows.size === 0
  }

  note(number: number, change: Exclude<RowChange, 'removed'>): void {
    if (this.#reset) return
    const before = this.#rows.get(number)
    if (before === 'removed') this.#ids.delete(number)
    if (before !== 'added') this.#set(number, before === 'removed' ? 'updated' : change)
  }

  removed(number: number, id: string): void {
    if (this.#reset) return
    // Nobody has heard of it.
    if (this.#rows.get(number) === 'added') this.#rows.delete(number)
    else {
      this.#ids.set(number, id)
      this.#set(number, 'removed')
    }
  }

  #set(number: number, change: RowChange): void {
    this.#rows.set(number, change)
    if (this.#rows.size > MAX_CHANGES) this.reset()
  }

  /** There is too much to tell. */
  reset(): void {
    this.#reset = true
    this.#rows.clear()
    this.#ids.clear()
  }

  /** The ids of the rows by what has become of them, and begins anew. `idOf` gives the id of a row that is there. */
  take(idOf: (number: number) => string) {
    const taken = { reset: this.#reset, added: [] as string[], updated: [] as string[], removed: [] as string[] }
    for (const [number, change] of this.#rows) taken[change].push(this.#ids.get(number) ?? idOf(number))
    this.#rows.clear()
    this.#ids.clear()
    this.#reset = false
    return taken
  }
}
