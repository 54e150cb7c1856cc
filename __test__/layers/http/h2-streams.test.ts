// Streams of HTTP/2 through midwire: resets and their codes, requests that are sent again, limits of the server, back-pressure, tunnels.
import test from 'ava'
import { HttpResponse } from '../../../src/flow/http.js'
import { CANCEL, INTERNAL_ERROR, NO_ERROR, REFUSED_STREAM } from '../../../src/layers/http/h2/error.js'
import {
  ENABLE_CONNECT_PROTOCOL,
  INITIAL_WINDOW_SIZE,
  MAX_CONCURRENT_STREAMS,
} from '../../../src/layers/http/h2/settings.js'
import { Http2Play, type Peer, request } from '../../support/http2-play.js'

const OK = [':status', '200']
const EXTENDED = [
  ...[':method', 'CONNECT', ':protocol', 'websocket', ':scheme', 'https', ':path', '/chat', ':authority', 'a.test'],
  ...['sec-websocket-version', '13'],
]

test('a reset of the client reaches the server with its code, and is the error of the flow', (t) => {
  const play = new Http2Play({ hooks: { error() {} } })
  const server = play.asked(request())
  play.client.ask(request('POST'), false)
  play.pass()
  server.heard()
  play.client.reset(1, 0x2a).reset(3, INTERNAL_ERROR)
  play.pass()
  t.deepEqual(server.heard(), ['1 reset 0x2a', '3 reset INTERNAL_ERROR'])
  t.is(play.flow(0).error?.message, 'the client has reset the stream: 0x2a')
  t.is(play.flow(1).error?.message, 'the client has reset the stream: INTERNAL_ERROR')
  t.deepEqual(play.play.hooks, ['error', 'error'])
  t.deepEqual(play.done().slice(1), [])
})

test('a reset of the server reaches the client with its code, before the response and within it', (t) => {
  const play = new Http2Play()
  const server = play.asked(request())
  play.client.ask(request())
  play.pass()
  // The session was used before: that is no reason to send a request again which a server has reset.
  server.reset(1, INTERNAL_ERROR)
  server.session.sendHead(server.stream(3), OK, false)
  play.pass()
  server.reset(3, 0xd)
  play.pass()
  t.deepEqual(play.client.heard(), ['1 reset INTERNAL_ERROR', '3 head :status 200', '3 reset HTTP_1_1_REQUIRED'])
  play.client.ask(request())
  play.pass()
  server.reset(5, INTERNAL_ERROR)
  play.pass()
  t.deepEqual(play.client.heard(), ['5 reset INTERNAL_ERROR'])
  t.deepEqual(server.heard().length, 3)
  t.regex(play.flow(0).error?.message ?? '', /the server has reset the stream: INTERNAL_ERROR/)
})

test('a client of HTTP/1 gets an error page for it', (t) => {
  const play = new Http2Play({}, 'h1')
  play.play.data(play.play.client, 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  play.pass()
  play.opened().reset(1, INTERNAL_ERROR)
  t.regex(play.pass().text, /^HTTP\/1.1 502 /)
})

test('requests that a server has refused are sent again, three times in all', (t) => {
  const play = new Http2Play()
  const server = play.asked(request('POST'))
  for (const id of [1, 3, 5]) {
    server.reset(id, REFUSED_STREAM)
    play.pass()
  }
  t.is(server.heard().length, 3)
  t.deepEqual(play.client.heard(), ['1 reset REFUSED_STREAM'])
})

test('a GOAWAY moves requests that it does not count to a new connection', (t) => {
  const play = new Http2Play()
  const first = play.asked(request('POST', '/1'))
  first.session.goaway(NO_ERROR)
  play.client.ask(request('POST', '/3'))
  play.pass()
  const second = play.opened()
  t.deepEqual(second.heard(), ['1 head :method POST :scheme https :authority a.test :path /3 end'])
  first.answer(1, OK, 'one')
  second.answer(1, OK, 'two')
  play.pass()
  t.deepEqual(
    play.client.heard().filter((line) => line.includes('data')),
    ['1 data one', '3 data two'],
  )
})

test('a connection that is lost before the answer: what is idempotent is sent again', (t) => {
  const play = new Http2Play()
  const first = play.asked(request())
  first.answer(1, OK)
  play.client.ask(request('GET', '/again'))
  play.client.ask(request('POST', '/never'))
  play.pass()
  play.play.close(play.play.servers[0] as never, 'reset')
  play.pass()
  t.deepEqual(play.opened().heard(), ['1 head :method GET :scheme https :authority a.test :path /again end'])
  t.true(play.client.heard().some((line) => line.startsWith('5 head :status 502')))
})

test('requests share a connection, and wait where the server allows no more at once', (t) => {
  const play = new Http2Play({ server: { settings: [[MAX_CONCURRENT_STREAMS, 2]] } })
  for (let number = 0; number < 5; number++) play.client.ask(request('GET', `/${number}`))
  play.pass()
  t.is(play.done().length, 1)
  const server = play.opened()
  // They were sent before the server had said how many it takes, and were refused. The rest waits.
  for (let number = 0; number < 5; number++) {
    t.is(server.session.openStreams, Math.min(2, 5 - number))
    const [id = 0] = [...server.streams.values()].filter(({ sending }) => sending).map((stream) => stream.id)
    server.answer(id, OK, 'x')
    play.pass()
  }
  t.is(server.streams.size, 5)
  t.is(play.client.heard().filter((line) => line.endsWith('end')).length, 5)
  t.deepEqual(play.done(), [])
})

test('a server that cannot be reached is asked once for all requests that wait for it', (t) => {
  const play = new Http2Play()
  for (let number = 0; number < 3; number++) play.client.ask(request())
  play.pass()
  t.is(play.done().length, 1)
  play.play.openFailed('ECONNREFUSED', 'nobody is there')
  play.pass()
  t.deepEqual(play.done(), [])
  t.is(play.client.heard().filter((line) => line.includes('head :status 502')).length, 3)
  // And anew for the next one.
  play.client.ask(request())
  play.pass()
  t.is(play.done().length, 1)
})

test('a slow client stops the server stream that it reads, and no other', (t) => {
  const play = new Http2Play({ client: { settings: [[INITIAL_WINDOW_SIZE, 1000]] } })
  const server = play.asked(request())
  play.client.ask(request())
  play.pass()
  play.client.consumes = false
  server.session.sendHead(server.stream(1), OK, false)
  const sent = 4 * 1024 * 1024
  server.send(1, Buffer.alloc(sent), true)
  play.pass()
  // What is on the way is bounded by the windows.
  t.true(server.stream(1).queued > 3 * 1024 * 1024, String(server.stream(1).queued))
  play.client.consumes = true
  server.answer(3, OK, 'x'.repeat(500_000))
  play.pass()
  t.true(play.client.heard().includes('3 end'))
  play.client.session.consumed(play.client.stream(1), 1000)
  play.pass()
  const got = play.client.events.filter(([what, id]) => what === 'data' && id === 1)
  t.is(
    got.reduce((sum, [, , data]) => sum + (data as string).length, 0),
    sent,
  )
})

test('a slow server stops the upload, and other streams go on', (t) => {
  const play = new Http2Play({ server: { settings: [[INITIAL_WINDOW_SIZE, 1000]] } })
  const server = play.asked(request('POST'), false)
  server.consumes = false
  play.client.send(1, Buffer.alloc(4 * 1024 * 1024), true)
  play.pass()
  t.true(play.client.stream(1).queued > 3 * 1024 * 1024, String(play.client.stream(1).queued))
  play.client.ask(request('POST'), false)
  server.consumes = true
  play.client.send(3, 'x'.repeat(500_000), true)
  play.pass()
  t.true(server.heard().includes('3 end'))
  server.session.consumed(server.stream(1), 1000)
  play.pass()
  t.true(server.heard().includes('1 end'))
})

test('an upload that nobody reads takes nothing from the window of the others', (t) => {
  const play = new Http2Play({
    hooks: {
      requestheaders: (flow) => {
        if (flow.request.path === '/no') flow.response = new HttpResponse({ status: 404 })
      },
    },
  })
  for (let number = 0; number < 100; number++) {
    const { id } = play.client.ask(request('POST', '/no'), false)
    play.client.send(id, Buffer.alloc(60_000), true)
    play.pass()
  }
  play.client.ask(request('POST', '/yes'), false)
  play.client.send(201, Buffer.alloc(3_000_000), true)
  play.pass()
  const server = play.opened()
  t.true(server.heard().includes('1 end'))
})

test('an early response: the rest of the request is not wanted', (t) => {
  const play = new Http2Play()
  const server = play.asked(request('POST'), false)
  play.client.send(1, 'some')
  play.pass()
  server.answer(1, [':status', '413'], 'too much')
  play.pass()
  t.deepEqual(play.client.heard(), ['1 head :status 413', '1 data too much', '1 end', '1 reset NO_ERROR'])
  t.deepEqual(server.heard().slice(-2), ['1 data some', '1 reset CANCEL'])
  t.is(play.flow().error, undefined)
})

test('a server that answers, and resets the rest of the request, has answered', (t) => {
  const play = new Http2Play()
  const server = play.asked(request('POST'), false)
  play.client.send(1, 'some')
  play.pass()
  server.answer(1, [':status', '413'], 'too much').reset(1, NO_ERROR)
  play.pass()
  t.deepEqual(play.client.heard(), ['1 head :status 413', '1 data too much', '1 end', '1 reset NO_ERROR'])
})

test('a head that comes with interim ones before it is no end of the body', (t) => {
  const play = new Http2Play()
  const server = play.asked(request())
  server.session.sendHead(server.stream(1), [':status', '103'], false)
  server.session.sendHead(server.stream(1), [':status', '100'], false)
  server.session.sendHead(server.stream(1), OK, false)
  play.pass()
  server.send(1, 'hello', true)
  play.pass()
  t.deepEqual(play.client.heard(), [
    '1 head :status 103',
    '1 head :status 100',
    '1 head :status 200',
    '1 data hello',
    '1 end',
  ])
})

test('a server without TLS that does not know HTTP/2 gets the request by HTTP/1', (t) => {
  const play = new Http2Play({ cleartext: true })
  const fields = request().map((text) => (text === 'https' ? 'http' : text))
  play.client.ask(fields)
  play.pass()
  t.deepEqual(play.done(), ['open tcp a.test:80'])
  play.opened('h1')
  t.regex(play.said(), /^PRI \* HTTP\/2.0/)
  play.says('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')
  play.opened('h1')
  t.is(play.said(1), 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
  play.says('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi', 1)
  t.deepEqual(play.client.heard(), ['1 head :status 200 content-length 2', '1 data hi', '1 end'])
  // From now on this is known.
  play.client.ask(fields)
  play.pass()
  t.true(play.done().includes('open tcp a.test:80 pooled'))
})

const tunnelled = (t: { deepEqual(a: unknown, b: unknown): unknown }, play: Http2Play, server: Peer) => {
  play.client.send(1, 'abc')
  play.pass()
  server.send(1, 'def')
  play.pass()
  t.deepEqual(server.heard(), ['1 data abc'])
  t.deepEqual(play.client.heard(), ['1 head :status 200', '1 data def'])
}

test('an extended CONNECT to a server of HTTP/2 that takes it', (t) => {
  const play = new Http2Play({ options: { websocket: false } })
  const server = play.asked(EXTENDED, false)
  t.deepEqual(server.heard(), [`1 head ${EXTENDED.join(' ')}`])
  server.session.sendHead(server.stream(1), OK, false)
  play.pass()
  tunnelled(t, play, server)
  play.client.end(1)
  play.pass()
  t.deepEqual(server.heard(), ['1 end'])
})

test('a server of HTTP/2 that does not take extended CONNECT is asked by HTTP/1', (t) => {
  const play = new Http2Play({ options: { websocket: false }, server: { settings: [[MAX_CONCURRENT_STREAMS, 100]] } })
  const server = play.asked(request())
  server.answer(1, OK)
  play.client.ask(EXTENDED, false)
  play.pass()
  t.deepEqual(play.done().slice(1), ['open tcp a.test:443 tls:a.test:http/1.1 pooled'])
  play.opened('h1')
  t.regex(
    play.said(1),
    /^GET \/chat HTTP\/1.1\r\nHost: a.test\r\nsec-websocket-version: 13\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: /,
  )
  play.says(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
    1,
  )
  play.client.send(3, 'abc')
  play.pass().says('def', 1)
  t.is(play.said(1), 'abc')
  t.deepEqual(play.client.heard().slice(1), ['3 head :status 200', '3 data def'])
  t.is(server.heard().length, 1)
})

test('a plain CONNECT through a stream is a tunnel', (t) => {
  const play = new Http2Play()
  const server = play.asked([':method', 'CONNECT', ':authority', 'a.test:443'], false)
  t.deepEqual(server.heard(), ['1 head :method CONNECT :authority a.test:443'])
  server.session.sendHead(server.stream(1), OK, false)
  play.pass()
  tunnelled(t, play, server)
  play.client.reset(1, CANCEL)
  play.pass()
  t.deepEqual(server.heard(), ['1 reset CANCEL'])
})

test('mirror_http2: a server that was connected to before gets the SETTINGS of the client, too', (t) => {
  const settings: [number, number][] = [
    [INITIAL_WINDOW_SIZE, 123_456],
    [3, 77],
  ]
  const play = new Http2Play({
    options: { mirror_http2: true },
    connected: true,
    client: { settings, windowUpdate: 5000 },
  })
  const lines: string[] = []
  const data = play.play
  play.client.ask(request())
  data.data(data.client, play.client.session.takeOutput() as Buffer)
  lines.push(...data.said())
  const first = lines.find((line) => line.startsWith('send server'))
  const bytes = Buffer.from(JSON.parse(first?.slice(12) ?? '""') as string, 'latin1').subarray(24)
  t.is(bytes.readUInt16BE(9), INITIAL_WINDOW_SIZE)
  t.is(bytes.readUInt32BE(11), 123_456)
  t.not(ENABLE_CONNECT_PROTOCOL, bytes.readUInt16BE(9))
})
