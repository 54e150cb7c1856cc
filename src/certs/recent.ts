// A bounded map: where it is full, the least recently used entry leaves.

interface Entry<Key, Value> {
  readonly key: Key
  value: Value
  before: Entry<Key, Value>
  after: Entry<Key, Value>
}

/** The order is that of a ring of entries, and not of the map's: a look at an entry would else take it out of the map and put it back. */
export class Recent<Key, Value> {
  readonly #entries = new Map<Key, Entry<Key, Value>>()
  readonly #limit: number
  /** The least recently used entry; the one before it was used last. */
  #oldest: Entry<Key, Value> | undefined

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    this.#take(entry)
    this.#put(entry)
    return entry.value
  }

  /** Returns the value that had to leave for this one: the least recently used; undefined where there was room. */
  set(key: Key, value: Value): Value | undefined {
    this.delete(key)
    const entry = { key, value } as Entry<Key, Value>
    this.#entries.set(key, entry)
    this.#put(entry)
    if (this.#entries.size <= this.#limit || !this.#oldest) return undefined
    const left = this.#oldest
    this.delete(left.key)
    return left.value
  }

  /** All values, the least recently used first. */
  values(): Value[] {
    const values: Value[] = []
    let entry = this.#oldest
    for (let left = this.size; entry && left > 0; left--) {
      values.push(entry.value)
      entry = entry.after
    }
    return values
  }

  delete(key: Key): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#take(entry)
  }

  #take(entry: Entry<Key, Value>): void {
    const { before, after } = entry
    before.after = after
    after.before = before
    if (this.#oldest === entry) this.#oldest = after === entry ? undefined : after
  }

  #put(entry: Entry<Key, Value>): void {
    const oldest = this.#oldest
    if (!oldest) {
      entry.before = entry
      entry.after = entry
      this.#oldest = entry
      return
    }
    entry.after = oldest
    entry.before = oldest.before
    oldest.before.after = entry
    oldest.before = entry
  }
}
