// What outputs say of flows that run: once of one that takes long, each message as it comes, and JSON lines of what happens.
import test from 'ava'
import type { HttpFlow } from '../../src/flow/http.js'
import { type MessageView, StreamMessage } from '../../src/flow/stream-message.js'
import { StreamMessages } from '../../src/flow/stream-messages.js'
import { WebSocketData, WebSocketMessage } from '../../src/flow/websocket.js'
import { jsonSink } from '../../src/sinks/json.js'
import { type TerminalOptions, terminalSink } from '../../src/sinks/terminal.js'
import { Clock } from '../support/clock.js'
import { dnsFlow, httpFlow, tcpFlow, webSocketFlow } from '../support/flows.js'

function terminal(options: TerminalOptions = {}) {
  const lines: string[] = []
  const sink = terminalSink({ write: (text) => lines.push(...text.split('\n').slice(0, -1)) }, options)
  /** What was written; the sink writes at the end of a turn, and in `close`. */
  const written = () => {
    void sink.close?.()
    return lines.splice(0)
  }
  return { sink, written }
}

function running(clock: Clock): HttpFlow {
  const flow = httpFlow()
  Object.assign(flow, { endedAt: undefined, createdAt: clock.now })
  return flow
}

test('a flow that runs for more than 5 s is shown once, and the timer is there only while one waits', (t) => {
  const clock = new Clock()
  clock.with(() => {
    const { sink, written } = terminal()
    const [quick, long, answered] = [running(clock), running(clock), running(clock)]
    long.response = undefined
    for (const flow of [quick, long]) sink.begun?.(flow)
    t.is(clock.timers, 1)
    clock.after(2_000)
    Object.assign(answered, { createdAt: clock.now })
    sink.begun?.(answered)
    t.is(clock.timers, 1)
    sink.flow?.(quick)
    clock.after(3_000)
    t.is(clock.timers, 1)
    clock.after(2_000)
    t.is(clock.timers, 0)
    clock.after(60_000)
    const said = written()
    t.deepEqual(said.slice(1), [
      '10.0.0.1:51234: GET https://example.com/ (running, no response yet)',
      '10.0.0.1:51234: GET https://example.com/ << 200 (running, 6b so far)',
    ])
  })
})

test('without a flow there is no timer; with the end of the output neither', (t) => {
  const clock = new Clock()
  clock.with(() => {
    const { sink } = terminal()
    const flow = running(clock)
    sink.begun?.(flow)
    sink.flow?.(flow)
    t.is(clock.timers, 0)
    sink.begun?.(running(clock))
    void sink.close?.()
    t.is(clock.timers, 0)
  })
})

test('what the filter leaves out, and flow_detail 0, is not shown while it runs either', (t) => {
  for (const options of [{ dumper_filter: '~d other' }, { flow_detail: 0 }]) {
    const clock = new Clock()
    clock.with(() => {
      const { sink, written } = terminal({ flow_detail: 2, ...options })
      const flow = running(clock)
      sink.begun?.(flow)
      event(flow, 'a')
      sink.changed?.(flow)
      clock.after(6_000)
      t.deepEqual(written(), [])
    })
  }
})

function event(flow: HttpFlow, text: string, { fromClient = false, drop = false } = {}): void {
  const view: MessageView = {
    kind: 'sse',
    read: () => ({ content: Buffer.from(text), error: undefined }) as never,
    refuse: () => undefined,
    write: () => Buffer.alloc(0),
  }
  const message = new StreamMessage(view, fromClient, 1_000)
  if (drop) message.drop()
  flow.messages ??= new StreamMessages(1024)
  flow.messages.record(message, text.length)
}

test('from flow_detail 2 on each message is a line, once, and nothing in it controls the terminal', (t) => {
  const { sink, written } = terminal({ flow_detail: 2 })
  const flow = httpFlow()
  sink.changed?.(flow)
  event(flow, 'one\x1b[2J')
  sink.changed?.(flow)
  sink.changed?.(flow)
  event(flow, 'two', { fromClient: true, drop: true })
  sink.changed?.(flow)
  event(flow, 'x'.repeat(100))
  sink.changed?.(flow)
  event(flow, '')
  sink.changed?.(flow)
  const place = '10.0.0.1:51234: https://example.com/'
  t.deepEqual(written(), [
    `${place} <- sse 7b one\\x1b[2J`,
    `${place} -> sse 3b dropped two`,
    `${place} <- sse 100b ${'x'.repeat(79)}\u2026`,
    `${place} <- sse 0b`,
  ])
  const one = terminal({ flow_detail: 1 })
  event(flow, 'more')
  one.sink.changed?.(flow)
  t.deepEqual(one.written(), [])
})

test('messages of a WebSocket, too; bytes are shown as hex', (t) => {
  const { sink, written } = terminal({ flow_detail: 2 })
  const flow = webSocketFlow()
  flow.websocket = new WebSocketData(1024, 0)
  for (const content of [Buffer.from('h\u00e9'), Buffer.from([255, 1])]) {
    const kind = content[0] === 255 ? 'binary' : 'text'
    const message = new WebSocketMessage({ fromClient: true, kind, content, timestamp: 1, injected: kind === 'binary' })
    flow.websocket.begin(message)
    flow.websocket.record(message)
    sink.changed?.(flow)
  }
  t.deepEqual(written(), [
    '10.0.0.1:51234: https://example.com/ -> text 3b h\u00e9',
    '10.0.0.1:51234: https://example.com/ -> binary 2b injected ff01',
  ])
})

test('json_progress: lines for what begins and changes, with the last message; without the option none', (t) => {
  for (const json_progress of [true, false]) {
    let text = ''
    const sink = jsonSink({ write: (more) => (text += more) }, { json_progress })
    sink.ready({ listeners: [], peers: [] })
    const flow = httpFlow()
    flow.endedAt = undefined
    sink.begun?.(flow)
    event(flow, 'abc', { drop: true })
    sink.changed?.(flow)
    flow.endedAt = 2_000
    sink.flow?.(flow)
    void sink.close?.()
    const [, ...rest] = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    t.deepEqual(
      rest.map((one) => [one.event, one.endedAt, one.messages, one.message]),
      [
        ['begun', null, undefined, undefined],
        [
          ...['changed', null, { fromClient: 0, fromServer: 1 }],
          { fromClient: false, kind: 'sse', length: 3, timestamp: 1_000, dropped: true },
        ],
        ['flow', 2_000, { fromClient: 0, fromServer: 1 }, undefined],
      ].filter(([name]) => json_progress || name === 'flow'),
    )
  }
})

test('a raw flow that runs for long is shown with what has passed so far, and a query never is', (t) => {
  const clock = new Clock()
  clock.with(() => {
    const { sink, written } = terminal()
    const flow = tcpFlow()
    Object.assign(flow, { endedAt: undefined, createdAt: clock.now })
    sink.begun?.(dnsFlow())
    t.is(clock.timers, 0)
    sink.begun?.(flow)
    clock.after(5_000)
    const lines = written()
    t.is(lines.length, 1)
    t.regex(lines[0] ?? '', /<-> \S+ tcp \(running, \S+ so far\)$/)
  })
})
