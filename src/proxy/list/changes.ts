// What has changed in a list since somebody took the changes: one word a row, up to a number of rows.

/** The most rows whose changes are kept one by one. Beyond them the list is to be read anew. */
const MAX_CHANGES = 5_000

export type RowChange = 'added' | 'updated' | 'removed'

export class Changes {
  #rows = new Map<number, { change: RowChange; id: string }>()
  #reset = false

  get isEmpty(): boolean {
    return !this.#reset && this.#rows.size === 0
  }

  note(number: number, change: RowChange, id: string): void {
    if (this.#reset) return
    const before = this.#rows.get(number)?.change
    // Nobody has heard of it.
    if (before === 'added' && change === 'removed') this.#rows.delete(number)
    else if (before !== 'added' || change !== 'updated') {
      this.#rows.set(number, { change: before === 'removed' && change === 'added' ? 'updated' : change, id })
    }
    if (this.#rows.size > MAX_CHANGES) this.reset()
  }

  /** There is too much to tell. */
  reset(): void {
    this.#reset = true
    this.#rows.clear()
  }

  /** The ids of the rows by what has become of them, and begins anew. */
  take(): { reset: boolean; added: string[]; updated: string[]; removed: string[] } {
    const taken = { reset: this.#reset, added: [] as string[], updated: [] as string[], removed: [] as string[] }
    for (const { change, id } of this.#rows.values()) taken[change].push(id)
    this.#rows.clear()
    this.#reset = false
    return taken
  }
}
