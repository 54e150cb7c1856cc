// Server connections between requests: which are used again, for whom, and which never.
import { once } from 'node:events'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { certificate } from '../support/certificates.js'
import { get, ok, type Running, startProxy, tlsTunnel, tunnel } from '../support/proxy.js'
import { bind, dial, listen, Talk } from '../support/talk.js'

const HEAD_END = '\r\n\r\n'
const origin = (path: string, method = 'GET') => `${method} ${path} HTTP/1.1\r\nHost: upstream.test\r\n\r\n`

/** One request on a connection of its own to the proxy, answered by the server's connection of that number. */
async function exchange(
  t: ExecutionContext,
  running: Running,
  upstream: Awaited<ReturnType<typeof listen>>,
  on: number,
) {
  const client = await dial(t, running.port)
  client.says(get(upstream.port))
  const server = await upstream.talk(on)
  await server.hears(HEAD_END)
  server.says(ok('answered'))
  await client.hears('answered')
  return { client, server }
}

/** Ends a client's connection, and waits until its server connection has been let go of. */
async function leave(running: Running, client: Talk): Promise<void> {
  const gone = new Promise<void>((resolve) => {
    const off = running.proxy.on('client_disconnected', ({ remote }) => {
      if (remote.port !== client.socket.localPort) return
      off()
      resolve()
    })
  })
  client.socket.end()
  await gone
}

test('a connection stays with its client, and goes to the next client after it', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t)
  const { client, server } = await exchange(t, running, upstream, 0)
  client.says(get(upstream.port))
  await server.hears(HEAD_END)
  server.says(ok('again'))
  await client.hears('again')
  await leave(running, client)
  await exchange(t, running, upstream, 0)
  t.is(upstream.talks.length, 1)
  const servers = new Set(running.flows.map((flow) => flow.server?.id))
  t.is(running.flows.length, 3)
  t.is(servers.size, 1, 'one connection is one object in all of its flows')
})

test('while one client has a connection, another gets one of its own', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t)
  await exchange(t, running, upstream, 0)
  await exchange(t, running, upstream, 1)
  t.is(upstream.talks.length, 2)
})

test('another destination has connections of its own', async (t) => {
  const running = await startProxy(t)
  const [first, second] = [await listen(t), await listen(t)]
  const { client } = await exchange(t, running, first, 0)
  client.says(get(second.port))
  const server = await second.talk(0)
  t.regex(await server.hears(HEAD_END), /^GET \/ HTTP/)
  server.says(ok('second'))
  await client.hears('second')
  // The first was released by that, and is there for whoever goes there next.
  await exchange(t, running, first, 0)
  t.deepEqual([first.talks.length, second.talks.length], [1, 1])
})

test('TLS settings part connections: the name asked for, and TLS or none', async (t) => {
  const running = await startProxy(t)
  const talks: Talk<TLSSocket>[] = []
  const made = certificate({ names: ['upstream.test', 'other.test'] })
  const server = createTlsServer({ cert: made.pem, key: made.keyPem }, (socket) => {
    const talk = new Talk(socket)
    talks.push(talk)
    socket.on('data', () => talk.says(ok(`${talks.indexOf(talk)} ${socket.servername}`)))
    t.teardown(() => socket.destroy())
  })
  const port = await bind(t, server)
  const ask = async (servername: string) => {
    const client = await tlsTunnel(t, running, port, { servername })
    client.says(origin('/'))
    const answer = await client.hears('.test')
    const gone = new Promise<void>((resolve) => {
      const off = running.proxy.on('client_disconnected', () => {
        off()
        resolve()
      })
    })
    client.socket.end()
    await gone
    return answer.split(HEAD_END)[1]
  }
  t.is(await ask('upstream.test'), '0 upstream.test')
  t.is(await ask('other.test'), '1 other.test')
  t.is(await ask('upstream.test'), '0 upstream.test')
  t.is(await ask('other.test'), '1 other.test')
  const plain = await dial(t, running.port)
  const refused = once(server, 'tlsClientError')
  plain.says(get(port))
  await refused
  t.is(talks.length, 2)
})

test('a pooled connection that the server has closed is not used again', async (t) => {
  t.timeout(5_000, 'it was closed for its age at best')
  const running = await startProxy(t)
  const upstream = await listen(t)
  const { client, server } = await exchange(t, running, upstream, 0)
  await leave(running, client)
  const disconnected = new Promise<void>((resolve) => void running.proxy.on('server_disconnected', () => resolve()))
  server.socket.end()
  await disconnected
  await exchange(t, running, upstream, 1)
  t.is(running.flows.length, 2)
  t.is(running.flows[1]?.error, undefined)
})

test('a used connection that is lost under a GET: the request goes out once more, on a new one', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t)
  const { client, server } = await exchange(t, running, upstream, 0)
  client.says(get(upstream.port, '/again'))
  await server.hears(HEAD_END)
  server.socket.resetAndDestroy()
  const second = await upstream.talk(1)
  t.regex(await second.hears(HEAD_END), /^GET \/again HTTP/)
  second.says(ok('at last'))
  await client.hears('at last')
  const flow = running.flows[1]
  t.is(flow?.error, undefined)
  t.is(flow?.server?.local?.port, second.socket.remotePort)
  // Once: the connection is new, and what befalls it is no matter of age.
  client.says(get(upstream.port, '/third'))
  await second.hears('/third')
  second.socket.resetAndDestroy()
  const third = await upstream.talk(2)
  await third.hears('/third')
  third.socket.resetAndDestroy()
  t.regex(await client.hears('\r\n'), /^HTTP\/1\.1 502 /)
  t.is(upstream.talks.length, 3)
})

for (const [what, method, fresh] of [
  ['a POST', 'POST', false],
  ['a GET on a tunnel that was new', 'GET', true],
] as const) {
  test(`${what} is not sent twice`, async (t) => {
    const running = await startProxy(t)
    const upstream = await listen(t)
    const { client } = fresh
      ? { client: await tunnel(t, running, upstream.port) }
      : await exchange(t, running, upstream, 0)
    client.says(fresh ? origin('/once', method) : get(upstream.port, '/once', method))
    const server = await upstream.talk(0)
    await server.hears(HEAD_END)
    server.socket.end()
    t.regex(await client.hears('\r\n'), /^HTTP\/1\.1 502 /)
    t.is(upstream.talks.length, 1)
    t.regex(running.flows.at(-1)?.error?.message ?? '', /the server has closed the connection without an answer/)
  })
}

test('nothing is sent again when part of the final response has come', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t)
  const { client, server } = await exchange(t, running, upstream, 0)
  client.says(get(upstream.port, '/half'))
  await server.hears('/half')
  server.says('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
  await client.hears('half')
  server.socket.resetAndDestroy()
  await client.gone()
  t.is(upstream.talks.length, 1)
  t.truthy(running.flows[1]?.error)
})

test('an interim response is no part of it: the request goes out once more', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t)
  const { client, server } = await exchange(t, running, upstream, 0)
  client.says(get(upstream.port, '/hints'))
  await server.hears('/hints')
  server.says('HTTP/1.1 103 Early Hints\r\n\r\n')
  await client.hears('Hints\r\n\r\n')
  server.socket.resetAndDestroy()
  const second = await upstream.talk(1)
  await second.hears('/hints')
  second.says(ok('at last'))
  await client.hears('at last')
  t.is(running.flows[1]?.error, undefined)
})

for (const when of ['with the answer', 'after it', 'in the pool'] as const) {
  test(`what a server says unasked, ${when}, is nobody's answer`, async (t) => {
    t.timeout(5_000, 'it was closed for its age at best')
    const running = await startProxy(t)
    const upstream = await listen(t)
    const forged = ok('forged')
    const client = await dial(t, running.port)
    client.says(get(upstream.port))
    const server = await upstream.talk(0)
    await server.hears(HEAD_END)
    server.says(ok('answered') + (when === 'with the answer' ? forged : ''))
    await client.hears('answered')
    let asking = client
    if (when === 'after it') {
      server.says(forged)
      // Its connection is let go of before anybody asks again.
      await server.hearsAll()
      t.true(server.ended)
    } else if (when === 'in the pool') {
      await leave(running, client)
      const disconnected = new Promise<void>((resolve) => void running.proxy.on('server_disconnected', () => resolve()))
      server.says(forged)
      await disconnected
      asking = await dial(t, running.port)
    }
    asking.says(get(upstream.port, '/next'))
    const second = await upstream.talk(1)
    t.regex(await second.hears(HEAD_END), /^GET \/next HTTP/)
    second.says(ok('true'))
    t.false((await asking.hears('true')).includes('forged'))
    await server.hearsAll()
    t.true(server.ended, 'and its connection is let go of')
  })
}

test.serial('an idle connection is closed after 10 s, and the hook says so', async (t) => {
  const clock = Date.now
  const ticks: (() => void)[] = []
  const { setInterval } = globalThis
  globalThis.setInterval = ((work: () => void, milliseconds: number) => {
    if (milliseconds === 1_000) ticks.push(work)
    return setInterval(work, milliseconds)
  }) as typeof globalThis.setInterval
  t.teardown(() => {
    Date.now = clock
    globalThis.setInterval = setInterval
  })
  const running = await startProxy(t)
  const upstream = await listen(t)
  const { client, server } = await exchange(t, running, upstream, 0)
  await leave(running, client)
  const disconnected: string[] = []
  running.proxy.on('server_disconnected', ({ server: { id } }) => void disconnected.push(id))
  Date.now = () => clock() + 9_000
  for (const tick of ticks) tick()
  t.deepEqual(disconnected, [])
  Date.now = () => clock() + 11_000
  for (const tick of ticks) tick()
  t.deepEqual(disconnected, [running.flows[0]?.server?.id])
  await server.hearsAll()
  t.true(server.ended)
})

test('a server that is known to be there is not dialled for a CONNECT', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t)
  const { client } = await exchange(t, running, upstream, 0)
  await leave(running, client)
  const inside = await tunnel(t, running, upstream.port, origin('/inside'))
  const server = await upstream.talk(0)
  await server.hears('/inside')
  server.says(ok('reused'))
  await inside.hears('reused')
  t.is(upstream.talks.length, 1)
})
