// Datagrams by a SOCKS5 proxy on the way, over real sockets: another midwire, and proxies of the test's own that misbehave.
import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { writeDns } from '../../src/flow/dns-message.js'
import { DNS_TYPE } from '../../src/flow/dns-names.js'
import { aRecord, dnsQuery, dnsReply } from '../../src/flow/dns-reply.js'
import type { UdpFlow } from '../../src/index.js'
import { socksAddress } from '../../src/layers/socks/address.js'
import { associate, Mailbox } from '../support/associate.js'
import { nameServer } from '../support/name-server.js'
import { type Running, startProxy } from '../support/proxy.js'
import { freePort, type Listening, listen, type Talk } from '../support/talk.js'
import { echo } from '../support/udp-talk.js'

/** A midwire that leads every datagram to one server, by way of proxies. */
const front = (t: ExecutionContext, server: string, via: string) =>
  startProxy(t, { modes: [`reverse:${server}@0 via ${via}`] })

/** The first answer to a datagram, from that midwire. */
async function ask(t: ExecutionContext, { port }: Running, data: string | Buffer): Promise<Buffer> {
  const box = await Mailbox.open(t)
  box.send(data, { host: '127.0.0.1', port })
  return box.next()
}

test('by another midwire, which is given the name, wants a password, and sees the flow as well', async (t) => {
  const server = await echo(t)
  const asked: string[] = []
  const proxy = await startProxy(t, {
    modes: ['socks5@0'],
    options: { proxyauth: 'user:pass' },
    addons: [{ server_connect: ({ server: { transport, host } }) => void asked.push(`${transport} ${host}`) }],
  })
  const way = `socks5://user:pass@127.0.0.1:${proxy.port}`
  const connected: string[] = []
  const first = await front(t, `udp://localhost:${server.port}`, way)
  first.proxy.on('server_connected', ({ server: { transport, host, via } }) => {
    connected.push(`${transport} ${host} ${via}`)
  })
  const begun: UdpFlow[] = []
  first.proxy.on('udp_start', (flow) => void begun.push(flow))
  t.is(`${await ask(t, first, 'hello')}`, 'hello')
  t.deepEqual(server.heard, ['hello'])
  t.deepEqual(asked, ['udp localhost'])
  t.deepEqual(connected, [`udp localhost socks5://user@127.0.0.1:${proxy.port}`])
  // The flow's end is that of the connection with the proxy, and so of the proxy's flow.
  begun[0]?.kill()
  const [near, far] = [await first.flow('udp'), await proxy.flow('udp')]
  t.deepEqual(
    [near, far].map(({ messages }) => messages.map(({ content }) => `${content}`)),
    [
      ['hello', 'hello'],
      ['hello', 'hello'],
    ],
  )
  t.is(far.server?.host, 'localhost')
})

test('a wrong password is the flow’s error, and nothing goes past the proxy', async (t) => {
  const server = await echo(t)
  const proxy = await startProxy(t, { modes: ['socks5@0'], options: { proxyauth: 'user:pass' } })
  const first = await front(t, `udp://127.0.0.1:${server.port}`, `socks5://user:wrong@127.0.0.1:${proxy.port}`)
  const box = await Mailbox.open(t)
  box.send('hello', { host: '127.0.0.1', port: first.port })
  const { error } = await first.flow('udp')
  t.regex(`${error?.message}`, /socks5:\/\/user@127\.0\.0\.1:\d+ relays no datagrams: it has refused the user name/)
  t.deepEqual(server.heard, [])
})

for (const [scheme, mode] of [
  ['http', 'regular@0'],
  ['socks4a', 'socks5@0'],
  ['socks5', 'socks5@0'],
] as const) {
  test(`the sentence where datagrams cannot pass: ${scheme === 'socks5' ? 'two proxies' : scheme}`, async (t) => {
    const server = await echo(t)
    const { port } = await startProxy(t, { modes: [mode] })
    const way = `${scheme}://127.0.0.1:${port}`
    // A spec with such a way is refused at the start.
    const first = await startProxy(t, {
      modes: [`reverse:udp://127.0.0.1:${server.port}@0`],
      options: { via: [scheme === 'socks5' ? `${way},${way}` : way] },
    })
    const box = await Mailbox.open(t)
    box.send('hello', { host: '127.0.0.1', port: first.port })
    const { error } = await first.flow('udp')
    t.true(error?.message.startsWith(`datagrams cannot pass through ${way}`), error?.message)
    t.deepEqual(server.heard, [])
  })
}

test('queries of DNS leave by the proxy, too', async (t) => {
  const { text } = await nameServer(t, {
    udp: (query, say) => say(writeDns(dnsReply(query, { answers: [aRecord('example.org', '192.0.2.7')] }))),
  })
  const proxy = await startProxy(t, { modes: ['socks5@0'] })
  const first = await startProxy(t, {
    modes: [`reverse:dns://${text}@127.0.0.1:0 via socks5://127.0.0.1:${proxy.port}`],
  })
  const { port } = first.proxy.listeners.find(({ transport }) => transport === 'udp') ?? { port: 0 }
  const box = await Mailbox.open(t)
  box.send(writeDns(dnsQuery('example.org', DNS_TYPE.A, 7)), { host: '127.0.0.1', port })
  await box.next()
  const flow = await first.flow('dns')
  t.is(flow.response?.answers.length, 1)
  t.deepEqual(flow.server?.via, [`socks5://127.0.0.1:${proxy.port}`])
})

test('a client’s relay, and from there by the relay of the next proxy', async (t) => {
  const server = await echo(t)
  const proxy = await startProxy(t, { modes: ['socks5@0'] })
  const first = await startProxy(t, { modes: [`socks5@0 via socks5://127.0.0.1:${proxy.port}`] })
  const client = await associate(t, first.port)
  const to = { host: 'localhost', port: server.port }
  t.deepEqual(await client.asks('a', to), ['a', to])
  client.talk.socket.end()
  t.is((await proxy.flow('udp')).server?.host, 'localhost')
})

/** A proxy of SOCKS5 that answers the command so. */
const answering = (t: ExecutionContext, answer: (talk: Talk) => Buffer | Promise<Buffer>): Promise<Listening> =>
  listen(t, async (talk) => {
    await talk.hears(Buffer.from([5, 1, 0]))
    talk.says(Buffer.from([5, 0]))
    await talk.hears(Buffer.from([5, 3, 0, 1, 0, 0, 0, 0, 0, 0]))
    talk.says(await answer(talk))
  })

const granted = (host: string, port: number) =>
  Buffer.concat([Buffer.from([5, 0, 0]), socksAddress({ host, port }) ?? Buffer.alloc(0)])

/** Sends a datagram by that proxy, and gives the flow. */
async function flowBy(t: ExecutionContext, proxy: Listening): Promise<UdpFlow> {
  const first = await front(t, 'udp://127.0.0.1:9', `socks5://127.0.0.1:${proxy.port}`)
  const box = await Mailbox.open(t)
  box.send('hello', { host: '127.0.0.1', port: first.port })
  return first.flow('udp')
}

test('a proxy that does not know UDP ASSOCIATE', async (t) => {
  const proxy = await answering(t, () => Buffer.from([5, 7, 0, 1, 0, 0, 0, 0, 0, 0]))
  const { error } = await flowBy(t, proxy)
  t.regex(`${error?.message}`, /relays no datagrams: it does not know the command UDP ASSOCIATE/)
  await (await proxy.talk(0)).hearsAll()
})

test('a relay at 0.0.0.0 is at the proxy’s address, and bytes behind the answer are no datagram', async (t) => {
  const box = await Mailbox.open(t)
  const proxy = await answering(t, () => Buffer.concat([granted('0.0.0.0', box.port), Buffer.from('no datagram')]))
  const first = await front(t, 'udp://127.0.0.1:9', `socks5://127.0.0.1:${proxy.port}`)
  const client = await Mailbox.open(t)
  const come = once(box.socket, 'message')
  client.send('hello', { host: '127.0.0.1', port: first.port })
  const [data, from] = (await come) as [Buffer, { address: string; port: number }]
  t.deepEqual(data, Buffer.from('\0\0\0\x01\x7f\0\0\x01\0\x09hello', 'latin1'))
  box.send(data, { host: from.address, port: from.port })
  t.is(`${await client.next()}`, 'hello')
  const { socket } = await proxy.talk(0)
  socket.destroy()
  t.regex(`${(await first.flow('udp')).error?.message}`, /^the proxy was lost: it has ended the relaying/)
})

test('a proxy that hangs up with its answer, and a relay that is not there', async (t) => {
  const gone = await answering(t, (talk) => {
    talk.socket.end(granted('127.0.0.1', 9))
    return Buffer.alloc(0)
  })
  t.regex(
    `${(await flowBy(t, gone)).error?.message}`,
    /the proxy (has closed the connection|was lost: it has ended the relaying)/,
  )
  const port = await freePort()
  const dead = await answering(t, () => granted('127.0.0.1', port))
  t.regex(`${(await flowBy(t, dead)).error?.message}`, /^the proxy refuses what is sent to it \(ECONNREFUSED\)$/)
  await (await dead.talk(0)).hearsAll()
})

test('a relay that would be midwire itself is not sent to', async (t) => {
  let own = 0
  const proxy = await answering(t, () => granted('127.0.0.1', own))
  const first = await front(t, 'udp://127.0.0.1:9', `socks5://127.0.0.1:${proxy.port}`)
  own = first.port
  const box = await Mailbox.open(t)
  box.send('hello', { host: '127.0.0.1', port: own })
  t.regex(`${(await first.flow('udp')).error?.message}`, /the relay of the proxy cannot be reached: .*round in circles/)
  t.is(first.flows.length, 1)
})
