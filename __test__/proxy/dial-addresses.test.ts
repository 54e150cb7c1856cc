// Servers as a whole proxy dials them: names by the options, the local address, and the room at one place.
import { networkInterfaces } from 'node:os'
import test from 'ava'
import { MAX_CONNECTIONS } from '../../src/proxy/places.js'
import { hosts, nameServer } from '../support/name-server.js'
import { get, ok, type Running, startProxy, tunnel } from '../support/proxy.js'
import { dial, listen, type Talk } from '../support/talk.js'

const HEAD_END = '\r\n\r\n'
const hasV6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))

const getFrom = (host: string, port: number) => `GET http://${host}:${port}/ HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`

test("dns_name_servers are asked for servers' names, also when they change while the proxy runs", async (t) => {
  const first = await nameServer(t, hosts({ 'one.test': ['127.0.0.1'] }))
  const second = await nameServer(t, hosts({ 'two.test': ['127.0.0.1'] }))
  const running = await startProxy(t, { options: { dns_name_servers: first.text } })
  const upstream = await listen(t)
  const ask = async (name: string, number: number) => {
    const client = await dial(t, running.port)
    client.says(getFrom(name, upstream.port))
    const server = await upstream.talk(number)
    await server.hears(HEAD_END)
    server.says(ok('answered'))
    await client.hears('answered')
  }
  await ask('one.test', 0)
  running.proxy.options.set({ dns_name_servers: second.text })
  await ask('two.test', 1)
  const client = await dial(t, running.port)
  client.says(getFrom('three.test', upstream.port))
  t.regex(await client.hears('no such name'), /^HTTP\/1\.1 502 [\s\S]*three\.test:\d+: there is no such name/)
})

test('connect_addr is where connections to servers come from', async (t) => {
  const running = await startProxy(t, { options: { connect_addr: '127.0.0.7' } })
  const upstream = await listen(t)
  const client = await dial(t, running.port)
  client.says(get(upstream.port))
  const server = await upstream.talk(0)
  t.is(server.socket.remoteAddress, '127.0.0.7')
  server.says(ok('answered'))
  await client.hears('answered')
  t.is(running.flows[0]?.server?.local?.address, '127.0.0.7')

  const six = await dial(t, running.port)
  six.says(getFrom('[::1]', upstream.port))
  t.regex(
    await six.hears('127.0.0.7'),
    /^HTTP\/1\.1 502 [\s\S]*\[::1\]:\d+: it has no IPv4 address, and connect_addr is one: 127\.0\.0\.7/,
  )
  running.proxy.options.set({ connect_addr: '192.0.2.1' })
  const elsewhere = await dial(t, running.port)
  elsewhere.says(get(upstream.port))
  await elsewhere.hears('connect_addr, 192.0.2.1, is no address of this machine')

  const message = 'connect_addr: "nowhere" is no IP address'
  t.throws(() => running.proxy.options.set({ connect_addr: 'nowhere' }), { code: 'ERR_ARGUMENT', message })
  t.is(running.proxy.options.get('connect_addr'), '192.0.2.1')
  await t.throwsAsync(startProxy(t, { options: { connect_addr: '127.0.0.1:80' } }), { code: 'ERR_ARGUMENT' })
})

test('a name that leads to midwire and elsewhere leads elsewhere; one that leads to midwire alone is refused', async (t) => {
  const upstream = await listen(t)
  const names = hosts({
    'both.test': ['127.0.0.1', '127.0.0.2'],
    'ours.test': hasV6 ? ['127.0.0.1', '::1'] : ['127.0.0.1'],
  })
  const server = await nameServer(t, names)
  const running = await startProxy(t, {
    modes: ['regular@127.0.0.2:0'],
    options: { dns_name_servers: server.text },
  })
  const { port } = running
  const other = await listen(t)
  t.not(other.port, port)
  const client = await dial(t, port, '127.0.0.2')
  client.says(getFrom('both.test', upstream.port))
  const reached = await upstream.talk(0)
  reached.says(ok('elsewhere'))
  await client.hears('elsewhere')
  // At midwire's own port nothing else listens, neither on 127.0.0.1 nor on ::1.
  const circle = await dial(t, port, '127.0.0.2')
  circle.says(getFrom('both.test', port))
  t.regex(await circle.hears('in circles'), /^HTTP\/1\.1 502 [\s\S]*both\.test:\d+ is midwire itself/)
  const refused = await dial(t, port, '127.0.0.2')
  refused.says(getFrom('ours.test', port))
  t.regex(await refused.hears('refused'), /^HTTP\/1\.1 502 [\s\S]*ours\.test:\d+: the connection was refused/)
})

/** So many tunnels to a server, each with a server connection. */
async function tunnels(t: Parameters<typeof dial>[0], running: Running, port: number, count: number): Promise<Talk[]> {
  const talks: Talk[] = []
  for (let opened = 0; opened < count; opened += 1) talks.push(await tunnel(t, running, port))
  return talks
}

test('beyond 256 connections to one place the next waits until one ends, and another place is as free as ever', async (t) => {
  const running = await startProxy(t)
  const [upstream, other] = [await listen(t), await listen(t)]
  const [first] = await tunnels(t, running, upstream.port, MAX_CONNECTIONS)
  await upstream.talk(MAX_CONNECTIONS - 1)
  const asked = new Promise<void>((resolve) => void running.proxy.on('requestheaders', () => resolve()))
  const client = await dial(t, running.port)
  client.says(get(upstream.port))
  await asked
  await tunnel(t, running, other.port)
  t.is(upstream.talks.length, MAX_CONNECTIONS)
  first?.socket.destroy()
  const server = await upstream.talk(MAX_CONNECTIONS)
  await server.hears(HEAD_END)
  server.says(ok('at last'))
  await client.hears('at last')
})

test('an idle connection makes room at its place: it is used, where it can be, or closed', async (t) => {
  t.timeout(8_000, 'it was closed for its age at best')
  const running = await startProxy(t)
  const upstream = await listen(t)
  await tunnels(t, running, upstream.port, MAX_CONNECTIONS - 1)
  const first = await dial(t, running.port)
  first.says(get(upstream.port))
  const server = await upstream.talk(MAX_CONNECTIONS - 1)
  await server.hears(HEAD_END)
  server.says(ok('first'))
  await first.hears('first')

  // The place is full, until the connection that the first client keeps is idle.
  const asked = new Promise<void>((resolve) => void running.proxy.on('requestheaders', () => resolve()))
  const second = await dial(t, running.port)
  second.says(get(upstream.port, '/second'))
  await asked
  first.socket.end()
  await server.hears('GET /second')
  server.says(ok('second'))
  await second.hears('second')
  t.is(upstream.talks.length, MAX_CONNECTIONS)

  // TLS cannot use it.
  second.socket.end()
  await second.hearsAll()
  const third = await dial(t, running.port)
  third.says(get(upstream.port).replace('http:', 'https:'))
  const secured = await upstream.talk(MAX_CONNECTIONS)
  await secured.hears(Buffer.of(0x16, 3))
  await server.hearsAll()
  t.true(server.ended)
})

test('a client that leaves while it waits for room takes none', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t)
  const [first] = await tunnels(t, running, upstream.port, MAX_CONNECTIONS)
  const failed = new Promise<string | undefined>(
    (resolve) => void running.proxy.on('server_connect_error', ({ server }) => resolve(server.error)),
  )
  const asked = new Promise<void>((resolve) => void running.proxy.on('requestheaders', () => resolve()))
  const client = await dial(t, running.port)
  client.says(get(upstream.port))
  await asked
  client.socket.resetAndDestroy()
  t.is(await failed, `127.0.0.1:${upstream.port}: the attempt was given up`)
  first?.socket.destroy()
  const next = await dial(t, running.port)
  next.says(get(upstream.port, '/next'))
  await (await upstream.talk(MAX_CONNECTIONS)).hears('GET /next')
})
