// wireguard with the addon and a client of its own file: TCP, datagrams, refusals, peers that come and go.
import { once } from 'node:events'
import { join } from 'node:path'
import test from 'ava'
import { generatePrivateKey } from '../../src/index.js'
import type { RunningMode } from '../../src/modes/mode.js'
import { parseSpec } from '../../src/modes/spec.js'
import { wireguard } from '../../src/modes/wireguard.js'
import { addPeer, removePeer } from '../../src/modes/wireguard-conf.js'
import type { Transport } from '../../src/transports/transport.js'
import { modeContext, until } from '../support/mode-context.js'
import { clientOf } from '../support/tunnel-client.js'

const configOf = (running: RunningMode, name: string) => running.peers?.find((peer) => peer.name === name)?.config

function echo(transport: Transport): void {
  transport.receiver = {
    handleData: (data) => transport.write(data),
    handleEnd: () => transport.end(),
    handleDrain() {},
    handleClose() {},
  }
}

test('what a client sends arrives, by IPv4 and IPv6, as TCP and as datagrams', async (t) => {
  const context = modeContext(t)
  const running = await wireguard.start(parseSpec('wireguard@127.0.0.1:0'), context)
  t.teardown(() => running.close())
  const answers: string[] = []
  const client = await clientOf(configOf(running, 'default'), (text) => answers.push(text))
  t.teardown(() => client.close())
  for (const [index, host] of ['192.0.2.1', '2001:db8::1', '10.0.0.53', 'fd6d:6964:7769:7265::53'].entries()) {
    const stream = client.connect({ host, port: 80 })
    stream.end('hello')
    await until(() => context.arrivals.length === index + 1)
    const arrival = context.arrivals[index]?.arrival
    t.is(arrival?.destination.address, host)
    t.is(arrival?.entrance.ownResolver, index > 1)
    t.is(arrival?.peer?.name, 'default')
    t.true(stream.connecting, 'nothing is answered yet')
    if (arrival) echo(arrival.accept())
    t.is((await stream.toArray()).join(''), 'hello')
  }
  const from = { address: '10.0.0.1', port: 4000 }
  for (const text of ['one', 'two']) client.sendDatagram(Buffer.from(text), from, { address: '10.0.0.53', port: 53 })
  await until(() => context.arrivals.length === 5)
  const flow = context.arrivals[4]?.arrival
  t.true(flow?.entrance.ownResolver)
  if (flow) echo(flow.accept())
  await until(() => answers.length === 2)
  t.deepEqual(answers, ['one', 'two'])
})

test('what a client sends leaves by the proxies of the spec', async (t) => {
  const context = modeContext(t)
  const running = await wireguard.start(parseSpec('wireguard@127.0.0.1:0 via socks5://proxy.test:1081'), context)
  t.teardown(() => running.close())
  const client = await clientOf(configOf(running, 'default'))
  t.teardown(() => client.close())
  client.connect({ host: '192.0.2.1', port: 80 }).on('error', () => {})
  client.sendDatagram(Buffer.from('one'), { address: '10.0.0.1', port: 4000 }, { address: '192.0.2.1', port: 53 })
  await until(() => context.arrivals.length === 2)
  for (const { arrival } of context.arrivals) {
    t.deepEqual(arrival.entrance.via, [{ scheme: 'socks5', host: 'proxy.test', port: 1081 }], arrival.transport)
  }
})

test('a client that is refused sees a closed port', async (t) => {
  const context = modeContext(t)
  const running = await wireguard.start(parseSpec('wireguard@127.0.0.1:0'), context)
  t.teardown(() => running.close())
  const client = await clientOf(configOf(running, 'default'))
  t.teardown(() => client.close())
  const stream = client.connect({ host: '192.0.2.1', port: 80 })
  const error = once(stream, 'error')
  await until(() => context.arrivals.length === 1)
  context.arrivals[0]?.arrival.refuse('refused')
  t.is(((await error)[0] as NodeJS.ErrnoException).code, 'ECONNREFUSED')
})

test('a peer that is added has a tunnel at once, and one that is removed has none', async (t) => {
  const context = modeContext(t)
  const running = await wireguard.start(parseSpec('wireguard@127.0.0.1:0'), context)
  t.teardown(() => running.close())
  const path = join(context.confdir, 'wireguard.conf')
  await addPeer(path, 'tablet', { presharedKey: generatePrivateKey() })
  await until(() => running.peers?.length === 2)
  const client = await clientOf(configOf(running, 'tablet'))
  t.teardown(() => client.close())
  const stream = client.connect({ host: '192.0.2.1', port: 80 })
  await until(() => context.arrivals.length === 1)
  const arrival = context.arrivals[0]?.arrival
  t.is(arrival?.peer?.name, 'tablet')
  t.is(arrival?.source.address, '10.0.0.2')
  let gone: NodeJS.ErrnoException | undefined
  const transport = arrival?.accept()
  if (transport) {
    echo(transport)
    transport.receiver.handleClose = (error) => {
      gone = error
    }
  }
  stream.write('x')
  await once(stream, 'data')
  await removePeer(path, 'tablet')
  await until(() => gone !== undefined)
  t.is(gone?.code, 'ECONNABORTED')
  stream.on('error', () => {})
})
