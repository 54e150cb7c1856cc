// Lists with filters: by rows alone where these say it, by flows where they do not, and the same flows in each way.
import test, { type ExecutionContext } from 'ava'
import { parseFilter } from '../../../src/flow/filter.js'
import { FlowLists } from '../../../src/proxy/list/lists.js'
import { idOf, numbered, opened } from '../../support/store.js'

const FLOWS = 3_000

/** A path that rows cut. */
const long = (at: number) => `/${'a'.repeat(600)}/${at}`

/** Lists over a store whose rows are all there, and how often a list has begun to read it since. */
async function recorded(t: ExecutionContext, pathOf: (at: number) => string) {
  const { store } = opened(t, undefined)
  const lists = new FlowLists({
    store,
    running: () => [],
    shown: (flow) => flow,
    failed: (error) => t.fail(String(error)),
  })
  t.teardown(() => lists.close())
  const flows = Array.from({ length: FLOWS }, (_, at) => {
    return numbered(at + 1, { path: pathOf(at), status: at % 7 === 0 ? 404 : 200 })
  })
  for (const flow of flows) store.record(flow)
  const all = lists.open({})
  t.teardown(() => all.close())
  await all.complete
  let reads = 0
  let flowsRead = 0
  const open = store.places.bind(store)
  store.places = () => {
    reads += 1
    const places = open()
    const read = places.read.bind(places)
    places.read = (at) => {
      flowsRead += 1
      return read(at)
    }
    return places
  }
  const matching = async (filter: string) => {
    reads = 0
    flowsRead = 0
    const list = lists.open({ filter })
    const before = reads
    await list.complete
    const wanted = flows.filter(parseFilter(filter)).map(({ id }) => id)
    t.deepEqual(list.ids(0, FLOWS), wanted, filter)
    t.is(list.scanned, list.of)
    t.true(list.of >= FLOWS)
    list.close()
    return { reads, flowsRead, before, found: wanted.length }
  }
  return { matching, lists }
}

test('what rows say is not read', async (t) => {
  const { matching } = await recorded(t, (at) => `/items/${at}`)
  for (const filter of ['~u items/2999', '~c 404 & ~u 7', '!~m GET', '~d example | ~e'])
    t.is((await matching(filter)).reads, 0, filter)
})

test('flows whose rows do not say it are read, and only these', async (t) => {
  const { matching } = await recorded(t, (at) => (at % 3 === 0 ? long(at) : `/items/${at}`))
  const { reads, flowsRead, before, found } = await matching('~u 0$')
  t.is(before, 0, 'the rows come first')
  t.is(reads, 1)
  t.is(found, 300)
  t.is(flowsRead, FLOWS / 3)
})

test('the latest flows are found first, by their rows and by themselves', async (t) => {
  const { lists } = await recorded(t, (at) => `/items/${at}`)
  for (const filter of ['~m GET', '~b body']) {
    const list = lists.open({ filter })
    while (list.total === 0) await new Promise((next) => setImmediate(next))
    t.deepEqual(list.ids(list.total - 1, 1), [idOf(FLOWS)], filter)
    await list.complete
    t.is(list.total, FLOWS)
    list.close()
  }
})

test('where most rows do not say it, flows are read without a look at all rows', async (t) => {
  const { matching } = await recorded(t, (at) => (at >= FLOWS - 1_200 ? long(at) : `/items/${at}`))
  t.deepEqual(await matching('~u 0$'), { reads: 1, flowsRead: FLOWS, before: 0, found: 300 })
  t.deepEqual(await matching('~b "body 17"'), { reads: 1, flowsRead: FLOWS, before: 0, found: 111 })
})
