// All flows that were recorded at a moment, by number: in runs of segments and slabs, so that a million of them are no work until they are read.
import type { AnyFlow } from '../flow/index.js'
import type { FlowRecord } from '../flow/record.js'
import { revive } from '../flow/revive.js'
import type { Facts } from './facts.js'
import { type Segment, SegmentReader } from './segment.js'
import type { Place, Segments } from './segments.js'

/** The flows that were recorded when the query was made. */
export interface Recorded {
  readonly segments: readonly { readonly segment: Segment; readonly count: number }[]
  /** Flows that are in memory. */
  readonly others: readonly Run[]
  /** Where some of these have older records. */
  readonly replaced: readonly Place[]
}

/** The flows that are in segments now. */
export const presentOf = ({ all }: Segments): Recorded['segments'] =>
  all.map((segment) => ({ segment, count: segment.entries.count }))

/** Flows by numbers from 0 on. */
export interface Run {
  readonly count: number
  facts(at: number): Facts
  /** Undefined for a flow that is gone since. */
  record(at: number, reader: SegmentReader): FlowRecord | undefined
}

/** The flows of a segment that no newer record has replaced. */
class SegmentRun implements Run {
  readonly count: number
  readonly #segment: Segment
  /** Where they are in the segment; undefined where none was replaced. */
  readonly #indexes: Uint32Array | undefined

  constructor(segment: Segment, count: number, replaced: ReadonlySet<number> | undefined) {
    const { entries } = segment
    this.#segment = segment
    this.count = count
    if (entries.replaced === 0 && !replaced) return
    const indexes = new Uint32Array(count)
    let next = 0
    for (let index = 0; index < count; index++) {
      if (!entries.isReplaced(index) && !replaced?.has(index)) indexes[next++] = index
    }
    this.#indexes = indexes
    this.count = next
  }

  facts(at: number): Facts {
    return this.#segment.entries.get(this.#indexOf(at))
  }

  record(at: number, reader: SegmentReader): FlowRecord | undefined {
    return reader.read(this.#segment, this.#indexOf(at))
  }

  #indexOf(at: number): number {
    return this.#indexes?.[at] ?? at
  }
}

/** Those of the segments come first, then those of memory alone. */
export class Places {
  readonly count: number
  readonly #runs: readonly Run[]
  /** The number of the first flow of each run. */
  readonly #starts: Float64Array
  /** The run that was read last: the next flow is in it, or in one beside it. */
  #last = 0
  readonly #reader = new SegmentReader()

  constructor({ segments, others, replaced }: Recorded) {
    const older = new Map<Segment, Set<number>>()
    for (const { segment, index } of replaced) older.set(segment, (older.get(segment) ?? new Set()).add(index))
    const stored = segments.map(({ segment, count }) => new SegmentRun(segment, count, older.get(segment)))
    this.#runs = [...stored, ...others].filter(({ count }) => count > 0)
    this.#starts = new Float64Array(this.#runs.length)
    let count = 0
    for (const [number, run] of this.#runs.entries()) {
      this.#starts[number] = count
      count += run.count
    }
    this.count = count
  }

  facts(at: number): Facts {
    const run = this.#runAt(at)
    return run.facts(at - this.#startOf(this.#last))
  }

  /** Undefined for a flow that is gone since. */
  read(at: number): AnyFlow | undefined {
    const record = this.#runAt(at).record(at - this.#startOf(this.#last), this.#reader)
    return record && revive(record)
  }

  close(): void {
    this.#reader.close()
  }

  /** The run that a flow is in, which is the last one from now on. */
  #runAt(at: number): Run {
    if (!(this.#startOf(this.#last) <= at && at < this.#startOf(this.#last + 1))) this.#last = this.#find(at)
    return this.#runs[this.#last] as Run
  }

  #find(at: number): number {
    let low = 0
    let high = this.#runs.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.#startOf(middle) <= at) low = middle
      else high = middle - 1
    }
    return low
  }

  #startOf(run: number): number {
    return this.#starts[run] ?? this.count
  }
}
