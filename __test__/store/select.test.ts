// Recorded flows in each order, by pages, and filtered; from memory, from disk, and from both.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { FlowQuery } from '../../src/store/select.js'
import type { FlowStore } from '../../src/store/store.js'
import { all, folder, numbered, opened, pathOf } from '../support/store.js'

function record(store: FlowStore, ...numbers: number[]): void {
  const facts = [
    { path: '/a', method: 'POST', status: 404, createdAt: 3000, duration: 9, body: 'four' },
    { path: '/b', method: 'GET', status: 200, createdAt: 1000, duration: 30, body: 'a body' },
    { path: '/c', method: 'PROPPATCH', status: 500, createdAt: 2000, duration: 1, body: '' },
    { path: '/d', method: 'PROPFIND', status: 200, createdAt: 4000, duration: 2, body: 'x'.repeat(99) },
  ]
  for (const number of numbers) store.record(numbered(number, facts[number] ?? {}))
}

const orders: Record<string, { query: FlowQuery; paths: string }> = {
  time: { query: {}, paths: 'bcad' },
  'time, the last first': { query: { sort: 'time', reverse: true }, paths: 'dacb' },
  method: { query: { sort: 'method' }, paths: 'badc' },
  url: { query: { sort: 'url' }, paths: 'abcd' },
  'url, the last first': { query: { sort: 'url', reverse: true }, paths: 'dcba' },
  status: { query: { sort: 'status' }, paths: 'bdac' },
  size: { query: { sort: 'size' }, paths: 'cabd' },
  duration: { query: { sort: 'duration' }, paths: 'cdab' },
  'a page': { query: { offset: 1, limit: 2 }, paths: 'ca' },
  'a page of the last': { query: { reverse: true, limit: 1 }, paths: 'd' },
  'none of them': { query: { limit: 0 }, paths: '' },
  'a filter': { query: { filter: '~c 200' }, paths: 'bd' },
  'a filter and a page': { query: { filter: '~c 200 | ~c 404', offset: 1, limit: 1 }, paths: 'a' },
  'a function': { query: { filter: (flow) => flow.createdAt > 2500 }, paths: 'ad' },
}

for (const place of ['memory', 'disk', 'both']) {
  for (const [name, { query, paths }] of Object.entries(orders)) {
    test(`${place}: ${name}`, async (t) => {
      const { store } = opened(t, place === 'memory' ? undefined : folder(t))
      record(store, 0, 1)
      if (place === 'both') await store.flush()
      record(store, 2, 3)
      if (place === 'disk') await store.flush()
      t.is((await all(store.select(query), pathOf)).join('').replaceAll('/', ''), paths)
    })
  }
}

test('a query reads what was recorded when it was made', async (t) => {
  const { store } = opened(t, folder(t))
  record(store, 0, 1)
  await store.flush()
  const flows = store.select()
  record(store, 2)
  await store.flush()
  t.deepEqual(await all(flows, pathOf), ['/b', '/a'])
})

test('flows that have gone in the meantime are left out', async (t) => {
  const path = folder(t)
  const { store } = opened(t, path)
  record(store, 0, 1, 2, 3)
  await store.flush()
  const flows = store.select()
  store.clear()
  while (existsSync(join(path, '00000001.log'))) await new Promise((later) => setImmediate(later))
  t.deepEqual(await all(flows, pathOf), [])
})

test('a filter or an order that is none is an error at once', (t) => {
  const { store } = opened(t, undefined)
  t.throws(() => store.select({ filter: '~nonsense' }), { code: 'ERR_FILTER' })
  t.throws(() => store.select({ sort: 'colour' as 'time' }), { message: /sorted by time, method.*not by colour/ })
})
