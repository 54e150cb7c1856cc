// UDP both ways: every length, in fragments where it must be; answers from elsewhere, refusals, and datagrams that nobody asked for.
import { elsewhere, udpPort } from './programs/server.js'
import { suite } from './support/suite.js'
import { families, far, join, startServer } from './support/tunnel.js'

const check = suite(['wireguard-go'], async (world) => {
  const server = await startServer(world)
  return { server, guest: await join(world, server) }
})

/** The longest that IPv4 carries; IPv6's payload length would take 20 more. */
const longest = 65_507
/** Nothing, a byte, the last that fits a packet of 1420 bytes and the first that does not, 4 KiB, 60 KB, and the longest. */
const lengths = { v4: [0, 1, 1392, 1393, 4096, 60_000, longest], v6: [0, 1, 1372, 1373, 4096, 60_000, longest - 20] }

for (const family of families) {
  check(`${family}: datagrams of every length come back whole`, async (t, { guest }) => {
    for (const bytes of lengths[family]) {
      const answer = await guest.udp.call('ask', far[family], udpPort.echo, bytes)
      t.deepEqual(answer, { same: true, bytes, address: far[family], port: udpPort.echo })
    }
  })

  check(`${family}: an answer may come from another address and port`, async (t, { guest }) => {
    const answer = await guest.udp.call('ask', far[family], udpPort.elsewhere, 3000)
    const from = elsewhere[family === 'v4' ? 4 : 6]
    t.deepEqual(answer, { same: true, bytes: 3000, ...from })
  })

  check(`${family}: a refused datagram is ECONNREFUSED to the one who sent it`, async (t, { guest }) => {
    t.is(await guest.udp.call('refusal', far[family], udpPort.refused, 3000), 'ECONNREFUSED')
    t.is(await guest.udp.call('refusal', far[family], udpPort.silent, 500), 'silence')
  })

  check(`${family}: the server may speak first, from any address`, async (t, { server, guest }) => {
    await guest.udp.call('listen', guest[family], 5353, 3000)
    const source = { address: family === 'v4' ? '192.0.2.1' : '2001:db8:77::1', port: 99 }
    await server.remote.call('sendDatagram', Buffer.from('good news'), source, { address: guest[family], port: 5353 })
    t.deepEqual(await guest.udp.call('received'), { text: 'good news', ...source })
  })

  check(`${family}: 2,000 datagrams, a hundred at a time`, async (t, { guest }) => {
    const back = await guest.udp.call('burst', far[family], udpPort.echo, 2000, 500, 100)
    // UDP promises nothing; but nothing here has a reason to lose any.
    t.true(back >= 1990, `${back} of 2000 came back`)
    t.log(`${back} of 2000`)
  })
}

check('nothing was left over', async (t, { server }) => {
  const counters = await server.remote.call('counters')
  t.is(counters.fragmentsDropped, 0)
  t.is(counters.repliesDropped, 0)
  t.is(counters.datagramsRefused, 0)
})
