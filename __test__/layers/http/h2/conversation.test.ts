// Two sessions talk with each other: heads, bodies, trailers, interim responses, windows, in whatever pieces the bytes come.
import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import type { Stream } from '../../../../src/layers/http/h2/stream.js'
import { exchange, Recorder } from './recorder.js'

const GET = [':method', 'GET', ':scheme', 'https', ':authority', 'a.test', ':path', '/', 'accept', '*/*']
const POST = [':method', 'POST', ':scheme', 'https', ':authority', 'a.test', ':path', '/p?q=1', 'x-one', 'two']

function pair() {
  const client = new Recorder('client')
  const server = new Recorder('server')
  exchange(client.session, server.session)
  return { client, server }
}

test('a request and its response', (t) => {
  const { client, server } = pair()
  server.onEnd = (stream) => {
    server.session.sendHead(stream, [':status', '200', 'content-length', '5'], false)
    server.session.sendData(stream, Buffer.from('hello'), true)
  }
  const stream = client.session.open(GET, true) as Stream
  t.is(client.session.openStreams, 1)
  exchange(client.session, server.session)
  t.deepEqual(server.events, [['head', 1, GET, true]])
  t.deepEqual(client.events, [
    ['head', 1, [':status', '200', 'content-length', '5'], false],
    ['data', 1, 'hello'],
    ['end', 1],
  ])
  t.false(stream.full)
  t.is(client.session.openStreams, 0)
  t.is(server.session.openStreams, 0)
})

test('bodies that are larger than all windows, both ways, with trailers', (t) => {
  const { client, server } = pair()
  const body = Buffer.alloc(3_000_000, 'x')
  server.onHead = (stream) => server.session.sendHead(stream, [':status', '200'], false)
  server.onData = (stream, data) => server.session.sendData(stream, data, false)
  server.onEnd = (stream) => server.session.sendTrailers(stream, ['x-sum', '1'])
  const stream = client.session.open(POST, false) as Stream
  client.session.sendData(stream, body, false)
  client.session.sendTrailers(stream, ['x-t', 'v'])
  t.true(stream.full)
  exchange(client.session, server.session)
  t.deepEqual(
    client.events.map(([what]) => what),
    ['head', 'data', 'trailers'],
  )
  t.true(client.events[1]?.[2] === body.toString('latin1'))
  t.deepEqual(server.events.at(-1), ['trailers', 1, ['x-t', 'v']])
  t.is(server.session.openStreams, 0)
})

test('an interim response, HEAD and 304 have no body, whatever content-length says', (t) => {
  const { client, server } = pair()
  server.onEnd = (stream) => {
    server.session.sendHead(stream, [':status', '103', 'link', '</a>'], false)
    server.session.sendHead(stream, [':status', stream.method === 'HEAD' ? '200' : '304', 'content-length', '9'], true)
  }
  client.session.open([':method', 'HEAD', ...GET.slice(2)], true)
  client.session.open(GET, true)
  exchange(client.session, server.session)
  t.deepEqual(
    client.events.map(([what, id, , end]) => [what, id, end]),
    [
      ['head', 1, false],
      ['head', 1, true],
      ['head', 3, false],
      ['head', 3, true],
    ],
  )
})

test('one byte at a time makes no difference', (t) => {
  const whole = pair()
  const bytes = pair()
  for (const { client, server } of [whole, bytes]) {
    server.onHead = (stream) => server.session.sendHead(stream, [':status', '200', 'x-long', 'y'.repeat(40_000)], false)
    server.onData = (stream, data) => server.session.sendData(stream, data, false)
    server.onEnd = (stream) => server.session.sendData(stream, Buffer.alloc(0), true)
    const stream = client.session.open(POST, false) as Stream
    client.session.sendData(stream, Buffer.alloc(40_000, 'abc'), true)
    exchange(client.session, server.session, (data) =>
      client === whole.client ? [data] : Array.from(data, (_, at) => data.subarray(at, at + 1)),
    )
  }
  t.true(isDeepStrictEqual(bytes.server.events, whole.server.events))
  t.true(isDeepStrictEqual(bytes.client.events, whole.client.events))
  t.is(whole.client.events.length, 3)
})
