// An allocation with the heads of flows, one behind the other. What is known of each is in arrays of numbers: however many flows are kept, the
// garbage collector finds a few objects.
import type { HttpFlow } from '../flow/http.js'
import { viewOf } from './layout.js'
import type { Place } from './segments.js'

/** The flow is one of those that are recorded in memory. */
export const PRESENT = 1
/** It was dropped for want of room while it waited for the disk. */
export const DROPPED = 2
/** It waits for the disk. */
export const WAITING = 4

/** Bytes of a slab for which it has room for one flow more: few heads are shorter. */
const SPARSE = 256

/** What few flows have. */
export interface Beside {
  /** The long bodies. */
  readonly long: readonly Buffer[]
  /** The flow, whose long bodies are let go when they are on disk; undefined where they are not to be. */
  flow: HttpFlow | undefined
  /** Where an older record of the flow is on disk, until this one is there. */
  readonly before: Place | undefined
}

export class Slab {
  readonly bytes: Buffer
  /** The same bytes: numbers are read and written faster there. */
  readonly view: DataView
  /** Bytes of the heads, and where the next one begins. */
  used = 0
  /** Bytes of the long bodies of flows that are recorded in memory. */
  beside = 0
  /** The flows before this one were dropped, and their bytes are not counted any more. */
  first = 0
  /** Flows in it, whatever has become of them; those that are recorded in memory, and those that wait for the disk. */
  count = 0
  present = 0
  waiting = 0
  /** Somebody outside may read flows of it, however long: its bytes stay as they are. */
  isShared = false
  /** Some of its flows have had older records on disk. */
  replaces = false
  /** No flow comes any more. */
  isClosed = false
  readonly #ends: Uint32Array
  readonly #idHeads: Uint32Array
  readonly #states: Uint8Array
  #besides = new Map<number, Beside>()
  /** Somebody has these, and they change no more: the next change is made in a copy. */
  #areBesidesShared = false

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.view = viewOf(this.bytes)
    const room = Math.ceil(size / SPARSE)
    this.#ends = new Uint32Array(room)
    this.#idHeads = new Uint32Array(room)
    this.#states = new Uint8Array(room)
  }

  /** The bytes that its flows take: all that is left of the allocation once no more flows come. */
  get size(): number {
    if (this.present === 0) return 0
    return (this.isClosed ? this.bytes.length : this.used) - this.startOf(this.first) + this.beside
  }

  /** Whether one more flow has room, with so many bytes. */
  fits(needed: number): boolean {
    return this.used + needed <= this.bytes.length && this.count < this.#ends.length
  }

  /** The head that was written at `used`, and ends at `end`, is that of a flow. Gives its number. */
  add(end: number, idHead: number, beside: Beside | undefined): number {
    const index = this.count++
    this.#ends[index] = end
    this.#idHeads[index] = idHead
    this.#states[index] = 0
    this.used = end
    if (beside) this.#ownBesides().set(index, beside)
    if (beside?.before) this.replaces = true
    return index
  }

  startOf(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0)
  }

  endOf(index: number): number {
    return this.#ends[index] ?? 0
  }

  head(index: number): Buffer {
    return this.bytes.subarray(this.startOf(index), this.endOf(index))
  }

  besideOf(index: number): Beside | undefined {
    return this.#besides.size === 0 ? undefined : this.#besides.get(index)
  }

  /** The long bodies are wanted no more. */
  releaseBeside(index: number): void {
    if (this.#besides.has(index)) this.#ownBesides().delete(index)
  }

  /** What flows of it have beside, as it is now. */
  shareBesides(): ReadonlyMap<number, Beside> {
    this.#areBesidesShared = true
    return this.#besides
  }

  #ownBesides(): Map<number, Beside> {
    if (this.#areBesidesShared) this.#besides = new Map(this.#besides)
    this.#areBesidesShared = false
    return this.#besides
  }

  longOf(index: number): readonly Buffer[] {
    return this.besideOf(index)?.long ?? NONE
  }

  state(index: number): number {
    return this.#states[index] ?? 0
  }

  become(index: number, state: number): void {
    this.#states[index] = state
  }

  /** The last flow before `before` whose id begins with these eight digits, and which is in one of these states; -1 for none. */
  find(idHead: number, states: number, before = this.count): number {
    for (let index = before - 1; index >= 0; index--) {
      if (this.#idHeads[index] === idHead && this.state(index) & states) return index
    }
    return -1
  }

  /** Forgets all flows: others take their place. */
  clear(): void {
    this.used = 0
    this.beside = 0
    this.first = 0
    this.count = 0
    this.isClosed = false
    this.replaces = false
    this.#ownBesides().clear()
  }
}

const NONE: readonly Buffer[] = []
