// Several peers at once: each has its own addresses, none may use another's, and one that is removed is gone.

import { generatePrivateKey, publicKey } from '../../src/index.js'
import { udpPort } from './programs/server.js'
import { port } from './programs/services.js'
import { flag, intoDevice, tcp, udp } from './support/packets.js'
import { patternHash } from './support/pattern.js'
import { suite } from './support/suite.js'
import { far, join, startServer, statusOf } from './support/tunnel.js'
import { until } from './support/wait.js'

const check = suite(['wireguard-go'], async (world) => {
  const server = await startServer(world)
  const presharedKey = generatePrivateKey()
  const [one, two] = [await join(world, server), await join(world, server, { presharedKey })]
  return { server, one, two, presharedKey }
})

check('two peers at once, one of them with a preshared key', async (t, { server, one, two }) => {
  const bytes = 30 * 1024 * 1024
  const results = await Promise.all([
    one.tcp.call('download', far.v4, port.source, bytes),
    two.tcp.call('download', far.v6, port.source, bytes),
    one.tcp.call('upload', far.v6, port.discard, bytes),
    two.tcp.call('upload', far.v4, port.discard, bytes),
  ])
  for (const result of results) t.deepEqual(result, { bytes, sha256: patternHash(bytes) })
  for (const guest of [one, two]) {
    const { endpoint, receivedBytes, sentBytes, handshakeAge } = await statusOf(server, guest)
    t.true(endpoint?.startsWith(`${guest.cable.client.v4}:`), `${endpoint}`)
    t.true(receivedBytes > bytes && sentBytes > bytes, `${receivedBytes} and ${sentBytes} bytes`)
    t.true(handshakeAge !== undefined && handshakeAge < 60)
  }
})

check(
  "what a peer sends from the other one's address is dropped and counted",
  async (t, { server, one, two }) => {
    const before = await statusOf(server, two)
    const destination = { address: far.v4, port: udpPort.tell }
    const destination6 = { address: far.v6, port: udpPort.tell }
    const data = Buffer.from('not mine')
    await intoDevice(two.namespace, two.client.device, [
      udp({ address: one.v4, port: 5000 }, destination, data),
      udp({ address: one.v6, port: 5000 }, destination6, data),
      udp({ address: '192.0.2.66', port: 5000 }, destination, data),
      tcp({ address: one.v4, port: 5001 }, { address: far.v4, port: port.echo }, flag.syn),
      // The last one is honest: when it has come, so have the others.
      udp({ address: two.v4, port: 5000 }, destination, data),
    ])
    const { source } = await server.remote.event<{ source: string }>('datagram', 5000)
    t.is(source, two.v4)
    t.is(server.remote.pending('datagram'), 0)
    const after = await statusOf(server, two)
    // More than these: the client's kernel itself looks for IPv6 routers, from an address of its own making.
    t.true(after.dropped - before.dropped >= 4, `${after.dropped - before.dropped}`)
    t.true(((await server.remote.call('counters')).tunnelWrongSource ?? 0) >= 4)
    t.is((await statusOf(server, one)).endpoint?.split(':')[0], one.cable.client.v4)
    t.is(await server.remote.call('open'), 0)
  },
  ['python'],
)

check('the server opens connections to its peers, each found by its address', async (t, { server, one, two }) => {
  for (const guest of [one, two]) {
    for (const address of [guest.v4, guest.v6]) {
      await guest.tcp.call('listen', address, 4000, `hello from ${address}`)
      t.is(await server.remote.call('ask', address, 4000, 'who are you?'), `who are you? hello from ${address}`)
    }
  }
  const nobody = await t.throwsAsync(server.remote.call('ask', one.v4, 4001, 'anybody?'))
  t.is((nobody as NodeJS.ErrnoException).code, 'ECONNREFUSED')
})

check('a peer that is removed loses its connections and says no more', async (t, { server, one, two }) => {
  t.is(await two.tcp.call('many', far.v4, port.echo, 5, 5), 5)
  await one.tcp.call('talk', far.v4, port.echo)
  t.true(await server.remote.call('removePeer', two.publicKey))
  for (let at = 0; at < 5; at++) {
    const { code } = await server.remote.event<{ code: string }>('stream error', 5000)
    t.is(code, 'ECONNABORTED')
  }
  t.is((await server.remote.call('peers')).length, 1)
  const { code } = await two.tcp.call('attempt', far.v4, port.echo, 1500)
  t.is(code, 'LATE')
  t.is(server.remote.pending('stream error'), 0)
  // The other one has noticed nothing.
  const said = await one.tcp.call('heard')
  await until(5000, 'more of the conversation', async () => (await one.tcp.call('heard')) > said + 50)
  t.true((await one.tcp.call('stopTalking')) > 50)
  t.false(await server.remote.call('removePeer', two.publicKey))
  t.false(await server.remote.call('removePeer', publicKey(generatePrivateKey())))
})

check('a removed peer may come back', async (t, { server, two, presharedKey }) => {
  const peer = { publicKey: two.publicKey, allowedIps: [`${two.v4}/32`, `${two.v6}/128`], presharedKey }
  await server.remote.call('addPeer', peer)
  // Its client would find out by itself, in 15 s of silence.
  await two.client.stop()
  await two.client.start()
  t.is((await two.tcp.call('ask', far.v6, port.echo, 'again'))[0], 'again')
})
