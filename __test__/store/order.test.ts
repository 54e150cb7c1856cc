// Queries of many flows go on in turns: each step of sorting lets other work in, and a page costs no more than its flows.
import test from 'ava'
import type { FlowRecord, HttpRecord } from '../../src/flow/record.js'
import { snapshot } from '../../src/flow/snapshot.js'
import type { Facts, FlowSort } from '../../src/store/facts.js'
import { Order } from '../../src/store/order.js'
import type { Run } from '../../src/store/places.js'
import { type FlowQuery, select } from '../../src/store/select.js'
import { Turns } from '../../src/store/turns.js'
import { seeded } from '../support/seeded.js'
import { idOf, numbered } from '../support/store.js'

const COUNT = 20_000
const SORTS: FlowSort[] = ['time', 'method', 'url', 'status', 'size', 'duration']

/** A clock that each look moves on by a hundredth of a millisecond, so that a thousand steps fit between two turns. */
function ticking() {
  const clock = { looks: 0, now: () => ++clock.looks / 100 }
  return clock
}

/** Flows in memory, whose numbers are their ids, with facts by chance; `read` are those of which the record was asked for. */
function many(count: number, { sorted = false } = {}) {
  const next = seeded(7)
  const read: number[] = []
  const any = (most: number) => Math.floor(next() * most)
  const plain = snapshot(numbered(0)) as HttpRecord
  const kept = Array.from({ length: count }, (_, number) => {
    const facts: Facts = {
      createdAt: sorted ? number : any(count),
      ...{
        size: any(1000),
        duration: any(9),
        idHead: number,
        idHash: number,
        status: any(5),
        method: any(5),
        flags: 0,
      },
    }
    const url = any(1000)
    const record = (): FlowRecord => {
      read.push(number)
      return { ...plain, request: { ...plain.request, path: `/${url}` }, id: idOf(number) } as FlowRecord
    }
    return { facts, record, keys: { ...facts, time: facts.createdAt, url: `/${url}` } }
  })
  const run = (flows: typeof kept): Run => ({
    count: flows.length,
    facts: (at) => (flows[at] as (typeof kept)[number]).facts,
    record: (at) => flows[at]?.record(),
  })
  const half = Math.floor(count / 2)
  const recorded = { segments: [], others: [run(kept.slice(0, half)), run(kept.slice(half))], replaced: [] }
  return { recorded, read, keys: kept.map(({ keys }) => keys) }
}

/** The numbers of the flows that a query gives, and the turns that other work has had until it was over. */
async function run(recorded: Parameters<typeof select>[0], query: FlowQuery) {
  const clock = ticking()
  let turns = 0
  let isOver = false
  const count = () => {
    turns += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const numbers: number[] = []
  for await (const flow of select(recorded, query, clock.now)) numbers.push(Number(flow.id.slice(0, 8)))
  isOver = true
  return { numbers, turns, looks: clock.looks }
}

for (const sort of SORTS) {
  test(`flows by ${sort}: a thousand steps at most without a turn for other work`, async (t) => {
    const { recorded, keys } = many(COUNT)
    const { numbers, turns } = await run(recorded, { sort, limit: 10 })
    // Each flow's key is taken, and each has its place in the heap looked at by half.
    t.true(turns >= (1.5 * COUNT) / 1001 - 2, `${turns} turns`)
    const wanted = keys
      .map((key, number) => ({ key: key[sort], number }))
      .sort((one, other) => (one.key < other.key ? -1 : one.key > other.key ? 1 : one.number - other.number))
    t.deepEqual(
      numbers,
      wanted.slice(0, 10).map(({ number }) => number),
    )
  })
}

test('flows that are in order already: a thousand steps at most without a turn for other work', async (t) => {
  const { recorded } = many(COUNT, { sorted: true })
  const { numbers, turns } = await run(recorded, { offset: 3, limit: 2 })
  t.deepEqual(numbers, [3, 4])
  t.true(turns >= (2 * COUNT) / 1001 - 2, `${turns} turns`)
  t.deepEqual((await run(recorded, { reverse: true, limit: 2 })).numbers, [COUNT - 1, COUNT - 2])
})

test('a page reads its flows, those before it, and no other', async (t) => {
  const { recorded, read } = many(COUNT)
  const { numbers, looks } = await run(recorded, { sort: 'size', reverse: true, offset: 20, limit: 30 })
  t.is(numbers.length, 30)
  t.deepEqual(read.slice(20), numbers)
  t.true(looks < 1.6 * COUNT, `${looks} steps: the flows behind the page are not put in order`)
})

test('a filter that nothing matches lets other work in while it reads', async (t) => {
  const { recorded, read } = many(3000, { sorted: true })
  const { turns } = await run(recorded, { filter: () => false })
  t.is(read.length, 3000)
  t.true(turns >= (3 * 3000) / 1001 - 2, `${turns} turns`)
})

for (const reverse of [false, true]) {
  test(`numbers and texts in order, with many that are equal, of every length${reverse ? ', the last first' : ''}`, async (t) => {
    const next = seeded(3)
    for (let length = 0; length < 70; length++) {
      const texts = Array.from({ length }, () => `${Math.floor(next() * 9)}`)
      const numbers = Float64Array.from(texts, Number)
      const wanted = Array.from(numbers.keys()).sort((one, other) => (numbers[one] ?? 0) - (numbers[other] ?? 0))
      if (reverse) wanted.reverse()
      for (const keys of [texts, numbers]) {
        const order = await Order.of(keys, reverse, new Turns(() => 0))
        t.deepEqual(
          Array.from({ length: length + 1 }, () => order.next()),
          [...wanted, undefined],
        )
      }
    }
  })
}
