// A body on its way through its messages' hook: unchanged bytes, changes, drops, waiting, and a flow that ends meanwhile.
import test from 'ava'
import { HttpHeaders } from '../../../../src/flow/headers.js'
import { HttpFlow, HttpRequest } from '../../../../src/flow/http.js'
import type { HttpMessageHook } from '../../../../src/hooks.js'
import { messagePass } from '../../../../src/layers/http/messages/pass.js'
import { splitterOf } from '../../../../src/layers/http/messages/splitter.js'
import { origin } from '../../../../src/layers/layer.js'
import { Playbook, type PlaybookOptions } from '../../../support/playbook.js'

/** A layer that passes pieces of a request's body, and notes what it would send. */
function play(pieces: string[], hooks: PlaybookOptions['hooks'], type = 'text/event-stream') {
  const sent: (string | undefined)[] = []
  let flow: HttpFlow | undefined
  const book = new Playbook(
    function* (context) {
      const headers = new HttpHeaders(['Content-Type', type])
      const parts = { method: 'POST', path: '/', scheme: 'http', host: 'a', port: 80, version: '1.1', headers } as const
      flow = new HttpFlow(origin(context), new HttpRequest(parts, 0, 0))
      const pass = messagePass(context, flow, 'request')
      if (!pass) return undefined
      for (const piece of pieces) sent.push((yield* pass.push(Buffer.from(piece)))?.toString())
      sent.push((yield* pass.end())?.toString())
      return undefined
    },
    { hooks: hooks ?? {} },
  )
  return { book, sent, flow: flow as HttpFlow }
}

test('what no addon changes passes byte for byte, as soon as it is whole', (t) => {
  const seen: unknown[] = []
  const http_message = ({ flow, message }: HttpMessageHook) =>
    void seen.push([flow.request.method, message.kind, message.fromClient, message.text, message.timestamp])
  const { sent } = play([': x\n\ndata: a\n\nda', 'ta: b\n', '\n', 'data: c'], { http_message })
  t.deepEqual(sent, [': x\n\ndata: a\n\n', '', 'data: b\n\n', '', 'data: c'])
  t.deepEqual(seen, [
    ['POST', 'sse', true, 'a', 1_000],
    ['POST', 'sse', true, 'b', 1_000],
  ])
})

test('messages are changed and dropped in their places', (t) => {
  const http_message = ({ message }: HttpMessageHook) => {
    if (message.text === '1') message.text = '100'
    if (message.text === '2') message.drop()
  }
  const { sent } = play(['1\n2\n3\n'], { http_message }, 'application/jsonl')
  t.deepEqual(sent, ['100\n3\n', ''])
  t.deepEqual(play(['2\n'], { http_message }, 'application/jsonl').sent, ['', ''])
})

test('a hook that waits holds up what follows', (t) => {
  const { book, sent } = play(['data: a\n\ndata: b\n\n'], 'wait')
  t.deepEqual(sent, [])
  book.hooked('http_message', ({ message }) => message.drop())
  t.deepEqual(sent, [])
  book.hooked('http_message', () => {})
  t.deepEqual(sent, ['data: b\n\n', ''])
})

test('of a flow that an addon has killed nothing more is sent, and no further hook runs', (t) => {
  let runs = 0
  const http_message = ({ flow }: HttpMessageHook) => {
    runs += 1
    flow.kill()
  }
  t.deepEqual(play(['data: a\n\ndata: b\n\n'], { http_message }).sent, [undefined, ''])
  t.is(runs, 1)
})

test('where nobody has the hook the pieces pass as they come, and their messages are recorded and told of', (t) => {
  const { book, sent, flow } = play(['data: a\n\nda', 'ta: b\n\nx'], {})
  t.deepEqual(sent, ['data: a\n\nda', 'ta: b\n\nx', ''])
  t.deepEqual(
    flow.messages?.recorded.map(({ text }) => text),
    ['a', 'b'],
  )
  t.deepEqual([flow.messages?.fromClient, flow.messages?.fromServer, flow.messages?.last?.text], [2, 0, 'b'])
  t.deepEqual(book.news, ['changed http', 'changed http'])
})

test('messages are recorded as they went on, up to the limit in bytes', (t) => {
  const http_message = ({ message }: HttpMessageHook) => {
    if (message.text === '1') message.text = '100'
    if (message.text === '2') message.drop()
  }
  const long = `${'x'.repeat(600_000)}\n`
  const { flow } = play(['1\n2\n', '3\n', long, long, '4\n'], { http_message }, 'application/jsonl')
  t.deepEqual(
    flow.messages?.recorded.map(({ text, dropped }) => [text.slice(0, 3), dropped]),
    [
      ['100', false],
      ['2', true],
      ['3', false],
      ['xxx', false],
    ],
  )
  t.true(flow.messages?.truncated)
  t.is(flow.messages?.last?.text, '4')
  t.true(flow.size > 1024 + 3 * 64)
})

test('a body without messages has no pass', (t) => {
  t.deepEqual(play(['x'], { http_message: () => {} }, 'text/plain').sent, [])
})

test('which bodies have messages, by Content-Type and Content-Encoding', (t) => {
  const kind = (...fields: string[]) => splitterOf(new HttpHeaders(fields))?.kind
  for (const type of ['text/event-stream', 'Text/Event-Stream; charset=utf-8']) t.is(kind('Content-Type', type), 'sse')
  for (const name of ['x-ndjson', 'ndjson', 'jsonl', 'x-jsonlines', 'stream+json', 'json-seq', 'geo+json-seq'])
    t.is(kind('Content-Type', `application/${name}`), 'ndjson', name)
  for (const name of ['grpc', 'grpc+proto', 'grpc-web', 'grpc-web+json'])
    t.is(kind('Content-Type', `application/${name}`), 'grpc', name)
  for (const type of ['text/plain', 'application/json', 'application/grpc-web-text', 'application/grpcx', ''])
    t.is(kind('Content-Type', type), undefined, type)
  t.is(kind(), undefined)
  t.is(kind('Content-Type', 'text/event-stream', 'Content-Encoding', 'identity'), 'sse')
  t.is(kind('Content-Type', 'text/event-stream', 'Content-Encoding', 'gzip'), undefined)
})
