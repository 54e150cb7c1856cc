// HTTP/1 as conversations: requests and responses, hooks, bodies, connections that stay and connections that do not.
import test from 'ava'
import { asked, flowOf, GET, hooks, OK, open, sent } from '../../support/http1-play.js'

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

test('bodies stream both ways, chunk by chunk', (t) => {
  const { play, server, said } = asked(
    {},
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n',
  )
  t.deepEqual(said, [
    `send server ${sent('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')}`,
  ])
  play.data(play.client, '2\r\nde\r\n0\r\nX-T: 1\r\n\r\n')
  t.deepEqual(play.said(), [`send server ${sent('2\r\nde\r\n0\r\nX-T: 1\r\n\r\n')}`])
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

test('an interim response has no body and says nothing of its connection, whatever its fields say', (t) => {
  const { play, server } = asked()
  const fields = 'Content-Length: 9\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nLink: </a.css>\r\n'
  play.data(server, `HTTP/1.1 103 Early Hints\r\n${fields}\r\n${OK}`)
  t.deepEqual(play.said(), [
    `send client ${sent('HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n')}`,
    `send client ${sent(OK)}`,
  ])
  play.data(play.client, GET)
  t.deepEqual(play.said(), [`send server ${sent(GET)}`], 'both connections go on')
})

test('after an interim response a failure is still a 502 that says why', (t) => {
  const { play, server } = asked()
  play.data(server, 'HTTP/1.1 103 Early Hints\r\n\r\n').close(server, 'ECONNRESET')
  const [, , answer, last] = play.said()
  t.regex(answer ?? '', /^send client "HTTP\/1\.1 502 .*without an answer: ECONNRESET/)
  t.is(last, 'close client')
})

test('after an interim response a request is sent again where it may be', (t) => {
  const { play, server } = asked({}, GET, true)
  play.data(server, 'HTTP/1.1 100 Continue\r\n\r\n').close(server)
  t.deepEqual(play.said().slice(1), ['close server', 'open tcp 192.0.2.1:80'])
  const again = play.opened()
  t.deepEqual(play.said(), [`send server2 ${sent(GET)}`])
  play.data(again, OK)
  t.deepEqual(play.said(), [`send client ${sent(OK)}`])
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
    'HTTP/1.1 200 OK\r\nx: \0y\r\n\r\n',
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

test('a body that is found to be wrong while it passes is a 400 that says so, not the silence of the server', (t) => {
  const { play } = asked({}, 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n')
  play.data(play.client, 'zz').said()
  t.is(flowOf(play).error?.message.includes('chunk'), true, flowOf(play).error?.message)
})

test('pieces that came together go on together, and once', (t) => {
  const { play, server } = asked()
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'
  play.data(server, head).data(server, '1\r\na\r\n1\r\nb\r\n').data(server, '1\r\nc\r\n').data(server, '0\r\n\r\n')
  t.deepEqual(
    play.said(),
    [head, '2\r\nab\r\n', '1\r\nc\r\n', '0\r\n\r\n'].map((text) => `send client ${sent(text)}`),
  )
  t.is(flowOf(play).response?.content.toString(), 'abc')
})

test('a head has 30 s in all, however it trickles', (t) => {
  const play = open()
  play.data(play.client, 'GET / HTTP/1.1\r\n')
  for (let second = 1; second < 30; second++) play.after(1000).data(play.client, `X-${second}: 1\r\n`)
  t.deepEqual(play.said(), [])
  play.after(1000)
  t.regex(play.said()[0] ?? '', /^send client "HTTP\/1\.1 408 /)
})

test('a response that breaks off in its head is a 502', (t) => {
  const { play, server } = asked()
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Le').end(server)
  t.regex(play.said().join(), /send client "HTTP\/1\.1 502 .*in the middle of a head/)
})

test('a body that is wrong from its first byte is a 502: nothing has gone out yet', (t) => {
  const { play, server } = asked()
  play.data(server, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz')
  t.regex(play.said().join(), /send client "HTTP\/1\.1 502 /)
  t.falsy(flowOf(play).error === undefined)
})

test('empty lines before a request are not kept', (t) => {
  const play = open()
  for (let time = 0; time < 100; time++) play.data(play.client, '\r\n'.repeat(30_000))
  t.true(play.client.buffered < 100)
  play.after(60_000)
  t.deepEqual(play.said(), [])
  play.data(play.client, GET)
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80 pooled'])
})

test('an absolute target says what Host is (RFC 9112, 3.2.2), and stays absolute: the server may be a proxy', (t) => {
  const { said } = asked({}, 'GET http://Good.test/a HTTP/1.1\r\nX: 1\r\nhost: evil.test\r\n\r\n')
  t.deepEqual(said, [`send server ${sent('GET http://Good.test/a HTTP/1.1\r\nX: 1\r\nhost: Good.test\r\n\r\n')}`])
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

test('a new connection that ends without an answer is the end of it', (t) => {
  const { play, server } = asked()
  play.end(server)
  t.regex(play.said().join(), /^close server,send client "HTTP\/1\.1 502 .*without an answer/)
})

test('a connection from the pool that has died is replaced once', (t) => {
  const { play, server } = asked({}, GET, true)
  play.end(server)
  t.deepEqual(play.said(), ['close server', 'open tcp 192.0.2.1:80'])
  const second = play.opened()
  t.deepEqual(play.said(), [`send server2 ${sent(GET)}`])
  play.end(second)
  t.regex(play.said().join(), /HTTP\/1\.1 502 .*without an answer/)
})

test("a response's body that breaks off while it is held is the server's fault: 502", (t) => {
  const { play, server } = asked({ hooks })
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell').close(server, 'ECONNRESET')
  t.regex(play.said().join('\n'), /send client "HTTP\/1\.1 502 .*ECONNRESET/)
})

test('a connection that is kept is read, whatever had to wait of the last body', (t) => {
  const { play, server } = asked()
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n')
  play.client.full = true
  play.data(server, 'x').data(server, Buffer.alloc(69_999))
  t.true(play.said().includes('pause server'))
  play.drain(play.client)
  t.true(play.said().includes('resume server'))
})
