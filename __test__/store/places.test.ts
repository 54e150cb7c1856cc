// The flows that were recorded at a moment, by number: they stay as they were, whatever comes, goes or changes, and are no work until they are read.
import test from 'ava'
import { Entries } from '../../src/store/entries.js'
import type { Places } from '../../src/store/places.js'
import { Slab } from '../../src/store/slab.js'
import { seeded } from '../support/seeded.js'
import { folder, idOf, numbered, opened, pathOf } from '../support/store.js'

const texts = (places: Places) => {
  return Array.from({ length: places.count }, (_, at) => {
    const flow = places.read(at)
    return flow ? `${pathOf(flow)}${flow.marked}` : ''
  })
}

const LONG = 'long'.repeat(100_000)

for (const disk of [false, true]) {
  test(`${disk ? 'disk' : 'memory'}: what is marked, removed, dropped or recorded later changes nothing`, async (t) => {
    const { store } = opened(t, disk ? folder(t) : undefined)
    for (let at = 0; at < 50; at += 1) store.record(numbered(at, at % 10 === 3 ? { body: LONG } : {}))
    await store.flush()
    for (const at of [4, 13]) {
      const flow = store.flow(idOf(at))
      if (!flow) throw new Error('a flow is gone')
      flow.marked = '*'
      store.update(flow)
    }
    store.remove(idOf(5))
    for (let at = 50; at < 60; at += 1) store.record(numbered(at))
    const places = store.places()
    t.teardown(() => places.close())
    const before = texts(places)
    const others = Array.from({ length: 60 }, (_, at) => `/${at}`).filter((path) => !['/4', '/5', '/13'].includes(path))
    t.deepEqual(before.toSorted(), [...others, '/4*', '/13*'].toSorted())
    store.remove(idOf(3))
    store.remove(idOf(55))
    const flow = store.flow(idOf(6))
    if (flow) {
      flow.marked = '*'
      store.update(flow)
    }
    store.record(numbered(99))
    await store.flush()
    if (!disk) store.memoryLimit = 1000
    t.deepEqual(texts(places), before)
    const body = places.read(before.indexOf('/23'))
    t.is(body?.type === 'http' ? body.response?.body.content.length : 0, LONG.length)
    // In any order the numbers are those of the same flows.
    const next = seeded(5)
    for (let step = 0; step < 300; step += 1) {
      const at = Math.floor(next() * places.count)
      const one = places.read(at)
      t.is(one ? `${pathOf(one)}${one.marked}` : '', before[at] ?? 'no such flow')
      t.is(places.facts(at).idHead, Number.parseInt(one?.id.slice(0, 8) ?? '', 16))
    }
  })
}

test.serial('no flow is looked at before it is read', async (t) => {
  const path = folder(t)
  const { store } = opened(t, path)
  for (let at = 0; at < 5_000; at += 1) store.record(numbered(at))
  await store.flush()
  const { store: memory } = opened(t, undefined)
  for (let at = 0; at < 5_000; at += 1) memory.record(numbered(at))
  memory.catchUp()
  let looks = 0
  const { state } = Slab.prototype
  const { isReplaced } = Entries.prototype
  t.teardown(() => {
    Slab.prototype.state = state
    Entries.prototype.isReplaced = isReplaced
  })
  Slab.prototype.state = function (index) {
    looks += 1
    return state.call(this, index)
  }
  Entries.prototype.isReplaced = function (index) {
    looks += 1
    return isReplaced.call(this, index)
  }
  for (const one of [store, memory]) {
    const places = one.places()
    t.is(places.count, 5_000)
    places.close()
  }
  t.is(looks, 0)
})
