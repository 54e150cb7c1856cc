// Reads recorded flows in an order and by pages: what is sorted are numbers of the index; a flow is read when its turn has come.
import { parseFilter } from '../flow/filter.js'
import type { AnyFlow } from '../flow/index.js'
import { type Facts, type FlowSort, urlOf } from './facts.js'
import { type Keys, Order } from './order.js'
import { Places, type Recorded } from './places.js'
import { Turns } from './turns.js'

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

/** The characters of a URL by which flows are sorted. */
const URL_LETTERS = 256

const KEYS: Readonly<Record<Exclude<FlowSort, 'url'>, (facts: Facts) => number>> = {
  time: ({ createdAt }) => createdAt,
  method: ({ method }) => method,
  status: ({ status }) => status,
  size: ({ size }) => size,
  duration: ({ duration }) => duration,
}

/** Throws ERR_FILTER, and a RangeError for an order that is none. `now`: milliseconds of a clock that only goes forward. */
export function select(
  recorded: Recorded,
  query: FlowQuery,
  now = () => performance.now(),
): AsyncGenerator<AnyFlow, undefined> {
  const { filter, sort = 'time' } = query
  const accepts = typeof filter === 'string' ? parseFilter(filter) : (filter ?? (() => true))
  if (sort !== 'url' && !Object.hasOwn(KEYS, sort)) {
    throw new RangeError(`flows are sorted by time, method, url, status, size or duration, not by ${String(sort)}`)
  }
  return selected(recorded, { ...query, sort }, accepts, new Turns(now))
}

async function* selected(
  recorded: Recorded,
  { sort, reverse = false, offset = 0, limit = Number.POSITIVE_INFINITY }: FlowQuery & { sort: FlowSort },
  accepts: (flow: AnyFlow) => boolean,
  turns: Turns,
): AsyncGenerator<AnyFlow, undefined> {
  const places = new Places(recorded)
  try {
    const order = await Order.of(await keysOf(places, sort, turns), reverse, turns)
    let passed = 0
    let given = 0
    // The order goes no further than flows are asked for.
    while (given < limit) {
      if (turns.isOver) await turns.next()
      const at = order.next()
      if (at === undefined) break
      const flow = places.read(at)
      if (!flow || !accepts(flow) || passed++ < offset) continue
      given += 1
      yield flow
    }
  } finally {
    places.close()
  }
  return undefined
}

/** The key of each flow, at its number. */
async function keysOf(places: Places, sort: FlowSort, turns: Turns): Promise<Keys> {
  const texts: string[] = []
  const numbers = new Float64Array(sort === 'url' ? 0 : places.count)
  for (let at = 0; at < places.count; at++) {
    if (sort === 'url') {
      const flow = places.read(at)
      texts.push(flow ? urlOf(flow).slice(0, URL_LETTERS) : '')
    } else numbers[at] = KEYS[sort](places.facts(at))
    if (turns.isOver) await turns.next()
  }
  return sort === 'url' ? texts : numbers
}
