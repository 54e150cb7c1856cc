// A row: what is in it in its order, each once, and gone with what it holds when it is taken out.
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import type { AnyFlow } from '../../src/flow/index.js'
import { Row } from '../../src/proxy/row.js'

const flow = (id: string) => ({ id }) as AnyFlow

test('flows are there in the order in which they began, until they are over', (t) => {
  const running = new Row<AnyFlow>()
  const [one, two, three] = ['1', '2', '3'].map(flow) as [AnyFlow, AnyFlow, AnyFlow]
  for (const each of [one, two, three]) running.add(each)
  running.delete(two)
  t.deepEqual(running.all, [one, three])
  running.delete(two)
  t.deepEqual(running.all, [one, three])
})

test('a flow that begins twice is there once, and the end of one that has not begun changes nothing', (t) => {
  const running = new Row<AnyFlow>()
  const [one, other] = [flow('1'), flow('1')]
  running.add(one)
  running.add(one)
  running.delete(other)
  t.deepEqual(running.all, [one])
  running.delete(one)
  t.deepEqual(running.all, [])
  running.add(other)
  t.deepEqual(running.all, [other])
})

test('flows that are over are young garbage: the table that held them does not keep them', (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: { type: 'minor' }) => void
  const oldBytes = () =>
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0
  const running = new Row<AnyFlow>()
  const waiting: AnyFlow[] = []
  let grown = 0
  // What is there before the flows is old when they come, as in a proxy that has waited for its first client.
  for (let round = 0; round < 3; round++) collect({ type: 'minor' })
  for (let at = 0; at < 20_000; at++) {
    const one = { id: `${at}`.padStart(2_000), content: Array.from({ length: 100 }, (_, index) => at + index) }
    running.add(one as unknown as AnyFlow)
    waiting.push(one as unknown as AnyFlow)
    if (waiting.length > 40) running.delete(waiting.shift() as AnyFlow)
    if (at % 200 > 0) continue
    const before = oldBytes()
    collect({ type: 'minor' })
    grown += Math.max(0, oldBytes() - before)
  }
  t.is(running.all.length, 40)
  // All flows together are 56 MB. A Set of them lets most of them grow old, and a Map by ids lets the ids.
  t.true(grown < 1_500_000, `${grown} bytes have become old`)
})
