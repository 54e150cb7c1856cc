// The recorded flows that are in memory: as bytes in slabs, the oldest first, up to a number of bytes. Those that wait for the disk are here, too.
import type { Facts } from './facts.js'
import { Kept, KeptRun, placesBefore } from './kept.js'
import { factsIn, idHashIn } from './layout.js'
import type { Place } from './segments.js'
import { type Beside, DROPPED, PRESENT, Slab, WAITING } from './slab.js'

/** The bytes of a slab: a part of the limit, for it is given back as a whole; between these. */
const PARTS = 16
const MIN_SLAB = 4 * 1024
const MAX_SLAB = 1024 * 1024

/** Slabs without flows that are kept to be used again: new memory costs more than memory that was used a moment ago. */
const SPARE = 4

export class Memory {
  /** Bytes of the slabs that have flows in memory, with their long bodies. */
  bytes = 0
  count = 0
  /** Flows that were dropped. */
  forgotten = 0
  #limit: number
  /** Slabs with flows that are in memory or wait for the disk, the oldest first; the last one is open. */
  #slabs: Slab[] = []
  #spare: Slab[] = []
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

  /** A slab that has room for a head of so many bytes at its end. */
  room(needed: number): Slab {
    const open = this.#slabs.at(-1)
    if (open && !open.isClosed) {
      if (open.fits(needed)) return open
      this.#close(open)
    }
    const part = Math.max(MIN_SLAB, Math.floor(this.#limit / PARTS))
    // Without a limit of memory flows only wait for the disk.
    const size = this.#limit === 0 ? MAX_SLAB : Math.min(MAX_SLAB, part)
    const spare = needed <= size ? this.#spare.pop() : undefined
    const slab = spare?.bytes.length === size ? spare : new Slab(Math.max(size, needed))
    this.#slabs.push(slab)
    return slab
  }

  /** Adds the flow whose head was written into a slab that has room, and ends at `end`. It waits for the disk where `waits` says so. */
  add(slab: Slab, end: number, facts: Facts, beside: Beside | undefined): number {
    const before = slab.size
    slab.beside += lengthOf(beside)
    const index = slab.add(end, facts.idHead, beside)
    slab.become(index, PRESENT)
    slab.present += 1
    this.count += 1
    this.bytes += slab.size - before
    return index
  }

  /** Adds what waits for the disk, but is no flow in memory. */
  addNote(slab: Slab, end: number, { idHead }: Facts): number {
    const before = slab.size
    const index = slab.add(end, idHead, undefined)
    this.bytes += slab.size - before
    return index
  }

  /** The flow waits for the disk, until `settle`. */
  wait(slab: Slab, index: number): void {
    slab.become(index, slab.state(index) | WAITING)
    slab.waiting += 1
  }

  /** A flow does not wait any more: it is on disk, or could not be written. True where it had been dropped, and is on disk. */
  settle(slab: Slab, index: number, isWritten: boolean): boolean {
    const state = slab.state(index)
    const wasDropped = isWritten && (state & DROPPED) !== 0
    if (wasDropped) this.forgotten -= 1
    slab.waiting -= 1
    if ((state & PRESENT) === 0) {
      slab.become(index, 0)
      slab.releaseBeside(index)
      this.#release(slab)
    } else if (isWritten) this.#leave(slab, index, 0)
    else slab.become(index, PRESENT)
    return wasDropped
  }

  /** Drops the oldest flows until the others are within the limit. */
  bound(): void {
    if (this.bytes > this.#limit) this.#shrink()
  }

  /** All flows that are in memory, the oldest first. */
  runs(): KeptRun[] {
    return this.#slabs.filter(({ present }) => present > 0).map((slab) => new KeptRun(slab))
  }

  /** Where flows that are in memory have older records on disk, until the newer ones are there. */
  get placesBefore(): Place[] {
    return this.#slabs.flatMap(placesBefore)
  }

  /** The newest flow whose id begins with these eight digits and, unless undefined, has this hash; undefined for none. */
  find(idHead: number, idHash: number | undefined): Kept | undefined {
    return this.#find(idHead, idHash, PRESENT, (slab, index) => new Kept(slab, index))
  }

  has({ idHead, idHash }: Facts): boolean {
    return this.#find(idHead, idHash, PRESENT, () => true) ?? false
  }

  /** The flow is wanted no more. True where it was here, or was dropped and waits for the disk still. */
  remove({ idHead, idHash }: Facts): boolean {
    const isRemoved = this.#find(idHead, idHash, PRESENT | DROPPED, (slab, index) => {
      this.#forget(slab, index)
      return true
    })
    return isRemoved ?? false
  }

  clear(): void {
    for (const slab of [...this.#slabs]) {
      for (let index = 0; index < slab.count; index++) if (slab.state(index) & PRESENT) this.#forget(slab, index)
    }
  }

  #find<T>(
    idHead: number,
    idHash: number | undefined,
    states: number,
    found: (slab: Slab, index: number) => T,
  ): T | undefined {
    for (let at = this.#slabs.length - 1; at >= 0; at--) {
      const slab = this.#slabs[at] as Slab
      let index = slab.find(idHead, states)
      while (index !== -1 && idHash !== undefined && idHashIn(slab.bytes, slab.startOf(index)) !== idHash) {
        index = slab.find(idHead, states, index)
      }
      if (index !== -1) return found(slab, index)
    }
    return undefined
  }

  #forget(slab: Slab, index: number): void {
    const state = slab.state(index)
    if (state & PRESENT) this.#leave(slab, index, state & WAITING)
    else {
      // It was dropped while it waited, and is not lost.
      this.forgotten -= 1
      slab.become(index, WAITING)
    }
  }

  /** A flow is not in memory any more, and is in another state. */
  #leave(slab: Slab, index: number, state: number): void {
    const before = slab.size
    slab.beside -= lengthOf(slab.besideOf(index))
    if ((state & WAITING) === 0) slab.releaseBeside(index)
    slab.become(index, state)
    slab.present -= 1
    this.count -= 1
    this.bytes += slab.size - before
    this.#release(slab)
  }

  /** No more flows come into a slab. */
  #close(slab: Slab): void {
    const before = slab.size
    slab.isClosed = true
    this.bytes += slab.size - before
    this.#release(slab)
  }

  /** Takes a slab back that has no flows any more. The open one goes on from its beginning. */
  #release(slab: Slab): void {
    if (slab.present > 0 || slab.waiting > 0 || (slab.isShared && !slab.isClosed)) return
    if (!slab.isClosed) {
      slab.clear()
      return
    }
    this.#slabs.splice(this.#slabs.indexOf(slab), 1)
    if (slab.isShared || slab.bytes.length > MAX_SLAB || this.#spare.length >= SPARE) return
    slab.clear()
    this.#spare.push(slab)
  }

  #shrink(): void {
    for (let at = 0; at < this.#slabs.length && this.bytes > this.#limit; ) {
      const slab = this.#slabs[at] as Slab
      while (slab.present > 0 && this.bytes > this.#limit) this.#drop(slab)
      // Flows that wait for the disk keep their slab.
      if (this.#slabs[at] === slab) at += 1
    }
  }

  /** Drops the oldest flow of a slab. */
  #drop(slab: Slab): void {
    let index = slab.first
    while ((slab.state(index) & PRESENT) === 0) index += 1
    this.bytes -= slab.size
    slab.first = index + 1
    this.bytes += slab.size
    this.forgotten += 1
    const facts = factsIn(slab.bytes, slab.startOf(index))
    this.#leave(slab, index, slab.state(index) & WAITING ? WAITING | DROPPED : 0)
    this.#dropped(facts)
  }
}

const lengthOf = (beside: Beside | undefined) => beside?.long.reduce((sum, one) => sum + one.length, 0) ?? 0
