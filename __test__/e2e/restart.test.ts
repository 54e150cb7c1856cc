// Programs that end and come back: the client, the server, and twenty clients in a row.
import { port } from './programs/services.js'
import type { World } from './support/netns.js'
import { suite } from './support/suite.js'
import { far, type Guest, join, type Server, startServer } from './support/tunnel.js'
import { timed } from './support/wait.js'

const check = suite(['wireguard-go'], async (world) => {
  const server = await startServer(world)
  const guests = new Map<string, Promise<Guest>>()
  return { world, server, guests }
})

function guestOf(
  world: World,
  server: Server,
  guests: Map<string, Promise<Guest>>,
  kind: 'wireguard-go' | 'boringtun-cli',
) {
  const guest = guests.get(kind) ?? join(world, server, { kind })
  guests.set(kind, guest)
  return guest
}

for (const kind of ['wireguard-go', 'boringtun-cli'] as const) {
  check(
    `${kind} is killed and comes back with the same keys`,
    async (t, { world, server, guests }) => {
      const guest = await guestOf(world, server, guests, kind)
      t.is((await guest.tcp.call('ask', far.v4, port.echo, 'before'))[0], 'before')
      await guest.client.stop()
      await guest.client.start()
      const [ms, [answer]] = await timed(() => guest.tcp.call('ask', far.v4, port.echo, 'after'))
      t.is(answer, 'after')
      t.true(ms < 3000, `the first connection took ${ms} ms`)
      t.log(`the first connection took ${ms.toFixed()} ms`)
    },
    kind === 'boringtun-cli' ? ['boringtun'] : [],
  )
}

check('twenty reconnects in a row take under a second each', async (t, { world, server, guests }) => {
  const guest = await guestOf(world, server, guests, 'wireguard-go')
  const times: number[] = []
  for (let round = 0; round < 20; round++) {
    await guest.client.stop()
    await guest.client.start()
    const [ms] = await timed(() => guest.tcp.call('ask', far.v6, port.echo, `round ${round}`))
    times.push(Math.round(ms))
  }
  t.true(Math.max(...times) < 1000, `${times} ms`)
  t.is((await server.remote.call('counters')).tunnelCookies, 0)
  t.log(`${times} ms`)
})

check('the server is killed and comes back: its client recovers by itself', async (t, { world, server, guests }) => {
  const guest = await guestOf(world, server, guests, 'wireguard-go')
  await guest.tcp.call('talk', far.v4, port.echo)
  const allowedIps = [`${guest.v4}/32`, `${guest.v6}/128`]
  await server.remote.stop()
  const { privateKey, port: udpPort } = server
  const peers = [{ publicKey: guest.publicKey, allowedIps }]
  const again = await startServer(world, { privateKey, port: udpPort, peers })
  // A client finds out by silence: 10 s without an answer (KEEPALIVE_TIMEOUT), then 5 s (REKEY_TIMEOUT) and some jitter.
  const ms = await guest.tcp.callFor(30_000, 'askUntil', far.v4, port.echo, 'still there?', 25_000)
  t.true(ms < 25_000, `it took ${ms} ms`)
  t.log(`recovered after ${(ms / 1000).toFixed(1)} s`)
  // The old connection is told that it is over at the next word of the client, and does not hang.
  await guest.tcp.call('interrupt')
  t.regex(await guest.tcp.event<string>('talk failed', 70_000), /ECONNRESET/)
  t.is(await again.remote.call('open'), 0)
  await again.remote.stop()
})

check(
  'a server that closes tells its clients, and another one takes its port',
  async (t, { world, server, guests }) => {
    const guest = await guestOf(world, server, guests, 'wireguard-go')
    const settings = {
      privateKey: server.privateKey,
      port: server.port,
      peers: [{ publicKey: guest.publicKey, allowedIps: [`${guest.v4}/32`, `${guest.v6}/128`] }],
    }
    const first = await startServer(world, settings)
    await guest.client.stop()
    await guest.client.start()
    await guest.tcp.call('talk', far.v4, port.echo)
    await guest.tcp.event('said', 10_000)
    await first.remote.call('close')
    t.regex(await guest.tcp.event<string>('talk failed', 5000), /ECONNRESET/)
    // Closing is what the server's own program wanted: no stream of its fails for it.
    t.is(first.remote.pending('stream error'), 0)
    const second = await startServer(world, settings)
    t.is(second.port, server.port)
    await second.remote.stop()
  },
)
