// `proxyauth` and real connections: 407 and then success, tunnels, the page with the certificate, a file, and changes while it runs.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { hashSync } from 'bcryptjs'
import { fetch, ProxyAgent } from 'undici'
import { get, ok, type Running, startProxy } from '../support/proxy.js'
import { dial, type Listening, listen, type Talk } from '../support/talk.js'

const field = (text: string) => `Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}`
const withField = (head: string, text: string) => head.replace('\r\n', `\r\n${field(text)}\r\n`)
const CONNECT = (port: number) => `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`

/** A server that answers every request with `answer`, and the heads that have come. */
async function answering(t: ExecutionContext): Promise<Listening & { heads: string[] }> {
  const heads: string[] = []
  const listening = await listen(t, async (talk) => {
    for (;;) {
      const head = await talk.hears('\r\n\r\n').catch(() => undefined)
      if (head === undefined) return
      heads.push(head)
      talk.says(ok('answer'))
    }
  })
  return { ...listening, heads }
}

/** The status of an answer to that head. */
async function status(talk: Talk, head: string): Promise<number> {
  talk.says(head)
  const said = await talk.hears('\r\n\r\n')
  const length = Number(/content-length: (\d+)/i.exec(said)?.[1] ?? 0)
  if (length > 0) await talk.hears(said.startsWith('HTTP/1.1 200') ? 'answer' : '\n')
  return Number(said.split(' ')[1])
}

/** The status of a GET by a new connection. */
const ask = async (t: ExecutionContext, { port }: Running, head: string) => status(await dial(t, port), head)

test('407, and then success on the same connection; the server does not get the field', async (t) => {
  const running = await startProxy(t, { options: { proxyauth: 'user:pass' } })
  const upstream = await answering(t)
  const client = await dial(t, running.port)
  client.says(get(upstream.port))
  const refused = await client.hears('needed\n')
  t.regex(refused, /^HTTP\/1\.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="midwire"\r\n/)
  t.is(await status(client, withField(get(upstream.port), 'user:wrong')), 407)
  t.is(await status(client, withField(get(upstream.port), 'user:pass')), 200)
  t.is(await status(client, get(upstream.port)), 407)
  t.deepEqual(upstream.heads, [`GET / HTTP/1.1\r\nHost: 127.0.0.1:${upstream.port}\r\n\r\n`])
  const flow = await running.flow('http', 2)
  t.deepEqual(flow.metadata.proxyauth, ['user', 'pass'])
  for (const one of running.flows) t.false(one.type === 'http' && one.request.headers.has('proxy-authorization'))
})

test('a request with a body is refused before the body is read', async (t) => {
  const running = await startProxy(t, {
    options: { proxyauth: 'user:pass' },
    addons: [{ request() {} }],
  })
  const client = await dial(t, running.port)
  client.says('POST http://127.0.0.1:1/ HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Length: 1000000\r\n\r\n')
  t.regex(await client.hearsAll(), /^HTTP\/1\.1 407 /)
})

test('a CONNECT that has passed covers what is in its tunnel; one that has not is refused', async (t) => {
  const running = await startProxy(t, { options: { proxyauth: 'user:pass' } })
  const upstream = await answering(t)
  for (const head of [CONNECT(upstream.port), withField(CONNECT(upstream.port), 'user:wrong')]) {
    const refused = await dial(t, running.port)
    refused.says(head)
    t.regex(await refused.hearsAll(), /^HTTP\/1\.1 407 [\s\S]*\r\nProxy-Authenticate: Basic realm="midwire"\r\n/)
  }
  t.is(upstream.talks.length, 0)
  const client = await dial(t, running.port)
  t.is(await status(client, withField(CONNECT(upstream.port), 'user:pass')), 200)
  const inside = `GET /in HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer token\r\n\r\n`
  for (const _ of [1, 2]) t.is(await status(client, inside), 200)
  t.deepEqual(upstream.heads, [inside, inside], 'fields for the server pass')
  t.deepEqual((await running.flow('http', 2)).metadata.proxyauth, ['user', 'pass'])
})

test('a client of another make', async (t) => {
  const running = await startProxy(t, { options: { proxyauth: 'user:pass' } })
  const upstream = await answering(t)
  const fetched = (password: string) => {
    const token = `Basic ${Buffer.from(`user:${password}`).toString('base64')}`
    const dispatcher = new ProxyAgent({ uri: `http://127.0.0.1:${running.port}`, token })
    t.teardown(() => dispatcher.destroy())
    return fetch(`http://127.0.0.1:${upstream.port}/`, { dispatcher })
  }
  t.is(await (await fetched('pass')).text(), 'answer')
  await t.throwsAsync(async () => {
    const { status: refused } = await fetched('wrong')
    throw new Error(`${refused}`)
  })
  t.is(upstream.heads.length, 1)
})

test('the page with the certificate is refused as well, and there for those who may', async (t) => {
  const running = await startProxy(t, { options: { proxyauth: 'any' } })
  const page = 'GET http://mitm.it/ HTTP/1.1\r\nHost: mitm.it\r\nConnection: close\r\n\r\n'
  for (const [head, said] of [
    [page, '407'],
    [withField(page, 'some:one'), '200'],
  ] as const) {
    const client = await dial(t, running.port)
    client.says(head)
    t.is((await client.hearsAll()).split(' ')[1], said)
  }
})

test('a file of users', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-proxyauth-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'users')
  writeFileSync(path, `b:${hashSync('pass', 4)}\ns:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n`)
  const running = await startProxy(t, { options: { proxyauth: `@${path}` } })
  const upstream = await answering(t)
  for (const [credentials, expected] of [
    ['b:pass', 200],
    ['b:pass', 200],
    ['s:password', 200],
    ['b:password', 407],
    ['s:pass', 407],
    ['nobody:pass', 407],
  ] as const) {
    t.is(await ask(t, running, withField(get(upstream.port), credentials)), expected, credentials)
  }
})

test('the option changes while the proxy runs; a tunnel that is open goes on', async (t) => {
  const running = await startProxy(t)
  const { options } = running.proxy
  const upstream = await answering(t)
  const plain = get(upstream.port)
  const before = await dial(t, running.port)
  t.is(await status(before, CONNECT(upstream.port)), 200)
  options.set('proxyauth', 'user:pass')
  t.is(await ask(t, running, plain), 407)
  const old = await dial(t, running.port)
  t.is(await status(old, withField(plain, 'user:pass')), 200)
  options.set('proxyauth', 'user:new')
  t.is(await status(old, withField(plain, 'user:pass')), 407)
  t.is(await status(old, withField(plain, 'user:new')), 200)
  t.throws(() => options.set({ proxyauth: '@/nowhere/users' }), {
    code: 'ERR_OPTION',
    message: 'proxyauth: /nowhere/users: there is no such file',
  })
  t.is(options.get('proxyauth'), 'user:new')
  const off = options.onChange('proxyauth', () => {
    throw new Error('refused by a listener')
  })
  for (const value of ['', 'user:other']) t.throws(() => options.set('proxyauth', value))
  off()
  t.is(await ask(t, running, plain), 407, 'an update that is refused takes no addon away')
  t.is(await ask(t, running, withField(plain, 'user:new')), 200)
  options.set('proxyauth', undefined)
  t.is(await ask(t, running, plain), 200)
  t.is(await status(before, 'GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n'), 200)
})

test('a tunnel that was open before the option had a value goes on while it has one', async (t) => {
  const running = await startProxy(t)
  const upstream = await answering(t)
  const before = await dial(t, running.port)
  t.is(await status(before, CONNECT(upstream.port)), 200)
  running.proxy.options.set('proxyauth', 'user:pass')
  t.is(await status(before, 'GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n'), 200)
})

test('users have their addons after it, also where it comes later', async (t) => {
  const seen: unknown[] = []
  const running = await startProxy(t, {
    addons: [{ requestheaders: (flow) => void seen.push(flow.metadata.proxyauth ?? flow.response?.status) }],
  })
  const upstream = await answering(t)
  await ask(t, running, get(upstream.port))
  running.proxy.options.set('proxyauth', 'user:pass')
  await ask(t, running, get(upstream.port))
  await ask(t, running, withField(get(upstream.port), 'user:pass'))
  t.deepEqual(seen, [undefined, 407, ['user', 'pass']])
})

test('at the start a bad value is refused before anything listens', async (t) => {
  await t.throwsAsync(startProxy(t, { options: { proxyauth: 'secret' } }), {
    code: 'ERR_OPTION',
    message: /^proxyauth is/,
  })
  const upstream_auth = 'secret'
  const message = 'upstream_auth is `user:password`, and the value has no colon'
  await t.throwsAsync(startProxy(t, { options: { upstream_auth } }), { code: 'ERR_OPTION', message })
})
