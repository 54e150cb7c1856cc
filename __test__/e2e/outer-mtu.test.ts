// Paths of less than 1500 bytes around the tunnel (PPPoE, another tunnel): what is longer arrives in fragments, over IPv4 and IPv6.

import { udpPort } from './programs/server.js'
import { port } from './programs/services.js'
import type { Kind } from './support/client.js'
import type { Narrow } from './support/netns.js'
import { patternHash } from './support/pattern.js'
import { suite } from './support/suite.js'
import { families, far, type JoinOptions, join, startServer } from './support/tunnel.js'

const bytes = 1_000_000
/** IPv6, UDP, and WireGuard's header and tag. */
const overhead = 40 + 8 + 32

const check = suite([], async (world) => ({ world, server: await startServer(world) }))

const paths: Narrow[] = [1492, 1280].flatMap((mtu) => [
  { at: 'cable', mtu },
  { at: 'router', mtu },
])

for (const path of paths) {
  for (const family of families) {
    const through = (kind: Kind, mtu: number) =>
      check(
        `${path.mtu} bytes, ${path.at}, IP${family}: 1 MB each way with ${kind} at ${mtu}`,
        async (t, { world, server }) => {
          const endpoint: JoinOptions['endpoint'] = ({ server: { v4, v6 } }) =>
            family === 'v4' ? `${v4}:${server.port}` : `[${v6}]:${server.port}`
          const guest = await join(world, server, { kind, mtu, path, endpoint })
          const { sendErrors: before } = await server.remote.call('counters')
          for (const inner of families) {
            const down = await guest.tcp.callFor(20_000, 'download', far[inner], port.source, bytes)
            t.deepEqual(down, { bytes, sha256: patternHash(bytes) })
            const up = await guest.tcp.callFor(20_000, 'upload', far[inner], port.discard, bytes)
            t.deepEqual(up, { bytes, sha256: patternHash(bytes) })
            // Longer than any of these MTUs: fragments inside fragments, both ways.
            const answer = await guest.udp.call('ask', far[inner], udpPort.echo, 4000)
            t.true(answer.same)
          }
          const { sendErrors } = await server.remote.call('counters')
          t.is(sendErrors, before)
        },
        [kind === 'boringtun-cli' ? 'boringtun' : 'wireguard-go'],
      )
    // What a configuration without a word on it comes to, where nobody looks at the path.
    through('boringtun-cli', 1420)
    // wireguard-go loses runs of datagrams that are too long for the path (its own UDP GSO), so it is given what fits, as wg-quick
    // would. IPv6 in the tunnel needs 1280.
    if (path.mtu - overhead >= 1280) through('wireguard-go', path.mtu - overhead)
  }
}
