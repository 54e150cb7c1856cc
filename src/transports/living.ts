// A Map whose values come and go for as long as the process runs: connections and flows by their numbers.

/**
 * A map that grows out of its table, or is cleared, leaves the old table behind with all that was in it, linked to the new one. Once one table is
 * among the garbage collector's old objects, each that follows outlives its values, which are copied twice and kept until the next full
 * collection. Here tables have boxes, which are emptied when their entries go.
 */
export class Living<Key extends number | string, Value extends object> {
  readonly #boxes = new Map<Key, { value: Value | undefined }>()

  get size(): number {
    return this.#boxes.size
  }

  has(key: Key): boolean {
    return this.#boxes.has(key)
  }

  get(key: Key): Value | undefined {
    return this.#boxes.get(key)?.value
  }

  set(key: Key, value: Value): void {
    const box = this.#boxes.get(key)
    if (box) box.value = value
    else this.#boxes.set(key, { value })
  }

  delete(key: Key): boolean {
    const box = this.#boxes.get(key)
    if (!box) return false
    box.value = undefined
    return this.#boxes.delete(key)
  }

  /** The oldest first. As in a Map, entries may go while they are gone through. */
  *entries(): Generator<[Key, Value], void> {
    for (const [key, { value }] of this.#boxes) if (value) yield [key, value]
  }

  *values(): Generator<Value, void> {
    for (const [, value] of this.entries()) yield value
  }

  clear(): void {
    for (const box of this.#boxes.values()) box.value = undefined
    this.#boxes.clear()
  }
}
