// The server connections of one client: what comes after the client's end, what goes to the pool, and each end told of once.
import test from 'ava'
import type { ClientConnection, ServerConnection } from '../../src/connection.js'
import type { Channel } from '../../src/layers/channel.js'
import { type Opened, OpenFailure } from '../../src/layers/commands.js'
import type { Route } from '../../src/layers/route.js'
import { Bindings } from '../../src/proxy/bindings.js'
import type { Core } from '../../src/proxy/core.js'
import type { Dialled } from '../../src/proxy/dial.js'
import { Places } from '../../src/proxy/places.js'
import { Pool } from '../../src/proxy/pool.js'
import type { ChannelReceiver } from '../../src/proxy/receiver.js'
import { Servers } from '../../src/proxy/servers.js'
import { FakeTransport, fakeDialled, PLACE, ROUTE } from '../support/fake-transport.js'

const client = { id: 'client' } as ClientConnection
const SECURE: Route = { ...ROUTE, tls: { sni: 'a.test', alpn: [] } }

/** Answers of a dialer, each given by the test. */
function setUp() {
  const gone: string[] = []
  const signals: AbortSignal[] = []
  let dialled: (answer: Dialled | OpenFailure) => void = () => {}
  // The dialer is asked a little later than the connection is.
  const answer = new Promise<Dialled | OpenFailure>((resolve) => {
    dialled = resolve
  })
  let secured: (answer: FakeTransport | OpenFailure) => void = () => {}
  let relayed: (answer: FakeTransport | OpenFailure) => void = () => {}
  const relays: string[] = []
  const pool = new Pool(() => {})
  const core = {
    pool,
    places: new Places(),
    serverGone: (_: unknown, { id }: ServerConnection) => gone.push(id),
    dialer: {
      dial(_: unknown, __: unknown, signal: AbortSignal) {
        signals.push(signal)
        return answer
      },
      secure: () =>
        new Promise((resolve) => {
          secured = resolve
        }),
      relay: (_: unknown, __: unknown, { host, port }: { host: string; port: number }, signal: AbortSignal) => {
        relays.push(`${host} ${port}`)
        signals.push(signal)
        return new Promise((resolve) => {
          relayed = resolve
        })
      },
    },
  } as unknown as Core
  const bindings = new Bindings({} as ChannelReceiver)
  const servers = new Servers(core, client, bindings)
  return {
    ...{ servers, pool, gone, signals, bindings, relays },
    dialled: (answer: Dialled | OpenFailure) => dialled(answer),
    secured: (answer: FakeTransport | OpenFailure) => secured(answer),
    relayed: (answer: FakeTransport | OpenFailure) => relayed(answer),
  }
}

const failure = new OpenFailure({ id: 'server', ...PLACE }, 'X', 'no TLS')

/** A server that is connected. */
async function connected() {
  const all = setUp()
  const opening = all.servers.open(ROUTE, false) as Promise<Opened>
  const server = fakeDialled()
  all.dialled(server)
  const channel = (await opening) as Channel<ServerConnection>
  return { ...all, channel, transport: server.transport }
}

test('a server that is connected when its client has gone is closed', async (t) => {
  const { servers, dialled, gone, signals } = setUp()
  const opening = servers.open(SECURE, false) as Promise<Opened>
  servers.close()
  const { transport, connection } = fakeDialled()
  dialled({ transport, connection })
  t.true((await opening) instanceof OpenFailure, 'and no TLS is begun with it')
  t.true(signals[0]?.aborted)
  t.deepEqual(transport.did, ['closed'])
  t.deepEqual(gone, ['server'])
  t.deepEqual(servers.channels, [])
})

test('a server whose TLS is done when its client has gone is reset, and told of once', async (t) => {
  const { servers, channel, transport, secured, gone } = await connected()
  const securing = servers.secure(channel, SECURE, false)
  servers.close()
  t.deepEqual(transport.did, ['destroyed'])
  const late = new FakeTransport()
  secured(late)
  t.is(await securing, undefined)
  t.deepEqual(late.did, ['reset'])
  t.deepEqual(gone, ['server'])
})

test('a server whose TLS fails has gone, once, whether its client is there or not', async (t) => {
  for (const leaves of [false, true]) {
    const { servers, channel, secured, gone } = await connected()
    const securing = servers.secure(channel, SECURE, false)
    if (leaves) servers.close()
    secured(failure)
    t.is(await securing, failure)
    servers.close()
    t.deepEqual(gone, ['server'])
    t.deepEqual(servers.channels, [])
  }
})

test('an attempt that is over is not given up any more', async (t) => {
  const { servers, signals } = await connected()
  servers.abort()
  t.false(signals[0]?.aborted)
})

test('what is released lies in the pool, and is no business of its client any more', async (t) => {
  const { servers, channel, transport, pool, gone } = await connected()
  channel.route = SECURE
  servers.release(channel)
  t.deepEqual(servers.channels, [])
  servers.close()
  t.deepEqual(transport.did, [])
  t.deepEqual(gone, [])
  const other = setUp()
  t.is(pool.take(SECURE)?.connection, channel.connection)
  other.pool.put({ transport, connection: channel.connection }, SECURE, client)
  const again = other.servers.open(SECURE, 'only') as Channel<ServerConnection>
  t.true(again.reused, 'its next user knows that it was used')
  t.is(other.servers.open(SECURE, 'only'), undefined)
})

for (const what of ['has ended', 'has said something', 'is gone'] as const) {
  test(`a connection that ${what} is not released to the pool, but closed and told of`, async (t) => {
    const { servers, channel, transport, pool, gone } = await connected()
    if (what === 'has ended') channel.ended = true
    else if (what === 'is gone') channel.closed = true
    else channel.push(Buffer.from('x'))
    servers.release(channel)
    t.false(pool.has(ROUTE))
    t.deepEqual(transport.did, ['closed'])
    t.deepEqual(gone, ['server'])
  })
}

test('what is open at the end of the client is closed, each told of once', async (t) => {
  const { servers, channel, transport, gone } = await connected()
  t.deepEqual(servers.channels, [channel])
  servers.letGo(channel, 'reset')
  servers.letGo(channel, 'close')
  servers.close()
  t.deepEqual(transport.did, ['reset'])
  t.deepEqual(gone, ['server'])
  const open = await connected()
  open.servers.close()
  t.deepEqual(open.transport.did, ['closed'])
  t.deepEqual(open.gone, ['server'])
})

const RELAY = { host: '192.0.2.9', port: 258 }

test('datagrams take the place of the connection with their proxy, and what it has said is none of them', async (t) => {
  const { servers, bindings, channel, transport, relayed, relays } = await connected()
  const asking = servers.relay(channel, ROUTE, RELAY)
  channel.push(Buffer.from('more than the answer'))
  const datagrams = new FakeTransport()
  relayed(datagrams)
  t.is(await asking, undefined)
  t.deepEqual([relays, channel.buffered], [['192.0.2.9 258'], 0])
  bindings.of(channel)?.write(Buffer.from('a'))
  t.regex(datagrams.did.join(), /^wrote .*a\.test.*a$/s)
  servers.close()
  t.deepEqual([datagrams.did.at(-1), transport.did], ['closed', ['closed']])
})

test('a relay at no address in particular is at that of its proxy', async (t) => {
  for (const host of ['0.0.0.0', '::']) {
    const { servers, channel, transport, relays } = await connected()
    Object.assign(transport, { remote: { address: '192.0.2.1', port: 1080, family: 4 } })
    void servers.relay(channel, ROUTE, { host, port: 258 })
    t.deepEqual(relays, ['192.0.2.1 258'])
  }
})

test('a relay that is there when the proxy or the client has gone is closed', async (t) => {
  for (const how of ['client', 'proxy', 'end of the proxy'] as const) {
    const { servers, bindings, channel, relayed, signals } = await connected()
    const asking = servers.relay(channel, ROUTE, RELAY)
    if (how === 'client') servers.close()
    else if (how === 'proxy') bindings.unbind(channel)
    else channel.ended = true
    t.is(signals.at(-1)?.aborted, how === 'client')
    const datagrams = new FakeTransport()
    relayed(datagrams)
    t.regex(`${(await asking)?.message}`, /the proxy has closed the connection/, how)
    t.deepEqual(datagrams.did, ['closed'], how)
  }
})

test('a relay that cannot be reached is the answer, and one is not looked for behind a proxy that has gone', async (t) => {
  const { servers, bindings, channel, relayed, relays } = await connected()
  const asking = servers.relay(channel, ROUTE, RELAY)
  relayed(failure)
  t.is(await asking, failure)
  const long = { ...ROUTE, to: { ...PLACE, host: 'x'.repeat(256) } }
  t.regex(`${(await servers.relay(channel, long, RELAY))?.message}`, /255 bytes/)
  bindings.unbind(channel)
  t.true((await servers.relay(channel, ROUTE, RELAY)) instanceof OpenFailure)
  t.is(relays.length, 1)
})
