// Reads the store of another process, or one that nobody writes to at present.
import type { AnyFlow } from '../flow/index.js'
import { revive } from '../flow/revive.js'
import { idHash, idHead, isWholeId } from './facts.js'
import { presentOf } from './places.js'
import { type Segment, SegmentReader } from './segment.js'
import { Segments } from './segments.js'
import { type FlowQuery, select } from './select.js'

export class StoreReader {
  readonly #segments: Segments
  /** How many flows of each segment `fresh` has given. */
  readonly #given = new WeakMap<Segment, number>()

  /** `folder`: `store` in the conf dir. Throws where it cannot be read. */
  constructor(folder: string) {
    this.#segments = new Segments(folder)
    this.#segments.refresh()
  }

  /** The flows that are recorded now. Throws ERR_FILTER. */
  flows(query: FlowQuery = {}): AsyncGenerator<AnyFlow, undefined> {
    this.#segments.refresh()
    return select({ segments: presentOf(this.#segments), others: [], replaced: [] }, query)
  }

  /** How many flows are recorded, as of the last look. */
  get count(): number {
    return this.#segments.all.reduce((sum, { entries }) => sum + entries.count, 0)
  }

  /** A flow by its id, or the newest whose id begins with these 8 characters or more; undefined for none. */
  flow(id: string): AnyFlow | undefined {
    const place = this.#segments.find(idHead(id), isWholeId(id) ? idHash(id) : undefined)
    if (!place) return undefined
    const reader = new SegmentReader()
    const record = reader.read(place.segment, place.index)
    reader.close()
    return record?.id.startsWith(id) ? revive(record) : undefined
  }

  /** From now on `fresh` gives the flows that come after those that are there. */
  skip(): void {
    for (const segment of this.#segments.all) this.#given.set(segment, segment.entries.count)
  }

  /** The flows that have been written since the last call, one after the other. */
  *fresh(): Generator<AnyFlow, undefined> {
    this.#segments.refresh()
    const reader = new SegmentReader()
    try {
      for (const segment of this.#segments.all) {
        for (let index = this.#given.get(segment) ?? 0; index < segment.entries.count; index++) {
          this.#given.set(segment, index + 1)
          const record = reader.read(segment, index)
          if (record) yield revive(record)
        }
      }
    } finally {
      reader.close()
    }
    return undefined
  }
}
