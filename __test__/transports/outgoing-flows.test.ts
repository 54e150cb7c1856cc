// UDP through a tunnel whose client midwire is: ports, who may answer, refusals, and the end.
import test from 'ava'
import type { Address } from '../../src/index.js'
import { MAX_OUTGOING_FLOWS, OutgoingFlows } from '../../src/transports/outgoing-flows.js'
import { noReceiver } from '../../src/transports/transport.js'

const at = (address: string, port: number): Address => ({ address, port, family: address.includes(':') ? 6 : 4 })
const data = Buffer.from('data')

function table(draws: number[] = []) {
  const sent: [Address, Address][] = []
  const flows = new OutgoingFlows(
    {
      sendDatagram(bytes, source, destination) {
        if (bytes.length > 60_000) throw new Error('too long')
        sent.push([source, destination])
      },
    },
    () => draws.shift() ?? 0,
  )
  return { flows, sent }
}

/** Opens a flow, and notes what it says. */
function noted(flows: OutgoingFlows, from: string, address: string, port: number) {
  const flow = flows.open(from, address, port)
  const heard: string[] = []
  flow.receiver = {
    ...noReceiver,
    handleData: (bytes) => heard.push(`${bytes}`),
    handleDropped: (total) => heard.push(`dropped ${total}`),
    handleClose: (error) => heard.push(`closed ${error?.code}`),
  }
  return { flow, heard }
}

test('each flow has a port of its own, drawn by chance, and the first free one behind it', (t) => {
  const { flows, sent } = table([7, 7, 32_767, 32_767])
  const ports = [1, 2, 3, 4].map(() => flows.open('10.0.0.2', '10.7.0.1', 53).local.port)
  t.deepEqual(ports, [32_775, 32_776, 65_535, 32_768])
  flows.open('fd00::2', 'FD00:0::1', 53).write(data)
  t.deepEqual(sent, [[at('fd00::2', 32_769), at('fd00::1', 53)]])
})

test('only the server of a flow is heard', (t) => {
  const { flows } = table()
  const { flow, heard } = noted(flows, '10.0.0.2', '10.7.0.1', 53)
  const local = at('10.0.0.2', flow.local.port)
  t.true(flows.handleDatagram({ source: at('10.7.0.1', 53), destination: local, data }))
  for (const [source, destination] of [
    [at('10.7.0.2', 53), local],
    [at('10.7.0.1', 54), local],
    [at('10.7.0.1', 53), at('10.0.0.3', local.port)],
    [at('10.7.0.1', 53), at('10.0.0.2', local.port + 1)],
  ] as const) {
    t.false(flows.handleDatagram({ source, destination, data }))
  }
  flow.pause()
  t.true(flows.handleDatagram({ source: at('10.7.0.1', 53), destination: local, data }))
  flow.resume()
  flow.write(Buffer.alloc(65_000))
  t.deepEqual(heard, ['data', 'dropped 1', 'dropped 2'])
})

/** ICMP about a datagram of these ends, from the type byte on. */
function icmp(
  head: [number, number],
  source: Address,
  destination: Address,
  more: { fragment?: boolean } = {},
): Buffer {
  const ports = Buffer.alloc(8)
  ports.writeUInt16BE(source.port, 0)
  ports.writeUInt16BE(destination.port, 2)
  const four = ({ address }: Address) => Buffer.from(address.split('.').map(Number))
  const six = ({ address }: Address) => {
    const [front = '', back = ''] = address.split('::')
    return Buffer.from(front.padEnd(28, '0') + back.padStart(4, '0'), 'hex')
  }
  const message = Buffer.from([...head, 0, 0, 0, 0, 0, 0])
  if (source.family === 4) {
    const header = Buffer.from([0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0])
    return Buffer.concat([message, header, four(source), four(destination), ports])
  }
  const header = Buffer.from([0x60, 0, 0, 0, 0, 8, more.fragment ? 44 : 17, 64])
  const fragment = more.fragment ? Buffer.from([17, 0, 0, 1, 0, 0, 0, 9]) : Buffer.alloc(0)
  return Buffer.concat([message, header, six(source), six(destination), fragment, ports])
}

test('a server that refuses ends the flow, and no other message does', async (t) => {
  const { flows } = table([0, 1, 2, 3])
  const all = [
    noted(flows, '10.0.0.2', '10.7.0.1', 9),
    noted(flows, 'fd00::2', 'fd00::9', 9),
    noted(flows, 'fd00::2', 'fd00::9', 9),
    noted(flows, '10.0.0.2', '10.7.0.1', 9),
  ]
  const [four, six, long, other] = all.map(({ flow }) => flow)
  if (!four || !six || !long || !other) throw new Error('there are four')
  const whole = icmp([3, 3], four.local, four.remote)
  for (const [message, family] of [
    [icmp([3, 1], other.local, other.remote), 4],
    [icmp([11, 0], other.local, other.remote), 4],
    [icmp([3, 3], other.local, at('10.7.0.2', 9)), 4],
    [icmp([1, 3], six.local, six.remote), 6],
    ...Array.from({ length: whole.length - 4 }, (_, length) => [whole.subarray(0, length), 4] as const),
    ...Array.from({ length: 52 }, (_, length) => [icmp([1, 4], six.local, six.remote).subarray(0, length), 6] as const),
  ] as const) {
    flows.handleIcmp(message, family as 4 | 6)
  }
  t.is(flows.size, 4)
  flows.handleIcmp(whole, 4)
  flows.handleIcmp(icmp([1, 4], six.local, six.remote), 6)
  flows.handleIcmp(icmp([1, 4], long.local, long.remote, { fragment: true }), 6)
  await null
  t.deepEqual(
    all.map(({ heard }) => heard),
    [['closed ECONNREFUSED'], ['closed ECONNREFUSED'], ['closed ECONNREFUSED'], []],
  )
  t.is(flows.size, 1)
})

test('a flow ends once; its port is free then; the end of the tunnel is that of its flows', async (t) => {
  const { flows, sent } = table()
  const one = noted(flows, '10.0.0.2', '10.7.0.1', 9)
  const other = noted(flows, '10.0.0.2', '10.7.0.1', 9)
  one.flow.close()
  one.flow.reset()
  one.flow.write(data)
  t.is(sent.length, 0)
  t.is(flows.open('10.0.0.2', '10.7.0.1', 9).local.port, one.flow.local.port)
  flows.handleGone(Object.assign(new Error(), { code: 'GONE' }))
  await null
  t.deepEqual([one.heard, other.heard], [['closed undefined'], ['closed GONE']])
  t.is(flows.size, 0)
})

test('there is a bound', (t) => {
  const { flows } = table()
  for (let count = 0; count < MAX_OUTGOING_FLOWS; count += 1) flows.open('10.0.0.2', '10.7.0.1', 9)
  t.throws(() => flows.open('10.0.0.2', '10.7.0.1', 9), { code: 'EMFILE' })
})
