// `proxy.intercept()`: flows wait at their request and their response; they are changed, killed, or let go.
import test from 'ava'
import { HttpResponse } from '../../src/index.js'
import { fetcher, origin } from '../support/origin.js'
import { get, startProxy } from '../support/proxy.js'
import { dial } from '../support/talk.js'

test('a flow waits at its request and at its response, and is changed at both', async (t) => {
  const { proxy } = await startProxy(t)
  const [url, fetch] = [await origin(t), fetcher(t, proxy)]
  const big = 'b'.repeat(2 ** 21)
  const [other, answer] = [fetch(`${url}/other`), fetch(`${url}/a`, { method: 'POST', body: big })]
  const seen: string[] = []
  await using waiting = proxy.intercept({ path: '/a' })
  t.is(await (await other).text(), 'GET /other')
  for await (const flow of waiting) {
    seen.push(flow.response ? 'response' : 'request')
    t.true(flow.intercepted)
    t.is(flow.request.content.length, flow.response ? 3 : big.length)
    if (flow.response) flow.response.text += '!'
    else flow.request.text = 'new'
    flow.resume()
    if (flow.response) break
  }
  t.is(await (await answer).text(), 'POST /a new!')
  t.deepEqual(seen, ['request', 'response'])
})

test('a flow that waits can be answered, and killed', async (t) => {
  const { proxy } = await startProxy(t)
  const [url, fetch] = [await origin(t), fetcher(t, proxy)]
  await using waiting = proxy.intercept('~u /a', { at: 'request' })
  const [first, second] = [fetch(`${url}/a1`), fetch(`${url}/a2`)]
  second.catch(() => {})
  const flows = [await waiting.take(), await waiting.take()]
  for (const flow of flows) {
    if (flow.request.path === '/a2') flow.kill()
    else flow.response = new HttpResponse({ status: 418 })
    flow.resume()
  }
  t.is((await first).status, 418)
  await t.throwsAsync(second)
})

test('what waits goes on when the iterator is left, and nothing waits from then on', async (t) => {
  const { proxy } = await startProxy(t)
  const [url, fetch] = [await origin(t), fetcher(t, proxy)]
  const waiting = proxy.intercept({}, { at: 'response' })
  const answers = [fetch(`${url}/1`), fetch(`${url}/2`)]
  await waiting.take()
  // The second may be at any point of its way.
  await waiting.return()
  for (const answer of answers) t.is((await answer).status, 200)
  t.is((await fetch(url)).status, 200)
  t.deepEqual(await waiting.next(), { done: true, value: undefined })
  await t.throwsAsync(waiting.take(), { code: 'ERR_CLOSED', message: /interception of \{\} has ended/ })
})

test('what waits goes on when the proxy is closed, and the iterator ends', async (t) => {
  const { proxy } = await startProxy(t)
  const [url, fetch] = [await origin(t), fetcher(t, proxy)]
  const waiting = proxy.intercept({})
  fetch(url).catch(() => {})
  const flow = await waiting.take()
  const [next] = [waiting.next()]
  await proxy.close()
  t.false(flow.intercepted)
  t.deepEqual(await next, { done: true, value: undefined })
  t.true((await proxy.intercept({}).next()).done)
})

test('a client that leaves is not given to the program any more', async (t) => {
  const { proxy, port } = await startProxy(t)
  const [url, fetch] = [await origin(t), fetcher(t, proxy)]
  const waiting = proxy.intercept({}, { at: 'request' })
  const left = proxy.waitFor({ path: '/left' }, { timeout: 60_000 })
  const held = new Promise<void>((resolve) => proxy.on('request', () => resolve()))
  const { socket } = await dial(t, port)
  socket.write(get(Number(new URL(url).port), '/left'))
  await held
  socket.resetAndDestroy()
  t.truthy((await left).error)
  const stays = fetch(`${url}/stays`)
  const flow = await waiting.take()
  t.is(flow.request.path, '/stays')
  flow.resume()
  t.is((await stays).status, 200)
})
