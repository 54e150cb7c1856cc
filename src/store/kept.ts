// Flows in memory, one or those of a slab: they can be read as long as somebody has this, also when they are on disk or were dropped.
import type { FlowRecord } from '../flow/record.js'
import { inMemory } from '../flow/snapshot.js'
import type { Facts } from './facts.js'
import { factsIn, readRecord } from './layout.js'
import type { Place } from './segments.js'
import { type Beside, PRESENT, type Slab } from './slab.js'

/** A copy, so that who keeps it does not keep the slab. */
const recordIn = (slab: Slab, index: number, beside: Beside | undefined): FlowRecord =>
  readRecord(Buffer.from(slab.head(index)), beside?.long.map(inMemory) ?? [])

export class Kept {
  readonly #slab: Slab
  readonly #index: number
  readonly #beside: Beside | undefined

  constructor(slab: Slab, index: number) {
    slab.isShared = true
    this.#slab = slab
    this.#index = index
    this.#beside = slab.besideOf(index)
  }

  get record(): FlowRecord {
    return recordIn(this.#slab, this.#index, this.#beside)
  }
}

/** The flows of a slab that are recorded in memory now, from 0 on: without an object for each, of which a list would make some hundred thousand at once. */
export class KeptRun {
  readonly count: number
  readonly #slab: Slab
  readonly #besides: ReadonlyMap<number, Beside>
  /** Where they are in the slab; undefined where all of it is. */
  readonly #indexes: Uint32Array | undefined

  constructor(slab: Slab) {
    slab.isShared = true
    this.#slab = slab
    this.#besides = slab.shareBesides()
    this.count = slab.present
    if (slab.present === slab.count) return
    this.#indexes = new Uint32Array(slab.present)
    let next = 0
    for (let index = 0; index < slab.count; index++) if (slab.state(index) & PRESENT) this.#indexes[next++] = index
  }

  facts(at: number): Facts {
    return factsIn(this.#slab.bytes, this.#slab.startOf(this.#indexOf(at)))
  }

  record(at: number): FlowRecord {
    const index = this.#indexOf(at)
    return recordIn(this.#slab, index, this.#besides.get(index))
  }

  #indexOf(at: number): number {
    return this.#indexes?.[at] ?? at
  }
}

/** Where older records of flows that are recorded in memory are on disk, until these are there. */
export function placesBefore(slab: Slab): Place[] {
  if (!slab.replaces) return []
  return [...slab.shareBesides()].flatMap(([index, { before }]) =>
    before && slab.state(index) & PRESENT ? before : [],
  )
}
