// Flows as records, and back: nothing of a flow is lost on the way, and a record does not change with its flow.
import test from 'ava'
import { parseFilter } from '../../src/flow/filter.js'
import type { HttpFlow } from '../../src/flow/http.js'
import type { AnyFlow } from '../../src/flow/index.js'
import { TcpFlow } from '../../src/flow/messages.js'
import { revive } from '../../src/flow/revive.js'
import { snapshot } from '../../src/flow/snapshot.js'
import { client, dnsFlow, eventMessages, httpFlow, server, webSocketFlow } from '../support/flows.js'

const world = { newId: () => 'flow', now: () => 1000, act() {} }

function tcpFlow(): TcpFlow {
  const flow = new TcpFlow({ world, client, server, now: 1000 }, 8)
  flow.record(true, Buffer.from('hello'), 1001)
  flow.record(false, Buffer.from('a long answer'), 1002)
  flow.record(true, Buffer.from('not kept'), 1003)
  flow.error = { message: 'lost', timestamp: 1004 }
  flow.endedAt = 1005
  return flow
}

function eventFlow(): HttpFlow {
  const flow = httpFlow({ responseBody: '' })
  flow.messages = eventMessages()
  return flow
}

const flows: Record<string, () => AnyFlow> = { http: httpFlow, websocket: webSocketFlow, tcp: tcpFlow, dns: dnsFlow }

for (const [name, make] of Object.entries({ ...flows, events: eventFlow })) {
  test(`${name}: the record of a revived flow is that of the first`, (t) => {
    const flow = make()
    flow.marked = ':star:'
    flow.comment = 'odd'
    flow.metadata.seen = { times: 2 }
    flow.replayed = 'response'
    const record = snapshot(flow)
    const again = snapshot(revive(record))
    t.deepEqual(JSON.parse(JSON.stringify(again)), JSON.parse(JSON.stringify(record)))
  })
}

test('bodies and messages are byte for byte the same', (t) => {
  const body = Buffer.from([0, 255, 13, 10])
  const http = revive(snapshot(httpFlow({ requestBody: 'asked', responseBody: body }))) as HttpFlow
  t.is(http.request.content.toString(), 'asked')
  t.deepEqual(http.response?.content, body)
  const events = revive(snapshot(eventFlow())) as HttpFlow
  t.deepEqual(
    events.messages?.recorded.map(({ text, event, id, retry }) => [text, event, id, retry]),
    [['tick', 'clock', '7', 50]],
  )
  const sockets = revive(snapshot(webSocketFlow())) as HttpFlow
  const shown = (flow: HttpFlow) => flow.websocket?.messages.map((one) => [one.text, one.dropped, one.injected])
  t.deepEqual(shown(sockets), shown(webSocketFlow()))
})

test('a body that was cut keeps its whole length, and its bytes are read only when they are asked for', (t) => {
  const record = snapshot(httpFlow({ responseBody: 'a body of some length', limit: 6 }))
  let reads = 0
  const lazy = {
    size: 6,
    bytes: () => {
      reads += 1
      return Buffer.from('a body')
    },
  }
  const response = record.type === 'http' ? record.response : undefined
  if (!response || record.type !== 'http') throw new Error('no response')
  const flow = revive({ ...record, response: { ...response, body: { length: 21, stored: lazy } } }) as HttpFlow
  t.is(flow.response?.body.length, 21)
  t.true(flow.response?.body.truncated)
  t.true(parseFilter('~c 200')(flow))
  t.is(reads, 0)
  t.is(flow.response?.text, 'a body')
  t.true(reads > 0)
})

test('what an addon does to a flow later does not change its record, and a changed copy leaves the first alone', (t) => {
  const flow = httpFlow({ responseBody: 'before' })
  const record = snapshot(flow)
  flow.request.headers.set('X-Late', 'yes')
  const copy = revive(record) as HttpFlow
  copy.request.method = 'POST'
  if (copy.response) copy.response.text = 'after'
  const first = revive(record) as HttpFlow
  t.false(first.request.headers.has('x-late'))
  t.is(first.request.method, 'GET')
  t.is(first.response?.text, 'before')
  t.is(copy.response?.text, 'after')
})

test('a flow that was killed says so; one that was revived does not run', (t) => {
  const flow = httpFlow()
  flow.endedAt = undefined
  flow.kill()
  flow.error = { message: 'an addon did not like it', timestamp: 1001 }
  flow.endedAt = 1002
  const again = revive(snapshot(flow))
  t.true(again.killed)
  t.is(again.error?.message, 'an addon did not like it')
  t.false(again.live)
})

test('notes that are no plain data stay with their flow', (t) => {
  const flow = httpFlow()
  const round: Record<string, unknown> = {}
  round.self = round
  Object.assign(flow.metadata, { round, call: () => 1, list: [1, 2] })
  t.deepEqual(snapshot(flow).metadata, { list: [1, 2] })
})

test('the filter knows flows that were replayed', (t) => {
  const flow = httpFlow()
  t.false(parseFilter('~replay')(flow))
  flow.replayed = 'request'
  t.true(parseFilter('~replay & ~replayq & !~replays')(flow))
  flow.replayed = 'response'
  t.true(parseFilter('~replay & !~replayq & ~replays')(flow))
})
