// Tunnels on the fake addon: when they start and end, which peer an address leads to, and where a peer is called.
import { writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import type { PeerOptions } from '../../src/index.js'
import type { Exit } from '../../src/proxy/exits/exit.js'
import { Exits, MAX_TUNNELS } from '../../src/proxy/exits/index.js'
import { TunnelPeers } from '../../src/proxy/exits/tunnel-peers.js'
import { WireGuardExit } from '../../src/proxy/exits/wireguard.js'
import type { Answer } from '../../src/proxy/names.js'
import { parseWgQuick } from '../../src/transports/wg-quick.js'
import { FakeNativeServer, useFakeNative } from '../support/fake-native.js'
import { key, settle } from '../support/fake-server.js'
import { confFile } from '../support/far-end.js'
import { resolverOf } from '../support/name-server.js'
import { addressHeader } from '../support/records.js'

useFakeNative()

const textOf = (peers: string, own = key()) =>
  `[Interface]\nPrivateKey = ${own}\nAddress = 10.9.0.2, fd00::2\nListenPort = 4567\n${peers}`
const peerText = (more: string) => `[Peer]\nPublicKey = ${key()}\n${more}\n`
const all = peerText('AllowedIPs = 0.0.0.0/0, ::/0\nEndpoint = 192.0.2.1:51820')

/** The way out around the tunnel: names have these addresses, until `names` is changed. */
function outsideOf(names: Record<string, string[] | Error>, own: string[] = []) {
  const asked: string[] = []
  const outside: Exit = {
    find(host, _families, told) {
      asked.push(host)
      for (const family of [4, 6] as const) {
        const found = names[host] ?? []
        const answer: Answer['found'] =
          found instanceof Error
            ? found
            : found.flatMap((address) => (address.includes(':') === (family === 6) ? [{ address, family }] : []))
        told({ families: [family], found: answer })
      }
    },
    isOwn: ({ address, port, transport }) => own.includes(`${transport} ${address} ${port}`),
    connect: () => Promise.reject(new Error('nobody connects by this')),
  }
  return { outside, asked, names }
}

function exitOf(t: ExecutionContext, text = textOf(all), hosts: Record<string, string[]> = {}) {
  const path = confFile(t, text)
  const log: string[] = []
  const exit = new WireGuardExit({ scheme: 'wireguard', file: path }, path, {
    outside: outsideOf({}).outside,
    settings: () => ({ congestion: 'cubic', bufferSize: 100_000, mark: 7 }),
    inHostsFile: async (name) => hosts[name],
    log: (level, message) => log.push(`${level} ${message}`),
  })
  t.teardown(() => exit.close())
  return { exit, path, log }
}

const connect = (exit: Exit, address = '10.7.0.1') => exit.connect({ address, port: 80, transport: 'tcp' }, {})

/** Begins a connection, and gives the server of the addon that it goes by. */
async function begun(exit: Exit) {
  const failed = connect(exit).then(
    () => undefined,
    (error: Error & { code?: string }) => error,
  )
  await settle()
  const native = FakeNativeServer.started.at(-1)
  if (!native) throw new Error('no server was started')
  return { native, failed }
}

test.serial('a tunnel that has failed is started again by the next connection', async (t) => {
  const { exit, log, path } = exitOf(t)
  const started = FakeNativeServer.started.length
  const first = await begun(exit)
  await begun(exit)
  t.is(FakeNativeServer.started.length, started + 1, 'all connections share it')
  const { port, mtu, congestion, bufferSize, mark, addresses, raiseIcmp } = first.native.options
  t.deepEqual(
    { port, mtu, congestion, bufferSize, mark },
    { port: 4567, mtu: 1420, congestion: 'cubic', bufferSize: 100_000, mark: 7 },
  )
  t.deepEqual({ addresses, raiseIcmp }, { addresses: [], raiseIcmp: true })
  first.native.raise('died', 0, Buffer.from('a fault'))
  first.native.raise('stopped')
  t.is((await first.failed)?.code, 'ERR_NATIVE_PANIC')
  t.regex(
    log.join('\n'),
    new RegExp(`^error wireguard:${path} has failed: .*a fault.*; the next connection starts it again$`),
  )
  const second = await begun(exit)
  t.not(second.native, first.native)
  await exit.close()
  t.is((await second.failed)?.code, 'ECONNABORTED')
  t.true(second.native.closing)
  await t.throwsAsync(connect(exit), { message: 'midwire is closing' })
})

test.serial(
  'a file that has changed ends its tunnel, before the next one takes its port; the same text does not',
  async (t) => {
    const time = clock(t)
    const text = textOf(all)
    const { exit, path, log } = exitOf(t, text)
    const first = await begun(exit)
    writeFileSync(path, text)
    time.now += 2_001
    t.is((await begun(exit)).native, first.native)
    writeFileSync(path, text.replace('4567', '4568'))
    time.now += 1_999
    t.is((await begun(exit)).native, first.native, 'the file was looked at a moment ago')
    time.now += 2
    const { close } = first.native
    first.native.close = () => {}
    const waiting = begun(exit)
    t.is((await waiting).native, first.native, 'the first has not ended yet')
    close.call(first.native)
    await settle()
    t.is((await first.failed)?.code, 'ECONNABORTED')
    t.is((await begun(exit)).native.options.port, 4568)
    t.deepEqual(log, [`info ${path} has changed: wireguard:${path} is started anew`])
  },
)

test.serial('a tunnel that cannot be started fails its connection, and the next tries again', async (t) => {
  const { exit } = exitOf(t)
  FakeNativeServer.failures = [Object.assign(new Error('no'), { code: 'EADDRINUSE' })]
  await t.throwsAsync(connect(exit))
  const { native } = await begun(exit)
  native.raise('connected', 1000)
  t.false(native.closing)
})

test.serial('names in the hosts file are not asked of the name servers', async (t) => {
  const known: Record<string, string[]> = { 'printer.test': ['10.7.0.8', 'fd00::8', '10.7.0.9'] }
  const text = textOf(all).replace('ListenPort', 'DNS = 10.9.0.53\nListenPort')
  const { exit } = exitOf(t, text, known)
  const answers: Answer[] = []
  exit.find('printer.test', [6, 4], (answer) => answers.push(answer))
  await settle()
  t.deepEqual(answers, [
    { families: [6], found: [{ address: 'fd00::8', family: 6 }] },
    {
      families: [4],
      found: [
        { address: '10.7.0.8', family: 4 },
        { address: '10.7.0.9', family: 4 },
      ],
    },
  ])
  const native = FakeNativeServer.started.at(-1)
  t.is(native?.commands('sendDatagram').length, 0)
  exit.find('other.test', [4], () => {})
  await settle()
  t.is(native?.commands('sendDatagram').length, 1)
})

test.serial('midwire serves nobody in the tunnel, but its own addresses answer an echo request', async (t) => {
  const { exit } = exitOf(t)
  const { native } = await begun(exit)
  native.opened(7, { destination: ['10.9.0.2', 22], held: true })
  native.raise(
    'datagram',
    3,
    Buffer.concat([addressHeader({ source: ['10.7.0.1', 53], destination: ['10.9.0.2', 40_000] }), Buffer.from('x')]),
  )
  const icmp = (destination: string, message: number[]) =>
    native.raise(
      'icmp',
      0,
      Buffer.concat([addressHeader({ source: ['10.7.0.1', 0], destination: [destination, 0] }), Buffer.from(message)]),
    )
  icmp('10.9.0.2', [8, 0, 1, 2, 3])
  icmp('10.9.0.3', [8, 0, 1, 2, 3])
  icmp('10.9.0.2', [3, 1, 1, 2, 3])
  await settle()
  t.is(native.commands('refuse', 7).length, 1)
  t.is(native.commands('refuseDatagram', 3).length, 1)
  const sent = native.commands('sendIcmp').map(({ payload }) => [...payload.subarray(44)])
  t.deepEqual(sent, [[0, 0, 1, 2, 3]])
})

test.serial('there is a bound on tunnels: idle ones make room, busy ones do not', async (t) => {
  const exits = new Exits(
    resolverOf(t, {}),
    { listeners: () => [], mark: () => undefined },
    {
      settings: () => ({ congestion: 'bbr', bufferSize: 65_536, mark: undefined }),
      log: () => {},
    },
  )
  const files = Array.from({ length: MAX_TUNNELS + 1 }, () => confFile(t, textOf(all)))
  const of = (file: string | undefined) => exits.of([{ scheme: 'wireguard', file: file ?? '' }])
  const first = of(files[0])
  t.is(of(files[0]), first)
  for (const file of files) of(file)
  t.not(of(files[0]), first)
  const failed = files.slice(0, MAX_TUNNELS).map((file) => connect(of(file)).catch((error) => error.code))
  t.throws(() => of(files.at(-1)), { message: /^64 WireGuard tunnels are in use already$/ })
  await settle()
  t.throws(() => of(files.at(-1)), { message: /^64 WireGuard tunnels/ })
  await exits.close()
  t.deepEqual([...new Set(await Promise.all(failed))], ['ECONNABORTED'])
  t.throws(() => of(files[0]), { message: 'midwire is closing' })
})

/** Peers, with what the end of the tunnel is told and says of them. */
function peersOf(text: string, { outside }: { outside: Exit }) {
  const told: string[] = []
  const ages: (number | undefined)[] = []
  const now = new Map<string, PeerOptions>()
  const server = {
    addPeer(peer: PeerOptions) {
      now.set(peer.publicKey, peer)
      told.push(`+ ${peer.endpoint}`)
    },
    removePeer: (publicKey: string) => {
      told.push(`- ${now.get(publicKey)?.endpoint}`)
      return now.delete(publicKey)
    },
    peers: () =>
      [...now.keys()].map((publicKey, index) => ({
        publicKey,
        name: undefined,
        endpoint: undefined,
        handshakeAge: ages[index],
        receivedBytes: 0,
        sentBytes: 0,
        dropped: 0,
        allowedIps: [],
      })),
  }
  const conf = parseWgQuick('a.conf', text)
  return { peers: new TunnelPeers('wireguard:a.conf', conf, server, outside), told, ages, conf }
}

test.serial('an address leads to the peer with the narrowest range around it', (t) => {
  const ranges = ['0.0.0.0/0, fd00::/8', '10.0.0.0/9, 10.7.0.1/32', '10.7.0.0/17, fd00:7::/33']
  const { peers, conf } = peersOf(
    textOf(ranges.map((range) => peerText(`AllowedIPs = ${range}`)).join('')),
    outsideOf({}),
  )
  const found = (address: string) => conf.peers.indexOf(peers.of(address).conf)
  const expected = { '10.7.0.1': 1, '10.7.127.2': 2, '10.7.128.2': 1, '10.128.0.1': 0, 'fd00:7::1': 2 }
  for (const [address, index] of Object.entries(expected)) t.is(found(address), index, address)
  t.is(found('fd00:7:8000::1'), 0)
  for (const address of ['2001:db8::1', '127.0.0.1', '::1', 'name']) {
    t.throws(() => peers.of(address), {
      code: 'TUNNEL',
      message: `the tunnel wireguard:a.conf does not lead there: no AllowedIPs of its file have ${address}`,
    })
  }
})

/** The clock of a test, in milliseconds. */
function clock(t: ExecutionContext) {
  const { now } = performance
  const time = { now: 0 }
  performance.now = () => time.now
  t.teardown(() => {
    performance.now = now
  })
  return time
}

const named = textOf(peerText('AllowedIPs = 0.0.0.0/0\nEndpoint = vpn.test:51820'))

test.serial('a name is looked up when its peer is needed, and again after a silence', async (t) => {
  const time = clock(t)
  const world = outsideOf({ 'vpn.test': ['192.0.2.1', '192.0.2.2'] })
  const { peers, told, ages } = peersOf(named, world)
  const peer = peers.of('10.7.0.1')
  t.deepEqual(told, ['+ undefined'])
  await Promise.all([peers.prepare(peer), peers.prepare(peer)])
  t.deepEqual(world.asked, ['vpn.test'], 'once for all connections')
  t.deepEqual(told.splice(0), ['+ undefined', '- undefined', '+ 192.0.2.1:51820'])
  await peers.prepare(peer)
  t.is(world.asked.length, 1, 'a call has just begun')
  ages[0] = 180
  time.now = 20_000
  t.true(peers.isLive(peer))
  await peers.prepare(peer)
  t.is(world.asked.length, 1, 'its handshake counts')
  ages[0] = 181
  t.false(peers.isLive(peer))
  await peers.prepare(peer)
  t.is(world.asked.length, 2)
  t.deepEqual(told, [], 'the peer is where it was')
  world.names['vpn.test'] = ['192.0.2.3', '192.0.2.4']
  await peers.prepare(peer)
  t.deepEqual(told.splice(0), ['- 192.0.2.1:51820', '+ 192.0.2.3:51820'], 'it has moved')
  time.now = 29_999
  t.regex(peers.silence(peer).message, /tunnel wireguard:a\.conf, vpn\.test:51820 \(192\.0\.2\.3\), does not answer: /)
  await peers.prepare(peer)
  t.deepEqual(told, [], 'the call is not over')
  time.now = 30_000
  await peers.prepare(peer)
  t.deepEqual(told.splice(0), ['- 192.0.2.3:51820', '+ 192.0.2.4:51820'], 'the next address')
  world.names['vpn.test'] = new Error('no')
  time.now = 50_000
  peers.silence(peer)
  await peers.prepare(peer)
  t.deepEqual(told, [], 'a look-up that fails changes nothing')
})

test.serial('a peer that cannot be called is a sentence', async (t) => {
  const names = { 'vpn.test': Object.assign(new Error('no'), { code: 'ENOTFOUND' }) }
  const missing = peersOf(named, outsideOf(names)).peers
  await t.throwsAsync(missing.prepare(missing.of('10.7.0.1')), {
    code: 'TUNNEL',
    message: 'the other end of the tunnel wireguard:a.conf cannot be called: vpn.test:51820: there is no such name',
  })
  const own = peersOf(named, outsideOf({ 'vpn.test': ['192.0.2.1'] }, ['udp 192.0.2.1 51820'])).peers
  await t.throwsAsync(own.prepare(own.of('10.7.0.1')), {
    code: 'TUNNEL',
    message: /vpn\.test:51820, is midwire itself$/,
  })
  const silent = peersOf(textOf(peerText('AllowedIPs = 0.0.0.0/0')), outsideOf({})).peers
  await t.throwsAsync(silent.prepare(silent.of('10.7.0.1')), { code: 'TUNNEL', message: /has no Endpoint in its file/ })
  t.regex(silent.silence(silent.of('10.7.0.1')).message, /a peer without Endpoint, does not answer/)
})
