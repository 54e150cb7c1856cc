// Ways out by WireGuard: two tunnels in one process, each with a wireguard-go as its other end, and the kernel behind that.
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generatePrivateKey, publicKey } from '../../src/index.js'
import { certificate } from '../support/certificates.js'
import type * as NameServerProgram from './programs/name-server.js'
import type * as UdpProgram from './programs/udp.js'
import type * as UpstreamProgram from './programs/upstream.js'
import { Client } from './support/client.js'
import { bareDevice } from './support/device.js'
import { Midwire } from './support/midwire.js'
import type { World } from './support/netns.js'
import { patternHash } from './support/pattern.js'
import { Remote } from './support/remote.js'
import { endsWell, port, tlsOf, web } from './support/scene.js'
import { suite } from './support/suite.js'

const listenPort = 50_010
const nameServer = '198.51.100.53'
/** The same inside of both tunnels: the addresses of midwire, and of the other end. */
const own = ['10.66.0.2', 'fd66::2'] as const
const other = ['10.66.0.1', 'fd66::1'] as const

/** The other end of a tunnel, with servers behind it whose addresses are those of the other tunnel's, too. */
async function end(world: World, name: string, folder: string) {
  const { namespace, cable } = world.client()
  const [theirs, ours] = [generatePrivateKey(), generatePrivateKey()]
  const keys = { privateKey: theirs, publicKey: publicKey(ours) }
  const client = new Client(namespace, { ...keys, listenPort, addresses: other })
  await client.start()
  for (const address of [web.v4, nameServer]) namespace.ip('addr', 'add', `${address}/32`, 'dev', 'lo')
  namespace.ip('addr', 'add', `${web.v6}/128`, 'dev', 'lo', 'nodad')
  const file = join(folder, `${name}.conf`)
  const text = `[Interface]
PrivateKey = ${ours}
Address = ${own[0]}/24, ${own[1]}/64
DNS = ${nameServer}
Table = off

[Peer] # ${name}
PublicKey = ${publicKey(theirs)}
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = ${name}.vpn.test:${listenPort}
`
  writeFileSync(file, text, { mode: 0o600 })
  const upstream = await Remote.start<typeof UpstreamProgram>(namespace, 'upstream')
  const names = await Remote.start<typeof NameServerProgram>(namespace, 'name-server')
  await names.call('start', nameServer)
  return { name, namespace, cable, client, file, upstream, names }
}

const check = suite(['midwire', 'wireguard-go', 'curl'], async (world) => {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'conf'), { mode: 0o700 })
  const ends = [await end(world, 'first', folder), await end(world, 'second', folder)] as const
  const root = certificate({ commonName: 'Test Root', ca: true, until: 300 })
  writeFileSync(join(folder, 'root.pem'), root.pem)
  const identity = tlsOf(certificate({ commonName: web.zone, names: [web.zone, web.v4, web.v6], issuer: root }))
  for (const { name, upstream } of ends) {
    for (const address of [web.v4, web.v6]) {
      await upstream.call('serveText', address, name)
      await upstream.call('serveHttps', address, identity)
      await upstream.call('serveEcho', address, port.echo)
    }
  }
  const { server } = world
  // The names of the endpoints, which are outside of the tunnels. Inside, names are asked of their name servers.
  server.etc(
    'hosts',
    `127.0.0.1 localhost\n${ends.map((one) => `${one.cable.client.v4} ${one.name}.vpn.test\n`).join('')}`,
  )
  server.etc('resolv.conf', 'nameserver 192.0.2.1\n')
  const modes = ends.flatMap(({ file }) => [
    ...['-m', `regular@0 via wireguard:${file}`],
    ...['-m', `reverse:udp://${web.v4}:${port.echo}@0 via wireguard:${file}`],
    ...['-m', `reverse:udp://[${web.v6}]:${port.refused}@0 via wireguard:${file}`],
  ])
  const trusting = ['--set', `ssl_verify_upstream_trusted_ca=${join(folder, 'root.pem')}`]
  const midwire = await Midwire.start(server, join(folder, 'conf'), [...modes, ...trusting])
  const udp = await Remote.start<typeof UdpProgram>(server, 'udp')
  const { curl } = bareDevice(server)
  const ports = midwire.ready.listeners.map((one) => one.port)
  return {
    world,
    midwire,
    udp,
    ends: ends.map((one, index) => {
      const [http = 0, echo = 0, refused = 0] = ports.slice(3 * index, 3 * index + 3)
      const ask = (...args: string[]) => curl('-x', `http://127.0.0.1:${http}`, '--cacert', midwire.authority, ...args)
      return { ...one, echo, refused, ask }
    }),
  }
})

check('each of two tunnels with equal addresses has its own servers, over IPv4 and IPv6', async (t, { ends }) => {
  for (const host of [web.v4, `[${web.v6}]`]) {
    const answers = ends.flatMap(({ name, ask }) =>
      Array.from({ length: 5 }, async () => [name, await ask(`http://${host}/`)] as const),
    )
    for (const [name, { stdout, stderr }] of await Promise.all(answers)) t.is(stdout.toString(), name, stderr)
  }
})

check('names come from the name server of each tunnel', async (t, { ends }) => {
  for (const { name, ask, names } of ends) {
    await names.call('questions')
    const { stdout, stderr } = await ask(`http://${web.zone}/`)
    t.is(stdout.toString(), name, stderr)
    t.deepEqual((await names.call('questions')).sort(), [`udp A ${web.zone}`, `udp AAAA ${web.zone}`])
    t.regex((await ask('http://nobody.zone.test/')).stdout.toString(), /nobody\.zone\.test:80: there is no such name/)
  }
})

check('HTTPS, and 20 MB at once through both', async (t, { ends }) => {
  const bytes = 20_000_000
  const all = await Promise.all(
    ends.flatMap(({ ask }) => [web.v4, `[${web.v6}]`].map((host) => ask('--fail', `https://${host}/bytes/${bytes}`))),
  )
  for (const { stdout, stderr, code } of all) {
    t.is(code, 0, stderr)
    t.is(stdout.length, bytes)
    t.is(createHash('sha256').update(stdout).digest('hex'), patternHash(bytes))
  }
})

check('datagrams, long ones too; and a port that the kernel refuses', async (t, { ends, udp, midwire }) => {
  for (const { echo, refused, file } of ends) {
    for (const bytes of [1, 1300, 9000])
      t.true((await udp.call('ask', '127.0.0.1', echo, bytes)).same, `${bytes} bytes`)
    await t.throwsAsync(udp.call('ask', '127.0.0.1', refused, 10, 1000))
    const { error } = await midwire.flow('the refused one', ({ type, client, server }) => {
      return type === 'udp' && client.mode.includes(file) && server?.port === port.refused
    })
    t.regex(error ?? '', /ECONNREFUSED/)
  }
})

check('a refused TCP port is a sentence', async (t, { ends }) => {
  for (const { ask } of ends) {
    t.regex((await ask(`http://${web.v4}:${port.refused}/`)).stdout.toString(), /:81: the connection was refused/)
  }
})

check('the other end comes back, and the other tunnel does not notice', async (t, { ends }) => {
  const [first, second] = ends
  if (!first || !second) throw new Error('there are two')
  await first.client.stop()
  await first.client.start()
  const { stdout, stderr } = await first.ask(`http://${web.v4}/`)
  t.is(stdout.toString(), 'first', stderr)
  t.is((await second.ask(`http://${web.v4}/`)).stdout.toString(), 'second')
})

endsWell(check)
