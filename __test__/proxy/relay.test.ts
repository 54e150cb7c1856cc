// Raw connections through CONNECT: nothing is lost before somebody hears it, and every way in which TCP ends passes.
import { networkInterfaces } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import test from 'ava'
import { ok, startProxy, tunnel } from '../support/proxy.js'
import { dial, freePort, listen } from '../support/talk.js'

test('a server that speaks first is heard, and so is what it says while the client waits', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t, (talk) => talk.says('SSH-2.0-first\r\n'))
  const client = await tunnel(t, running, upstream.port)
  t.is(await client.hears('\r\n'), 'SSH-2.0-first\r\n')
  const server = await upstream.talk(0)
  server.says('and more')
  await client.hears('and more')
  client.says('SSH-2.0-second\r\n')
  t.is(await server.hears('\r\n'), 'SSH-2.0-second\r\n')
  client.socket.end()
  await server.hearsAll()
  server.socket.end()
  const flow = await running.flow('tcp')
  t.deepEqual(
    flow.messages.map(({ fromClient, content }) => [fromClient, `${content}`]),
    [
      [false, 'SSH-2.0-first\r\n'],
      [false, 'and more'],
      [true, 'SSH-2.0-second\r\n'],
    ],
  )
  t.is(flow.error, undefined)
})

test('what is said while addons think about the connections is not lost', async (t) => {
  const think = () => setTimeout(30)
  const running = await startProxy(t, { addons: [{ client_connected: think, server_connected: think }] })
  const upstream = await listen(t, ({ socket }) => socket.end('early'))
  const client = await dial(t, running.port)
  client.says(`CONNECT 127.0.0.1:${upstream.port} HTTP/1.1\r\nHost: a\r\n\r\n`)
  client.socket.end('\0early, too')
  t.true((await client.hearsAll()).endsWith('\r\n\r\nearly'))
  t.is(await (await upstream.talk(0)).hearsAll(), '\0early, too')
})

test('what a client says in one breath with its CONNECT is not lost: requests, and what is none', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t)
  const request = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
  const client = await tunnel(t, running, upstream.port, request + request.replace('/a', '/b'))
  const server = await upstream.talk(0)
  await server.hears('GET /a')
  server.says(ok('first'))
  await client.hears('first')
  await server.hears('GET /b')
  server.says(ok('second'))
  await client.hears('second')
  const binary = await tunnel(t, running, upstream.port, '\0\x01binary')
  const other = await upstream.talk(1)
  t.is(await other.hears('binary'), '\0\x01binary')
  other.says('answer')
  await binary.hears('answer')
})

test('a server that speaks and ends at once is heard whole', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t, ({ socket }) => socket.end('421 not now\r\n'))
  const client = await tunnel(t, running, upstream.port)
  t.is(await client.hearsAll(), '421 not now\r\n')
})

test('a half-close of the client passes, and the server may go on', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t)
  const client = await tunnel(t, running, upstream.port, '\0question')
  const server = await upstream.talk(0)
  client.socket.end()
  t.is(await server.hearsAll(), '\0question')
  server.says('a long ')
  await client.hears('a long ')
  t.false(client.ended)
  server.says('answer')
  server.socket.end()
  t.is(await client.hearsAll(), 'answer')
  t.is((await running.flow('tcp')).error, undefined)
  t.is(await client.gone(), undefined)
  t.is(await server.gone(), undefined)
})

test('a half-close of the server passes, and the client may go on', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t, ({ socket }) => socket.end('\0goodbye'))
  const client = await tunnel(t, running, upstream.port)
  t.is(await client.hearsAll(), '\0goodbye')
  const server = await upstream.talk(0)
  client.says('wait, ')
  await server.hears('wait, ')
  t.false(server.ended)
  client.says('one more thing')
  client.socket.end()
  t.is(await server.hearsAll(), 'one more thing')
  t.is((await running.flow('tcp')).error, undefined)
})

test('a reset of the server is one for the client, and says so on the flow', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t)
  const client = await tunnel(t, running, upstream.port, '\0hello')
  const server = await upstream.talk(0)
  await server.hears('hello')
  server.socket.resetAndDestroy()
  t.is((await client.gone())?.code, 'ECONNRESET')
  t.is((await running.flow('tcp')).error?.message, 'the server reset the connection (ECONNRESET)')
})

test('a reset of the client is one for the server', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t)
  const client = await tunnel(t, running, upstream.port, '\0hello')
  const server = await upstream.talk(0)
  await server.hears('hello')
  client.socket.resetAndDestroy()
  t.is((await server.gone())?.code, 'ECONNRESET')
  t.is((await running.flow('tcp')).error?.message, 'the client reset the connection (ECONNRESET)')
})

test('a CONNECT to where nobody listens: 502, and why', async (t) => {
  const running = await startProxy(t)
  const port = await freePort()
  const client = await dial(t, running.port)
  client.says(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\nHost: a\r\n\r\n`)
  const answer = await client.hearsAll()
  t.regex(answer, /^HTTP\/1\.1 502 Bad Gateway\r\n/)
  t.regex(answer, new RegExp(`127\\.0\\.0\\.1:${port}: the connection was refused`))
  const flow = await running.flow('http')
  t.is(flow.error?.message, `127.0.0.1:${port}: the connection was refused`)
  t.is(flow.server?.error, flow.error?.message)
  t.is(flow.request.method, 'CONNECT')
  const name = await dial(t, running.port)
  name.says('GET http://no-such-name.invalid/ HTTP/1.1\r\nHost: no-such-name.invalid\r\n\r\n')
  t.regex(await name.hears('\r\n'), /^HTTP\/1\.1 502 /)
  t.regex(
    (await running.flow('http', 1)).error?.message ?? '',
    /^no-such-name\.invalid:80: (there is no such name|the name server)/,
  )
})

const own = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
const hasV6 = own.some(({ address }) => address === '::1')
const external = own.filter(({ internal, scopeid }) => !internal && !scopeid).map(({ address }) => address)

for (const [listens, names] of [
  ['127.0.0.1', ['127.0.0.1', 'localhost', '0.0.0.0', '[::ffff:127.0.0.1]', '2130706433']],
  ['0.0.0.0', ['127.0.0.1', '127.1.2.3', 'localhost', '0.0.0.0', ...external.filter((one) => !one.includes(':'))]],
  ['::1', ['[::1]', '[0:0:0:0:0:0:0:1]', '[::]']],
  [
    '::',
    [
      '[::1]',
      '127.0.0.1',
      '127.1.2.3',
      '[::]',
      '[::ffff:127.0.0.1]',
      ...external.map((one) => (one.includes(':') ? `[${one}]` : one)),
    ],
  ],
] as const) {
  if (listens.includes(':') && !hasV6) continue
  test(`a proxy on ${listens} does not go round in circles, whatever it is called`, async (t) => {
    const host = listens.includes(':') ? `[${listens}]` : listens
    const running = await startProxy(t, { modes: [`regular@${host}:0`] })
    const near = listens.includes(':') ? '::1' : '127.0.0.1'
    for (const name of names) {
      for (const request of [`CONNECT ${name}:${running.port}`, `GET http://${name}:${running.port}/`]) {
        const client = await dial(t, running.port, near)
        client.says(`${request} HTTP/1.1\r\nHost: ${name}\r\n\r\n`)
        const answer = await client.hears('round in circles')
        t.regex(answer, /^HTTP\/1\.1 502 [\s\S]*:\d+ is midwire itself: the request would go round in circles/, name)
      }
    }
    t.is(running.flows.length, names.length * 2)
    t.true(running.flows.every(({ error }) => error?.message.includes('is midwire itself')))
  })
}

test('another proxy’s port on the same machine is nobody’s circle', async (t) => {
  const [first, second] = [await startProxy(t), await startProxy(t)]
  const client = await tunnel(t, first, second.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  t.regex(await client.hears('http://host/path'), /^HTTP\/1\.1 400 [\s\S]*this is a proxy/)
})
