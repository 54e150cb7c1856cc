// Odd IP packets inside the tunnel, past the client's kernel: SYNs that make no sense, floods of them, and garbage. None hurts the others.

import { udpPort } from './programs/server.js'
import { port } from './programs/services.js'
import { type End, flag, intoDevice, ip, tcp, udp } from './support/packets.js'
import { suite } from './support/suite.js'
import { far, type Guest, join, type Server, startServer } from './support/tunnel.js'
import { until } from './support/wait.js'

const flood = 8000

const check = suite(['wireguard-go', 'python'], async (world) => {
  const plain = await startServer(world)
  const asking = await startServer(world, { requests: true })
  // The flood's sources are the client's by right, and its kernel does not have them: nobody answers the SYN-ACKs.
  const ranges = ['10.66.0.0/16', 'fd66::/64']
  const sides = [
    { server: plain, guest: await join(world, plain, { ranges }) },
    { server: asking, guest: await join(world, asking, { ranges }) },
  ]
  // A device's queue is short, and what is over it is lost before it ever was sent.
  for (const { guest } of sides) guest.namespace.ip('link', 'set', guest.client.device, 'txqueuelen', '10000')
  return { sides, plain: sides[0] as Side, asking: sides[1] as Side }
})

interface Side {
  server: Server
  guest: Guest
}

async function isWell({ guest }: Side): Promise<number> {
  const [, v4] = await guest.tcp.call('ask', far.v4, port.echo, 'well?')
  const [, v6] = await guest.tcp.call('ask', far.v6, port.echo, 'well?')
  const answer = await guest.udp.call('ask', far.v4, udpPort.echo, 3000)
  if (!answer.same) throw new Error('a datagram came back changed')
  return Math.max(v4, v6)
}

check('SYNs from and to addresses and ports that nobody has', async (t, { sides }) => {
  for (const side of sides) {
    const { server, guest } = side
    const own: Record<'v4' | 'v6', string> = { v4: guest.v4, v6: guest.v6 }
    const before = await server.remote.call('counters')
    const syns: Buffer[] = []
    const syn = (source: End, destination: End) => syns.push(tcp(source, destination, flag.syn))
    for (const family of ['v4', 'v6'] as const) {
      const source = { address: own[family], port: 3000 }
      syn(source, { address: far[family], port: 0 })
      syn({ ...source, port: 0 }, { address: far[family], port: port.silent })
    }
    const nowhere = ['0.0.0.0', '255.255.255.255', '224.0.0.1', '::', 'ff02::1']
    for (const address of nowhere) {
      syn({ address: address.includes(':') ? own.v6 : own.v4, port: 3000 }, { address, port: port.silent })
    }
    const odd = syns.length
    await intoDevice(guest.namespace, guest.client.device, syns)
    const counted = async () =>
      ((await server.remote.call('counters')).unaddressable ?? 0) - (before.unaddressable ?? 0)
    await until(5000, `${odd} packets to be counted`, async () => (await counted()) >= odd)
    // From an address and port to the very same.
    for (const address of [own.v4, own.v6]) {
      const land = { address, port: 3001 }
      await intoDevice(guest.namespace, guest.client.device, [tcp(land, land, flag.syn)])
    }
    t.true((await isWell(side)) < 1000)
    t.is(await server.remote.call('open'), 0)
    t.is(server.remote.pending('error'), 0)
  }
})

/** xorshift32: the same garbage in every run. */
function chances(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 0x1_0000_0000
  }
}

/** Packets that were whole once: cut, lengthened and changed at random places behind their addresses. */
function garbage(guest: Guest, count: number): Buffer[] {
  const chance = chances(7)
  const below = (limit: number) => Math.floor(chance() * limit)
  const flags = () => below(64)
  return Array.from({ length: count }, (_, at) => {
    const [mine, theirs] = at % 2 ? [guest.v4, far.v4] : [guest.v6, far.v6]
    const [source, destination] = [
      { address: mine, port: 2000 + below(50) },
      { address: theirs, port: below(100) },
    ]
    const data = Buffer.alloc(below(400), at)
    const kinds = [
      () => tcp(source, destination, flags(), below(2 ** 32), data),
      () => udp(source, destination, data),
      () => ip(mine, theirs, at % 2 ? 1 : 58, data),
      () => ip(mine, theirs, [0, 43, 44, 60, 50, 51, 135, 255][below(8)] ?? 0, data),
    ]
    const packet = kinds[below(kinds.length)]?.() ?? Buffer.alloc(0)
    const head = at % 2 ? 20 : 40
    for (let changes = below(4); changes > 0; changes--) {
      // Not the version and not the addresses: it has to come to this server's stack, and as the peer's.
      const place = below(2) ? head + below(packet.length - head) : 1 + below(at % 2 ? 11 : 7)
      packet[place] = below(256)
    }
    return below(8) ? packet : packet.subarray(0, head + below(packet.length - head + 1))
  })
}

check('6,000 malformed packets stop nothing', async (t, { sides }) => {
  for (const side of sides) {
    const before = (await side.server.remote.call('counters')).packetsIn ?? 0
    await intoDevice(side.guest.namespace, side.guest.client.device, garbage(side.guest, 6000))
    t.true((await isWell(side)) < 1000)
    t.is(side.server.remote.pending('error'), 0)
    const { malformed = 0, unknownProtocol = 0, packetsIn = 0 } = await side.server.remote.call('counters')
    // The rest did not get through the client or the tunnel: both look at the lengths.
    t.true(packetsIn - before > 4000, `${packetsIn - before} packets have come`)
    t.true(
      malformed > 100 && unknownProtocol > 10,
      `${malformed} malformed, ${unknownProtocol} unknown of ${packetsIn}`,
    )
    t.log(`${malformed} malformed and ${unknownProtocol} of no known protocol`)
  }
})

for (const which of ['plain', 'asking'] as const) {
  const how = which === 'plain' ? 'accepts every connection' : 'asks its user first'
  check(`a flood of 8,000 SYNs at a server that ${how}`, async (t, context) => {
    const side = context[which]
    const { remote } = side.server
    const { namespace, client } = side.guest
    const opened = await remote.call('open')
    await remote.call('collect')
    const before = remote.resident()
    const first = await remote.call('counters')
    const syns = Array.from({ length: flood }, (_, at) => {
      const six = at % 4 === 3
      const source = {
        address: six ? `fd66::${(at + 1).toString(16)}` : `10.66.${at >> 8}.${at & 255}`,
        port: 1024 + at,
      }
      return tcp(source, { address: six ? far.v6 : far.v4, port: port.silent }, flag.syn, at)
    })
    const flooding = intoDevice(namespace, client.device, syns)
    const during = await isWell(side)
    await flooding
    const after = await isWell(side)
    t.true(Math.max(during, after) < 1000, `${during} ms, then ${after} ms`)
    const counters = await remote.call('counters')
    t.true((counters.packetsIn ?? 0) - (first.packetsIn ?? 0) >= flood * 0.95, 'the flood did not arrive')
    await remote.call('collect')
    const each = (remote.resident() - before) / flood
    t.true(each < 16 * 1024, `${each} bytes for each`)
    // Nothing rises before a handshake is over, but for what the user wants to be asked about: that has a bound of its own.
    const open = (await remote.call('open')) - opened
    t.true(which === 'plain' ? open <= 0 : open <= 1024 + 8192, `${open} streams`)
    t.log(
      `${during.toFixed()} ms in the flood, ${after.toFixed()} ms after it, ${(each / 1024).toFixed(1)} KiB for each`,
    )
  })
}

check('what was half open is gone after 30 s', async (t, { sides }) => {
  for (const { server } of sides) {
    await until(40_000, 'the half-open flows to go', async () => (await server.remote.call('counters')).flows === 0)
    t.is(await server.remote.call('open'), 0)
  }
})
