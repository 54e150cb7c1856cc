// Addons that misbehave harm their own flow and nobody else; hooks and flows as programs listen to them.
import test from 'ava'
import { type AnyFlow, type Flow, HttpFlow, HttpResponse } from '../../src/index.js'
import { get, ok, type Running, startProxy, tunnel } from '../support/proxy.js'
import { dial, type Listening, listen, type Talk } from '../support/talk.js'

/** A server that answers every request with its path. */
async function echoing(t: Parameters<typeof listen>[0]): Promise<Listening> {
  return listen(t, async (talk) => {
    for (;;) {
      const head = await talk.hears('\r\n\r\n').catch(() => undefined)
      if (head === undefined) return
      talk.says(ok(head.split(' ')[1] ?? ''))
    }
  })
}

async function ask(client: Talk, upstream: Listening, path: string): Promise<string> {
  client.says(get(upstream.port, path))
  return client.hears(path)
}

const nothing: unknown = Object.create(null)

for (const [how, fail, said] of [
  [
    'throws',
    () => {
      throw new Error('so bad')
    },
    /so bad \(at /,
  ],
  ['rejects', () => Promise.reject(new Error('so bad')), /so bad \(at /],
  [
    'throws what has no text',
    () => {
      throw nothing
    },
    /request: /,
  ],
  ['rejects with undefined', () => Promise.reject(undefined), /undefined/],
  [
    'throws an error whose stack is none',
    () => {
      throw Object.assign(new Error('odd'), { stack: 7 })
    },
    /odd/,
  ],
  [
    'answers with a trap',
    () =>
      Object.defineProperty({}, 'then', {
        get() {
          throw new Error('trapped')
        },
      }),
    /trapped/,
  ],
] as const) {
  test(`an addon that ${how}: its flow fails by its name, all others pass`, async (t) => {
    const running = await startProxy(t, {
      addons: [
        {
          name: 'bad one',
          request: ({ request }: HttpFlow) => (request.path === '/bad' ? (fail() as Promise<void>) : undefined),
        },
      ],
    })
    const upstream = await echoing(t)
    const [client, other] = [await dial(t, running.port), await dial(t, running.port)]
    await ask(other, upstream, '/before')
    client.says(get(upstream.port, '/bad'))
    const answer = await client.hearsAll()
    t.regex(answer, /^HTTP\/1\.1 502 [\s\S]*addon bad one has failed in request/)
    const entry = await running.logged(/addon bad one has failed/)
    t.is(entry.level, 'error')
    t.regex(entry.message, said)
    await ask(other, upstream, '/after')
    await ask(await dial(t, running.port), upstream, '/new')
    t.deepEqual(
      running.flows.map((flow) => (flow instanceof HttpFlow ? [flow.request.path, flow.error !== undefined] : [])),
      [
        ['/before', false],
        ['/bad', true],
        ['/after', false],
        ['/new', false],
      ],
    )
  })
}

for (const [what, answer, said] of [
  [
    'a plain object',
    () => ({ status: 418, headers: {}, body: 'x' }),
    "flow.response must be an HttpResponse: new HttpResponse({ status: 418, content: 'x' })",
  ],
  [
    'a status that is none',
    () => new HttpResponse({ status: 99_999 }),
    'the status of a response is a whole number from 100 to 999, not 99999',
  ],
] as const) {
  test(`an addon that answers with ${what}: a page, and the addon is named`, async (t) => {
    const message = (hook: string) => `addon hasty has failed in ${hook}: ${said}`
    for (const hook of ['requestheaders', 'request', 'responseheaders', 'response'] as const) {
      const set = (flow: HttpFlow) => void Object.assign(flow, { response: answer() })
      const running = await startProxy(t, { addons: [{ name: 'hasty', [hook]: set }] })
      const upstream = await echoing(t)
      const client = await dial(t, running.port)
      client.says(get(upstream.port, '/'))
      const text = await client.hearsAll()
      t.true(text.startsWith('HTTP/1.1 502 '))
      t.true(text.includes(message(hook)), text)
      t.is((await running.flow('http')).error?.message, message(hook))
      t.is(client.error, undefined)
    }
  })
}

const connectTo = (port: number) => `CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`

test('an addon that fails at a CONNECT: a page, the error hook, and a flow for the outputs', async (t) => {
  const failed: Flow[] = []
  const fail = () => {
    throw new Error('so bad')
  }
  const running = await startProxy(t, {
    addons: [{ name: 'bad', http_connect: fail, error: (flow) => void failed.push(flow) }],
  })
  const upstream = await listen(t)
  const client = await dial(t, running.port)
  client.says(connectTo(upstream.port))
  t.regex(await client.hearsAll(), /^HTTP\/1\.1 502 [\s\S]*addon bad has failed in http_connect: so bad/)
  t.is(client.error, undefined)
  const flow = await running.flow('http')
  t.is(flow.error?.message, 'addon bad has failed in http_connect: so bad')
  t.is(flow.request.method, 'CONNECT')
  t.deepEqual(failed, [flow])
  t.is(upstream.talks.length, 0)
})

test('a CONNECT that an addon refuses or kills is a flow for the outputs, too', async (t) => {
  const running = await startProxy(t, {
    addons: [
      {
        http_connect(flow) {
          if (flow.request.port === 1) flow.kill()
          else flow.response = new HttpResponse({ status: 403, content: 'not there' })
        },
      },
    ],
  })
  const refused = await dial(t, running.port)
  refused.says(connectTo(2))
  t.regex(await refused.hearsAll(), /^HTTP\/1\.1 403 [\s\S]*not there$/)
  t.is((await running.flow('http')).response?.status, 403)
  const killed = await dial(t, running.port)
  killed.says(connectTo(1))
  t.is((await killed.gone())?.code, 'ECONNRESET')
  t.true((await running.flow('http', 1)).killed)
})

test('an addon that never answers holds its own flow alone', async (t) => {
  const running = await startProxy(t, {
    addons: [{ request: ({ request }) => (request.path === '/stuck' ? new Promise<void>(() => {}) : undefined) }],
  })
  const upstream = await echoing(t)
  const [client, other] = [await dial(t, running.port), await dial(t, running.port)]
  client.says(get(upstream.port, '/stuck'))
  for (const path of ['/one', '/two']) await ask(other, upstream, path)
  await ask(await dial(t, running.port), upstream, '/three')
  t.is(client.rest.length, 0)
  t.is(running.flows.length, 3)
})

test('hooks of connections that throw harm nobody', async (t) => {
  const fail = () => {
    throw new Error('so bad')
  }
  const names = ['client_connected', 'server_connect', 'server_connected', 'server_disconnected', 'client_disconnected']
  const running = await startProxy(t, { addons: [Object.fromEntries(names.map((name) => [name, fail]))] })
  const upstream = await echoing(t)
  for (const path of ['/one', '/two']) {
    const client = await dial(t, running.port)
    t.regex(await ask(client, upstream, path), /^HTTP\/1\.1 200 /)
    client.socket.end()
    await client.hearsAll()
  }
  await running.proxy.close()
  const said = new Set(running.log.map(({ message }) => /failed in (\w+)/.exec(message)?.[1]).filter(Boolean))
  t.deepEqual([...said].sort(), names.sort())
})

test('addons run one after the other, built-in ones first, and see what the one before has done', async (t) => {
  const mark = (name: string) => ({
    async request({ request }: HttpFlow) {
      await null
      request.path += name
    },
  })
  const running = await startProxy(t, { addons: [mark('a'), mark('b')] })
  running.proxy.addAddon(mark('c'))
  const upstream = await echoing(t)
  const client = await dial(t, running.port)
  client.says(get(upstream.port, '/'))
  t.regex(await client.hears('/abc'), /^HTTP\/1\.1 200 /)
})

test('proxy.on hears a hook until it is taken away', async (t) => {
  const running = await startProxy(t)
  const upstream = await echoing(t)
  const heard: string[] = []
  const off = running.proxy.on('response', (flow) => void heard.push(`${flow.request.path} ${flow.response?.status}`))
  const client = await dial(t, running.port)
  await ask(client, upstream, '/one')
  await ask(client, upstream, '/two')
  off()
  await ask(client, upstream, '/three')
  t.deepEqual(heard, ['/one 200', '/two 200'])
})

/** Everything that an iterator gives until it ends. */
async function all(flows: AsyncIterable<AnyFlow>): Promise<string[]> {
  const seen: string[] = []
  for await (const flow of flows) seen.push(flow instanceof HttpFlow ? flow.request.path : flow.type)
  return seen
}

/** Two requests and a raw connection. */
async function traffic(t: Parameters<typeof listen>[0], running: Running): Promise<void> {
  const upstream = await echoing(t)
  const client = await dial(t, running.port)
  await ask(client, upstream, '/one')
  await ask(client, upstream, '/two')
  const bare = await listen(t, ({ socket }) => socket.end('\0bye'))
  const raw = await tunnel(t, running, bare.port)
  await raw.hears('bye')
  raw.socket.end()
  await running.flow('tcp')
}

test('proxy.flows: all, by a filter, by a function; each reader has its own, and the end is the proxy’s', async (t) => {
  const running = await startProxy(t)
  const readers = [
    running.proxy.flows(),
    running.proxy.flows('~u two'),
    running.proxy.flows('~tcp'),
    running.proxy.flows((flow: Flow) => flow.type === 'http'),
  ]
  const early = readers.map(all)
  const late = running.proxy.flows()
  await traffic(t, running)
  await running.proxy.close()
  t.deepEqual(await Promise.all(early), [['/one', '/two', 'tcp'], ['/two'], ['tcp'], ['/one', '/two']])
  t.deepEqual(await all(late), ['/one', '/two', 'tcp'], 'what waits is read after the end')
  t.deepEqual(await all(running.proxy.flows()), [])
  t.throws(() => running.proxy.flows('~nonsense'), { code: 'ERR_FILTER' })
})

test('a reader that leaves is forgotten', async (t) => {
  const running = await startProxy(t)
  const upstream = await echoing(t)
  let asked = 0
  const flows = running.proxy.flows(() => {
    asked += 1
    return true
  })
  const client = await dial(t, running.port)
  await ask(client, upstream, '/one')
  for await (const flow of flows) {
    t.is(flow.type, 'http')
    break
  }
  await ask(client, upstream, '/two')
  t.is(asked, 1)
  t.deepEqual(await flows.next(), { done: true, value: undefined })
})

test('a filter that throws harms no flow, and no other reader', async (t) => {
  const running = await startProxy(t)
  const upstream = await echoing(t)
  const bad = all(
    running.proxy.flows(() => {
      throw new Error('so bad')
    }),
  )
  const good = all(running.proxy.flows())
  const client = await dial(t, running.port)
  await ask(client, upstream, '/one')
  await ask(client, upstream, '/two')
  await running.proxy.close()
  t.deepEqual(await good, ['/one', '/two'])
  t.deepEqual(await bad, [])
  t.is(running.log.filter(({ level, message }) => level === 'error' && /so bad/.test(message)).length, 1)
})

test('an output that throws harms no flow, and no other output', async (t) => {
  const fail = () => {
    throw new Error('so bad')
  }
  const running = await startProxy(t, { sinks: [{ name: 'bad', flow: fail, log: fail, close: fail }] })
  const upstream = await echoing(t)
  const client = await dial(t, running.port)
  await ask(client, upstream, '/one')
  await ask(client, upstream, '/two')
  await running.proxy.close()
  t.is(running.flows.length, 2)
})
