// Datagrams and ICMP messages on the fake addon.
import test from 'ava'
import type { Datagram, IcmpMessage } from '../../src/index.js'
import { settle, startFake } from '../support/fake-server.js'
import { addressHeader, type Ends } from '../support/records.js'

const v4: Ends = { peer: 1, source: ['10.0.0.1', 5353], destination: ['192.0.2.53', 53] }
const v6: Ends = {
  peer: 1,
  source: ['fd6d6964776972650000000000000001', 1],
  destination: ['20010db8000000000000000000000053', 65_535],
}

async function received(ends: Ends, data: Buffer) {
  const datagrams: Datagram[] = []
  const faked = await startFake({ onDatagram: (datagram) => datagrams.push(datagram) })
  faked.native.raise('datagram', 77, Buffer.concat([addressHeader(ends), data]))
  await settle()
  const [datagram] = datagrams
  if (!datagram) throw new Error('no datagram')
  return { ...faked, datagram }
}

test('a datagram has its ends, its bytes and its flow', async (t) => {
  const { native, server, datagram } = await received(v4, Buffer.from('question'))
  native.raise('datagram', 78, Buffer.concat([addressHeader(v6), Buffer.alloc(64, 'z')]))
  await settle()
  t.is(datagram.data.toString(), 'question', 'it is the program’s to keep')
  t.is(datagram.flow, 77)
  t.deepEqual(datagram.source, { address: '10.0.0.1', port: 5353, family: 4 })
  t.deepEqual(datagram.destination, { address: '192.0.2.53', port: 53, family: 4 })
  t.is(datagram.peer.publicKey, server.peers()[0]?.publicKey ?? '')
})

test('a reply goes back the way the datagram came', async (t) => {
  for (const ends of [v4, v6]) {
    const { native, datagram } = await received(ends, Buffer.alloc(0))
    t.is(datagram.data.length, 0, 'a datagram may be empty')
    datagram.reply(Buffer.from('answer'))
    datagram.reply(Buffer.alloc(0))
    await settle()
    const [answer, empty] = native.commands('sendDatagram')
    const turned = addressHeader({ source: ends.destination, destination: ends.source })
    // The peer's number means nothing on the way down.
    t.deepEqual(answer?.payload.subarray(4, 44), turned.subarray(4))
    t.is(answer?.payload.subarray(44).toString(), 'answer')
    t.is(empty?.payload.length, 44)
  }
})

test('refuse() is port unreachable for the flow, and the default', async (t) => {
  const { native, datagram } = await received(v4, Buffer.from('x'))
  datagram.refuse()
  const deaf = await startFake()
  deaf.native.raise('datagram', 5, Buffer.concat([addressHeader(v4), Buffer.from('x')]))
  await settle()
  t.is(native.commands('refuseDatagram')[0]?.id, 77)
  t.is(deaf.native.commands('refuseDatagram')[0]?.id, 5)
})

test('a datagram of ours comes from any address', async (t) => {
  const { server, native } = await startFake()
  const to = { address: '10.0.0.1', port: 9 }
  server.sendDatagram(Buffer.from('hello'), { address: '198.51.100.1', port: 7 }, to)
  server.sendDatagram(
    Buffer.from('six'),
    { address: '2001:db8::53', port: 65_535 },
    { address: 'fd6d:6964:7769:7265::1', port: 1 },
  )
  await settle()
  const [four, six] = native.commands('sendDatagram')
  t.deepEqual(
    four?.payload,
    Buffer.concat([addressHeader({ source: ['198.51.100.1', 7], destination: ['10.0.0.1', 9] }), Buffer.from('hello')]),
  )
  t.deepEqual(
    six?.payload,
    Buffer.concat([addressHeader({ source: v6.destination, destination: v6.source }), Buffer.from('six')]),
  )
})

test('what cannot be sent is said to the caller, and the server goes on', async (t) => {
  const { server, native, datagram } = await received(v4, Buffer.from('x'))
  const [from, to] = [
    { address: '198.51.100.1', port: 7 },
    { address: '10.0.0.1', port: 9 },
  ]
  const wrong = { name: 'MidwireError' }
  for (const size of [65_508, 70_000, 600_000]) {
    t.throws(() => datagram.reply(Buffer.alloc(size)), wrong)
    t.throws(() => server.sendDatagram(Buffer.alloc(size), from, to), wrong)
    t.throws(() => server.sendIcmp(Buffer.alloc(size), from.address, to.address), wrong)
  }
  t.throws(() => server.sendDatagram('text' as unknown as Buffer, from, to), wrong)
  t.throws(() => datagram.reply(undefined as unknown as Buffer), wrong)
  t.throws(() => server.sendDatagram(Buffer.alloc(1), { address: 'localhost', port: 7 }, to), wrong)
  t.throws(() => server.sendDatagram(Buffer.alloc(1), { address: '::1', port: 7 }, to), wrong)
  t.throws(() => server.sendDatagram(Buffer.alloc(1), { ...from, port: 65_536 }, to), wrong)
  t.throws(() => server.sendDatagram(Buffer.alloc(1), from, { ...to, port: -1 }), wrong)
  await settle()
  t.deepEqual(native.fallen, [])
  datagram.reply(Buffer.alloc(65_507, 'm'))
  await settle()
  t.is(native.commands('sendDatagram')[0]?.payload.length, 44 + 65_507)
})

test('the end of a flow is told', async (t) => {
  const ended: number[] = []
  const { native } = await startFake({ onDatagramFlowEnd: (flow) => ended.push(flow) })
  native.raise('datagramExpired', 4_000_000_000)
  await settle()
  t.deepEqual(ended, [4_000_000_000])
})

test('ICMP rises only to a program that wants it', async (t) => {
  const messages: IcmpMessage[] = []
  const { server, native } = await startFake({ onIcmp: (message) => messages.push(message) })
  t.true(native.options.raiseIcmp)
  t.false((await startFake()).native.options.raiseIcmp)
  const ends: Ends = { peer: 1, source: ['10.0.0.1', 0], destination: ['192.0.2.1', 0] }
  native.raise('icmp', 0, Buffer.concat([addressHeader(ends), Buffer.from([8, 0, 0, 0, 1, 2, 3, 4])]))
  await settle()
  const [message] = messages
  t.is(message?.type, 8)
  t.is(message?.code, 0)
  t.is(message?.source.address, '10.0.0.1')
  t.is(message?.destination.address, '192.0.2.1')
  t.deepEqual(message?.data, Buffer.from([8, 0, 0, 0, 1, 2, 3, 4]))
  server.sendIcmp(Buffer.from([0, 0, 0, 0, 1, 2, 3, 4]), '192.0.2.1', '10.0.0.1')
  await settle()
  const turned = addressHeader({ source: ends.destination, destination: ends.source })
  t.deepEqual(native.commands('sendIcmp')[0]?.payload, Buffer.concat([turned, Buffer.from([0, 0, 0, 0, 1, 2, 3, 4])]))
})
