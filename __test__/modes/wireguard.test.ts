// wireguard: its server on the fake addon, its peers while it runs, and its return when it fails.
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { publicKey } from '../../src/index.js'
import type { ModeContext, RunningMode } from '../../src/modes/mode.js'
import { parseSpec } from '../../src/modes/spec.js'
import { wireguard } from '../../src/modes/wireguard.js'
import { addPeer, loadWireGuardConf, removePeer } from '../../src/modes/wireguard-conf.js'
import type { Receiver } from '../../src/transports/transport.js'
import { FakeNativeServer } from '../support/fake-native.js'
import { key, settle } from '../support/fake-server.js'
import { modeContext, until } from '../support/mode-context.js'
import { addressHeader, type Ends } from '../support/records.js'

async function start(t: ExecutionContext, spec: string, context: ModeContext) {
  const running = await wireguard.start(parseSpec(spec), context)
  t.teardown(() => running.close())
  return { running, native: nativeOf(running) }
}

function nativeOf({ listeners }: RunningMode): FakeNativeServer {
  const native = FakeNativeServer.started.findLast(({ port }) => port === listeners[0]?.port)
  if (!native) throw new Error('the fake addon was not used')
  return native
}

const code = (text: string) => Buffer.from(text)

const web: Ends = { source: ['10.0.0.1', 4000], destination: ['192.0.2.1', 80], peer: 1, held: true }

function hearing(heard: string[]): Receiver {
  return {
    handleData: (data) => heard.push(`${data}`),
    handleEnd: () => heard.push('end'),
    handleDrain() {},
    handleClose: (error) => heard.push(error ? `close: ${error.message}` : 'close'),
  }
}

test.serial('the first start: keys, a server on every address, a peer with its text', async (t) => {
  const context = modeContext(t, { endpoint: 'vpn.example.org' })
  const { running, native } = await start(t, 'wireguard', context)
  const conf = await loadWireGuardConf(join(context.confdir, 'wireguard.conf'))
  t.is(native.options.port, 51_820)
  t.deepEqual(native.options.hosts, ['0.0.0.0', '::'])
  t.is(native.options.privateKey.toString('base64'), conf.serverKey)
  t.deepEqual(native.options.addresses, ['10.0.0.53', 'fd6d:6964:7769:7265::53'])
  t.deepEqual(running.resolver, native.options.addresses)
  t.true(native.options.holdSyn)
  t.like(running.listeners[0], { host: '0.0.0.0', port: 51_820, transport: 'udp' })
  const [peer] = running.peers ?? []
  t.is(running.peers?.length, 1)
  t.like(peer, { name: 'default', addresses: ['10.0.0.1/32', 'fd6d:6964:7769:7265::1/128'] })
  t.true(peer?.config?.includes('\nEndpoint = vpn.example.org:51820\n'))
  t.true(peer?.config?.includes(`\nPublicKey = ${conf.publicKey}\n`))
  t.deepEqual(running.endpoints, ['vpn.example.org:51820'])
  t.deepEqual(
    context.logged.filter(({ level }) => level !== 'debug'),
    [],
  )
})

test.serial('its own file, host, port and subnet; several at once', async (t) => {
  const context = modeContext(t, { wireguard_subnet: ['192.168.9.0/24'] })
  const path = join(context.confdir, 'a@b.conf')
  const { running, native } = await start(t, `wireguard:${path}@127.0.0.1:0`, context)
  t.deepEqual(native.options.hosts, ['127.0.0.1'])
  t.deepEqual(running.resolver, ['192.168.9.53', 'fd6d:6964:7769:7265::53'])
  t.is(running.peers?.[0]?.addresses[0], '192.168.9.1/32')
  t.deepEqual(running.endpoints, [`127.0.0.1:${native.port}`])
  t.is((await loadWireGuardConf(path)).peers.length, 1)
  // The same keys twice are two servers.
  const [one, two] = await Promise.all([start(t, 'wireguard@0', context), start(t, 'wireguard@0', context)])
  t.not(one.native.port, two.native.port)
  t.deepEqual(one.native.options.privateKey, two.native.options.privateKey)
  t.notDeepEqual(one.native.options.privateKey, native.options.privateKey)
})

test.serial('what is wrong is refused before anything is opened', async (t) => {
  const started = FakeNativeServer.started.length
  const context = modeContext(t)
  const path = join(context.confdir, 'wireguard.conf')
  await writeFile(path, '{"server_key": "short", "client_key": "x"}')
  const refused = (options: Parameters<typeof modeContext>[1], expected: { code: string; message: RegExp }) =>
    t.throwsAsync(
      wireguard.start(parseSpec('wireguard@0'), { ...context, options: modeContext(t, options).options }),
      expected,
    )
  await refused({}, { code: 'ERR_WIREGUARD_CONF', message: /wireguard\.conf: server_key is not a WireGuard key/ })
  await refused({ endpoint: 'a b' }, { code: 'ERR_ARGUMENT', message: /endpoint "a b"/ })
  await refused({ wireguard_subnet: ['x'] }, { code: 'ERR_ARGUMENT', message: /wireguard_subnet "x"/ })
  t.is(FakeNativeServer.started.length, started)
})

test.serial('a port that is taken', async (t) => {
  FakeNativeServer.failures = [Object.assign(new Error('address in use'), { code: 'ADDRESS_IN_USE' })]
  const context = modeContext(t)
  const path = join(context.confdir, 'k')
  const spec = parseSpec(`wireguard:${path}`)
  await t.throwsAsync(wireguard.start(spec, { ...context, specs: [spec] }), {
    code: 'ERR_ADDRESS_IN_USE',
    message: `UDP port 51820 is in use (try --mode wireguard:${path}@51822): end the program that has it, or choose another port (0 takes a free one)`,
  })
})

test.serial('a file that others may read is warned of', async (t) => {
  if (process.platform === 'win32') return t.pass()
  const context = modeContext(t)
  const path = join(context.confdir, 'wireguard.conf')
  await writeFile(path, JSON.stringify({ server_key: key(), client_key: key() }))
  await chmod(path, 0o644)
  await start(t, 'wireguard@0', context)
  t.regex(context.logged[0]?.message ?? '', /holds private keys, and others may read it/)
  return undefined
})

test.serial('a TCP connection arrives with its SYN unanswered', async (t) => {
  const context = modeContext(t)
  const { running, native } = await start(t, 'wireguard@0', context)
  native.raise('opened', 7, addressHeader(web))
  native.raise('opened', 8, addressHeader({ ...web, destination: ['10.0.0.53', 80] }))
  await settle()
  const [first, resolver] = context.arrivals
  t.is(first?.mode, running)
  t.is(first?.arrival.transport, 'tcp')
  t.deepEqual(first?.arrival.source, { address: '10.0.0.1', port: 4000, family: 4 })
  t.deepEqual(first?.arrival.destination, { address: '192.0.2.1', port: 80, family: 4 })
  t.is(first?.arrival.peer?.name, 'default')
  t.is(first?.arrival.peer?.publicKey, running.peers?.[0]?.publicKey)
  t.false(first?.arrival.entrance.ownResolver)
  t.true(resolver?.arrival.entrance.ownResolver)
  const pipe = first?.arrival.accept()
  t.deepEqual([pipe?.local?.port, pipe?.remote?.port], [80, 4000])
  const heard: string[] = []
  if (pipe) pipe.receiver = hearing(heard)
  native.raise('data', 7, code('GET /'))
  native.raise('end', 7)
  await settle()
  t.deepEqual(heard, ['GET /', 'end'])
  pipe?.write(code('200'))
  await settle()
  t.is(`${native.written(7)}`, '200', 'the other half stays open')
})

test.serial('the ways to refuse a TCP connection', async (t) => {
  const context = modeContext(t)
  const { native } = await start(t, 'wireguard@0', context)
  const reasons = ['refused', 'unreachable', 'prohibited'] as const
  for (const [index] of reasons.entries()) {
    native.raise('opened', 10 + index, addressHeader({ ...web, source: ['10.0.0.1', 4000 + index] }))
  }
  await settle()
  for (const [index, reason] of reasons.entries()) context.arrivals[index]?.arrival.refuse(reason)
  await settle()
  const how = native.commands('refuse').map(({ payload }) => payload.readUInt32LE(0))
  t.is(how.length, 3)
  t.is(new Set(how).size, 3, 'each is another answer')
})

test.serial('a flow of datagrams arrives once', async (t) => {
  const context = modeContext(t)
  const { native } = await start(t, 'wireguard@0', context)
  const datagram = (flow: number, text: string) =>
    native.raise(
      'datagram',
      flow,
      Buffer.concat([
        addressHeader({ source: ['10.0.0.1', 5000], destination: ['10.0.0.53', 53], peer: 1 }),
        code(text),
      ]),
    )
  datagram(3, 'a')
  datagram(3, 'b')
  await settle()
  t.is(context.arrivals.length, 1)
  const { arrival } = context.arrivals[0] ?? (t.fail() as never)
  t.is(arrival.transport, 'udp')
  t.true(arrival.entrance.ownResolver)
  t.is(arrival.peer?.name, 'default')
  const heard: string[] = []
  const flow = arrival.accept()
  flow.receiver = hearing(heard)
  datagram(3, 'c')
  await settle()
  t.deepEqual(heard, ['a', 'b', 'c'])
  flow.write(code('answer'))
  await settle()
  t.is(native.commands('sendDatagram').length, 1)
  native.raise('datagramExpired', 3)
  await settle()
  t.deepEqual(heard.slice(3), ['close'])
  datagram(4, 'x')
  await settle()
  context.arrivals[1]?.arrival.refuse('unreachable')
  await settle()
  t.deepEqual(
    native.commands('refuseDatagram').map(({ id }) => id),
    [4],
  )
})

test.serial('what fails while a client is taken refuses that client only', async (t) => {
  const context = modeContext(t)
  const { native } = await start(t, 'wireguard@0', {
    ...context,
    arrived: () => {
      throw new Error('no')
    },
  })
  native.raise('opened', 7, addressHeader(web))
  await settle()
  t.is(native.commands('refuse').length, 1)
  t.deepEqual(context.logged, [{ level: 'error', message: 'a connection was not taken: no' }])
})

test.serial('peers are added and removed while it runs; the rest is not touched', async (t) => {
  const context = modeContext(t)
  const path = join(context.confdir, 'wireguard.conf')
  await addPeer(path, 'old')
  const { running, native } = await start(t, 'wireguard@0', context)
  const numbers = () => native.peers().map(({ peer }) => peer)
  t.deepEqual(numbers(), [1, 2])
  const added = await addPeer(path, 'new', { publicKey: publicKey(key()) })
  await until(() => numbers().length === 3)
  t.is(native.peers()[2]?.publicKey.toString('base64'), added.publicKey)
  t.deepEqual(
    running.peers?.map(({ name, config }) => [name, config !== undefined]),
    [
      ['default', true],
      ['old', true],
      ['new', false],
    ],
  )
  await removePeer(path, 'old')
  await until(() => numbers().length === 2)
  t.deepEqual(numbers(), [1, 3])
  await writeFile(path, '{"server_key":')
  await until(() => context.logged.some(({ level }) => level === 'error'))
  t.deepEqual(numbers(), [1, 3], 'a file that is broken changes nothing')
  t.is(running.peers?.length, 2)
})

test.serial('a server that fails is started again on its port, with the peers of now', async (t) => {
  const context = modeContext(t)
  const { running, native } = await start(t, 'wireguard@0', context)
  const { port } = native
  const heard: string[] = []
  native.raise('datagram', 3, addressHeader({ source: ['10.0.0.1', 5000], destination: ['192.0.2.1', 53], peer: 1 }))
  await settle()
  const flow = context.arrivals[0]?.arrival.accept()
  if (flow) flow.receiver = hearing(heard)
  await addPeer(join(context.confdir, 'wireguard.conf'), 'new')
  await until(() => native.peers().length === 2)
  FakeNativeServer.failures = [Object.assign(new Error('still taken'), { code: 'ADDRESS_IN_USE' })]
  native.raise('died', 0, code('a panic'))
  native.raise('stopped')
  await until(() => context.logged.some(({ message }) => message.includes('has failed')))
  t.regex(heard.join(), /^,close: .*a panic/)
  t.regex(running.failure?.message ?? '', /a panic/)
  t.is(running.peers?.[0]?.traffic, undefined)
  await until(() => nativeOf(running) !== native)
  t.is(running.failure, undefined)
  t.is(running.peers?.[0]?.traffic?.receivedBytes, 0)
  t.is(nativeOf(running).port, port)
  t.is(nativeOf(running).peers().length, 2)
  t.is(running.listeners[0]?.port, port)
  const said = context.logged.map(({ level, message }) => `${level}: ${message}`).join('\n')
  t.regex(said, /error: the WireGuard server on port \d+ has failed: .*a panic/)
  t.regex(said, /again in 1 s[\s\S]*still taken[\s\S]*again in 2 s[\s\S]*info: .* listens on port \d+ again/)
})

test.serial('one that is closed after a failure stays closed', async (t) => {
  const context = modeContext(t)
  const { running, native } = await start(t, 'wireguard@0', context)
  native.raise('died', 0, code('a panic'))
  native.raise('stopped')
  await until(() => context.logged.some(({ message }) => message.includes('has failed')))
  await running.close()
  await new Promise((later) => setTimeout(later, 1200))
  t.is(nativeOf(running), native)
})
