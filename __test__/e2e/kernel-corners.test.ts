// TCP's corners, by segments that no kernel sends when it is told to: each test is one client, on a port of its own.

import { ByHand, type ByHand as Client, distance, plus, type Said } from './support/by-hand.js'
import { Fingerprint } from './support/fingerprint.js'
import { device, far, Host, prepare, service } from './support/host.js'
import { flag, ip, tooBig } from './support/packets.js'
import { suite } from './support/suite.js'
import { type Heard, Tap } from './support/tap.js'
import { families } from './support/tunnel.js'

const { ack, cwr, ece, fin, psh, rst, syn } = flag
const router = { v4: '203.0.113.1', v6: '2001:db8:2::1' } as const

const check = suite(['tun', 'python'], async (world) => {
  const namespace = world.alone()
  prepare(namespace)
  // Small buffers: a window is soon full.
  await Host.start(namespace, { buffer: 65_536 })
  const tap = await Tap.start(namespace, device)
  return (port: number, address: string = far.v4) => new ByHand(tap, address, port)
})

/** The echo service hears it. */
async function echoes(client: Client, text = 'still there'): Promise<boolean> {
  client.say({ data: Buffer.from(text) })
  return (await client.read(text.length)) === text
}

/** RFC 5961, 3.2 and 4.2: an ACK of the present state, which a peer that is in another one answers with RST. */
function isChallenge(client: Client, { flags, acknowledgement, data }: Heard): boolean {
  return flags === ack && acknowledgement === client.next && data.length === 0
}

for (const [title, away] of [
  ['in the window', 100],
  ['far from the window', 1_000_000_000],
] as const) {
  check(`a SYN ${title} of an open connection is challenged, and RST makes room for the next one`, async (t, open) => {
    const client = open(service.echo)
    await client.connect()
    t.true(await echoes(client))
    // An ACK of the echo's would look like the challenge.
    await client.collect(50)
    client.say({ flags: syn, sequence: plus(client.next, away) })
    const challenge = await client.hear('challenge ACK', (one) => isChallenge(client, one))
    t.is(challenge.sequence, client.expected)
    // The connection is as it was.
    t.true(await echoes(client))
    client.say({ flags: rst, sequence: client.next })
    await client.connect({ sequence: plus(client.next, away) })
    t.true(await echoes(client))
  })
}

check('an RST counts at RCV.NXT and nowhere else', async (t, open) => {
  const client = open(service.echo)
  await client.connect()
  client.say({ flags: rst, sequence: plus(client.next, 1) })
  await client.hear('challenge ACK', (one) => isChallenge(client, one))
  t.true(await echoes(client))
  // Outside of the window it is dropped.
  for (const away of [-1, 1_000_000]) client.say({ flags: rst, sequence: plus(client.next, away) })
  t.deepEqual(await client.collect(100), [])
  t.true(await echoes(client))
  client.say({ flags: rst })
  client.say({ data: Buffer.from('nobody') })
  await client.hear('RST', ({ flags }) => (flags & rst) !== 0)
})

check('a closed window hides no ACK', async (t, open) => {
  const client = open(service.deafSpeaker)
  // Whole segments of the default MSS, and no more of them than every sender begins with.
  client.window = 3 * 536
  let { window: room } = await client.connect()
  // It says as much as we have room for, and waits.
  const said = plus(client.expected, client.window)
  await client.hear('the last it may say', ({ sequence, data }) => plus(sequence, data.length) === said)
  // We say as much as it has room for, and acknowledge nothing of what it says.
  while (room > 0) {
    client.say({ data: Buffer.alloc(Math.min(room, 1380)) })
    room = (await client.hear('ACK', ({ acknowledgement }) => acknowledgement === client.next, 3000)).window
  }
  client.say({ data: Buffer.alloc(1), acknowledgement: said })
  const more = await client.hear('more', ({ sequence, data }) => data.length > 0 && distance(said, sequence) >= 0)
  t.is(more.sequence, said)
})

check('an old ACK takes nothing from the data behind it', async (t, open) => {
  const client = open(service.echo)
  await client.connect()
  const old = client.expected
  t.true(await echoes(client, 'one'))
  client.say({ data: Buffer.from('two'), acknowledgement: old })
  t.is(await client.read(3), 'two')
})

check('a FIN ahead of a hole is remembered', async (t, open) => {
  const client = open(service.hash)
  await client.connect()
  const [first, second] = [Buffer.alloc(100, 'first'), Buffer.alloc(100, 'second')]
  client.say({ flags: fin | ack, sequence: plus(client.next, 100), data: second })
  client.say({ data: first })
  client.next = plus(client.next, 101)
  await client.hear('ACK of the FIN', ({ acknowledgement }) => acknowledgement === client.next)
  const fingerprint = new Fingerprint()
  for (const part of [first, second]) fingerprint.add(part)
  const answer = `${fingerprint.text()} 200\n`
  t.is(await client.read(answer.length, 3000), answer)
})

/** Padded to whole words with what does nothing. */
const options = (...bytes: number[]) => Buffer.from([...bytes, ...Array<number>(-bytes.length & 3).fill(1)])
const hello = Buffer.from('hello')

const syns: Record<string, Said> = {
  data: { data: hello },
  'ECN bits': { flags: syn | ece | cwr },
  'a request for a Fast Open cookie': { options: options(34, 2) },
  'a Fast Open cookie and data': { options: options(34, 10, 1, 2, 3, 4, 5, 6, 7, 8), data: hello },
  'an option of no known kind': { options: options(253, 4, 1, 2) },
}

for (const [what, said] of Object.entries(syns)) {
  check(`a SYN with ${what} is served`, async (t, open) => {
    for (const family of families) {
      const client = open(service.echo, far[family])
      const { flags } = await client.connect({ sequence: 1000, ...said })
      // Both together are a SYN's, and an echo of them (RFC 3168, 6.1.1).
      t.is(flags & cwr, 0)
      // What it has not taken with the SYN comes again.
      const rest = hello.subarray(distance(1001, client.next))
      if (rest.length > 0) client.say({ data: rest })
      t.is(await client.read(hello.length), 'hello')
    }
  })
}

check('TCP behind an IPv6 Destination Options header', async (t, open) => {
  const client = open(service.echo, far.v6)
  // RFC 8200, 4.6: TCP is next, eight bytes in all, four of them padding.
  const header = Buffer.from([6, 0, 1, 4, 0, 0, 0, 0])
  client.wrap = (bytes) => ip(client.source.address, client.destination.address, 60, Buffer.concat([header, bytes]))
  await client.connect()
  t.true(await echoes(client))
  t.true(await echoes(client, 'x'.repeat(1000)))
  client.say({ flags: fin | ack })
  await client.hear('FIN', ({ flags }) => (flags & fin) !== 0)
})

const bytes = 100_000

/** Asks the source service, with the MSS that the device's MTU leaves. */
async function source(client: Client, mss: number): Promise<void> {
  await client.connect({ options: options(2, 4, mss >> 8, mss & 255) })
  const head = Buffer.alloc(8)
  head.writeBigUInt64BE(BigInt(bytes))
  client.say({ flags: psh | ack, data: head })
}

for (const [family, head, mtu] of [
  ['v4', 40, 800],
  ['v6', 60, 1280],
] as const) {
  // First this one: the other may teach the stack something of the way to this client's address.
  check(`a router's "too big" about what is not in flight does nothing, ${family}`, async (t, open) => {
    const client = open(service.source, far[family])
    await source(client, 1420 - head)
    const flying = await client.hear('full segment', ({ packet }) => packet.length === 1420)
    for (const away of [-1, -100_000, 1_000_000, 2 ** 31]) {
      const forged = Buffer.from(flying.packet)
      forged.writeUInt32BE(plus(flying.sequence, away), head - 20 + 4)
      client.tell(tooBig(router[family], forged, mtu))
    }
    // The whole flight is acknowledged; a part of it may have come twice.
    const flight = [flying, ...(await client.collect(50))]
    const ends = flight.map(({ sequence, data }) => distance(flying.sequence, sequence) + data.length)
    client.expected = plus(flying.sequence, Math.max(...ends))
    client.say()
    const taken = await client.take(bytes - distance(flying.sequence, client.expected))
    // Some are short by nature: the last one, or where a congestion window ends.
    const full = taken.filter(({ packet }) => packet.length === 1420).length
    t.true(full > taken.length / 2, `${full} of ${taken.length} segments are full`)
  })

  check(`a router's "too big" makes segments smaller, ${family}`, async (t, open) => {
    const client = open(service.source, far[family])
    await source(client, 1420 - head)
    const flying = await client.hear('full segment', ({ packet }) => packet.length === 1420)
    t.is(flying.sequence, client.expected)
    await client.collect(50)
    client.tell(tooBig(router[family], flying.packet, mtu))
    // What was in flight is lost there.
    const taken = await client.take(bytes, 3000)
    t.true(Math.max(...taken.map(({ packet }) => packet.length)) <= mtu)
  })
}

check('a port is used again as soon as the client has closed', async (t, open) => {
  const client = open(service.echo)
  // Often: at times the SYN is there before anybody has looked at what the last ACK has ended.
  for (let round = 0; round < 20; round++) {
    await client.connect({ sequence: 1000 + round * 100_000 })
    t.true(await echoes(client))
    client.say({ flags: fin | ack })
    const last = await client.hear('FIN', ({ flags }) => (flags & fin) !== 0)
    client.expected = plus(last.sequence, 1)
    client.say()
  }
})

check('a port is used again as soon as the server has closed', async (t, open) => {
  const client = open(service.source)
  for (let round = 0; round < 3; round++) {
    await client.connect({ sequence: 1000 + round * 100_000 })
    client.say({ data: Buffer.from([0, 0, 0, 0, 0, 0, 0, 5]) })
    // The FIN may come with the data.
    const { sequence, data } = await client.hear('FIN', ({ flags }) => (flags & fin) !== 0)
    t.is(distance(client.expected, plus(sequence, data.length)), 5)
    client.expected = plus(client.expected, 6)
    // It is in TIME-WAIT, and each FIN is answered: the answer to the first may be lost.
    const at = client.next
    for (let times = 0; times < 2; times++) {
      client.say({ flags: fin | ack, sequence: at })
      await client.hear('ACK of the FIN', ({ acknowledgement }) => acknowledgement === plus(at, 1))
    }
  }
})
