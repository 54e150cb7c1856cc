// The end of a proxy: whatever is open ends, nothing begins any more, and close() is done when that is so.
import { setTimeout } from 'node:timers/promises'
import test from 'ava'
import { type HttpFlow, HttpResponse } from '../../src/index.js'
import { captured } from '../support/client-hellos.js'
import { get, ok, type Running, startProxy, tunnel } from '../support/proxy.js'
import { deafPort, dial, listen, type Talk } from '../support/talk.js'

test('everything that is open ends, on both sides, and the flows say why', async (t) => {
  t.timeout(5_000)
  const done: string[] = []
  const running = await startProxy(t, { addons: [{ done: () => void done.push('done') }] })
  const upstream = await listen(t)
  const silent = await dial(t, running.port)
  const half = await dial(t, running.port)
  half.says('GET http://127.0.0.1')
  const waiting = await dial(t, running.port)
  waiting.says(get(upstream.port, '/waiting'))
  await (await upstream.talk(0)).hears('/waiting')
  const streaming = await dial(t, running.port)
  streaming.says(get(upstream.port, '/streaming'))
  await (await upstream.talk(1)).hears('/streaming')
  upstream.talks[1]?.says('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome')
  await streaming.hears('some')
  const idle = await dial(t, running.port)
  idle.says(get(upstream.port, '/idle'))
  await (await upstream.talk(2)).hears('/idle')
  upstream.talks[2]?.says(ok('idle'))
  await idle.hears('idle')
  const raw = await tunnel(t, running, upstream.port, '\0raw')
  await (await upstream.talk(3)).hears('raw')
  const quiet = await tunnel(t, running, upstream.port)
  await upstream.talk(4)
  const reading = running.proxy.flows()
  await running.proxy.close()
  for (const client of [silent, half, waiting, streaming, idle, raw, quiet]) {
    await client.gone()
    t.is(client.error?.code, 'ECONNRESET')
  }
  for (const server of upstream.talks) {
    await server.hearsAll()
    t.true(server.ended || server.closed)
  }
  t.deepEqual(done, ['done'])
  const ended: string[] = []
  for await (const flow of reading) ended.push(`${flow.type} ${flow.error?.message}`)
  t.deepEqual(ended.sort(), ['http midwire was closed', 'http midwire was closed', 'tcp midwire was closed'])
})

test('a second close is the first one, and afterwards nobody is let in', async (t) => {
  const running = await startProxy(t)
  const first = running.proxy.close()
  t.is(running.proxy.close(), first)
  await first
  await running.proxy.close()
  await running.proxy.closed
  await running.proxy[Symbol.asyncDispose]()
  await t.throwsAsync(dial(t, running.port), { code: 'ECONNREFUSED' })
  t.deepEqual(running.proxy.listeners, [])
})

test('an idle server connection ends with the proxy', async (t) => {
  t.timeout(5_000)
  const running = await startProxy(t)
  const upstream = await listen(t)
  const client = await dial(t, running.port)
  client.says(get(upstream.port))
  const server = await upstream.talk(0)
  await server.hears('\r\n\r\n')
  server.says(ok('answer'))
  await client.hears('answer')
  client.socket.end()
  await client.gone()
  await running.proxy.close()
  await server.hearsAll()
  t.true(server.ended)
})

for (const [whose, leave] of [
  ['the proxy', (running: Running) => running.proxy.close()],
  ['its client', (_: Running, client: Talk) => void client.socket.resetAndDestroy()],
] as const) {
  test(`an attempt to connect ends with ${whose}`, async (t) => {
    t.timeout(10_000)
    const failed: (string | undefined)[] = []
    let called = () => {}
    const ended = new Promise<void>((resolve) => {
      called = resolve
    })
    let asked = () => {}
    const begun = new Promise<void>((resolve) => {
      asked = resolve
    })
    const port = await deafPort(t)
    const running = await startProxy(t, {
      addons: [
        {
          server_connect: () => asked(),
          server_connect_error({ server }) {
            failed.push(server.error)
            called()
          },
        },
      ],
    })
    const client = await dial(t, running.port)
    client.says(get(port))
    await begun
    await setTimeout(50)
    t.deepEqual(failed, [])
    await leave(running, client)
    await ended
    t.deepEqual(failed, [`127.0.0.1:${port}: the attempt was given up`])
  })
}

test('a client that an addon still thinks about is not let in any more', async (t) => {
  t.timeout(5_000)
  let decide = () => {}
  const asked = new Promise<void>((arrived) => {
    decide = arrived
  })
  let answer = () => {}
  const running = await startProxy(t, {
    addons: [
      {
        client_connected() {
          decide()
          return new Promise((resolve) => {
            answer = resolve
          })
        },
      },
    ],
  })
  const client = await dial(t, running.port)
  client.says(get(1))
  await asked
  await running.proxy.close()
  t.is((await client.gone())?.code, 'ECONNRESET')
  answer()
  await setTimeout(20)
  t.is(running.flows.length, 0)
})

for (const hook of ['request', 'response'] as const) {
  test(`an addon that is in the middle of ${hook}: its flow ends with the proxy, and its connections do at once`, async (t) => {
    t.timeout(5_000)
    let began = () => {}
    const asked = new Promise<void>((resolve) => {
      began = resolve
    })
    let answer = () => {}
    const running = await startProxy(t, {
      addons: [
        {
          [hook](flow: HttpFlow) {
            began()
            if (hook === 'request') flow.response = new HttpResponse({ status: 200 })
            return new Promise<void>((resolve) => {
              answer = resolve
            })
          },
        },
      ],
    })
    const upstream = await listen(t, (talk) => void talk.hears('\r\n\r\n').then(() => talk.says(ok('answer'))))
    const client = await dial(t, running.port)
    client.says(get(upstream.port))
    await asked
    await running.proxy.close()
    t.is((await client.gone())?.code, 'ECONNRESET')
    if (hook === 'response') {
      const server = await upstream.talk(0)
      await server.hearsAll()
      t.true(server.ended || server.closed, 'the server is not kept until the addon answers')
    }
    answer()
    await running.flow('http')
    t.is(running.flows.length, 1)
  })
}

test('an addon that has something to do at the end of a flow is waited for, and the flow is seen by all', async (t) => {
  t.timeout(5_000)
  const running = await startProxy(t, { addons: [{ error: () => setTimeout(50) }] })
  const upstream = await listen(t)
  const client = await dial(t, running.port)
  client.says(get(upstream.port))
  await (await upstream.talk(0)).hears('\r\n\r\n')
  await running.proxy.close()
  t.is(running.flows.length, 1)
})

test('a client in the middle of its handshake', async (t) => {
  t.timeout(5_000)
  const running = await startProxy(t, { options: { connection_strategy: 'lazy' } })
  const client = await tunnel(t, running, 443, captured('openssl'))
  await client.hears(Buffer.of(0x16, 3, 3))
  await running.proxy.close()
  t.not(await client.hearsAll(), '', 'all that the server says at first, and no more')
})

test('a server in the middle of its handshake', async (t) => {
  t.timeout(5_000)
  const running = await startProxy(t)
  const upstream = await listen(t)
  const client = await tunnel(t, running, upstream.port, captured('openssl'))
  const server = await upstream.talk(0)
  await server.hears(Buffer.of(0x16, 3, 1))
  await running.proxy.close()
  await client.gone()
  await server.hearsAll()
  t.true(server.ended || server.closed)
})

for (const way of ['by its name', 'in a tunnel'] as const) {
  test(`a server in the middle of its handshake, ${way}, is not kept for a client that has left`, async (t) => {
    t.timeout(5_000)
    const disconnected: string[] = []
    const running = await startProxy(t, {
      addons: [{ server_disconnected: ({ server }) => void disconnected.push(`${server.port}`) }],
    })
    const upstream = await listen(t)
    const client =
      way === 'in a tunnel' ? await tunnel(t, running, upstream.port, captured('openssl')) : await dial(t, running.port)
    if (way === 'by its name') client.says(get(upstream.port).replace('http:', 'https:'))
    const server = await upstream.talk(0)
    await server.hears(Buffer.of(0x16, 3, 1))
    client.socket.resetAndDestroy()
    await server.hearsAll()
    t.true(server.ended || server.closed)
    await setTimeout(20)
    t.deepEqual(disconnected, [`${upstream.port}`], 'once')
  })
}
