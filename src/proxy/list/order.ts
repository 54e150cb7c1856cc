// The rows of a list in their order: what comes, goes or moves is gathered, and put in its place when the order is read.
import { Flags } from './flags.js'

const MEMBER = 1
/** It stands in the order, at its place unless it is stale. */
const LISTED = 2
const STALE = 4
/** It waits to be put in its place. */
const QUEUED = 8

const FIRST_ROOM = 1024

export class Order {
  /** How many rows there are. */
  count = 0
  readonly #compare: (one: number, other: number) => number
  readonly #flags = new Flags()
  #listed = new Int32Array(FIRST_ROOM)
  #length = 0
  #stale = 0
  #queue: number[] = []

  /** `compare` is asked for rows that are there; rows that are equal stand in the order of their numbers. */
  constructor(compare: (one: number, other: number) => number) {
    this.#compare = (one, other) => compare(one, other) || one - other
  }

  has(number: number): boolean {
    return (this.#flags.get(number) & MEMBER) !== 0
  }

  /** A row comes. */
  add(number: number): void {
    const flags = this.#flags.get(number)
    if (!(flags & MEMBER)) this.count += 1
    if (flags === 0 && this.#isLast(number)) {
      // Most rows come behind all others: they need not wait.
      this.#flags.set(number, MEMBER | LISTED)
      if (this.#length === this.#listed.length) this.#grow(this.#length + 1)
      this.#listed[this.#length++] = number
      return
    }
    this.#flags.set(number, flags | MEMBER)
    this.#enqueue(number)
  }

  /** A row that is there may have another place from now on. */
  move(number: number): void {
    const flags = this.#flags.get(number)
    if ((flags & (MEMBER | LISTED | STALE)) !== (MEMBER | LISTED)) return
    this.#flags.set(number, flags | STALE)
    this.#stale += 1
    this.#enqueue(number)
  }

  /** A row goes. */
  remove(number: number): void {
    const flags = this.#flags.get(number)
    if (!(flags & MEMBER)) return
    this.count -= 1
    if ((flags & (LISTED | STALE)) === LISTED) this.#stale += 1
    this.#flags.set(number, (flags & ~MEMBER) | (flags & LISTED ? STALE : 0))
  }

  /** The numbers of the rows in their order, until the next change. */
  get rows(): Int32Array {
    this.settle()
    return this.#listed.subarray(0, this.#length)
  }

  /** The place of a row; -1 where it is not in the list. */
  position(number: number): number {
    if (!this.has(number)) return -1
    this.settle()
    return this.#behind(number, this.#length) - 1
  }

  /** The rows before this number are all gone. */
  cut(first: number): void {
    this.settle()
    this.#flags.cut(first)
  }

  /** Puts in their places what has come, moved and gone. */
  settle(): void {
    if (this.#stale > 0) this.#dropStale()
    if (this.#queue.length > 0) this.#merge()
  }

  /** Whether a row that is not in the list comes behind all that are, and none waits to be put in its place. */
  #isLast(number: number): boolean {
    if (this.#queue.length > 0 || this.#stale > 0) return false
    return this.#length === 0 || this.#compare(this.#listed[this.#length - 1] ?? 0, number) < 0
  }

  #enqueue(number: number): void {
    const flags = this.#flags.get(number)
    // A row that is listed and not stale is at its place already.
    if (flags & QUEUED || (flags & (LISTED | STALE)) === LISTED) return
    this.#flags.set(number, flags | QUEUED)
    this.#queue.push(number)
  }

  #dropStale(): void {
    const listed = this.#listed
    let kept = 0
    for (let at = 0; at < this.#length; at++) {
      const number = listed[at] ?? 0
      const flags = this.#flags.get(number)
      if (flags & STALE) this.#flags.set(number, flags & ~(STALE | LISTED))
      else listed[kept++] = number
    }
    this.#length = kept
    this.#stale = 0
  }

  #merge(): void {
    const coming: number[] = []
    for (const number of this.#queue) {
      const flags = this.#flags.get(number)
      if (flags & MEMBER) coming.push(number)
      this.#flags.set(number, (flags & ~QUEUED) | (flags & MEMBER ? LISTED : 0))
    }
    this.#queue = []
    coming.sort(this.#compare)
    if (this.#length + coming.length > this.#listed.length) this.#grow(this.#length + coming.length)
    // From the end on, each run of rows moves once, by the count of rows that come before it.
    let end = this.#length
    for (let left = coming.length; left > 0; left--) {
      const number = coming[left - 1] ?? 0
      const at = this.#behind(number, end)
      this.#listed.copyWithin(at + left, at, end)
      this.#listed[at + left - 1] = number
      end = at
    }
    this.#length += coming.length
  }

  /** The count of rows among the first `end` that stand at or before a row's place. */
  #behind(number: number, end: number): number {
    let low = 0
    let high = end
    // Most rows come at the end.
    if (end > 0 && this.#compare(this.#listed[end - 1] ?? 0, number) <= 0) return end
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(this.#listed[middle] ?? 0, number) <= 0) low = middle + 1
      else high = middle
    }
    return low
  }

  #grow(needed: number): void {
    const listed = new Int32Array(Math.max(this.#listed.length * 2, needed))
    listed.set(this.#listed.subarray(0, this.#length))
    this.#listed = listed
  }
}
