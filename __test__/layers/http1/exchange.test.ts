// HTTP/1 as conversations: requests and responses, hooks, bodies, connections that stay and connections that do not.
import test from 'ava'
import { type HttpFlow, HttpResponse } from '../../../src/flow/http.js'
import { http1Layer, httpProxyLayer } from '../../../src/layers/http1.js'
import { Playbook, type PlaybookOptions } from '../../support/playbook.js'

const GET = 'GET /a HTTP/1.1\r\nHost: example.org\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
const hooks = { requestheaders() {}, request() {}, responseheaders() {}, response() {}, error() {} }

const open = (options: PlaybookOptions = {}) => new Playbook(http1Layer, options)
const flowOf = (play: Playbook, index = 0) => play.finished[index] as HttpFlow
const sent = (text: string) => JSON.stringify(text)

/** A request that goes to a server that is opened for it. */
function asked(options: PlaybookOptions = {}, request = GET) {
  const play = open(options)
  play.data(play.client, request)
  const opens = play.said()
  const server = play.opened()
  return { play, server, opens, said: play.said() }
}

test('a request goes out as it came, and so does its response', (t) => {
  const { play, server, opens, said } = asked({ hooks })
  t.deepEqual(opens, ['open tcp 192.0.2.1:80 pooled'])
  t.deepEqual(said, [`send server ${sent(GET)}`])
  play.data(server, OK)
  t.deepEqual(play.said(), [`send client ${sent(OK)}`])
  t.deepEqual(play.hooks, ['requestheaders', 'request', 'responseheaders', 'response'])
  const flow = flowOf(play)
  t.is(flow.request.url, 'http://example.org/a')
  t.is(flow.response?.status, 200)
  t.is(flow.response?.content.toString(), 'hello')
})

test('header order, case, duplicates and the reason phrase pass', (t) => {
  const request = 'GET / HTTP/1.1\r\nhOST: x\r\nX-b: 2\r\nX-A: 1\r\nX-b: 3\r\n\r\n'
  const response = 'HTTP/1.1 299 Quite  Fine\r\nset-COOKIE: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n'
  for (const some of [{}, hooks]) {
    const { play, server, said } = asked({ hooks: some }, request)
    t.deepEqual(said, [`send server ${sent(request)}`])
    play.data(server, response)
    t.deepEqual(play.said(), [`send client ${sent(response)}`])
  }
})

test('the connection to the server is kept for the next request', (t) => {
  const { play, server } = asked()
  play.data(server, OK)
  play.said()
  play.data(play.client, GET)
  t.deepEqual(play.said(), [`send server ${sent(GET)}`])
  play.data(server, OK)
  play.said()
  play.end(play.client)
  t.deepEqual(play.said(), ['release server', 'close client'])
  t.is(play.finished.length, 2)
})

test('pipelined requests are answered one after the other', (t) => {
  const { play, server, said } = asked({}, GET + GET.replace('/a', '/b'))
  t.deepEqual(said, [`send server ${sent(GET)}`])
  play.data(server, OK)
  t.deepEqual(play.said(), [`send client ${sent(OK)}`, `send server ${sent(GET.replace('/a', '/b'))}`])
})

test('bytes that nobody asked for end a connection to a server before it is used again', (t) => {
  const { play, server } = asked()
  play.data(server, OK)
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil')
  play.said()
  play.data(play.client, GET)
  t.deepEqual(play.said(), ['close server', 'open tcp 192.0.2.1:80 pooled'])
})

test('bodies stream both ways, chunk by chunk', (t) => {
  const { play, server, said } = asked(
    {},
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n',
  )
  t.deepEqual(said, [
    `send server ${sent('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')}`,
    `send server ${sent('3\r\nabc\r\n')}`,
  ])
  play.data(play.client, '2\r\nde\r\n0\r\nX-T: 1\r\n\r\n')
  t.deepEqual(play.said(), [`send server ${sent('2\r\nde\r\n')}`, `send server ${sent('0\r\nX-T: 1\r\n\r\n')}`])
  play.data(server, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n')
  play.data(server, '0\r\nX-U: 2\r\n\r\n')
  t.deepEqual(play.said(), [
    `send client ${sent('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n')}`,
    `send client ${sent('0\r\nX-U: 2\r\n\r\n')}`,
  ])
  t.is(flowOf(play).request.content.toString(), 'abcde')
  t.is(flowOf(play).request.trailers?.get('x-t'), '1')
  t.is(flowOf(play).response?.trailers?.get('x-u'), '2')
})

test('a body that is held can be changed, and Content-Length follows', (t) => {
  const play = open({
    hooks: {
      request(flow) {
        flow.request.content = flow.request.content.toString().toUpperCase().repeat(2)
      },
      response(flow) {
        if (flow.response) flow.response.text = 'changed'
      },
    },
  })
  play.data(play.client, 'POST / HTTP/1.1\r\nHost: x\r\ncontent-length: 4\r\n\r\nab')
  t.deepEqual(play.said(), [])
  play.data(play.client, 'cd')
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80 pooled'])
  const server = play.opened()
  t.deepEqual(play.said(), [`send server ${sent('POST / HTTP/1.1\r\nHost: x\r\ncontent-length: 8\r\n\r\nABCDABCD')}`])
  play.data(server, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n')
  t.deepEqual(play.said(), [])
  play.data(server, '0\r\n\r\n')
  t.deepEqual(play.said(), [`send client ${sent('HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nchanged')}`])
})

test('a body that is longer than stream_large_bodies passes before its hook', (t) => {
  const options = { stream_large_bodies: 4, body_record_limit: 3 }
  const play = open({ hooks, options })
  play.data(play.client, 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
  t.deepEqual(play.said(), [])
  play.data(play.client, '3\r\ndef\r\n')
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80 pooled'])
  const server = play.opened()
  t.deepEqual(play.said().slice(1), [`send server ${sent('6\r\nabcdef\r\n')}`])
  play.data(play.client, '1\r\ng\r\n0\r\n\r\n')
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234')
  t.is(play.said().at(-1), `send client ${sent('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234')}`)
  play.data(server, '56789')
  t.is(play.said().at(-1), `send client ${sent('56789')}`)
  t.is(flowOf(play).response?.content.toString(), '123')
  t.is(flowOf(play).response?.body.length, 9)
  t.true(flowOf(play).response?.body.truncated)
})

test('Expect: 100-continue passes where the body streams, and is answered where it is held', (t) => {
  const request = 'POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n'
  const streamed = asked({}, request)
  t.deepEqual(streamed.said, [`send server ${sent(request)}`])
  streamed.play.data(streamed.server, 'HTTP/1.1 100 Continue\r\n\r\n')
  t.deepEqual(streamed.play.said(), [`send client ${sent('HTTP/1.1 100 Continue\r\n\r\n')}`])
  streamed.play.data(streamed.play.client, 'ab').data(streamed.server, OK)
  t.deepEqual(streamed.play.said(), [`send server ${sent('ab')}`, `send client ${sent(OK)}`])

  const held = open({ hooks })
  held.data(held.client, request)
  t.deepEqual(held.said(), [`send client ${sent('HTTP/1.1 100 Continue\r\n\r\n')}`])
  held.data(held.client, 'ab')
  held.said()
  held.opened()
  t.deepEqual(held.said(), [`send server ${sent('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab')}`])
})

test('a server that refuses the body is heard, and both connections end', (t) => {
  const { play, server } = asked({}, 'POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n')
  const refusal = 'HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n'
  play.data(server, refusal)
  t.deepEqual(play.said(), [`send client ${sent(refusal)}`, 'close server', 'close client'])
  t.false(play.machine.busy)
})

test('HEAD, 204 and 304 have no body, whatever their fields say', (t) => {
  for (const [request, response] of [
    ['HEAD / HTTP/1.1\r\nHost: x\r\n\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n'],
    [GET, 'HTTP/1.1 204 No Content\r\n\r\n'],
    [GET, 'HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\nETag: "x"\r\n\r\n'],
  ] as const) {
    for (const some of [{}, hooks]) {
      const { play, server } = asked({ hooks: some }, request)
      play.data(server, response)
      t.deepEqual(play.said(), [`send client ${sent(response)}`])
      play.data(play.client, GET)
      t.deepEqual(play.said(), [`send server ${sent(GET)}`], 'the connection goes on')
    }
  }
})

test('interim responses pass before the final one', (t) => {
  const { play, server } = asked()
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n'
  play.data(server, hints + OK)
  t.deepEqual(play.said(), [`send client ${sent(hints)}`, `send client ${sent(OK)}`])
  t.is(flowOf(play).response?.status, 200)
})

test("a response that ends with its connection ends the client's, too", (t) => {
  const { play, server } = asked()
  play.data(server, 'HTTP/1.1 200 OK\r\n\r\nall of')
  play.data(server, ' it').end(server)
  t.deepEqual(play.said(), [
    `send client ${sent('HTTP/1.1 200 OK\r\n\r\nall of')}`,
    `send client ${sent(' it')}`,
    'close server',
    'close client',
  ])
  t.is(flowOf(play).response?.content.toString(), 'all of it')
})

test('a client of HTTP/1.0 gets no chunks', (t) => {
  const { play, server } = asked({}, 'GET / HTTP/1.0\r\nHost: x\r\n\r\n')
  play.data(server, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n')
  t.deepEqual(play.said(), [`send client ${sent('HTTP/1.1 200 OK\r\n\r\nab')}`, 'close server', 'close client'])
})

test('an addon can answer, and the server is never asked', (t) => {
  const play = open({
    hooks: {
      request(flow) {
        flow.response = new HttpResponse({ status: 418, headers: { 'X-By': 'me' }, content: 'tea' })
      },
      response() {},
    },
  })
  play.data(play.client, GET)
  const answer = "HTTP/1.1 418 I'm a teapot\r\nX-By: me\r\nContent-Length: 3\r\n\r\ntea"
  t.deepEqual(play.said(), [`send client ${sent(answer)}`])
  t.deepEqual(play.hooks, ['request', 'response'])
  t.is(flowOf(play).server, undefined)
  play.data(play.client, GET)
  t.deepEqual(play.said(), [`send client ${sent(answer)}`], 'the connection goes on')
})

test('an addon can kill, and nothing is answered', (t) => {
  const play = open({
    hooks: {
      request(flow) {
        flow.kill()
      },
      error() {},
    },
  })
  play.data(play.client, GET)
  t.deepEqual(play.said(), ['reset client'])
  t.deepEqual(play.hooks, ['request', 'error'])
  t.true(flowOf(play).killed)
})

test('an addon can send the request elsewhere', (t) => {
  const play = open({
    hooks: {
      request(flow) {
        flow.request.url = 'https://other.test:8443/b?c'
      },
    },
  })
  play.data(play.client, GET)
  t.deepEqual(play.said(), ['open tcp other.test:8443 tls:other.test:http/1.1 pooled'])
  play.opened()
  t.deepEqual(play.said(), [`send server ${sent('GET /b?c HTTP/1.1\r\nHost: other.test:8443\r\n\r\n')}`])
})

test('a server that cannot be reached is a 502 that says why', (t) => {
  const play = open({ hooks })
  play.data(play.client, GET)
  play.said()
  play.openFailed('ECONNREFUSED', '192.0.2.1:80: the connection was refused')
  const [answer, last] = play.said()
  t.regex(answer ?? '', /^send client "HTTP\/1\.1 502 .*the connection was refused/)
  t.is(last, 'close client')
  t.deepEqual(play.hooks, ['requestheaders', 'request', 'error'])
  t.is(flowOf(play).error?.message, '192.0.2.1:80: the connection was refused')
})

test('a response that is not HTTP is a 502, and its connection is not used again', (t) => {
  for (const bad of [
    'HTTP/1.1 200 OK\nx: y\n\n',
    'SSH-2.0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
  ]) {
    const { play, server } = asked({ hooks })
    play.data(server, bad)
    const said = play.said()
    t.true(said.includes('close server'), bad)
    t.true(
      said.some((line) => line.startsWith('send client "HTTP/1.1 502 ')),
      bad,
    )
    t.truthy(flowOf(play).error)
  }
})

test('a request that two could read in two ways is a 400 that never reaches a server', (t) => {
  for (const bad of [
    'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\n X: folded\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n',
    'GET / HTTP/1.1\nHost: x\n\n',
  ]) {
    const play = open({ hooks })
    play.data(play.client, bad)
    const said = play.said()
    t.regex(said[0] ?? '', /^send client "HTTP\/1\.1 400 /, bad)
    t.is(said[1], 'close client')
    t.is(play.servers.length, 0)
  }
})

test('a body that breaks off ends the exchange, and the server sees it end', (t) => {
  const { play } = asked({ hooks: { error() {} } }, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc')
  play.end(play.client)
  t.true(play.said().some((line) => line === 'reset server' || line === 'close server'))
  t.truthy(flowOf(play).error)
  t.false(play.machine.busy)
})

test('a head that takes too long is a 408', (t) => {
  const play = open()
  play.data(play.client, 'GET / HT')
  play.after(31_000)
  t.regex(play.said()[0] ?? '', /^send client "HTTP\/1\.1 408 /)
})

test('a client that goes away takes its request with it', (t) => {
  const { play } = asked({ hooks: { error() {} } })
  play.close(play.client, 'ECONNRESET')
  t.true(play.said().includes('close server'))
  t.regex(flowOf(play).error?.message ?? '', /ECONNRESET/)
  t.false(play.machine.busy)
})

test('a connection from the pool that has died is replaced once', (t) => {
  const { play, server } = asked()
  play.end(server)
  t.deepEqual(play.said(), ['close server', 'open tcp 192.0.2.1:80'])
  const second = play.opened()
  t.deepEqual(play.said(), [`send server2 ${sent(GET)}`])
  play.end(second)
  t.regex(play.said().join(), /HTTP\/1\.1 502 .*without an answer/)
})

test('an upgrade is raw after its 101, and not before', (t) => {
  const request = 'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
  const { play, server, said } = asked({ hooks: { tcp_message() {} } }, request)
  t.deepEqual(said, [`send server ${sent(request)}`])
  const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
  play.data(server, `${switching}\x81\x00`)
  t.deepEqual(play.said(), [`send client ${sent(switching)}`, `send client ${sent('\x81\x00')}`])
  play.data(play.client, '\x81\x80')
  t.deepEqual(play.said(), [`send server ${sent('\x81\x80')}`])
  t.is(flowOf(play).upgrade, 'websocket')

  const plain = asked()
  plain.play.data(plain.server, switching)
  t.regex(plain.play.said().join(), /502/)
})

test('an explicit proxy takes absolute-form, and passes origin-form', (t) => {
  const play = new Playbook(httpProxyLayer, { mode: 'regular' })
  play.data(
    play.client,
    'GET http://example.org:81/x?y HTTP/1.1\r\nHost: example.org:81\r\nProxy-Connection: keep-alive\r\n\r\n',
  )
  t.deepEqual(play.said(), ['open tcp example.org:81 pooled'])
  play.opened()
  t.deepEqual(play.said(), [`send server ${sent('GET /x?y HTTP/1.1\r\nHost: example.org:81\r\n\r\n')}`])
})

test('CONNECT is answered when the server is there, and looks at what is inside', (t) => {
  const play = new Playbook(httpProxyLayer, { mode: 'regular' })
  play.data(play.client, 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n')
  t.deepEqual(play.said(), ['open tcp example.org:443'])
  play.opened()
  t.deepEqual(play.said(), [`send client ${sent('HTTP/1.1 200 Connection established\r\n\r\n')}`])
  play.data(play.client, GET)
  t.deepEqual(play.said(), [`send server ${sent(GET)}`])
})

test('CONNECT to nobody is a 502', (t) => {
  const play = new Playbook(httpProxyLayer, { mode: 'regular' })
  play.data(play.client, 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n')
  play.openFailed('ENOTFOUND', 'example.org:443: there is no such name')
  t.regex(play.said().join(), /502 .*there is no such name.*close client/)
})

test('a client that says where to go in origin-form is told so', (t) => {
  const play = new Playbook(httpProxyLayer, { mode: 'regular' })
  play.data(play.client, GET)
  t.regex(play.said().join(), /HTTP\/1\.1 400 .*does not say where to/)
})
