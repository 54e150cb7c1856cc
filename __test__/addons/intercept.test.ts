// The option `intercept`: what matches waits, outputs are told of it, and the user edits, resumes or kills it.
import { once } from 'node:events'
import { createServer } from 'node:http'
import test, { type ExecutionContext } from 'ava'
import { WebSocket, WebSocketServer } from 'ws'
import type { AnyFlow, HttpFlow, MidwireOptions, Sink } from '../../src/index.js'
import { inEveryWay } from '../support/addon-ways.js'
import { dnsClient, queryFor } from '../support/dns-client.js'
import { type Running, startProxy, tunnel } from '../support/proxy.js'
import { bind, listen } from '../support/talk.js'
import { answered, echo, udpTalk } from '../support/udp-talk.js'

/** Options with an output that gives each flow that waits to `found`. */
const options = (filter: string, found: (flow: AnyFlow) => void, more: object = {}): MidwireOptions => {
  const sink: Sink = { name: 'waits', changed: (flow) => void (flow.intercepted && found(flow)) }
  return { options: { intercept: filter, ...more }, sinks: [sink] }
}

/** The flows that wait, one after the other. */
class Waits {
  readonly #queue: AnyFlow[] = []
  #asked: ((flow: AnyFlow) => void)[] = []

  readonly found = (flow: AnyFlow): void => {
    const asked = this.#asked.shift()
    if (asked) asked(flow)
    else this.#queue.push(flow)
  }

  next<Type extends AnyFlow['type'] = 'http'>(): Promise<AnyFlow & { type: Type }> {
    const first = this.#queue.shift()
    return (first ? Promise.resolve(first) : new Promise((resolve) => this.#asked.push(resolve))) as never
  }

  get none(): boolean {
    return this.#queue.length === 0
  }
}

/** The fixture makes a proxy for each way, so each has waits of its own, by the port of its server. */
const waits = new Map<string, Waits>()
const waitsOf = (url: string): Waits => {
  const own = waits.get(url) ?? new Waits()
  waits.set(url, own)
  return own
}

inEveryWay(
  'a request waits and is changed, and so does its response',
  (origin) => options('~u /held', waitsOf(origin.url).found),
  async (t, { ask, origin, running }) => {
    const held = waitsOf(origin.url)
    t.is((await ask('/free')).status, 200)
    t.true(held.none)
    const answer = ask('/held', { method: 'POST', body: 'one' })
    const flow = await held.next()
    t.is(flow.response, undefined)
    t.is(flow.request.text, 'one')
    t.is(origin.got.length, 1)
    flow.request.text = 'changed'
    flow.resume()
    t.is(await held.next(), flow)
    t.is(`${origin.got[1]?.body}`, 'changed')
    if (flow.response) flow.response.text = 'another answer'
    flow.resume()
    t.is(`${(await answer).body}`, 'another answer')
    t.regex(
      running.log.map(({ message }) => message).join('\n'),
      /\/held waits at its request\n(.*\n)*.*waits at its response/,
    )
  },
)

inEveryWay(
  'a flow that waits is killed, or answered; a replayed one does not wait',
  (origin) => options('~m GET', waitsOf(`kill ${origin.url}`).found),
  async (t, { ask, origin, running }) => {
    const held = waitsOf(`kill ${origin.url}`)
    const lost = t.throwsAsync(ask('/'))
    const flow = await held.next()
    flow.kill()
    await lost
    t.is(origin.got.length, 0)
    const again = await running.proxy.replay((await running.flow('http')) as HttpFlow)
    t.is(again.response?.status, 200)
    t.true(held.none)
  },
)

test('nothing waits while intercept_active is off, and no hook is there', async (t) => {
  const held = new Waits()
  const running = await startProxy(t, options('~all', held.found, { intercept_active: false }))
  const server = await listen(t, async (talk) => {
    await talk.hears('hello')
    talk.says('answer')
  })
  const client = await tunnel(t, running, server.port)
  client.says('\0hello')
  t.is(await client.hears('answer'), 'answer')
  t.true(held.none)
  running.proxy.options.set({ intercept_active: true })
  const other = await tunnel(t, running, server.port)
  other.says('\0hello')
  const flow = await held.next<'tcp'>()
  t.is(`${flow.last?.content}`, '\0hello')
  flow.resume()
  ;(await held.next()).resume()
  t.is(await other.hears('answer'), 'answer')
})

test('messages of TCP wait and are changed', async (t) => {
  const held = new Waits()
  const running = await startProxy(t, options('~tcp', held.found))
  const server = await listen(t, async (talk) => {
    talk.says(`heard ${await talk.hears('!')}`)
  })
  const client = await tunnel(t, running, server.port)
  client.says('\0a!')
  const flow = await held.next<'tcp'>()
  if (flow.last) flow.last.content = Buffer.from('\0b!')
  flow.resume()
  t.is(await held.next<'tcp'>(), flow)
  flow.resume()
  t.is(await client.hears('!'), 'heard \0b!')
})

test('datagrams wait', async (t) => {
  const held = new Waits()
  const server = await echo(t)
  const given = options('~udp', (flow) => {
    flow.resume()
    held.found(flow)
  })
  const running = await startProxy(t, { modes: [`reverse:udp://127.0.0.1:${server.port}@0`], ...given })
  const client = await udpTalk(t, running.port)
  t.is(`${await answered(client, Buffer.from('a'))}`, 'a')
  t.is((await held.next()).type, 'udp' as never)
  await held.next()
})

test('queries of DNS and their answers wait', async (t) => {
  const held = new Waits()
  let times = 0
  const running: Running = await startProxy(t, {
    modes: ['dns@127.0.0.1:0'],
    ...options('~dns', (flow) => {
      times += 1
      if (flow.type === 'dns' && !flow.response) t.is(flow.request.questions[0]?.name, 'localhost')
      setImmediate(() => flow.resume())
      held.found(flow)
    }),
  })
  const client = await dnsClient(t, running, 'tcp')
  await client.asks(queryFor('localhost'))
  t.is(times, 2)
  client.ends()
})

test('messages of a WebSocket wait and are changed', async (t) => {
  const held = new Waits()
  const running = await startProxy(
    t,
    options('~websocket', (flow) => {
      // The handshake waits, too.
      if (flow.type === 'http' && !flow.websocket) flow.resume()
      else held.found(flow)
    }),
  )
  const web = createServer()
  const server = new WebSocketServer({ server: web })
  const port = await bind(t, web)
  const heard = new Promise((resolve) => server.on('connection', (socket) => socket.on('message', resolve)))
  const { socket } = await tunnel(t, running, port)
  socket.removeAllListeners('data')
  const client = new WebSocket(`ws://upstream.test:${port}/`, { createConnection: () => socket })
  t.teardown(() => {
    client.terminate()
    for (const one of server.clients) one.terminate()
  })
  await once(client, 'open')
  client.send('hello')
  const flow = await held.next()
  if (flow.websocket?.last) flow.websocket.last.text = 'changed'
  flow.resume()
  t.is(String(await heard), 'changed')
})

test('a filter that is wrong is refused', async (t: ExecutionContext) => {
  await t.throwsAsync(
    startProxy(
      t,
      options('~nothing', () => {}),
    ),
    { code: 'ERR_FILTER' },
  )
})
