// Addons that fail in hooks that are not HTTP's: of the proxy's life, of connections, of raw streams and WebSockets.
import { createServer } from 'node:http'
import test from 'ava'
import { WebSocket, WebSocketServer } from 'ws'
import { type Addon, type HookName, type HttpFlow, TcpFlow } from '../../src/index.js'
import { FAULTS, reasonOf, serves } from '../support/faults.js'
import { noting } from '../support/noting.js'
import { get, startProxy, tunnel } from '../support/proxy.js'
import { bind, dial, listen } from '../support/talk.js'

for (const [fault, fail] of Object.entries(FAULTS)) {
  for (const name of ['load', 'configure'] as const) {
    if (fault === 'throws') continue
    test(`${name} ${fault}: the addon is named, and the proxy serves`, async (t) => {
      const addon: Addon = { name: 'bad', [name]: fail }
      const running = await startProxy(t, { addons: [addon], options: { hook_timeout: 1 } })
      await serves(t, running)
      const { level, message } = await running.logged(/bad/)
      t.is(level, 'error')
      t.true(message.startsWith(`addon bad has failed in ${name}: ${reasonOf(fault)}`), message)
    })
  }

  test(`running ${fault}: the addon is named, and the proxy serves`, async (t) => {
    const order: string[] = []
    const addons: Addon[] = [
      { name: 'bad', running: fail as () => void },
      { running: () => void order.push('the next') },
    ]
    const running = await startProxy(t, { addons, options: { hook_timeout: 1 } })
    // The start waits for the hook: it has failed, and the next addon's has run.
    t.deepEqual(order, ['the next'])
    const said = running.log.filter(({ level }) => level === 'error').map(({ message }) => message)
    t.is(said.length, 1)
    t.true(said[0]?.startsWith(`addon bad has failed in running: ${reasonOf(fault)}`), said[0])
    await serves(t, running)
  })

  test(`done ${fault}: the addon is named, and outputs are closed after it`, async (t) => {
    const order: string[] = []
    const running = await startProxy(t, {
      addons: [{ name: 'bad', done: fail as () => void }, { done: () => void order.push('the next') }],
      sinks: [{ name: 'last', close: () => void order.push('outputs') }],
      options: { hook_timeout: 1 },
    })
    await serves(t, running)
    await running.proxy.close()
    t.deepEqual(order, ['the next', 'outputs'])
    const said = running.log.filter(({ level }) => level === 'error').map(({ message }) => message)
    t.is(said.length, 1)
    t.true(said[0]?.startsWith(`addon bad has failed in done: ${reasonOf(fault)}`), said[0])
  })

  for (const name of [
    'update',
    'add_log',
    'next_layer',
    'client_connected',
    'server_connect',
    'server_connected',
  ] as const) {
    test(`${name} ${fault}: the addon is named, and the connection is served`, async (t) => {
      let calls = 0
      // The first call alone fails, so that the log does not grow with itself.
      const once = () => (calls++ === 0 ? fail() : undefined)
      const running = await startProxy(t, { addons: [{ name: 'bad', [name]: once }], options: { hook_timeout: 1 } })
      if (name === 'update') running.proxy.update([])
      if (name === 'add_log') running.proxy.log('info', 'a line')
      await serves(t, running)
      const { message } = await running.logged(/addon bad/)
      t.true(message.startsWith(`addon bad has failed in ${name}: ${reasonOf(fault)}`), message)
    })
  }

  test(`tcp_start ${fault}: the server hears nothing, and the flow ends with tcp_error`, async (t) => {
    const { addon, noted, seen } = noting()
    const bad: Addon = { name: 'bad', tcp_start: fail as () => void }
    const running = await startProxy(t, { addons: [bad, addon], options: { hook_timeout: 1 } })
    const upstream = await listen(t)
    const client = await dial(t, running.port)
    client.says(`CONNECT 127.0.0.1:${upstream.port} HTTP/1.1\r\nHost: upstream.test\r\n\r\n\0one`)
    await seen('tcp_error')
    await client.hearsAll()
    for (const talk of upstream.talks) t.is(await talk.hearsAll(), '')
    const ends = noted.filter((line) => line.startsWith('tcp_')).map((line) => line.split(' ')[0])
    t.deepEqual(ends, ['tcp_start', 'tcp_error'])
    t.true(
      (await running.flow('tcp')).error?.message.startsWith(`addon bad has failed in tcp_start: ${reasonOf(fault)}`),
    )
  })

  test(`tcp_message ${fault}: the message stays away from the server, and the flow ends with tcp_error`, async (t) => {
    const { addon, noted } = noting()
    const bad: Addon = {
      name: 'bad',
      tcp_message: (flow) => (flow.last?.content.toString() === 'bad' ? (fail() as Promise<void>) : undefined),
    }
    const running = await startProxy(t, { addons: [bad, addon], options: { hook_timeout: 1 } })
    const upstream = await listen(t)
    const client = await tunnel(t, running, upstream.port, '\0one')
    const server = await upstream.talk(0)
    await server.hears('one')
    client.says('bad')
    await client.gone()
    t.is(await server.hearsAll(), '')
    const flow = await running.flow('tcp')
    t.true(flow instanceof TcpFlow)
    t.true(flow.error?.message.startsWith(`addon bad has failed in tcp_message: ${reasonOf(fault)}`))
    const ends = noted.filter((line) => /^tcp_(end|error)/.test(line))
    t.deepEqual([ends.length, ends[0]?.startsWith('tcp_error')], [1, true])
  })

  for (const name of ['response', 'websocket_start', 'websocket_message', 'websocket_end'] as const) {
    test(`${name} of a WebSocket ${fault}: it ends, and says why`, async (t) => {
      const heard: HookName[] = []
      const names = ['response', 'error', 'websocket_start', 'websocket_message', 'websocket_end'] as const
      const counting: Addon = Object.fromEntries(names.map((one) => [one, () => void heard.push(one)]))
      const isTurn = (flow: HttpFlow) => flow.request.method !== 'CONNECT'
      const bad: Addon = { name: 'bad', [name]: (flow: HttpFlow) => (isTurn(flow) ? fail() : undefined) }
      const running = await startProxy(t, { addons: [bad, counting], options: { hook_timeout: 1 } })
      const web = createServer()
      const server = new WebSocketServer({ server: web })
      t.teardown(() => server.close())
      const got: string[] = []
      server.on('connection', (socket) => {
        socket.on('error', () => undefined)
        socket.on('message', (data) => got.push(String(data)))
      })
      const port = await bind(t, web)
      const { socket } = await tunnel(t, running, port)
      socket.removeAllListeners('data')
      const client = new WebSocket(`ws://upstream.test:${port}/chat`, { createConnection: () => socket })
      client.on('error', () => undefined)
      client.on('open', () => {
        client.send('hello')
        // The last hook is reached in order.
        if (name === 'websocket_end') client.close()
      })
      // A refused upgrade is an error before it is a close.
      await new Promise((closed) => client.once('close', closed))
      const flow = await running.flow('http')
      t.true(flow.error?.message.startsWith(`addon bad has failed in ${name}: ${reasonOf(fault)}`), flow.error?.message)
      t.deepEqual(got, name === 'websocket_end' ? ['hello'] : [])
      const wanted = {
        response: ['response'],
        websocket_start: ['response', 'websocket_start', 'websocket_end'],
        websocket_message: ['response', 'websocket_start', 'websocket_message', 'websocket_end'],
        websocket_end: ['response', 'websocket_start', 'websocket_message', 'websocket_end'],
      }[name]
      t.deepEqual(heard, wanted as HookName[])
    })
  }
}

test('an addon that gives a server an error in server_connect keeps it away: server_connect_error, and no server_connected', async (t) => {
  const { addon, noted } = noting()
  const running = await startProxy(t, {
    addons: [
      {
        server_connect({ server }) {
          server.error = 'not this one'
        },
      },
      addon,
    ],
  })
  const upstream = await listen(t)
  const client = await dial(t, running.port)
  client.says(get(upstream.port))
  t.regex(await client.hearsAll(), /^HTTP\/1\.1 502 [\s\S]*not this one/)
  t.is(upstream.talks.length, 0)
  t.deepEqual(
    noted.filter((line) => line.startsWith('server_')),
    ['server_connect', 'server_connect_error'],
  )
})

test('done is waited for before the proxy is closed', async (t) => {
  let finish = () => {}
  const slow = new Promise<void>((resolve) => {
    finish = resolve
  })
  const order: string[] = []
  const { proxy } = await startProxy(t, {
    addons: [
      {
        async done() {
          order.push('begins')
          await slow
          order.push('is over')
        },
      },
    ],
    sinks: [{ name: 'last', close: () => void order.push('outputs') }],
  })
  const closed = proxy.close()
  while (order.length === 0) await new Promise((later) => setImmediate(later))
  finish()
  await closed
  t.deepEqual(order, ['begins', 'is over', 'outputs'])
})
