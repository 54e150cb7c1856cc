// The order of recorded flows by their keys, a heap: its beginning is known long before all of it, and no step of it is long.
import type { Turns } from './turns.js'

/** The values that flows are sorted by, each at the place of its flow's number. Those that are equal are in the order of their numbers. */
export type Keys = Float64Array | string[]

export class Order {
  readonly #keys: Keys
  readonly #reverse: boolean
  /** A heap of numbers; undefined where the keys are in order as they are. */
  readonly #heap: Uint32Array | undefined
  #left: number

  private constructor(keys: Keys, reverse: boolean, isSorted: boolean) {
    this.#keys = keys
    this.#reverse = reverse
    this.#left = keys.length
    if (isSorted) return
    this.#heap = new Uint32Array(keys.length)
    for (let number = 0; number < keys.length; number++) this.#heap[number] = number
  }

  /** Finds the beginning of the order. */
  static async of(keys: Keys, reverse: boolean, turns: Turns): Promise<Order> {
    const order = new Order(keys, reverse, await isSorted(keys, turns))
    if (!order.#heap) return order
    for (let at = (keys.length >>> 1) - 1; at >= 0; at--) {
      order.#sink(order.#heap, at)
      if (turns.isOver) await turns.next()
    }
    return order
  }

  /** The number that comes next; undefined behind the last. */
  next(): number | undefined {
    if (this.#left === 0) return undefined
    const heap = this.#heap
    this.#left -= 1
    if (!heap) return this.#reverse ? this.#left : this.#keys.length - 1 - this.#left
    const first = heap[0]
    heap[0] = heap[this.#left] ?? 0
    this.#sink(heap, 0)
    return first
  }

  /** Moves the number at a place down to where those below it come later. */
  #sink(heap: Uint32Array, from: number): void {
    const moved = heap[from] ?? 0
    let at = from
    for (let below = 2 * at + 1; below < this.#left; below = 2 * at + 1) {
      let child = heap[below] ?? 0
      if (below + 1 < this.#left && this.#isBefore(heap[below + 1] ?? 0, child)) child = heap[++below] ?? 0
      if (!this.#isBefore(child, moved)) break
      heap[at] = child
      at = below
    }
    heap[at] = moved
  }

  #isBefore(one: number, other: number): boolean {
    const first = this.#keys[one] ?? 0
    const second = this.#keys[other] ?? 0
    if (first === second) return one < other !== this.#reverse
    return first < second !== this.#reverse
  }
}

async function isSorted(keys: Keys, turns: Turns): Promise<boolean> {
  for (let at = 1; at < keys.length; at++) {
    if ((keys[at - 1] ?? 0) > (keys[at] ?? 0)) return false
    if (turns.isOver) await turns.next()
  }
  return true
}
