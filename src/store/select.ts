// Reads recorded flows in an order and by pages: what is sorted are numbers of the index; a flow is read when its turn has come.
import { parseFilter } from '../flow/filter.js'
import type { AnyFlow } from '../flow/index.js'
import { revive } from '../flow/revive.js'
import { type Facts, type FlowSort, urlOf } from './facts.js'
import type { Kept } from './memory.js'
import { type Segment, SegmentReader } from './segment.js'
import type { Place, Segments } from './segments.js'

/** Which recorded flows are read, and in which order. */
export interface FlowQuery {
  /** Default: all. */
  readonly filter?: string | ((flow: AnyFlow) => boolean) | undefined
  /** Default: time, that is when each began. `url`: by their first 256 characters; `method`: by its first six letters. */
  readonly sort?: FlowSort | undefined
  /** True: the last comes first. Default: false. */
  readonly reverse?: boolean | undefined
  /** How many flows that match are passed over. Default: 0. */
  readonly offset?: number | undefined
  /** How many are given at most. Default: all. */
  readonly limit?: number | undefined
}

/** Milliseconds of reading after which other work has a turn. */
const TURN = 10

/** The characters of a URL by which flows are sorted. */
const URL_LETTERS = 256

const KEYS: Readonly<Record<Exclude<FlowSort, 'url'>, (facts: Facts) => number>> = {
  time: ({ createdAt }) => createdAt,
  method: ({ method }) => method,
  status: ({ status }) => status,
  size: ({ size }) => size,
  duration: ({ duration }) => duration,
}

/** What was recorded when the query was made. */
export interface Recorded {
  readonly segments: readonly { readonly segment: Segment; readonly count: number }[]
  /** Flows that are in memory. */
  readonly others: readonly Kept[]
  /** Whether one of these is a newer record of the flow at this place. */
  readonly replaced: (place: Place) => boolean
}

/** What is in segments now. */
export const presentOf = ({ all }: Segments): Recorded['segments'] =>
  all.map((segment) => ({ segment, count: segment.entries.count }))

/** Throws ERR_FILTER, and a RangeError for an order that is none. */
export function select(recorded: Recorded, query: FlowQuery): AsyncGenerator<AnyFlow, undefined> {
  const { filter, sort = 'time' } = query
  const accepts = typeof filter === 'string' ? parseFilter(filter) : (filter ?? (() => true))
  if (sort !== 'url' && !Object.hasOwn(KEYS, sort)) {
    throw new RangeError(`flows are sorted by time, method, url, status, size or duration, not by ${String(sort)}`)
  }
  return selected(recorded, { ...query, sort }, accepts)
}

async function* selected(
  recorded: Recorded,
  { sort, reverse = false, offset = 0, limit = Number.POSITIVE_INFINITY }: FlowQuery & { sort: FlowSort },
  accepts: (flow: AnyFlow) => boolean,
): AsyncGenerator<AnyFlow, undefined> {
  const turns = new Turns()
  const places = new Places(recorded)
  try {
    const order = await sorted(places, sort, turns)
    let passed = 0
    let given = 0
    for (let at = 0; at < order.length && given < limit; at++) {
      if (turns.isOver) await turns.next()
      const flow = places.read(order[reverse ? order.length - 1 - at : at] ?? 0)
      if (!flow || !accepts(flow) || passed++ < offset) continue
      given += 1
      yield flow
    }
  } finally {
    places.close()
  }
  return undefined
}

/** The numbers of the flows in the order that is asked for; those that are equal in the order in which they have ended. */
async function sorted(places: Places, sort: FlowSort, turns: Turns): Promise<Uint32Array> {
  const order = new Uint32Array(places.count)
  const numbers = new Float64Array(sort === 'url' ? 0 : places.count)
  const texts: string[] = []
  let isSorted = true
  for (let at = 0; at < places.count; at++) {
    order[at] = at
    if (sort === 'url') {
      const flow = places.read(at)
      texts.push(flow ? urlOf(flow).slice(0, URL_LETTERS) : '')
      isSorted &&= at === 0 || (texts[at - 1] ?? '') <= (texts[at] ?? '')
    } else {
      numbers[at] = KEYS[sort](places.facts(at))
      isSorted &&= at === 0 || (numbers[at - 1] ?? 0) <= (numbers[at] ?? 0)
    }
    if (turns.isOver) await turns.next()
  }
  if (isSorted) return order
  const keys: ArrayLike<number | string> = sort === 'url' ? texts : numbers
  return order.sort((one, other) => {
    const [first, second] = [keys[one] ?? 0, keys[other] ?? 0]
    return first < second ? -1 : first > second ? 1 : one - other
  })
}

/** All recorded flows by number: those of the segments that no newer record has replaced, then those of memory alone. */
export class Places {
  readonly count: number
  readonly #recorded: Recorded
  readonly #segments: Uint32Array
  readonly #indexes: Uint32Array
  readonly #stored: number
  readonly #reader = new SegmentReader()

  constructor(recorded: Recorded) {
    this.#recorded = recorded
    const room = recorded.segments.reduce((sum, { count }) => sum + count, 0)
    this.#segments = new Uint32Array(room)
    this.#indexes = new Uint32Array(room)
    let next = 0
    for (const [number, { segment, count }] of recorded.segments.entries()) {
      for (let index = 0; index < count; index++) {
        if (segment.entries.isReplaced(index) || recorded.replaced({ segment, index })) continue
        this.#segments[next] = number
        this.#indexes[next++] = index
      }
    }
    this.#stored = next
    this.count = next + recorded.others.length
  }

  facts(at: number): Facts {
    const other = this.#recorded.others[at - this.#stored]
    return other ? other.facts : this.#segment(at).entries.get(this.#indexes[at] ?? 0)
  }

  /** Undefined for a flow that is gone since. */
  read(at: number): AnyFlow | undefined {
    const other = this.#recorded.others[at - this.#stored]
    const record = other ? other.record : this.#reader.read(this.#segment(at), this.#indexes[at] ?? 0)
    return record && revive(record)
  }

  close(): void {
    this.#reader.close()
  }

  #segment(at: number): Segment {
    return (this.#recorded.segments[this.#segments[at] ?? 0] as { segment: Segment }).segment
  }
}

/** Lets other work have its turn while much is read. */
class Turns {
  #begun = performance.now()

  get isOver(): boolean {
    return performance.now() - this.#begun > TURN
  }

  async next(): Promise<void> {
    await new Promise((later) => setImmediate(later))
    this.#begun = performance.now()
  }
}
