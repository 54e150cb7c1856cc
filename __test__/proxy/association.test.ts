// The relay of a SOCKS client by itself: the bound on its flows, answers that are too long, and addresses that it cannot have.
import test, { type ExecutionContext } from 'ava'
import type { ClientConnection } from '../../src/connection.js'
import type { Destination } from '../../src/layers/route.js'
import { socksHeader } from '../../src/layers/socks/datagram.js'
import { Association, MAX_FLOWS } from '../../src/proxy/association.js'
import type { DatagramFlow } from '../../src/transports/datagram-flow.js'
import { noReceiver } from '../../src/transports/transport.js'
import { Mailbox } from '../support/associate.js'
import { until } from '../support/mode-context.js'

const clientAt = (address: string) =>
  ({ local: { address, port: 1080, family: 4 }, remote: { address, port: 4000, family: 4 } }) as ClientConnection

async function open(t: ExecutionContext) {
  const flows: DatagramFlow[] = []
  const ended: Destination[] = []
  let passed = 0
  const association = await Association.open(clientAt('127.0.0.1'), 0, {
    handleFlow(flow, to) {
      flows.push(flow)
      flow.receiver = { ...noReceiver, handleClose: () => ended.push(to) }
    },
    handlePassed() {
      passed += 1
    },
    handleDropped() {},
  })
  t.teardown(() => association.close())
  const box = await Mailbox.open(t)
  const { address: host, port } = association.address
  const send = (to: number) => box.send(socksHeader({ host: '192.0.2.7', port: to }) ?? '', { host, port })
  return { association, flows, ended, box, send, passed: () => passed }
}

test('beyond its bound of flows the one leaves to which the client has sent nothing for longest', async (t) => {
  const { flows, ended, send, passed } = await open(t)
  for (let port = 1; port <= MAX_FLOWS; port += 1) {
    send(port)
    // The system's buffer holds a few hundred datagrams.
    if (port % 50 === 0) await until(() => flows.length === port)
  }
  t.deepEqual(ended, [])
  send(1)
  await until(() => passed() === MAX_FLOWS + 1)
  send(MAX_FLOWS + 1)
  await until(() => ended.length > 0)
  t.deepEqual(ended, [{ host: '192.0.2.7', port: 2, transport: 'udp' }])
  t.is(flows.length, MAX_FLOWS + 1)
})

test('an answer that is no datagram with its header is dropped and counted; both ways count as passing', async (t) => {
  const { flows, box, send, passed } = await open(t)
  send(7)
  await until(() => flows.length === 1)
  const [flow] = flows as [DatagramFlow]
  flow.write(Buffer.alloc(65_507 - 9))
  t.deepEqual([flow.dropped, passed()], [1, 1])
  flow.write(Buffer.alloc(65_507 - 10))
  t.is((await box.next()).length, 65_507)
  t.deepEqual([flow.dropped, passed()], [1, 2])
})

test('its end is that of its flows, and of the answers', async (t) => {
  const { association, flows, ended, send } = await open(t)
  send(7)
  await until(() => flows.length === 1)
  association.close()
  await until(() => ended.length === 1)
  t.notThrows(() => flows[0]?.write(Buffer.from('late')))
})

test('a client whose address is not known any more, or no address of this machine, has none', async (t) => {
  for (const [address, message] of [
    ['', /has closed the connection/],
    ['192.0.2.7', /./],
  ] as const) {
    const owner = { handleFlow() {}, handlePassed() {}, handleDropped() {} }
    await t.throwsAsync(Association.open(clientAt(address), 0, owner), { message })
  }
})
