// The tunnel's outside, where anybody may send anything: forgeries move nothing, floods hold up nobody, and a lost route is survived.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type * as RelayProgram from './programs/relay.js'
import { port } from './programs/services.js'
import { byRoute, udp } from './support/packets.js'
import type { Remote } from './support/remote.js'
import { suite } from './support/suite.js'
import { far, type Guest, join, startRelay, startServer, statusOf } from './support/tunnel.js'
import { timed, until } from './support/wait.js'

const flood = 3000

const check = suite(['wireguard-go'], async (world) => {
  const server = await startServer(world)
  const guest = await join(world, server)
  const { relay, endpoint: relayed } = await startRelay(world, server)
  return { world, server, guest, relay, relayed, direct: `${guest.cable.server.v4}:${server.port}` }
})

/** A client that starts anew, and so with a handshake: milliseconds to its first echo. */
async function restarted({ client, tcp }: Guest, endpoint: string): Promise<number> {
  await client.stop()
  await client.start(endpoint)
  const [ms] = await timed(() => tcp.callFor(30_000, 'ask', far.v4, port.echo, 'hello'))
  return ms
}

/** An initiation of the client's that the server has not seen. */
async function freshInitiation(
  { client, udp }: Guest,
  relay: Remote<typeof RelayProgram>,
  relayed: string,
): Promise<Buffer> {
  await relay.call('set', { loss: 1 })
  await relay.call('keep', 1)
  await client.stop()
  await client.start(relayed)
  // Anything makes it want a session.
  udp.call('ask', far.v4, 7, 8, 100).catch(() => {})
  const [initiation] = await until(5000, 'an initiation', async () => {
    const kept = await relay.call('keep', 1)
    return kept.length > 0 && kept
  })
  await relay.call('set', {})
  return Buffer.from(initiation ?? [])
}

check('forged messages from elsewhere move nothing and get no answer', async (t, { server, guest, relay, relayed }) => {
  await restarted(guest, relayed)
  await guest.tcp.call('talk', far.v4, port.echo)
  await guest.tcp.event('said', 10_000)
  const real = (await relay.call('keep', 4)).map((data) => Buffer.from(data))
  const [sample] = real
  if (!sample) return t.fail('no data passed the relay')
  // Silence from here on: a word of the client's would move a stolen endpoint back before anybody has seen it.
  await guest.tcp.call('stopTalking')
  const before = await statusOf(server, guest)

  const forged: Buffer[] = []
  for (let at = 0; at < 200; at++) {
    // Data for the right session: made up, with a wrong tag, cut short; and cookies and responses for it.
    const data = Buffer.concat([sample.subarray(0, 8), randomBytes(8 + 16 * (at % 8) + 16)])
    data.writeUInt32LE(0, 12)
    const spoiled = Buffer.from(sample)
    spoiled.writeBigUInt64LE(BigInt(1_000_000 + at), 8)
    const cookie = Buffer.concat([Buffer.from([3, 0, 0, 0]), sample.subarray(4, 8), randomBytes(56)])
    const response = Buffer.concat([Buffer.from([2, 0, 0, 0]), randomBytes(4), sample.subarray(4, 8), randomBytes(80)])
    forged.push(data, spoiled, cookie, response, sample.subarray(0, 16 + (at % 16)))
  }
  // What the client itself has sent authenticates, and comes too late all the same.
  forged.push(...real.slice(0, 500))
  t.is(await relay.call('forge', forged, 300), 0)

  const after = await statusOf(server, guest)
  t.is(after.endpoint, before.endpoint)
  t.true(after.dropped > before.dropped)
  t.true(((await server.remote.call('counters')).tunnelReplayed ?? 0) >= Math.min(500, real.length))

  // And what the server says by itself goes to the client.
  await guest.udp.call('listen', guest.v4, 5353, 3000)
  const source = { address: far.v4, port: 53 }
  await server.remote.call('sendDatagram', Buffer.from('for you'), source, { address: guest.v4, port: 5353 })
  t.is((await guest.udp.call('received')).text, 'for you')
})

check('noise of every kind and length gets no answer', async (t, { server, relay }) => {
  const noise = Array.from({ length: 2000 }, (_, at) => {
    const data = randomBytes(at % 1500)
    // Half of it looks like a message at least.
    if (at % 2 && data.length > 4) data.writeUInt32LE(at % 6)
    return data
  })
  t.is(await relay.call('forge', noise, 300), 0)
  t.is(await server.remote.call('open'), 0)
})

check('a flood of junk initiations holds up no client', async (t, { server, guest, relay, direct }) => {
  const junk = Array.from({ length: flood }, () => Buffer.concat([Buffer.from([1, 0, 0, 0]), randomBytes(144)]))
  const flooding = relay.call('forge', junk, 100)
  const ms = await restarted(guest, direct)
  t.is(await flooding, 0, 'a wrong mac1 gets no answer')
  t.true(ms < 1000, `the good client took ${ms} ms`)
  t.true(((await server.remote.call('counters')).tunnelUnauthenticated ?? 0) >= flood)
  t.log(`${ms.toFixed()} ms`)
})

check('a flood of initiations with a right mac1 holds up no session, and is healed by time', async (t, context) => {
  const { server, guest, relay, relayed, direct } = context
  const initiation = await freshInitiation(guest, relay, relayed)
  await restarted(guest, direct)
  const flooding = relay.call('forge', Array<Buffer>(flood).fill(initiation), 100)
  const [busy] = await timed(() => guest.tcp.call('ask', far.v6, port.echo, 'in the flood'))
  const answers = await flooding
  t.true(busy < 1000, `a connection in the flood took ${busy} ms`)
  const { tunnelCookies = 0 } = await server.remote.call('counters')
  // Under load the server asks for a proof of address; it says so with fewer bytes than it was sent.
  t.true(answers <= tunnelCookies && tunnelCookies > 0, `${answers} answers, ${tunnelCookies} cookies`)
  await sleep(1100)
  const ms = await restarted(guest, direct)
  t.true(ms < 1000, `a second after the flood a new client took ${ms} ms`)
  t.log(`${busy.toFixed()} ms in the flood, ${ms.toFixed()} ms for a handshake after it`)
})

check(
  'a handshake from UDP port 0 cannot be answered, and harms nobody',
  async (t, { server, guest, relay, relayed, direct }) => {
    const initiation = await freshInitiation(guest, relay, relayed)
    const source = { address: guest.cable.client.v4, port: 0 }
    const destination = { address: guest.cable.server.v4, port: server.port }
    const unanswerable = async () => {
      const { tunnelUnanswerable = 0 } = await server.remote.call('counters')
      return tunnelUnanswerable
    }
    const before = await unanswerable()
    await byRoute(guest.namespace, [
      udp(source, destination, initiation),
      udp(source, destination, Buffer.concat([Buffer.from([4, 0, 0, 0]), randomBytes(60)])),
      udp(source, destination, Buffer.alloc(0)),
    ])
    await until(5000, 'the datagrams to be counted', async () => (await unanswerable()) >= before + 3)
    const ms = await restarted(guest, direct)
    t.true(ms < 1000, `the client took ${ms} ms`)
  },
  ['python'],
)

check('the route to a client vanishes for a while: its connection goes on after it', async (t, context) => {
  const { server, guest, direct } = context
  await restarted(guest, direct)
  await guest.tcp.call('talk', far.v4, port.echo)
  const goesOn = async (what: string) => {
    const said = await guest.tcp.call('heard')
    await until(20_000, what, async () => (await guest.tcp.call('heard')) > said + 50)
  }
  await goesOn('the conversation')
  const errors = async () => (await server.remote.call('counters')).sendErrors ?? 0
  for (const kind of ['unreachable', 'prohibit', 'blackhole']) {
    const before = await errors()
    context.world.server.ip('route', 'add', kind, `${guest.cable.client.v4}/32`)
    await until(10_000, `an error of sending to an ${kind} address`, async () => (await errors()) > before)
    context.world.server.ip('route', 'del', kind, `${guest.cable.client.v4}/32`)
    await goesOn(`the conversation after an ${kind} route`)
  }
  context.world.server.ip('link', 'set', guest.cable.serverDevice, 'down')
  await sleep(1000)
  context.world.server.ip('link', 'set', guest.cable.serverDevice, 'up')
  await goesOn('the conversation after a cable was out')
  t.true((await guest.tcp.call('stopTalking')) > 200)
  t.is(server.remote.pending('error'), 0)
  t.is(server.remote.pending('stream error'), 0)
})
