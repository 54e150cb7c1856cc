// Readers of flows: what waits for a slow one is bounded in number and in bytes, and what is dropped is counted.
import test from 'ava'
import type { AnyFlow } from '../../src/flow/index.js'
import { FlowReader } from '../../src/proxy/flows.js'
import { dnsFlow, httpFlow, tcpFlow } from '../support/flows.js'

const MiB = 1024 * 1024

function reader(): FlowReader {
  return new FlowReader(
    () => true,
    () => undefined,
    (error) => {
      throw error
    },
  )
}

/** What waits, by a look at one after the other. */
async function waiting(flows: FlowReader): Promise<AnyFlow[]> {
  flows.end()
  const all: AnyFlow[] = []
  for await (const flow of flows) all.push(flow)
  return all
}

const body = (bytes: number) => httpFlow({ responseBody: Buffer.alloc(bytes), limit: bytes })

test('a flow tells its size: what is recorded, its fields, and a little', (t) => {
  const empty = httpFlow({ responseBody: '' }).size
  t.true(empty > 500 && empty < 2000)
  t.is(body(5000).size, empty + 5000)
  t.is(httpFlow({ responseBody: 'b'.repeat(5000), limit: 100 }).size, empty + 100, 'what passed and was not kept')
  const headers = httpFlow({ responseBody: '', requestHeaders: ['Host', 'example.com', 'X', 'y'.repeat(3000)] })
  t.true(headers.size > empty + 3000 && headers.size < empty + 3100)
  const tcp = tcpFlow()
  const { size } = tcp
  tcp.record(true, Buffer.alloc(700), 1)
  t.true(tcp.size >= size + 700 && tcp.size < size + 800)
  const dns = dnsFlow('192.0.2.1')
  t.true(dns.size > 1024 && dns.size < 2000)
  t.true(dnsFlow('192.0.2.1', '192.0.2.2').size > dns.size)
})

test('at most 10,000 small flows wait: the oldest are dropped, and counted', async (t) => {
  const flows = reader()
  for (let at = 0; at < 10_003; at++) {
    const flow = tcpFlow()
    flow.metadata.at = at
    flows.offer(flow)
  }
  t.is(flows.dropped, 3)
  const all = await waiting(flows)
  t.is(all.length, 10_000)
  t.is(all[0]?.metadata.at, 3)
})

test('at most 64 MiB of large flows wait', async (t) => {
  const flows = reader()
  const content = body(2 * MiB)
  for (let at = 0; at < 100; at++) flows.offer(content)
  const { dropped } = flows
  const all = await waiting(flows)
  t.is(all.length, 31, 'with their fields, thirty-two are a little more')
  t.is(dropped, 69)
})

test('what was read makes room', async (t) => {
  const flows = reader()
  const content = body(20 * MiB)
  for (let at = 0; at < 30; at++) {
    flows.offer(content)
    if (at >= 2) t.is((await flows.next()).value, content)
  }
  t.is(flows.dropped, 0)
  await flows.return()
  t.deepEqual(await flows.next(), { done: true, value: undefined })
})

test('one flow that is larger than the bound waits alone', async (t) => {
  const flows = reader()
  const large = body(65 * MiB)
  flows.offer(body(10))
  flows.offer(large)
  t.is(flows.dropped, 1)
  flows.offer(body(10))
  t.is(flows.dropped, 2)
  t.is((await waiting(flows)).length, 1)
})
