// Datagrams of one flow as a transport: in order, bounded, each for itself.
import test from 'ava'
import type { Datagram } from '../../src/transports/datagram.js'
import { type DatagramFlow, DatagramFlows, type FlowDatagram } from '../../src/transports/datagram-flow.js'
import type { Receiver } from '../../src/transports/transport.js'

interface Sent {
  replies: string[]
  refused: number
}

function datagram(flow: number, data: string | Buffer, sent: Sent = { replies: [], refused: 0 }): Datagram {
  return {
    flow,
    data: Buffer.from(data),
    source: { address: '10.0.0.1', port: 5000, family: 4 },
    destination: { address: '192.0.2.1', port: 53, family: 4 },
    peer: { publicKey: 'key' },
    bare: () => datagram(flow, '', sent),
    reply(bytes: Uint8Array) {
      if (bytes.length > 65_507) throw new RangeError('too long')
      sent.replies.push(`${Buffer.from(bytes)}`)
    },
    refuse() {
      sent.refused += 1
    },
  } as unknown as Datagram
}

function table() {
  const opened: DatagramFlow[] = []
  const flows = new DatagramFlows((flow) => opened.push(flow))
  return { flows, opened, first: () => opened[0] as DatagramFlow }
}

function hearing(heard: string[], each?: (text: string) => void): Receiver {
  return {
    handleData(data) {
      heard.push(`${data}`)
      each?.(`${data}`)
    },
    handleEnd: () => heard.push('end'),
    handleDrain: () => heard.push('drain'),
    handleClose: (error) => heard.push(error ? `close ${error.message}` : 'close'),
  }
}

const tick = () => new Promise<void>((later) => setImmediate(later))

test('what comes before there is a receiver is heard after it, in order', async (t) => {
  const { flows, opened, first } = table()
  for (const text of ['a', '', 'c']) flows.handleDatagram(datagram(1, text))
  t.is(opened.length, 1)
  t.deepEqual(first().local, { address: '192.0.2.1', port: 53, family: 4 })
  t.deepEqual(first().remote, { address: '10.0.0.1', port: 5000, family: 4 })
  const heard: string[] = []
  // What comes while one is heard is behind those that wait.
  first().receiver = hearing(heard, (text) => text === 'a' && flows.handleDatagram(datagram(1, 'd')))
  t.deepEqual(heard, [], 'not within the assignment')
  await tick()
  t.deepEqual(heard, ['a', '', 'c', 'd'])
  flows.handleDatagram(datagram(1, 'e'))
  t.deepEqual(heard.slice(4), ['e'], 'and then at once')
})

test('paused, a bounded number waits, and the newest are lost', async (t) => {
  const { flows, first } = table()
  flows.handleDatagram(datagram(1, 'first'))
  const heard: string[] = []
  first().receiver = hearing(heard, (text) => text === '10' && first().pause())
  await tick()
  first().pause()
  for (let n = 0; n < 100; n++) flows.handleDatagram(datagram(1, `${n}`))
  await tick()
  t.deepEqual(heard, ['first'])
  t.is(first().dropped, 36)
  first().resume()
  await tick()
  t.deepEqual(
    heard.slice(1),
    Array.from({ length: 11 }, (_, n) => `${n}`),
    'paused again in the middle',
  )
  first().resume()
  await tick()
  t.is(heard.length, 1 + 64)
  const big = table()
  for (let n = 0; n < 10; n++) big.flows.handleDatagram(datagram(1, Buffer.alloc(60_000)))
  t.is(big.first().dropped, 8, 'bytes are bounded, too')
  const told: number[] = []
  big.first().receiver = { ...hearing([]), handleDropped: (total) => told.push(total) }
  big.first().pause()
  big.flows.handleDatagram(datagram(1, Buffer.alloc(60_000)))
  t.deepEqual(told, [8, 9], 'a receiver is told what was dropped before it, and each drop after that')
})

test('what was delivered waits no longer: the bound counts what waits now', async (t) => {
  const { flows, first } = table()
  flows.handleDatagram(datagram(1, 'first'))
  const heard: string[] = []
  first().receiver = hearing(heard)
  for (let round = 0; round < 5; round += 1) {
    await tick()
    first().pause()
    flows.handleDatagram(datagram(1, Buffer.alloc(60_000)))
    first().resume()
  }
  await tick()
  t.is(first().dropped, 0)
  t.is(heard.length, 6)
})

test('answers go back by the flow; what is no datagram is lost, not thrown', (t) => {
  const { flows, first } = table()
  const sent = { replies: [], refused: 0 }
  flows.handleDatagram(datagram(1, 'x', sent))
  t.true(first().write(Buffer.from('answer')))
  t.true(first().write(Buffer.alloc(70_000)))
  first().end()
  t.true(first().write(Buffer.from('more')))
  t.deepEqual(sent, { replies: ['answer', 'more'], refused: 0 })
  t.is(first().dropped, 1)
})

test('the end is heard once, whoever makes it, and afterwards nothing', async (t) => {
  const endings: [(flows: DatagramFlows, flow: DatagramFlow) => void, string][] = [
    [(_, flow) => flow.close(), 'close'],
    [(_, flow) => flow.reset(), 'close'],
    [(flows) => flows.handleFlowEnd(1), 'close'],
    [(flows) => flows.handleGone(new Error('panic')), 'close panic'],
  ]
  for (const [ending, said] of endings) {
    const { flows, opened, first } = table()
    const sent = { replies: [], refused: 0 }
    flows.handleDatagram(datagram(1, 'x', sent))
    const heard: string[] = []
    first().receiver = hearing(heard)
    await tick()
    ending(flows, first())
    first().close()
    // Its number may be another flow's by now.
    first().reset()
    first().resume()
    first().write(Buffer.from('late'))
    first().handleDatagram(Buffer.from('late'))
    await tick()
    first().resume()
    await tick()
    t.deepEqual(heard, ['x', said])
    t.deepEqual(sent.replies, [])
    t.is(sent.refused, ending === endings[1]?.[0] ? 1 : 0)
    t.is(flows.size, 0)
    // The client may go on: that is a new flow.
    flows.handleDatagram(datagram(1, 'y'))
    t.is(opened.length, 2)
  }
})

test('an end before there is a receiver is heard by it', async (t) => {
  const { flows, first } = table()
  flows.handleDatagram(datagram(1, 'x'))
  flows.handleFlowEnd(1)
  await tick()
  const heard: string[] = []
  first().receiver = hearing(heard)
  await tick()
  t.deepEqual(heard, ['close'])
})

const end = { address: '192.0.2.1', port: 1, family: 4 } as const
const ofFlow = (flow: string): FlowDatagram => ({
  ...{ flow, source: end, destination: end, peer: undefined, data: Buffer.from(flow) },
  ...{ reply() {}, refuse() {}, bare: () => ofFlow(flow) },
})

test('beyond the bound the flow leaves that has got nothing for longest, where that is wanted', (t) => {
  const opened: string[] = []
  const flows = new DatagramFlows((_, { flow }) => opened.push(`${flow}`), 2, { oldestLeaves: true })
  for (const flow of ['a', 'b', 'a', 'c', 'a', 'b']) flows.handleDatagram(ofFlow(flow))
  t.deepEqual(opened, ['a', 'b', 'c', 'b'])
  t.is(flows.size, 2)
})

test('beyond the bound no flow begins, and those that are there go on', (t) => {
  const opened: DatagramFlow[] = []
  const flows = new DatagramFlows((flow) => opened.push(flow), 1)
  for (const flow of ['a', 'b', 'a']) flows.handleDatagram(ofFlow(flow))
  t.is(opened.length, 1)
  t.is(flows.size, 1)
  t.is(flows.dropped, 1)
  opened[0]?.close()
  flows.handleDatagram(ofFlow('b'))
  t.is(opened.length, 2, 'a flow that has ended makes room')
})
