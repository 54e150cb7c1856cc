// What lives for a while, the oldest first: running flows, drivers of connections.

/** What a row has. It knows its place, so that it is taken out without a search. */
export interface Placed {
  /** Undefined where it is in no row. */
  place: object | undefined
}

interface Place<T> {
  readonly item: T
  before: Place<T> | undefined
  after: Place<T> | undefined
}

/**
 * A Set would do, but for the garbage collector: a set that grows out of its table leaves the old one behind with all that was in it, linked to
 * the new one. Once one table is among the old objects, each that follows outlives what was in it, which is copied twice and kept until the
 * next full collection. A place is taken out of the row whole, so nothing old leads to what is young.
 */
export class Row<T extends Placed> {
  #first: Place<T> | undefined
  #last: Place<T> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Does nothing where the item is there. */
  add(item: T): void {
    if (item.place) return
    const place: Place<T> = { item, before: this.#last, after: undefined }
    item.place = place
    if (this.#last) this.#last.after = place
    else this.#first = place
    this.#last = place
    this.#size += 1
  }

  /** False where the item is not there: a flow that is read from a file ends without having begun, say. */
  delete(item: T): boolean {
    const place = item.place as Place<T> | undefined
    if (!place) return false
    const { before, after } = place
    if (before) before.after = after
    else this.#first = after
    if (after) after.before = before
    else this.#last = before
    place.before = undefined
    place.after = undefined
    item.place = undefined
    this.#size -= 1
    return true
  }

  get all(): T[] {
    const all: T[] = []
    for (let place = this.#first; place; place = place.after) all.push(place.item)
    return all
  }
}
