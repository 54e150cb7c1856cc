// The rules of `proxy.mock()`: their order and number, what they match, and what happens when their answers go wrong.
import { once } from 'node:events'
import { connect } from 'node:http2'
import test from 'ava'
import { HttpProxyAgent } from 'hpagent'
import { WebSocket } from 'ws'
import { HttpResponse, type RequestMatch } from '../../src/index.js'
import { fetcher, origin } from '../support/origin.js'
import { get, startProxy, tlsTunnel } from '../support/proxy.js'
import { dial } from '../support/talk.js'

test('the first rule that matches is used; fallbacks come last, and rules that say nothing or are removed never', async (t) => {
  const { proxy } = await startProxy(t)
  const fetch = fetcher(t, proxy)
  const status = async (path: string) => (await fetch(`http://api.test${path}`)).status
  proxy.mock({}).respond(404).fallback()
  const silent = proxy.mock({ path: '/a' })
  const first = proxy.mock({ path: '/a' }).once().respond(201)
  const second = proxy.mock('~u test/a').respond(202)
  t.deepEqual([first.pending, first.used, second.pending], [true, 0, true])
  t.deepEqual([await status('/a'), await status('/a'), await status('/a'), await status('/b')], [201, 202, 202, 404])
  t.deepEqual([first.pending, first.used, second.used], [false, 1, 2])
  t.deepEqual(proxy.mocks.length, 4)
  second.remove()
  t.is(await status('/a'), 404)
  t.is(second.seen.length, 2)
  silent.respond(203)
  t.is(await status('/a'), 203)
  {
    using other = proxy.mock({ path: '/b' }).respond(204)
    t.is(await status('/b'), 204)
    t.is(other.used, 1)
  }
  t.is(await status('/b'), 404)
})

test('each part of a request matches what it should, and nothing else', async (t) => {
  const { proxy } = await startProxy(t)
  const fetch = fetcher(t, proxy)
  const url = 'http://api.test:8000/a/b?x=1&y=2&y=3'
  const init = { method: 'POST', headers: { 'X-One': 'two', Cookie: 'a=b=c; d=e' }, body: '{"k":[1,{"z":2}],"n":null}' }
  const right: RequestMatch[] = [
    { method: 'post' },
    { method: ['GET', 'POST'] },
    { url },
    { url: 'http://api.test:8000/a/b' },
    { url: /8000.*y=3$/ },
    { host: 'API.test.' },
    { host: 'api.test:8000' },
    { host: /^api\./ },
    { path: '/a/b' },
    { path: '/a/b?x=1&y=2&y=3' },
    { path: /b\?x/g },
    { query: { x: '1', y: ['2', '3'] } },
    { query: { y: /3/ } },
    { headers: { 'x-ONE': 'two' } },
    { cookies: { a: 'b=c', d: /e/ } },
    { body: init.body },
    { body: /"z":2/g },
    { body: Buffer.from(init.body) },
    { json: { n: null, k: [1, { z: 2 }] } },
    { jsonIncludes: { k: [{ z: 2 }] } },
    { jsonIncludes: {} },
    { websocket: false },
    { when: ({ request }) => request.port === 8000 },
    {},
  ]
  const wrong: RequestMatch[] = [
    { method: 'GET' },
    { url: 'https://api.test:8000/a/b' },
    { url: 'http://api.test/a/b' },
    { host: 'test' },
    { host: 'api.test:80' },
    { path: '/a' },
    { path: '/a/b?x=1' },
    { query: { x: '2' } },
    { query: { y: ['2', '4'] } },
    { query: { z: '' } },
    { headers: { 'x-one': 'tw' } },
    { headers: { 'x-two': /./ } },
    { cookies: { d: 'b' } },
    { body: 'k' },
    { json: { k: [1, { z: 2 }] } },
    { json: undefined, method: 'PUT' },
    { jsonIncludes: { k: [{ z: 3 }] } },
    { jsonIncludes: { k: { length: 2 } } },
    { jsonIncludes: [] },
    { form: { k: '1' } },
    { websocket: true },
    { when: () => false },
    { path: '/a/b', method: 'GET' },
  ]
  const [rights, wrongs] = [right, wrong].map((all) => all.map((match) => proxy.mock(match).respond(() => undefined)))
  proxy.clearMocks()
  t.is(proxy.mocks.length, 0)
  for (const [matches, all] of [
    [true, right],
    [false, wrong],
  ] as const) {
    for (const match of all) {
      using rule = proxy.mock(match).respond(201)
      proxy.mock({}).respond(404)
      t.is((await fetch(url, init)).status, matches ? 201 : 404, JSON.stringify(match))
      t.is(rule.used, Number(matches))
      proxy.clearMocks()
    }
  }
  t.true([...(rights ?? []), ...(wrongs ?? [])].every(({ used }) => used === 0))
  t.throws(() => proxy.mock({ hots: 'a' } as never), { code: 'ERR_ARGUMENT', message: /did you mean host/ })
})

test('answers of every form', async (t) => {
  const { proxy } = await startProxy(t)
  const fetch = fetcher(t, proxy)
  const response = new HttpResponse({ status: 207, reason: 'Mine', headers: { 'X-Mine': '1' }, content: 'own' })
  proxy.mock({ path: '/bytes' }).respond(200, Buffer.from([72, 105]))
  proxy.mock({ path: '/list' }).respond(200, [1, 2])
  proxy.mock({ path: '/none' }).respond({ headers: { 'X-None': 'yes' } })
  proxy.mock({ path: '/own' }).respond(response)
  proxy.mock({ path: '/number' }).respond(() => 418)
  proxy.mock({ path: '/file' }).file('package.json', 203)
  proxy.mock({ path: '/json' }).json(null, 202)
  const text = async (path: string) => {
    const answer = await fetch(`http://api.test${path}`)
    return `${answer.status} ${answer.headers.get('content-type')} ${await answer.text()}`
  }
  t.is(await text('/bytes'), '200 null Hi')
  t.is(await text('/list'), '200 application/json [1,2]')
  t.is(await text('/none'), '200 null ')
  t.is(await text('/number'), '418 null ')
  t.is(await text('/json'), '202 application/json null')
  t.regex(await text('/file'), /^203 application\/json \{\n {2}"name": "midwire"/)
  for (let i = 0; i < 2; i += 1) {
    const answer = await fetch('http://api.test/own')
    t.deepEqual(
      [answer.status, answer.statusText, answer.headers.get('x-mine'), await answer.text()],
      [207, 'Mine', '1', 'own'],
    )
  }
  t.is(response.headers.size, 1, 'the given response is left as it was')
})

test('a function that throws, and a file that is not there, fail that request and say why', async (t) => {
  const { proxy } = await startProxy(t)
  const fetch = fetcher(t, proxy)
  proxy.mock({ path: '/throws' }).respond(() => {
    throw new Error('my mistake')
  })
  proxy.mock({ path: '/file' }).file('not-there.txt')
  proxy.mock({ path: '/status' }).respond(99)
  proxy.mock({ path: '/socket' }).echo()
  for (const [path, why] of [
    ['/throws', /my mistake/],
    ['/file', /ENOENT.*not-there\.txt/],
    ['/status', /from 100 to 999, not 99/],
    ['/socket', /no request for a WebSocket/],
  ] as const) {
    const answer = await fetch(`http://api.test${path}`)
    t.is(answer.status, 502)
    t.regex(await answer.text(), why)
  }
})

test('a stream goes out piece by piece, over HTTP/1 and HTTP/2, and ends with its client', async (t) => {
  const running = await startProxy(t)
  const { proxy, port } = running
  let ended = 0
  let next: (piece: string) => void = () => {}
  async function* pieces() {
    try {
      yield 'first'
      for (;;) yield await new Promise<string>((resolve) => (next = resolve))
    } finally {
      ended += 1
    }
  }
  proxy.mock({ path: '/stream' }).stream(pieces)
  const talk = await dial(t, port)
  talk.says(get(9, '/stream'))
  t.regex(await talk.hears('first\r\n'), /^HTTP\/1\.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n$/)
  next('second')
  t.is(await talk.hears('second\r\n'), '6\r\nsecond\r\n')
  const over = proxy.waitFor({ path: '/stream' }, { timeout: 60_000 })
  talk.socket.resetAndDestroy()
  t.is((await over).response?.text, 'firstsecond', 'what has passed is recorded')
  next('third')
  // HTTP/2, in a tunnel to a server that does not exist.
  const { socket } = await tlsTunnel(t, running, 9, { ALPNProtocols: ['h2'] })
  socket.removeAllListeners('data')
  const session = connect('https://upstream.test', { createConnection: () => socket })
  t.teardown(() => session.destroy())
  const stream = session.request({ ':path': '/stream' })
  t.is(String((await once(stream, 'data'))[0]), 'first')
  next('fourth')
  t.is(String((await once(stream, 'data'))[0]), 'fourth')
  const reset = proxy.waitFor({ path: '/stream' }, { timeout: 60_000 })
  stream.close(8)
  await reset
  next('fifth')
  await new Promise((resolve) => setImmediate(resolve))
  t.is(ended, 2, 'generators whose clients have left have ended')
})

test('a stream that fails ends its response, and HEAD gets no body', async (t) => {
  const { proxy, port } = await startProxy(t)
  let begun = 0
  proxy.mock({}).stream(function* () {
    begun += 1
    yield 'one'
    throw new Error('dried up')
  })
  const talk = await dial(t, port)
  talk.says(get(9, '/', 'HEAD'))
  t.notRegex(await talk.hears('\r\n\r\n'), /one|Content-Length/)
  t.is(begun, 0)
  const over = proxy.waitFor({ method: 'GET' }, { timeout: 60_000 })
  talk.says(get(9, '/'))
  await talk.hears('one\r\n')
  t.is(await talk.hearsAll(), '', 'without the last chunk')
  t.regex((await over).error?.message ?? '', /flow\.response\.source: dried up/)
})

test('close() is FIN and no byte for a client that has sent a body, and a stream without an error over HTTP/2', async (t) => {
  const running = await startProxy(t)
  const { proxy, port } = running
  proxy.mock({ path: '/closed' }).close()
  const talk = await dial(t, port)
  talk.says(`POST http://api.test/closed HTTP/1.1\r\nHost: api.test\r\nContent-Length: 4\r\n\r\nbody`)
  t.is(await talk.hearsAll(), '')
  t.true(talk.ended)
  talk.socket.end()
  t.is(await talk.gone(), undefined)
  const { socket } = await tlsTunnel(t, running, 9, { ALPNProtocols: ['h2'] })
  socket.removeAllListeners('data')
  const session = connect('https://upstream.test', { createConnection: () => socket })
  t.teardown(() => session.destroy())
  const stream = session.request({ ':path': '/closed' })
  const heard: string[] = []
  for (const name of ['response', 'error', 'close']) stream.on(name, () => heard.push(name))
  await once(stream.resume(), 'close')
  t.deepEqual([heard, stream.rstCode], [['close'], 0])
  proxy.mock({ path: '/other' }).respond(201)
  const other = session.request({ ':path': '/other' })
  t.is((await once(other, 'response'))[0][':status'], 201, 'the connection goes on')
})

test('a WebSocket that listens: the program speaks in its place', async (t) => {
  const { proxy, port } = await startProxy(t)
  const mock = proxy.mock({ websocket: true, host: 'chat.test' }).listen()
  const agent = new HttpProxyAgent({ proxy: `http://127.0.0.1:${port}` })
  const socket = new WebSocket('ws://chat.test/room', ['v2', 'v1'], { agent })
  const opened = new Promise<void>((resolve) => proxy.on('websocket_start', () => resolve()))
  await Promise.all([once(socket, 'open'), opened])
  t.is(socket.protocol, 'v2')
  socket.send('nobody answers')
  const [flow] = mock.seen
  flow?.inject('client', 'hello')
  t.is(String((await once(socket, 'message'))[0]), 'hello')
  const over = proxy.waitFor({ host: 'chat.test' }, { timeout: 60_000 })
  socket.close(4001, 'bye')
  t.is((await once(socket, 'close'))[0], 4001)
  const { request, websocket } = await over
  t.is(request.url, 'http://chat.test/room', 'it says where the client wanted to go')
  t.deepEqual(websocket?.messages.map(({ text }) => text).sort(), ['hello', 'nobody answers'])
})

test('an echo sends back what has come, bytes and long messages, too', async (t) => {
  const { proxy, port } = await startProxy(t)
  proxy.mock({ websocket: true }).echo()
  const agent = new HttpProxyAgent({ proxy: `http://127.0.0.1:${port}` })
  const socket = new WebSocket('ws://chat.test/', { agent })
  await once(socket, 'open')
  for (const length of [0, 1, 125, 126, 65_535, 65_536, 300_000]) {
    const sent = Buffer.alloc(length, 'abcdefg')
    socket.send(sent)
    const [heard, isBinary] = (await once(socket, 'message')) as [Buffer, boolean]
    t.true(isBinary && heard.equals(sent), `${length}`)
  }
  socket.ping('still there?')
  t.is(String((await once(socket, 'pong'))[0]), 'still there?')
  socket.terminate()
})

test('without rules a proxy is as before, and with them requests without one reach their server', async (t) => {
  const { proxy } = await startProxy(t)
  const [url, fetch] = [await origin(t), fetcher(t, proxy)]
  const big = 'b'.repeat(2 ** 21)
  const mock = proxy.mock({ path: '/a', body: big }).respond(200, 'mocked').delay(1)
  t.is(await (await fetch(`${url}/b`)).text(), 'GET /b')
  t.is(await (await fetch(`${url}/a`, { method: 'POST', body: big })).text(), 'mocked')
  t.is(mock.seen[0]?.request.content.length, 2 ** 20, 'what a flow that is over keeps of its body')
  mock.remove()
  const answer = await fetch(`${url}/a`, { method: 'POST', body: 'x' })
  t.is(await answer.text(), 'POST /a x')
})
