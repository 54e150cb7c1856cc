// midwire as the one who calls: it makes the handshake with a wireguard-go (and a boringtun) that only listens.
import { port } from './programs/services.js'
import type { Kind } from './support/client.js'
import { patternHash } from './support/pattern.js'
import { suite } from './support/suite.js'
import { families, far, join, startServer, statusOf } from './support/tunnel.js'

const check = suite(['wireguard-go'], async (world) => world)

for (const [kind, listenPort] of [
  ['wireguard-go', 50_001],
  ['boringtun-cli', 50_002],
] as const satisfies [Kind, number][]) {
  check(
    `midwire opens a tunnel to ${kind} and connections through it`,
    async (t, world) => {
      const server = await startServer(world)
      const guest = await join(world, server, { kind, listenPort })
      for (const family of families) await guest.tcp.call('listen', guest[family], 4000, 'welcome')
      const begin = performance.now()
      t.is(await server.remote.call('ask', guest.v4, 4000, 'first'), 'first welcome')
      const ms = performance.now() - begin
      t.true(ms < 2000, `the handshake and the connection took ${ms} ms`)
      t.is(await server.remote.call('ask', guest.v6, 4000, 'second'), 'second welcome')
      t.true((await statusOf(server, guest)).handshakeAge !== undefined)
      // Once it stands the tunnel serves both ways.
      const bytes = 20_000_000
      const body = { bytes, sha256: patternHash(bytes) }
      t.deepEqual(await guest.tcp.call('download', far.v4, port.source, bytes), body)
    },
    kind === 'boringtun-cli' ? ['boringtun'] : [],
  )
}
