// The segments of a store, the oldest first: read from its folder, by the process that writes and by those that read only.
import { readdirSync } from 'node:fs'
import { REPLACES } from './facts.js'
import { Segment } from './segment.js'

export class Segments {
  readonly folder: string
  all: Segment[] = []
  /** Those that were read to their end, and grow no more. */
  readonly #read = new WeakSet<Segment>()

  constructor(folder: string) {
    this.folder = folder
  }

  /** Follows what the writer has done since: flows that have come, segments that have come or gone. Throws where it cannot be read. */
  refresh(): void {
    const known = new Map(this.all.map((segment) => [segment.number, segment]))
    const found = readdirSync(this.folder)
      .map((name) => Segment.numberOf(name))
      .filter((number) => number !== undefined)
      .sort((one, other) => one - other)
    this.all = found.map((number) => known.get(number) ?? new Segment(this.folder, number))
    const replacing: Place[] = []
    for (const segment of this.all) if (!this.#read.has(segment)) replacing.push(...this.#catchUp(segment))
    if (replacing.length > 0) this.#replaceOlder(replacing)
  }

  /** The newest entry of an id; without its hash, that of its first eight digits; undefined for none. */
  find(idHead: number, idHash?: number): Place | undefined {
    for (const segment of this.all.toReversed()) {
      const index = segment.entries.find(idHead, idHash)
      if (index !== -1) return { segment, index }
    }
    return undefined
  }

  /** The bytes of all files. */
  get bytes(): number {
    return this.all.reduce((sum, { size }) => sum + size, 0)
  }

  get count(): number {
    return this.all.reduce((sum, { entries }) => sum + entries.count, 0)
  }

  /** Reads what is new in a segment. Gives the records in it that replace older ones. */
  #catchUp(segment: Segment): Place[] {
    const before = segment.entries.count
    // The writer begins a segment when it has done with the one before.
    const isOver = this.all.at(-1) !== segment
    try {
      segment.catchUp()
    } catch (error) {
      // It was the oldest, and is gone.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    if (isOver) this.#read.add(segment)
    const replacing: Place[] = []
    for (let index = before; index < segment.entries.count; index++) {
      if (segment.entries.get(index).flags & REPLACES) replacing.push({ segment, index })
    }
    return replacing
  }

  /** Marks the records in whose place these are. All are looked through once, however many these are. */
  #replaceOlder(replacing: readonly Place[]): void {
    const newest = new Map<string, Place>()
    for (const place of replacing) newest.set(keyOf(place), place)
    for (const segment of this.all) {
      for (let index = 0; index < segment.entries.count; index++) {
        const place = newest.get(keyOf({ segment, index }))
        if (!place || segment.number > place.segment.number) continue
        if (segment !== place.segment || index < place.index) segment.entries.replace(index)
      }
    }
  }
}

export interface Place {
  readonly segment: Segment
  readonly index: number
}

function keyOf({ segment, index }: Place): string {
  const { idHead, idHash } = segment.entries.get(index)
  return `${idHead} ${idHash}`
}
