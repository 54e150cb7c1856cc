// Recipes of mockttp's documentation, done with midwire, each in no more lines than there. `//|` is mockttp's code.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { HttpProxyAgent } from 'hpagent'
import type { RequestInit, Response } from 'undici'
import { WebSocket } from 'ws'
import type { Midwire } from '../../src/index.js'
import { fetcher, origin } from '../support/origin.js'
import { startProxy } from '../support/proxy.js'

interface Around {
  t: ExecutionContext
  proxy: Midwire
  /** A server that says what it was asked. */
  url: string
  /** The path of a file with `from a file`. */
  path: string
  fetch(url: string, init?: RequestInit): Promise<Response>
  socket(url: string): WebSocket
}

/** One recipe, with what both libraries have made before each test. */
function recipe(title: string, code: (around: Around) => Promise<void>): void {
  test(title, async (t) => {
    const { proxy, port } = await startProxy(t)
    const folder = mkdtempSync(join(tmpdir(), 'midwire-recipes-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const path = join(folder, 'page.html')
    writeFileSync(path, 'from a file')
    const agent = new HttpProxyAgent({ proxy: `http://127.0.0.1:${port}` })
    const socket = (url: string) => {
      const ws = new WebSocket(url, { agent })
      t.teardown(() => ws.terminate())
      return ws
    }
    await code({ t, proxy, path, url: await origin(t), fetch: fetcher(t, proxy), socket })
  })
}

recipe('mock a status and a body', async ({ t, proxy, fetch }) => {
  //| await server.forGet('/mocked').thenReply(200, 'mocked data', { 'X-Mock': 'yes' })
  //| const response = await fetch(server.urlFor('/mocked'))
  //| expect(await response.text()).to.equal('mocked data')
  proxy.mock({ method: 'GET', path: '/mocked' }).respond(200, 'mocked data', { 'X-Mock': 'yes' })
  const response = await fetch('http://api.test/mocked')
  t.is(await response.text(), 'mocked data')
})

recipe('mock a host that does not exist, over HTTPS', async ({ t, proxy, fetch }) => {
  //| await server.forGet('https://example.test').thenReply(200, 'not really')
  //| const response = await fetch('https://example.test', { agent: new HttpsProxyAgent(server.url) })
  //| expect(await response.text()).to.equal('not really')
  proxy.mock({ url: 'https://example.test' }).respond(200, 'not really')
  const response = await fetch('https://example.test')
  t.is(await response.text(), 'not really')
})

recipe('answer with JSON', async ({ t, proxy, fetch }) => {
  //| await server.forGet('/user').thenJson(200, { name: 'Ada' })
  //| const response = await fetch(server.urlFor('/user'))
  //| expect(await response.json()).to.deep.equal({ name: 'Ada' })
  proxy.mock({ path: '/user' }).respond(200, { name: 'Ada' })
  const response = await fetch('http://api.test/user')
  t.deepEqual(await response.json(), { name: 'Ada' })
})

recipe('answer by a function', async ({ t, proxy, fetch }) => {
  //| await server.forPost('/greet').thenCallback(async (request) => {
  //|   const { name } = await request.body.getJson()
  //|   return { statusCode: 201, json: { hello: name } }
  //| })
  //| const response = await fetch(server.urlFor('/greet'), { method: 'POST', body: '{"name":"Ada"}' })
  //| expect(await response.json()).to.deep.equal({ hello: 'Ada' })
  proxy.mock({ method: 'POST', path: '/greet' }).respond(async ({ request }) => {
    const { name } = JSON.parse(request.text)
    return { status: 201, json: { hello: name } }
  })
  const response = await fetch('http://api.test/greet', { method: 'POST', body: '{"name":"Ada"}' })
  t.deepEqual(await response.json(), { hello: 'Ada' })
})

recipe('answer with a file', async ({ t, proxy, fetch, path }) => {
  //| await server.forGet('/page').thenFromFile(200, path)
  //| const response = await fetch(server.urlFor('/page'))
  //| expect(await response.text()).to.equal('from a file')
  proxy.mock({ path: '/page' }).file(path)
  const response = await fetch('http://api.test/page')
  t.is(await response.text(), 'from a file')
})

recipe('answer with a stream', async ({ t, proxy, fetch }) => {
  //| const stream = new PassThrough()
  //| await server.forGet('/stream').thenStream(200, stream)
  //| stream.write('Hello ')
  //| const response = await fetch(server.urlFor('/stream'))
  //| stream.write('world')
  //| stream.end()
  //| expect(await response.text()).to.equal('Hello world')
  proxy.mock({ path: '/stream' }).stream(async function* () {
    yield 'Hello '
    yield 'world'
  })
  const response = await fetch('http://api.test/stream')
  t.is(await response.text(), 'Hello world')
})

recipe('break the connection', async ({ t, proxy, fetch }) => {
  //| await server.forGet('/broken').thenResetConnection()
  //| const result = await fetch(server.urlFor('/broken')).catch((error) => error)
  //| expect(result.cause.code).to.equal('ECONNRESET')
  proxy.mock({ path: '/broken' }).abort()
  const result = await fetch('http://api.test/broken').catch((error) => error)
  t.is(result.cause.code, 'ECONNRESET')
})

recipe('end the connection without an answer', async ({ t, proxy, fetch }) => {
  //| await server.forGet('/closed').thenCloseConnection()
  //| const result = await fetch(server.urlFor('/closed')).catch((error) => error)
  //| expect(result.cause.message).to.equal('other side closed')
  proxy.mock({ path: '/closed' }).close()
  const result = await fetch('http://api.test/closed').catch((error) => error)
  t.is(result.cause.message, 'other side closed')
})

recipe('never answer', async ({ t, proxy, fetch }) => {
  //| await server.forGet('/slow').thenTimeout()
  //| const result = await fetch(server.urlFor('/slow'), { signal: AbortSignal.timeout(100) }).catch((error) => error)
  //| expect(result.name).to.equal('TimeoutError')
  proxy.mock({ path: '/slow' }).timeout()
  const result = await fetch('http://api.test/slow', { signal: AbortSignal.timeout(100) }).catch((error) => error)
  t.is(result.name, 'TimeoutError')
})

recipe('delay an answer', async ({ t, proxy, fetch }) => {
  //| await server.forGet('/late').delay(200).thenReply(200)
  //| const start = Date.now()
  //| await fetch(server.urlFor('/late'))
  //| expect(Date.now() - start).to.be.at.least(195)
  proxy.mock({ path: '/late' }).delay(200).respond(200)
  const start = Date.now()
  await fetch('http://api.test/late')
  t.true(Date.now() - start >= 195)
})

recipe('match by JSON', async ({ t, proxy, fetch }) => {
  //| await server.forPost('/').withJsonBodyIncluding({ user: 'Ada', roles: [1] }).thenReply(200, 'matched')
  //| const response = await fetch(server.url, { method: 'POST', body: '{ "roles": [2, 1], "user": "Ada" }' })
  //| expect(await response.text()).to.equal('matched')
  proxy.mock({ method: 'POST', path: '/', jsonIncludes: { user: 'Ada', roles: [1] } }).respond(200, 'matched')
  const response = await fetch('http://api.test', { method: 'POST', body: '{ "roles": [2, 1], "user": "Ada" }' })
  t.is(await response.text(), 'matched')
})

recipe('match by a part of the body, and by a form', async ({ t, proxy, fetch }) => {
  //| await server.forPost('/').withBodyIncluding('needle').thenReply(200, 'text')
  //| await server.forPost('/').withForm({ a: 'b c' }).thenReply(200, 'form')
  //| const text = await fetch(server.url, { method: 'POST', body: 'hay needle hay' })
  //| const form = await fetch(server.url, { method: 'POST', body: new URLSearchParams({ a: 'b c' }) })
  //| expect([await text.text(), await form.text()]).to.deep.equal(['text', 'form'])
  proxy.mock({ method: 'POST', body: /needle/ }).respond(200, 'text')
  proxy.mock({ method: 'POST', form: { a: 'b c' } }).respond(200, 'form')
  const text = await fetch('http://api.test', { method: 'POST', body: 'hay needle hay' })
  const form = await fetch('http://api.test', { method: 'POST', body: new URLSearchParams({ a: 'b c' }) })
  t.deepEqual([await text.text(), await form.text()], ['text', 'form'])
})

recipe('match by header, query and cookie', async ({ t, proxy, fetch }) => {
  //| await server
  //|   .forGet('/search')
  //|   .withHeaders({ accept: 'text/plain' })
  //|   .withQuery({ q: 'tea' })
  //|   .withCookie({ id: '7' })
  //|   .thenReply(200, 'found')
  //| const response = await fetch(server.urlFor('/search?q=tea'), { headers: { Accept: 'text/plain', Cookie: 'a=b; id=7' } })
  //| expect(await response.text()).to.equal('found')
  const headers = { accept: 'text/plain' }
  proxy.mock({ path: '/search', headers, query: { q: 'tea' }, cookies: { id: '7' } }).respond(200, 'found')
  const response = await fetch('http://api.test/search?q=tea', {
    headers: { Accept: 'text/plain', Cookie: 'a=b; id=7' },
  })
  t.is(await response.text(), 'found')
})

recipe('match by host and by an expression', async ({ t, proxy, fetch }) => {
  //| await server.forGet(/\/users\/\d+/).forHostname('api.test').thenReply(200, 'a user')
  //| const response = await fetch('http://api.test/users/42', { agent: new HttpProxyAgent(server.url) })
  //| expect(await response.text()).to.equal('a user')
  proxy.mock({ path: /\/users\/\d+/, host: 'api.test' }).respond(200, 'a user')
  const response = await fetch('http://api.test/users/42')
  t.is(await response.text(), 'a user')
})

recipe('fail twice, then answer', async ({ t, proxy, fetch }) => {
  //| await server.forGet('/retry').twice().thenReply(503)
  //| await server.forGet('/retry').thenReply(200)
  //| const statuses = []
  //| for (let i = 0; i < 3; i += 1) statuses.push((await fetch(server.urlFor('/retry'))).status)
  //| expect(statuses).to.deep.equal([503, 503, 200])
  proxy.mock({ path: '/retry' }).respond(503).twice()
  proxy.mock({ path: '/retry' }).respond(200)
  const statuses: number[] = []
  for (let i = 0; i < 3; i += 1) statuses.push((await fetch('http://api.test/retry')).status)
  t.deepEqual(statuses, [503, 503, 200])
})

recipe('verify what was asked', async ({ t, proxy, fetch }) => {
  //| const endpoint = await server.forPost('/log').thenReply(200)
  //| await fetch(server.urlFor('/log'), { method: 'POST', body: 'a line' })
  //| const requests = await endpoint.getSeenRequests()
  //| expect(requests.length).to.equal(1)
  //| expect(await requests[0].body.getText()).to.equal('a line')
  const mock = proxy.mock({ path: '/log' }).respond(200)
  await fetch('http://api.test/log', { method: 'POST', body: 'a line' })
  t.is(mock.seen.length, 1)
  t.is(mock.seen[0]?.request.text, 'a line')
})

recipe('see what was not asked', async ({ t, proxy }) => {
  //| await server.forGet('/never').thenReply(200)
  //| const pending = await server.getPendingEndpoints()
  //| expect(pending.length).to.equal(1)
  proxy.mock({ path: '/never' }).respond(200)
  const pending = proxy.mocks.filter((mock) => mock.pending)
  t.is(pending.length, 1)
})

recipe('pass to the server, with changes', async ({ t, proxy, fetch, url }) => {
  //| await server.forAnyRequest().thenPassThrough({
  //|   transformRequest: { updateHeaders: { 'X-Said': 'hello' } },
  //|   transformResponse: { replaceStatus: 201, replaceBody: 'changed' },
  //| })
  //| const response = await fetch(url, { agent: new HttpProxyAgent(server.url) })
  //| expect(response.status).to.equal(201)
  //| expect(response.headers.get('X-Heard')).to.equal('hello')
  //| expect(await response.text()).to.equal('changed')
  proxy.mock({}).passthrough({
    request: { headers: { 'X-Said': 'hello' } },
    response: { status: 201, text: 'changed' },
  })
  const response = await fetch(url)
  t.is(response.status, 201)
  t.is(response.headers.get('X-Heard'), 'hello')
  t.is(await response.text(), 'changed')
})

recipe('rewrite a response by a function', async ({ t, proxy, fetch, url }) => {
  //| await server.forGet().thenPassThrough({
  //|   beforeResponse: async (response) => {
  //|     return { body: (await response.body.getText()).toUpperCase() }
  //|   },
  //| })
  //| const response = await fetch(`${url}/path`, { agent: new HttpProxyAgent(server.url) })
  //| expect(await response.text()).to.equal('GET /PATH')
  proxy.mock({ method: 'GET' }).passthrough({
    response: ({ response }) => {
      response.text = response.text.toUpperCase()
    },
  })
  const response = await fetch(`${url}/path`)
  t.is(await response.text(), 'GET /PATH')
})

recipe('forward to another server', async ({ t, proxy, fetch, url }) => {
  //| await server.forAnyRequest().forHostname('api.test').thenForwardTo(url)
  //| const response = await fetch('http://api.test/path?q', { agent: new HttpProxyAgent(server.url) })
  //| expect(await response.text()).to.equal('GET /path?q')
  proxy.mock({ host: 'api.test' }).forward(url)
  const response = await fetch('http://api.test/path?q')
  t.is(await response.text(), 'GET /path?q')
})

recipe('echo a WebSocket', async ({ t, proxy, socket }) => {
  //| await server.forAnyWebSocket().thenEcho()
  //| const ws = new WebSocket('ws://api.test/chat', { agent: new HttpProxyAgent(server.url) })
  //| ws.on('open', () => ws.send('test echo'))
  //| const reply = await new Promise((resolve) => ws.on('message', resolve))
  //| ws.close(1000)
  //| expect(reply.toString()).to.equal('test echo')
  proxy.mock({ websocket: true }).echo()
  const ws = socket('ws://api.test/chat')
  ws.on('open', () => ws.send('test echo'))
  const reply = await new Promise((resolve) => ws.on('message', resolve))
  ws.close(1000)
  t.is(String(reply), 'test echo')
})

recipe('refuse a WebSocket', async ({ t, proxy, socket }) => {
  //| await server.forAnyWebSocket().thenRejectConnection(401, 'Unauthorized')
  //| const ws = new WebSocket('ws://api.test/chat', { agent: new HttpProxyAgent(server.url) })
  //| const error = await new Promise((resolve) => ws.on('error', resolve))
  //| expect(error.message).to.equal('Unexpected server response: 401')
  proxy.mock({ websocket: true }).reject(401)
  const ws = socket('ws://api.test/chat')
  const error = await new Promise<Error>((resolve) => ws.on('error', resolve))
  t.is(error.message, 'Unexpected server response: 401')
})

recipe('start anew', async ({ t, proxy, fetch, url }) => {
  //| await server.forGet('/a').thenReply(200, 'mocked')
  //| server.reset()
  //| const response = await fetch(`${url}/a`, { agent: new HttpProxyAgent(server.url) })
  //| expect(await response.text()).not.to.equal('mocked')
  proxy.mock({ path: '/a' }).respond(200, 'mocked')
  proxy.clearMocks()
  const response = await fetch(`${url}/a`)
  t.is(await response.text(), 'GET /a')
})

test('no recipe is longer than mockttp’s', (t) => {
  const source = readFileSync('__test__/mock/recipes.test.ts', 'utf8')
  const recipes = [...source.matchAll(/^recipe\('(.*?)',.*\n([\s\S]*?)^\}\)$/gm)]
  t.true(recipes.length >= 20)
  const lengths = recipes.map(([, title, body = '']) => {
    const lines = body.trimEnd().split('\n')
    const theirs = lines.filter((line) => line.startsWith('  //|')).length
    return { title, theirs, ours: lines.length - theirs }
  })
  const sum = (side: 'theirs' | 'ours') => lengths.reduce((all, one) => all + one[side], 0)
  t.log(`${lengths.length} recipes: mockttp ${sum('theirs')} lines, midwire ${sum('ours')}`)
  t.deepEqual(
    lengths.filter(({ theirs, ours }) => ours > theirs),
    [],
  )
})
