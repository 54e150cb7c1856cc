// UDP ASSOCIATE with real sockets: destinations become flows, only the client's datagrams count, and the relay ends with its connection.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { connect } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { parseDns, writeDns } from '../../src/flow/dns-message.js'
import { aRecord, dnsQuery, dnsReply } from '../../src/flow/dns-reply.js'
import type { ClientConnection, DnsFlow, UdpFlow } from '../../src/index.js'
import { Machine } from '../../src/layers/machine.js'
import { Association } from '../../src/proxy/association.js'
import { associate, Mailbox } from '../support/associate.js'
import { until } from '../support/mode-context.js'
import { type Running, startProxy } from '../support/proxy.js'
import { dial, Talk } from '../support/talk.js'
import { echo } from '../support/udp-talk.js'

const hasV6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))
const at = (port: number, host = '127.0.0.1') => ({ host, port })

/** The contents of a flow, with a sign for the side that has said each. */
const contents = ({ messages }: UdpFlow) =>
  messages.map(({ fromClient, content }) => `${fromClient ? '>' : '<'}${content}`)

for (const mode of ['socks5@0', 'regular@0']) {
  test(`${mode}: a destination by its address, and the flow and its hooks`, async (t) => {
    const hooks: string[] = []
    const running = await startProxy(t, {
      modes: [mode],
      addons: [
        {
          client_connected: ({ transport, explicit }) => void hooks.push(`client ${transport} ${explicit}`),
          udp_start: () => void hooks.push('start'),
          udp_message({ last }) {
            hooks.push('message')
            if (last && !last.fromClient) last.content = Buffer.from(`${last.content}!`)
          },
        },
      ],
    })
    const server = await echo(t)
    const client = await associate(t, running.port)
    t.is(client.relay.host, '127.0.0.1')
    t.deepEqual(await client.asks('a', at(server.port)), ['a!', at(server.port)])
    t.deepEqual(await client.asks('b', at(server.port)), ['b!', at(server.port)])
    t.deepEqual(hooks, ['client tcp true', 'client udp true', 'start', ...new Array<string>(4).fill('message')])
    client.talk.socket.end()
    const flow = await running.flow('udp')
    t.deepEqual(contents(flow), ['>a', '<a!', '>b', '<b!'])
    t.deepEqual(
      [flow.error, flow.client.mode, flow.client.remote.port, flow.client.local.port, flow.server?.host],
      [undefined, mode, client.box.port, client.relay.port, '127.0.0.1'],
    )
  })
}

test('a name stays one, and the answer has it', async (t) => {
  const asked: string[] = []
  const running = await startProxy(t, {
    addons: [{ server_connect: ({ server }) => void asked.push(`${server.transport} ${server.host}`) }],
  })
  const server = await echo(t)
  const client = await associate(t, running.port)
  t.deepEqual(await client.asks('a', at(server.port, 'localhost')), ['a', at(server.port, 'localhost')])
  t.deepEqual(asked, ['udp localhost'])
})

const withV6 = hasV6 ? test : test.skip
withV6('IPv6, of the client and of the destination', async (t) => {
  const running = await startProxy(t, { modes: ['socks5@[::1]:0'] })
  const server = await echo(t, '::1')
  const client = await associate(t, running.port, { host: '::1' })
  t.is(client.relay.host, '::1')
  t.deepEqual(await client.asks('a', at(server.port, '::1')), ['a', at(server.port, '::1')])
})

test('each destination is a flow; one that has ended begins again', async (t) => {
  const begun: UdpFlow[] = []
  const running = await startProxy(t, { addons: [{ udp_start: (flow) => void begun.push(flow) }] })
  const servers = [await echo(t), await echo(t)] as const
  const client = await associate(t, running.port)
  for (const round of ['1', '2']) for (const { port } of servers) t.is((await client.asks(round, at(port)))[0], round)
  t.is(begun.length, 2)
  begun[0]?.kill()
  await running.flow('udp')
  t.is((await client.asks('3', at(servers[0].port)))[0], '3')
  t.is((await client.asks('3', at(servers[1].port)))[0], '3')
  t.is(begun.length, 3)
})

test('a query to port 53 is a DNS flow', async (t) => {
  const running = await startProxy(t, {
    addons: [
      {
        dns_request(flow: DnsFlow) {
          flow.response = dnsReply(flow.request, { answers: [aRecord('example.org', '192.0.2.7')] })
        },
      },
    ],
  })
  const client = await associate(t, running.port)
  client.send(writeDns(dnsQuery('example.org', 1, 77)), at(53, 'ns.example'))
  const { data, place } = await client.hears()
  t.deepEqual([parseDns(data).id, parseDns(data).answers.length, place], [77, 1, at(53, 'ns.example')])
  t.is((await running.flow('dns')).client.transport, 'udp')
})

test('what is not the client’s, fragments and garbage are dropped and counted, and said once', async (t) => {
  let client: ClientConnection | undefined
  const running = await startProxy(t, {
    addons: [
      {
        client_connected(one) {
          client ??= one
        },
      },
    ],
  })
  const server = await echo(t)
  const associated = await associate(t, running.port)
  // The first to send is another host.
  associated.send('foreign', at(server.port), await Mailbox.open(t, '127.0.0.2'))
  await until(() => client?.dropped === 1)
  t.is((await associated.asks('mine', at(server.port)))[0], 'mine')
  associated.send('foreign', at(server.port), await Mailbox.open(t))
  const good = Buffer.concat([Buffer.from([0, 0, 0, 1, 127, 0, 0, 1, server.port >> 8, server.port & 255])])
  const fragment = Buffer.from(good)
  fragment[2] = 1
  const noPort = Buffer.from(good).fill(0, 8)
  const oddName = Buffer.from([0, 0, 0, 3, 2, 0x61, 0x0a, 0, 7])
  for (const wrong of [fragment, noPort, oddName, good.subarray(0, 9), Buffer.alloc(0), Buffer.from('garbage')]) {
    associated.box.send(wrong, associated.relay)
  }
  t.is((await associated.asks('mine, too', at(server.port)))[0], 'mine, too')
  await until(() => client?.dropped === 8)
  t.deepEqual(server.heard, ['mine', 'mine, too'])
  const warnings = running.log.filter(({ message }) => /a datagram was dropped/.test(message))
  t.is(warnings.length, 1)
  t.regex(`${warnings[0]?.message}`, /it comes from 127\.0\.0\.2:\d+, and not from the client/)
})

test('the first port counts, unless the client has announced another', async (t) => {
  const running = await startProxy(t)
  const server = await echo(t)
  const announced = await Mailbox.open(t)
  const associated = await associate(t, running.port, { announced: announced.port })
  t.is((await associated.asks('from another', at(server.port)))[0], 'from another')
  associated.send('as announced', at(server.port), announced)
  t.regex(`${await announced.next()}`, /as announced$/)
  associated.send('too late', at(server.port))
  associated.send('on', at(server.port), announced)
  t.regex(`${await announced.next()}`, /on$/)
  t.false(server.heard.includes('too late'))
})

/** Whether a UDP port can be bound. */
async function isFree({ host, port }: { host: string; port: number }): Promise<boolean> {
  const socket = createSocket('udp4')
  socket.bind({ address: host, port, exclusive: true })
  const [free] = await Promise.race([
    once(socket, 'listening').then(() => [true]),
    once(socket, 'error').then(() => [false]),
  ]).catch(() => [false])
  socket.close()
  return free === true
}

async function inUse(t: ExecutionContext, running: Running) {
  const client = await associate(t, running.port)
  const { port } = await echo(t)
  t.is((await client.asks('a', at(port)))[0], 'a')
  t.false(await isFree(client.relay))
  return client
}

for (const [how, leave] of [
  ['ends', (talk: Talk) => talk.socket.end()],
  ['resets', (talk: Talk) => talk.socket.resetAndDestroy()],
] as const) {
  test(`the relay is closed, and its flows end, when the client ${how} the connection`, async (t) => {
    const running = await startProxy(t)
    const client = await inUse(t, running)
    leave(client.talk)
    t.is((await running.flow('udp')).error, undefined)
    await client.talk.gone()
    t.true(await isFree(client.relay))
  })
}

test('… and when the proxy is closed', async (t) => {
  const running = await startProxy(t)
  const client = await inUse(t, running)
  await running.proxy.close()
  t.true(await isFree(client.relay))
})

test('proxyauth: a password comes first', async (t) => {
  const running = await startProxy(t, { options: { proxyauth: 'user:pass' } })
  const server = await echo(t)
  await t.throwsAsync(associate(t, running.port), { message: /no method/ })
  await t.throwsAsync(associate(t, running.port, { user: 'user', password: 'wrong' }), { message: /password/ })
  const client = await associate(t, running.port, { user: 'user', password: 'pass' })
  t.is((await client.asks('a', at(server.port)))[0], 'a')
})

test('over TLS to the proxy, too', async (t) => {
  const running = await startProxy(t)
  const server = await echo(t)
  const socket = connect({ port: running.port, host: '127.0.0.1', ca: running.proxy.authority.pem })
  t.teardown(() => socket.destroy())
  const talk = new Talk(socket)
  await once(socket, 'secureConnect')
  const client = await associate(t, running.port, { talk })
  t.is((await client.asks('a', at(server.port)))[0], 'a')
})

test('no datagram leads to midwire itself, and none to the name of its page', async (t) => {
  const running = await startProxy(t)
  const [first, second] = [await associate(t, running.port), await associate(t, running.port)]
  for (const [host, port, why] of [
    ['127.0.0.1', first.relay.port, /round in circles/],
    ['localhost', second.relay.port, /round in circles/],
    ['mitm.it', 80, /answered by midwire itself/],
  ] as const) {
    const index = running.flows.length
    first.send('a', { host, port })
    t.regex(`${(await running.flow('udp', index)).error?.message}`, why)
  }
  first.send('a', { host: 'mitm.it', port: 4711 })
  t.is((await first.asks('b', at((await echo(t)).port)))[0], 'b')
  t.is(running.flows.length, 3, 'other ports of the page are refused')
})

test('ignore_hosts knows the names of destinations', async (t) => {
  const server = await echo(t)
  const running = await startProxy(t, { options: { ignore_hosts: [`^localhost:${server.port}$`] } })
  const client = await associate(t, running.port)
  t.is((await client.asks('unseen', at(server.port, 'localhost')))[0], 'unseen')
  t.is((await client.asks('seen', at(server.port)))[0], 'seen')
  client.talk.socket.end()
  t.deepEqual(contents(await running.flow('udp')), ['>seen', '<seen'])
  t.is(running.flows.length, 1)
})

test('the port of a relay that is over is nobody’s circle', async (t) => {
  const running = await startProxy(t)
  const client = await inUse(t, running)
  client.talk.socket.end()
  await client.talk.gone()
  const socket = createSocket('udp4', (data, from) => socket.send(data, from.port, from.address))
  t.teardown(() => socket.close())
  socket.bind({ address: client.relay.host, port: client.relay.port, exclusive: true })
  await once(socket, 'listening')
  t.is((await (await associate(t, running.port)).asks('a', client.relay))[0], 'a')
})

test.serial('each datagram, either way, is progress for the client’s connection', async (t) => {
  const running = await startProxy(t)
  const server = await echo(t)
  const client = await associate(t, running.port)
  const own = (client.talk.socket as Socket).localPort
  let passed = 0
  const { progress } = Machine.prototype
  t.teardown(() => {
    Machine.prototype.progress = progress
  })
  Machine.prototype.progress = function () {
    const { remote } = (this.world as unknown as { client: ClientConnection }).client
    if (remote.port === own) passed += 1
    progress.call(this)
  }
  await client.asks('a', at(server.port))
  t.is(passed, 2)
  await client.asks('b', at(server.port))
  t.is(passed, 4)
})

test.serial('a relay that is there when its client has gone is closed', async (t) => {
  const { open } = Association
  t.teardown(() => {
    Association.open = open
  })
  let opened: Association | undefined
  let goOn = () => {}
  const gone = new Promise<void>((resolve) => {
    goOn = resolve
  })
  Association.open = async (...given) => {
    opened = await open.apply(Association, given)
    await gone
    return opened
  }
  const running = await startProxy(t, { addons: [{ client_disconnected: () => goOn() }] })
  const talk = await dial(t, running.port)
  talk.says(Buffer.from([5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0, 0, 0]))
  await until(() => opened !== undefined)
  talk.socket.resetAndDestroy()
  await gone
  const { address: host = '', port = 0 } = opened?.address ?? {}
  for (let tries = 0; !(await isFree({ host, port })) && tries < 100; tries += 1) await new Promise(setImmediate)
  t.true(await isFree({ host, port }))
})
