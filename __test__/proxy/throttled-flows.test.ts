// Which flow says how fast a connection is, and who shares a rate.
import test from 'ava'
import type { ClientConnection } from '../../src/connection.js'
import type { Flow } from '../../src/flow/flow.js'
import { ThrottledFlows } from '../../src/proxy/throttled-flows.js'
import type { Link } from '../../src/transports/throttled.js'

const client = (address: string) => ({ remote: { address, port: 1, family: 4 } }) as unknown as ClientConnection
const flow = () => ({}) as Flow

function setUp(address = '192.0.2.1') {
  const links: (Link | undefined)[] = []
  const flows = new ThrottledFlows(client(address), (link) => links.push(link))
  return { flows, links }
}

test('the last flow counts, and when it is over the one before', (t) => {
  const { flows, links } = setUp()
  const [one, other] = [flow(), flow()]
  flows.add(one, { latency: 1 })
  flows.add(other, { latency: 2, loss: 0.5 })
  flows.delete(flow())
  flows.delete(other)
  flows.delete(one)
  t.deepEqual(
    links.map((link) => link?.latency),
    [1, 2, 1, undefined],
  )
  t.is(links[1]?.loss, 0.5)
})

test('connections of one client share the rates of one object, and no others do', (t) => {
  const limits = { down: 1_000, up: 0 }
  const [one, same, other] = [setUp(), setUp(), setUp('192.0.2.2')]
  for (const { flows } of [one, same, other]) flows.add(flow(), limits)
  same.flows.add(flow(), { down: 1_000 })
  t.is(one.links[0]?.down, same.links[0]?.down)
  t.not(one.links[0]?.down, other.links[0]?.down)
  t.not(one.links[0]?.down, same.links[1]?.down)
  t.is(one.links[0]?.up?.bytesPerSecond, 1)
})
