// Channels and their transports: what moves over when TLS takes a transport's place, and what is heard no more after an end.
import test from 'ava'
import type { ServerConnection } from '../../src/connection.js'
import { Channel } from '../../src/layers/channel.js'
import { Bindings } from '../../src/proxy/bindings.js'
import { FakePackets, FakeTransport, PLACE } from '../support/fake-transport.js'

function bound() {
  const heard: string[] = []
  const bindings = new Bindings({
    handleData: (_, data) => heard.push(`data ${data}`),
    handleEnd: () => heard.push('end'),
    handleDrain: () => heard.push('drain'),
    handleDropped: (_, total) => heard.push(`dropped ${total}`),
    handlePassed: () => heard.push('passed'),
    handleClose: () => heard.push('close'),
  })
  const channel = new Channel<ServerConnection>({ id: 'x', ...PLACE })
  const transport = new FakeTransport()
  bindings.bind(channel, transport)
  return { bindings, channel, transport, heard }
}

test('a channel that was paused before TLS stays paused after it', (t) => {
  const { bindings, channel, transport } = bound()
  t.deepEqual(transport.did, [])
  channel.paused = true
  t.is(bindings.beginHandshake(channel), transport)
  const secured = new FakeTransport()
  bindings.bind(channel, secured)
  t.deepEqual(secured.did, ['paused'])
})

test('a channel that was full before TLS has room after it: the new transport would not say so', (t) => {
  const { bindings, channel } = bound()
  channel.full = true
  bindings.bind(channel, new FakeTransport())
  t.false(channel.full)
})

test('during a handshake nothing is written between its records, and all that can be done is to end it', (t) => {
  const { bindings, channel, transport } = bound()
  bindings.beginHandshake(channel)
  const handshake = bindings.of(channel)
  handshake?.write(Buffer.from('x'))
  handshake?.end()
  handshake?.pause()
  t.deepEqual(transport.did, [])
  t.true(bindings.letGo(channel, 'close'))
  t.deepEqual(transport.did, ['destroyed'])
})

test('after a handshake that has failed there is nothing to end', (t) => {
  const { bindings, channel } = bound()
  bindings.beginHandshake(channel)
  bindings.failHandshake(channel)
  t.true(channel.closed)
  t.is(bindings.of(channel), undefined)
  t.false(bindings.letGo(channel, 'close'))
  t.is(bindings.beginHandshake(channel), undefined)
})

for (const how of ['close', 'reset'] as const) {
  test(`${how}: a transport is let go of once, and heard no more`, (t) => {
    const { bindings, channel, transport, heard } = bound()
    transport.receiver.handleData(Buffer.from('x'))
    t.true(bindings.letGo(channel, how))
    t.false(bindings.letGo(channel, how))
    t.is(bindings.of(channel), undefined)
    transport.receiver.handleData(Buffer.from('y'))
    transport.receiver.handleClose(undefined)
    t.deepEqual(heard, ['data x'])
    t.is(transport.did.length, 1)
  })
}

test('a throttled channel that turns to TLS is mended for the handshake, and impaired again above it', (t) => {
  const { bindings, channel } = bound()
  const packets = new FakePackets()
  bindings.bind(channel, packets)
  bindings.throttle(channel, { down: undefined, up: undefined, latency: 5, loss: 0.5 })
  t.deepEqual(packets.did, ['impaired 0.5 5'])
  t.is(bindings.beginHandshake(channel), packets)
  t.deepEqual(packets.did, ['impaired 0.5 5', 'mended'])
  const secured = new FakePackets()
  bindings.bind(channel, secured)
  t.deepEqual(secured.did, ['impaired 0.5 5'])
  bindings.throttle(channel, undefined)
  t.deepEqual(secured.did, ['impaired 0.5 5', 'mended'])
})

test('a throttled flow that is over before its handshake leaves nothing behind', (t) => {
  const { bindings, channel } = bound()
  bindings.throttle(channel, { down: undefined, up: undefined, latency: 5, loss: 0.5 })
  bindings.beginHandshake(channel)
  bindings.throttle(channel, undefined)
  const secured = new FakePackets()
  bindings.bind(channel, secured)
  t.deepEqual(secured.did, [])
})
