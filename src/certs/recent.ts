// A bounded map: where it is full, the least recently used entry leaves.
export class Recent<Key, Value> {
  readonly #entries = new Map<Key, Value>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: Key): Value | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  /** Returns the value that had to leave for this one: the least recently used; undefined where there was room. */
  set(key: Key, value: Value): Value | undefined {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size <= this.#limit) return undefined
    const oldest = this.#entries.entries().next()
    if (oldest.done) return undefined
    this.#entries.delete(oldest.value[0])
    return oldest.value[1]
  }

  /** All values, the least recently used first. */
  values(): Value[] {
    return [...this.#entries.values()]
  }

  delete(key: Key): void {
    this.#entries.delete(key)
  }
}
