// Bad paths: datagrams that are lost, doubled, late and out of order, and tunnels with a small MTU.

import type { Weather } from './programs/relay.js'
import { udpPort } from './programs/server.js'
import { port } from './programs/services.js'
import type { World } from './support/netns.js'
import { patternHash } from './support/pattern.js'
import { suite } from './support/suite.js'
import { families, far, type JoinOptions, join, startRelay, startServer } from './support/tunnel.js'
import { timed } from './support/wait.js'

/** Of a data message: header, tag, and the padding to 16 bytes (whitepaper, 5.4.6). */
const overhead = 16 + 16 + 15

const check = suite(['wireguard-go'], async (world) => world)

/** A server and a client with a relay between them. */
async function through(world: World, settings: { mtu?: number }, options: JoinOptions, weather: Partial<Weather>) {
  const server = await startServer(world, settings)
  const { relay, endpoint } = await startRelay(world, server)
  const guest = await join(world, server, { ...options, endpoint: () => endpoint })
  await relay.call('set', weather)
  return { server, relay, guest }
}

// The kernel here may have no netem, and a relay's seed makes the same weather again.
check('5 % lost, 5 % doubled, 5 % overtaken, 50 ms there and back: 20 MB each way', async (t, world) => {
  const weather = { loss: 0.05, double: 0.05, reorder: 0.05, delay: 25, seed: 11 }
  const { relay, guest } = await through(world, {}, {}, weather)
  // On many connections, for one alone is slow by nature: each loss halves its window.
  const bytes = 20_000_000 / 32
  const times = Array.from({ length: 32 })
  const [ms, results] = await timed(() =>
    Promise.all([
      ...times.map(() => guest.tcp.callFor(150_000, 'download', far.v4, port.source, bytes)),
      ...times.map(() => guest.tcp.callFor(150_000, 'upload', far.v6, port.discard, bytes)),
    ]),
  )
  for (const result of results) t.deepEqual(result, { bytes, sha256: patternHash(bytes) })
  t.log(`${(ms / 1000).toFixed(1)} s, ${await relay.call('losses')} datagrams lost`)
})

const tunnels = [
  { title: 'both ends know of 1280', server: 1280, client: 1280 },
  { title: 'both ends know of 576', server: 576, client: 576 },
  { title: 'only the client knows of 1280', server: 1420, client: 1280 },
  { title: 'only the client knows of 576', server: 1420, client: 576 },
  { title: 'only the server knows of 1280', server: 1280, client: 1420 },
]

for (const { title, server: serverMtu, client: clientMtu } of tunnels) {
  check(`a path that loses what is longer: ${title}`, async (t, world) => {
    const smaller = Math.min(serverMtu, clientMtu)
    const { relay, guest } = await through(
      world,
      { mtu: serverMtu },
      { mtu: clientMtu },
      { longest: smaller + overhead },
    )
    const bytes = 5_000_000
    for (const family of smaller < 1280 ? (['v4'] as const) : families) {
      const down = await guest.tcp.callFor(20_000, 'download', far[family], port.source, bytes)
      t.deepEqual(down, { bytes, sha256: patternHash(bytes) })
      const up = await guest.tcp.callFor(20_000, 'upload', far[family], port.discard, bytes)
      t.deepEqual(up, { bytes, sha256: patternHash(bytes) })
      if (serverMtu !== clientMtu) continue
      // UDP has no MSS: who does not know the MTU sends what gets lost.
      const answer = await guest.udp.call('ask', far[family], udpPort.echo, 20_000)
      t.deepEqual(answer, { same: true, bytes: 20_000, address: far[family], port: udpPort.echo })
    }
    // Proof that nobody has even tried.
    t.is(await relay.call('losses'), 0)
  })
}
