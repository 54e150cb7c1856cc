// A client that moves: another port, another address, from IPv4 to IPv6 and back, in the middle of connections that must not notice.
import { port } from './programs/services.js'
import { patternHash } from './support/pattern.js'
import { suite } from './support/suite.js'
import { far, type Guest, join, type Server, startServer, statusOf } from './support/tunnel.js'
import { until } from './support/wait.js'

const check = suite(['wireguard-go'], async (world) => {
  const server = await startServer(world)
  return { server, guest: await join(world, server) }
})

/** The conversation goes on: so many more messages have been heard. */
async function goesOn({ tcp }: Guest, messages = 100): Promise<void> {
  const wanted = (await tcp.call('heard')) + messages
  await until(20_000, `message ${wanted}`, async () => {
    if (tcp.pending('talk failed')) throw new Error(await tcp.event('talk failed', 0))
    return (await tcp.call('heard')) >= wanted
  })
}

function endpointIs(
  server: Server,
  guest: Guest,
  what: string,
  matches: (endpoint: string) => boolean,
): Promise<unknown> {
  return until(20_000, `the server to see ${what}`, async () => matches((await statusOf(server, guest)).endpoint ?? ''))
}

check('a connection lives through five moves of its client', async (t, { server, guest }) => {
  const { client, cable, tcp, namespace } = guest
  await tcp.call('talk', far.v4, port.echo)
  await goesOn(guest)
  const { endpoint: first } = await statusOf(server, guest)
  t.true(first?.startsWith(`${cable.client.v4}:`), `the endpoint is ${first}`)

  client.set('listen-port', '40404')
  await goesOn(guest)
  await endpointIs(server, guest, 'the new port', (endpoint) => endpoint === `${cable.client.v4}:40404`)

  namespace.ip('addr', 'del', `${cable.client.v4}/24`, 'dev', cable.clientDevice)
  namespace.ip('addr', 'add', `${cable.other.v4}/24`, 'dev', cable.clientDevice)
  await goesOn(guest)
  await endpointIs(server, guest, 'the new address', (endpoint) => endpoint === `${cable.other.v4}:40404`)

  // An answer that is still on its way would move the client back (it roams, too): the old network is gone, as in real life.
  namespace.ip('addr', 'del', `${cable.other.v4}/24`, 'dev', cable.clientDevice)
  client.setEndpoint(`[${cable.server.v6}]:${server.port}`)
  await goesOn(guest)
  await endpointIs(server, guest, 'IPv6', (endpoint) => endpoint === `[${cable.client.v6}]:40404`)

  namespace.ip('addr', 'del', `${cable.client.v6}/64`, 'dev', cable.clientDevice)
  namespace.ip('addr', 'add', `${cable.other.v6}/64`, 'dev', cable.clientDevice, 'nodad')
  await goesOn(guest)
  await endpointIs(server, guest, 'the new IPv6 address', (endpoint) => endpoint === `[${cable.other.v6}]:40404`)

  namespace.ip('addr', 'del', `${cable.other.v6}/64`, 'dev', cable.clientDevice)
  namespace.ip('addr', 'add', `${cable.client.v4}/24`, 'dev', cable.clientDevice)
  client.setEndpoint(`${cable.server.v4}:${server.port}`)
  await goesOn(guest)
  await endpointIs(server, guest, 'IPv4 again', (endpoint) => endpoint === `${cable.client.v4}:40404`)
  namespace.ip('addr', 'add', `${cable.client.v6}/64`, 'dev', cable.clientDevice, 'nodad')

  const said = await tcp.call('stopTalking')
  t.is(server.remote.pending('stream error'), 0)
  t.log(`${said} messages, each answered once and in order`)
})

check('a download and an upload survive moves in their middle', async (t, { server, guest }) => {
  const { client, cable, tcp } = guest
  const bytes = 150 * 1024 * 1024
  const down = tcp.call('download', far.v6, port.source, bytes)
  const up = tcp.call('upload', far.v4, port.discard, bytes)
  let moves = 0
  const both = Promise.all([down, up]).then((results) => {
    moves = -moves
    return results
  })
  both.catch(() => {})
  for (const endpoint of [`[${cable.server.v6}]`, cable.server.v4, `[${cable.server.v6}]`, cable.server.v4]) {
    const before = (await statusOf(server, guest)).receivedBytes
    client.setEndpoint(`${endpoint}:${server.port}`)
    client.set('listen-port', String(41_000 + moves))
    moves += 1
    const enough = async () => (await statusOf(server, guest)).receivedBytes > before + 4_000_000
    await until(20_000, 'bytes after a move', enough)
  }
  t.is(moves, 4, 'the transfers were over before the last move')
  t.deepEqual(await both, [
    { bytes, sha256: patternHash(bytes) },
    { bytes, sha256: patternHash(bytes) },
  ])
})
