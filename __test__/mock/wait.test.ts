// `proxy.waitFor()`: the next flow that matches, and what it says when there is none.
import test from 'ava'
import { type HttpFlow, MidwireError } from '../../src/index.js'
import { fetcher, origin } from '../support/origin.js'
import { startProxy } from '../support/proxy.js'

test('it gives the next flow that matches, whole, and none that has ended before', async (t) => {
  const { proxy } = await startProxy(t)
  const [url, fetch] = [await origin(t), fetcher(t, proxy)]
  await (await fetch(`${url}/a?before`)).text()
  const wanted = [
    proxy.waitFor({ path: '/a' }),
    proxy.waitFor('~u /a'),
    proxy.waitFor((flow) => flow.request.path.startsWith('/a')),
  ]
  await (await fetch(`${url}/other`)).text()
  await (await fetch(`${url}/a?now`)).text()
  for (const promise of wanted) {
    const flow: HttpFlow = await promise
    t.is(flow.request.path, '/a?now')
    t.is(flow.response?.text, 'GET /a?now')
    t.false(flow.live)
  }
})

test('in vain, it names what has ended instead, and what has not ended', async (t) => {
  const { proxy } = await startProxy(t)
  const fetch = fetcher(t, proxy)
  const url = await origin(t, (request, response) => {
    if (request.url !== '/slow') response.writeHead(404).end()
  })
  const waiting = proxy.waitFor('~u /login', { timeout: Number.POSITIVE_INFINITY })
  const begun = new Promise<void>((resolve) =>
    proxy.on('requestheaders', ({ request }) => {
      if (request.path === '/slow') resolve()
    }),
  )
  await (await fetch(`${url}/logon`)).text()
  fetch(`${url}/slow`).catch(() => {})
  await begun
  const timed = await t.throwsAsync(proxy.waitFor({ path: /x/ }, { timeout: 1 }), {
    instanceOf: MidwireError,
    code: 'ERR_TIMEOUT',
  })
  t.regex(
    timed.message,
    /^no http flow that matches \{"path":"\/x\/"\} has ended within 1 ms: no other has ended; not over are one flow: GET \S+\/slow$/,
  )
  await proxy.close()
  const closed = await t.throwsAsync(waiting, { code: 'ERR_CLOSED' })
  t.regex(
    closed.message,
    /~u \/login has ended before the proxy was closed: ended have 2 flows: GET \S+\/logon 404, GET \S+\/slow failed/,
  )
  await t.throwsAsync(proxy.waitFor('~q'), { code: 'ERR_CLOSED' })
})

test('the error of a function is the promise’s, and what cannot be understood is thrown at once', async (t) => {
  const { proxy } = await startProxy(t)
  const [url, fetch] = [await origin(t), fetcher(t, proxy)]
  const failing = proxy.waitFor(() => {
    throw new Error('my mistake')
  })
  await (await fetch(url)).text()
  await t.throwsAsync(failing, { message: 'my mistake' })
  t.throws(() => proxy.waitFor('~unknown'), { code: 'ERR_FILTER' })
  t.throws(() => proxy.waitFor({ pth: '/' } as never), {
    code: 'ERR_ARGUMENT',
    message: /"pth" to match: did you mean path\?/,
  })
})
