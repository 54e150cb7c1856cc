// The recorded flows that are in memory and not on disk: as bytes, the oldest first, up to a number of them.
import type { FlowRecord } from '../flow/record.js'
import { inMemory } from '../flow/snapshot.js'
import type { Facts } from './facts.js'
import { readRecord } from './layout.js'
import type { Parts } from './parts.js'
import type { Place } from './segments.js'

/** Bytes of memory that a flow takes beside its own bytes. */
const BESIDE = 300

/** Several flows are in one allocation, so that the bytes of one that has gone may stay until its neighbours go. */
export class Kept {
  readonly facts: Facts
  readonly size: number
  /** Where an older record of the flow is on disk, until this one is there; undefined for none. */
  readonly before: Place | undefined
  /** True once it is on disk, or was dropped. */
  isGone = false
  wasDropped = false
  readonly #head: Buffer
  readonly #long: readonly Buffer[]

  constructor(facts: Facts, head: Buffer, { long }: Parts, before: Place | undefined) {
    this.facts = facts
    this.#head = head
    this.#long = long
    this.before = before
    this.size = long.reduce((sum, one) => sum + one.length, head.length + BESIDE)
  }

  get record(): FlowRecord {
    return readRecord(this.#head, this.#long.map(inMemory))
  }
}

export class Memory {
  /** Bytes of all flows in it. */
  bytes = 0
  count = 0
  /** Flows that were dropped. */
  forgotten = 0
  #limit: number
  /** The flows from `#first` on, the oldest first, among them some that are gone. */
  #kept: (Kept | undefined)[] = []
  #first = 0

  readonly #dropped: (facts: Facts) => void

  /** `dropped` is called with each flow that is dropped. */
  constructor(limit: number, dropped: (facts: Facts) => void) {
    this.#limit = limit
    this.#dropped = dropped
  }

  get limit(): number {
    return this.#limit
  }

  set limit(limit: number) {
    this.#limit = limit
    this.#shrink()
  }

  add(kept: Kept): void {
    if (kept.facts.flags !== 0) this.#replace(kept.facts)
    this.#kept.push(kept)
    this.count += 1
    this.bytes += kept.size
    this.#shrink()
  }

  /** The flow is on disk now, or is wanted no more. */
  remove(kept: Kept): void {
    // It was dropped while it waited, and is not lost.
    if (kept.wasDropped) this.forgotten -= 1
    kept.wasDropped = false
    if (kept.isGone) return
    kept.isGone = true
    this.count -= 1
    this.bytes -= kept.size
    this.#shrink()
  }

  /** The oldest first. */
  values(): Kept[] {
    return this.#kept.slice(this.#first).filter((kept) => kept !== undefined && !kept.isGone) as Kept[]
  }

  /** The newest flow whose id begins with these eight digits and, unless undefined, has this hash; undefined for none. */
  find(idHead: number, idHash: number | undefined): Kept | undefined {
    for (let at = this.#kept.length - 1; at >= this.#first; at--) {
      const kept = this.#kept[at]
      if (!kept || kept.isGone) continue
      const { facts } = kept
      if (facts.idHead === idHead && (idHash === undefined || facts.idHash === idHash)) return kept
    }
    return undefined
  }

  clear(): void {
    for (const kept of this.values()) this.remove(kept)
  }

  #replace({ idHead, idHash }: Facts): void {
    const older = this.find(idHead, idHash)
    if (older) this.remove(older)
  }

  #shrink(): void {
    for (let oldest = this.#kept[this.#first]; oldest; oldest = this.#kept[this.#first]) {
      if (!oldest.isGone) {
        if (this.bytes <= this.#limit) break
        oldest.isGone = true
        oldest.wasDropped = true
        this.count -= 1
        this.bytes -= oldest.size
        this.forgotten += 1
        this.#dropped(oldest.facts)
      }
      // The array keeps no bytes of flows that are gone.
      this.#kept[this.#first] = undefined
      this.#first += 1
    }
    // The part that is passed is cut off when it is half of all, so that each flow is moved about once.
    if (this.#first * 2 <= this.#kept.length) return
    this.#kept = this.#kept.slice(this.#first)
    this.#first = 0
  }
}
