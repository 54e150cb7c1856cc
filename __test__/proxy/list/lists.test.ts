// Lists of flows over a store: what they show, in which order, while flows come, change and go; against a list that is made anew each time.
import test, { type ExecutionContext } from 'ava'
import { parseFilter } from '../../../src/flow/filter.js'
import type { HttpFlow } from '../../../src/flow/http.js'
import type { AnyFlow } from '../../../src/flow/index.js'
import type { FlowList, FlowListQuery } from '../../../src/proxy/list/flow-list.js'
import { FlowLists } from '../../../src/proxy/list/lists.js'
import { ROW_SORTS } from '../../../src/proxy/list/rows.js'
import { seeded } from '../../support/seeded.js'
import { type Facts, folder, idOf, numbered, opened } from '../../support/store.js'

/** Lists over a store, as a proxy keeps them. */
function world(t: ExecutionContext, { disk = false, memory = 1 << 26 } = {}) {
  const { store } = opened(t, disk ? folder(t) : undefined, { memory })
  const running = new Set<AnyFlow>()
  const errors: unknown[] = []
  const lists = new FlowLists({
    store,
    running: () => [...running],
    shown: (flow) => flow,
    failed: (error) => errors.push(error),
  })
  t.teardown(() => lists.close())
  return {
    ...{ store, lists, running, errors },
    begun(flow: HttpFlow) {
      flow.endedAt = undefined
      running.add(flow)
      lists.tell(flow)
      return flow
    },
    over(flow: HttpFlow) {
      flow.endedAt ??= flow.createdAt + 5
      running.delete(flow)
      lists.tell(flow)
      store.record(flow)
      return flow
    },
    changed(flow: HttpFlow) {
      if (!flow.live) store.update(flow)
      lists.tell(flow)
    },
  }
}

const turn = () => new Promise((later) => setImmediate(later))
const paths = (list: FlowList, offset = 0, limit = 1000) => list.rows(offset, limit).map(({ path }) => path)

async function listed(t: ExecutionContext, lists: FlowLists, query: FlowListQuery = {}): Promise<FlowList> {
  const list = lists.open(query)
  t.teardown(() => list.close())
  await list.complete
  return list
}

for (const disk of [false, true]) {
  const place = disk ? 'disk' : 'memory'

  test(`${place}: recorded flows and running ones stand in a list with their numbers, in any order`, async (t) => {
    const { lists, store, over, begun } = world(t, { disk })
    for (const at of [1, 2, 3]) over(numbered(at, { path: `/${'cab'[at - 1]}`, status: 200 + at }))
    if (disk) await store.flush()
    begun(numbered(4, { path: '/d', status: 200 }))
    const list = await listed(t, lists)
    t.deepEqual(paths(list), ['/c', '/a', '/b', '/d'])
    t.is(list.total, 4)
    t.is(list.of, 3)
    t.is(list.scanned, 3)
    t.deepEqual(list.ids(1, 2), [idOf(2), idOf(3)])
    t.is(list.position(idOf(4)), 3)
    t.is(list.position(idOf(9)), -1)
    t.is(list.number(idOf(2)), 2)
    t.is(list.number(idOf(9)), undefined)
    const row = list.row(idOf(2))
    t.like(row, { number: 2, type: 'http', method: 'GET', scheme: 'http', host: 'example.com', port: 80, path: '/a' })
    t.like(row, { status: 202, size: 6, createdAt: 1002, duration: 5, live: false, client: 'phone', mode: 'wireguard' })
    t.like(list.row(idOf(4)), { live: true, duration: -1 })
    list.sortBy('path')
    await list.complete
    t.deepEqual(paths(list), ['/a', '/b', '/c', '/d'])
    t.is(list.position(idOf(1)), 2)
    list.sortBy('path', true)
    t.deepEqual(paths(list), ['/d', '/c', '/b', '/a'])
    t.deepEqual(paths(list, 1, 2), ['/c', '/b'])
    t.is(list.position(idOf(1)), 1)
    t.throws(() => list.sortBy('nonsense' as 'path'), { instanceOf: RangeError })
    t.throws(() => lists.open({ filter: '~nonsense' }), { code: 'ERR_FILTER' })
  })

  test(`${place}: a filter is followed as flows change, and a second list has the same numbers`, async (t) => {
    const { lists, store, over, begun, changed } = world(t, { disk })
    for (const at of [1, 2, 3]) over(numbered(at, { status: at === 2 ? 500 : 200 }))
    if (disk) await store.flush()
    const all = await listed(t, lists)
    const bad = await listed(t, lists, { filter: '~c 500 | ~marked' })
    t.deepEqual(paths(bad), ['/2'])
    all.takeChanges()
    bad.takeChanges()
    const flow = begun(numbered(4))
    t.deepEqual(all.takeChanges(), { reset: false, added: [idOf(4)], updated: [], removed: [] })
    t.is(bad.takeChanges(), undefined)
    flow.marked = ':star:'
    changed(flow)
    t.deepEqual(bad.takeChanges(), { reset: false, added: [idOf(4)], updated: [], removed: [] })
    t.deepEqual(all.takeChanges(), { reset: false, added: [], updated: [idOf(4)], removed: [] })
    flow.marked = ''
    over(flow)
    t.deepEqual(bad.takeChanges(), { reset: false, added: [], updated: [], removed: [idOf(4)] })
    const recorded = store.flow(idOf(1)) as HttpFlow
    recorded.marked = ':star:'
    changed(recorded)
    t.deepEqual(paths(bad), ['/1', '/2'])
    t.is(bad.number(idOf(4)), 4)
    const third = await listed(t, lists, { filter: '~marked' })
    t.deepEqual(third.rows(0, 10), [all.row(idOf(1))])
  })
}

test('flows that are told while a list looks at what is recorded count as they are now', async (t) => {
  const { lists, store, over, changed } = world(t)
  const flows = Array.from({ length: 20 }, (_, at) => over(numbered(at + 1)))
  const first = lists.open({ filter: '~marked' })
  const flow = flows[9] as HttpFlow
  flow.marked = 'x'
  changed(flow)
  await first.complete
  t.deepEqual(paths(first), ['/10'])
  const second = lists.open({ filter: '~marked' })
  const recorded = store.flow(flow.id) as HttpFlow
  recorded.marked = ''
  changed(recorded)
  t.deepEqual(paths(second), [])
  await second.complete
  t.deepEqual(paths(second), [])
  t.deepEqual(paths(first), [])
})

test('flows that go while the first list is filled do not come back', async (t) => {
  const { lists, store, over } = world(t)
  const flows = Array.from({ length: 20 }, (_, at) => over(numbered(at + 1)))
  const list = lists.open({})
  store.remove(idOf(20))
  lists.drop(flows[19] as HttpFlow)
  store.memoryLimit = 5_000
  await list.complete
  t.is(list.total, store.info.flows)
  t.is(list.number(idOf(20)), undefined)
  t.is(list.number(idOf(1)), undefined)
  t.true(list.total > 0)
})

test('the rows of what was recorded are entered from the latest on, with the numbers of their order', async (t) => {
  const { lists, over } = world(t)
  for (let at = 1; at <= 3_000; at += 1) over(numbered(at))
  const list = lists.open({})
  t.teardown(() => list.close())
  while (list.total === 0) await turn()
  t.true(list.total < 3_000)
  t.deepEqual(list.ids(list.total - 1, 1), [idOf(3_000)])
  t.is(list.number(idOf(3_000)), 3_000)
  t.is(list.number(idOf(1)), undefined)
  await list.complete
  t.is(list.number(idOf(1)), 1)
})

test('onchange is called once a turn, and not again until the changes are taken', async (t) => {
  const { lists, over } = world(t)
  const list = await listed(t, lists)
  let calls = 0
  list.onchange = () => {
    calls += 1
  }
  over(numbered(1))
  over(numbered(2))
  t.is(calls, 0)
  await turn()
  t.is(calls, 1)
  over(numbered(3))
  await turn()
  t.is(calls, 1)
  t.is(list.takeChanges()?.added.length, 3)
  over(numbered(4))
  await turn()
  t.is(calls, 2)
  list.close()
  over(numbered(5))
  await turn()
  t.is(calls, 2)
})

test('changes have a bound, beyond which the list is to be read anew', async (t) => {
  const { lists, over } = world(t)
  const list = await listed(t, lists)
  list.takeChanges()
  for (let at = 1; at <= 5000; at++) over(numbered(at))
  t.is(list.takeChanges()?.added.length, 5000)
  for (let at = 5001; at <= 10_001; at++) over(numbered(at))
  t.deepEqual(list.takeChanges(), { reset: true, added: [], updated: [], removed: [] })
  t.is(list.takeChanges(), undefined)
  t.is(list.total, 10_001)
})

test('flows that the store drops leave the list, in memory and on disk; all do when it is cleared', async (t) => {
  const { lists, store, over, begun } = world(t, { memory: 20_000 })
  const list = await listed(t, lists)
  for (let at = 1; at <= 500; at++) over(numbered(at))
  t.is(list.total, store.info.flows)
  t.true(list.total < 100)
  t.is(list.rows(0, 1)[0]?.number, 501 - list.total)
  begun(numbered(501))
  list.takeChanges()
  store.clear()
  lists.clear()
  t.deepEqual(paths(list), ['/501'])
  t.true(list.takeChanges()?.reset)
  t.is(list.number(idOf(500)), undefined)
})

test('segments of the disk that go take their flows from the list', async (t) => {
  const path = folder(t)
  const { store } = opened(t, path, { disk: 200_000 })
  const lists = new FlowLists({ store, running: () => [], shown: (flow) => flow, failed: t.fail })
  const list = await listed(t, lists)
  for (let at = 1; at <= 1000; at++) {
    const flow = numbered(at)
    store.record(flow)
    lists.tell(flow)
    if (at % 50 === 0) await store.flush()
  }
  await store.flush()
  t.true(store.info.forgotten > 0)
  t.is(list.total, store.info.flows)
  lists.close()
})

test('a flow that is too large for the store does not stay in the list', async (t) => {
  const { lists, over } = world(t, { memory: 5_000 })
  const list = await listed(t, lists)
  over(numbered(1, { body: 'x'.repeat(10_000) }))
  t.is(list.total, 0)
})

test('where nothing is recorded, flows are in a list as long as they run', async (t) => {
  const { lists, over, begun } = world(t, { memory: 0 })
  const list = await listed(t, lists)
  const flow = begun(numbered(1))
  t.deepEqual(paths(list), ['/1'])
  over(flow)
  t.deepEqual(paths(list), [])
})

test('a filter that throws is told once, and leaves flows out', async (t) => {
  const { lists, over, errors } = world(t)
  const list = await listed(t, lists, {
    filter: () => {
      throw new Error('no')
    },
  })
  over(numbered(1))
  over(numbered(2))
  t.is(list.total, 0)
  t.is(errors.length, 1)
})

for (const sort of ROW_SORTS) {
  test(`by ${sort}: whatever comes, changes and goes, the list is the one that is made anew`, async (t) => {
    const random = seeded(ROW_SORTS.indexOf(sort) + 1)
    const pick = (count: number) => Math.floor(random() * count)
    const { lists, store, over, begun, changed } = world(t, { memory: 150_000 })
    const filter = '!~marked & !~c 500'
    const facts = (): Facts => ({
      ...{
        path: `/${pick(9)}`,
        method: ['GET', 'PUT', 'POST'][pick(3)] ?? '',
        status: [200, 301, 404, 500][pick(4)] ?? 0,
      },
      ...{ body: 'x'.repeat(pick(5)), duration: pick(50) },
    })
    const known: HttpFlow[] = []
    for (let at = 1; at <= 100; at++) known.push(over(numbered(at, facts())))
    const lateAll = lists.open({ sort })
    const list = lists.open({ sort, filter })
    for (let at = 101; at <= 1200; at++) {
      const what = pick(4)
      const flow = known[pick(known.length)] as HttpFlow
      if (what === 0) known.push(begun(numbered(at, facts())))
      else if (what === 1 && flow.live) over(flow)
      else if (flow.live || store.flow(flow.id)) {
        flow.marked = pick(2) ? '' : 'x'
        flow.request.path = `/${pick(9)}`
        changed(flow)
      }
      if (pick(20) === 0) await turn()
      if (pick(100) === 0) list.rows(pick(10), 10)
    }
    await list.complete
    await lateAll.complete
    const there = known.filter((flow) => flow.live || store.flow(flow.id))
    t.deepEqual(lateAll.ids(0, 10_000).sort(), there.map(({ id }) => id).sort())
    const wanted = there.filter(parseFilter(filter))
    t.is(list.total, wanted.length)
    const rows = list.rows(0, 10_000)
    t.deepEqual(rows.map(({ id }) => id).sort(), wanted.map(({ id }) => id).sort())
    const value = (row: (typeof rows)[number]) => {
      if (sort === 'time') return row.createdAt
      return sort === 'url' ? row.path : row[sort]
    }
    for (let at = 1; at < rows.length; at++) {
      const [one, other] = [rows[at - 1] as (typeof rows)[number], rows[at] as (typeof rows)[number]]
      const [before, after] = [value(one), value(other)]
      if (before < after || (before === after && one.number < other.number)) continue
      return t.fail(`${JSON.stringify(one)} stands before ${JSON.stringify(other)}`)
    }
    for (const [at, { id }] of rows.entries()) if (list.position(id) !== at) t.fail(`${id} is at ${at}`)
    t.pass()
  })
}

test('rows of flows that are gone leave no memory behind, and the numbers of others stay', async (t) => {
  const { lists, over } = world(t, { memory: 40_000 })
  const list = await listed(t, lists, { sort: 'path' })
  const wrong = () => list.rows(0, 1000).find(({ id, number, path }) => id !== idOf(number) || path !== `/${number}`)
  for (let at = 1; at <= 20_000; at++) {
    over(numbered(at))
    if (at % 10 === 0 && wrong()) return t.fail(JSON.stringify(wrong()))
  }
  const rows = list.rows(0, 1000)
  t.is(rows.length, list.total)
  for (const { id, number, path } of rows)
    if (id !== idOf(number) || path !== `/${number}`) t.fail(`${id} ${number} ${path}`)
  for (const [at, { id }] of rows.entries()) if (list.position(id) !== at) t.fail(`${id} is at ${list.position(id)}`)
  t.is(list.number(idOf(20_000)), 20_000)
})
