// midwire in tests of vitest: npx vitest run examples/tests/vitest.test.ts
import { Midwire } from 'midwire'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { cheapest } from './shop.ts'

let proxy: Midwire
let throughProxy: typeof fetch

beforeAll(async () => {
  proxy = await Midwire.start({ modes: ['regular@127.0.0.1:0'] })
  const dispatcher = await proxy.dispatcher()
  throughProxy = (url, init) => fetch(url, { ...init, dispatcher })
})
afterEach(() => proxy.clearMocks())
afterAll(() => proxy.close())

test('the cheapest item is the first', async () => {
  const items = proxy.mock({ host: 'shop.test', path: '/items' }).respond(200, [{ name: 'tea', price: 3 }])
  expect(await cheapest(throughProxy)).toBe('tea')
  expect(items.seen[0]?.request.path).toBe('/items?sort=price')
})

test('a shop that stays busy is an error', async () => {
  const items = proxy.mock({ path: '/items' }).respond(503)
  await expect(cheapest(throughProxy)).rejects.toThrow('busy')
  expect(items.used).toBe(3)
})
