// HTTP/1 with hooks that change, answer, kill and redirect; held bodies; upgrades and the explicit proxy.
import test from 'ava'
import { MidwireError } from '../../../src/errors.js'
import { type HttpFlow, HttpResponse } from '../../../src/flow/http.js'
import { asked, flowOf, GET, hooks, OK, open, sent } from '../../support/http1-play.js'
import { Playbook } from '../../support/playbook.js'

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

for (const pieces of [['1\r\nx\r\n0\r\nx-t: 1\r\n\r\n'], ['1\r\nx\r\n', '0\r\nx-t: 1\r\n\r\n']]) {
  test(`the hook of a held body that comes in ${pieces.length} sees its end and its trailers`, (t) => {
    const seen: unknown[] = []
    const end = ({ trailers, endedAt, content }: HttpFlow['request']) =>
      seen.push([trailers?.get('x-t'), endedAt !== undefined, `${content}`])
    const play = open({ hooks: { request: ({ request }) => end(request) } })
    const [first = '', ...rest] = pieces
    play.data(play.client, `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${first}`)
    for (const piece of rest) play.data(play.client, piece)
    t.deepEqual(seen, [['1', true, 'x']])
  })
}

test('a body that is longer than stream_large_bodies passes before its hook', (t) => {
  const options = { stream_large_bodies: 4, body_record_limit: 3 }
  let recorded = () => 0
  const requestheaders = ({ request }: HttpFlow) => {
    recorded = () => request.body.recorded
  }
  const play = open({ hooks: { ...hooks, requestheaders }, options })
  play.data(play.client, 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
  t.deepEqual(play.said(), [])
  play.data(play.client, '3\r\ndef\r\n')
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80 pooled'])
  const server = play.opened()
  const head = 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
  t.deepEqual(play.said(), [`send server ${sent(`${head}6\r\nabcdef\r\n`)}`])
  t.is(recorded(), 3, 'what was held is cut when it passes, and not at the end')
  play.data(play.client, '1\r\ng\r\n0\r\n\r\n')
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234')
  t.is(play.said().at(-1), `send client ${sent('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1234')}`)
  play.data(server, '56789')
  t.is(play.said().at(-1), `send client ${sent('56789')}`)
  t.is(flowOf(play).response?.content.toString(), '123')
  t.is(flowOf(play).response?.body.length, 9)
  t.true(flowOf(play).response?.body.truncated)
})

test('the hook of a request that was streamed runs when the server has all of it, and before those of the response', (t) => {
  const seen: string[] = []
  const play = open({
    hooks: {
      requestheaders: ({ request }) => {
        request.stream = true
      },
      request: ({ request }) => void seen.push(`request ${request.content}`),
      responseheaders: () => void seen.push('responseheaders'),
      response: () => void seen.push('response'),
    },
  })
  play.data(play.client, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab')
  const server = play.opened()
  t.deepEqual(seen, [])
  play.data(play.client, 'cd')
  t.deepEqual(seen, ['request abcd'])
  t.is(play.said().at(-1), `send server ${sent('cd')}`)
  play.data(server, OK)
  t.deepEqual(seen.slice(1), ['responseheaders', 'response'])
})

test('a hook that fails for a request that was streamed ends the flow', (t) => {
  const request = (flow: HttpFlow) => {
    flow.error = { message: 'addon x failed', timestamp: 0 }
  }
  const play = open({ hooks: { request, error() {} }, options: { stream_large_bodies: 1 } })
  play.data(play.client, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab')
  play.opened()
  play.data(play.client, 'cd')
  t.true(play.said().some((line) => line === 'reset server'))
  t.is(flowOf(play).error?.message, 'addon x failed')
})

test('the response waits for the hook of a request that was streamed, and not where the server answers before its end', (t) => {
  const post = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab'
  for (const rest of ['cd', '']) {
    const play = open({ hooks: 'wait', options: { stream_large_bodies: 1 } })
    play.data(play.client, post)
    play.reply('hook')
    const server = play.opened()
    if (rest) play.data(play.client, rest)
    play.said()
    play.data(server, OK)
    const waiting = play.hooks.at(-1)
    t.is(waiting, rest ? 'request' : 'responseheaders')
    play.reply('hook')
    t.is(play.hooks.at(-1), rest ? 'responseheaders' : 'response')
  }
})

test('a hook sees all of a body that is held, and readers of the flow what body_record_limit keeps', (t) => {
  const seen: string[] = []
  const play = open({
    options: { body_record_limit: 3 },
    hooks: {
      request: ({ request }) => void seen.push(request.content.toString()),
      response: ({ response }) => void seen.push(`${response?.content}`, `${response?.body.truncated}`),
    },
  })
  play.data(play.client, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabcdef')
  const server = play.opened()
  t.is(play.said().at(-1), `send server ${sent('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabcdef')}`)
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n1234')
  play.data(server, '5678')
  t.is(play.said().at(-1), `send client ${sent('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345678')}`)
  t.deepEqual(seen, ['abcdef', '12345678', 'false'])
  const { request, response } = flowOf(play)
  for (const [body, kept, length] of [[request.body, 'abc', 6] as const, [response?.body, '123', 8] as const]) {
    t.is(body?.content.toString(), kept)
    t.is(body?.length, length)
    t.true(body?.truncated)
  }
})

test('a body that has passed, or begun to, cannot be changed: the sentence says how it can', (t) => {
  const errors: string[] = []
  const attempt = (change: () => void) => {
    const error = t.throws(change, { instanceOf: MidwireError, code: 'ERR_BODY_STREAMED' })
    errors.push(error.message)
  }
  const play = open({
    options: { stream_large_bodies: 4 },
    hooks: {
      responseheaders(flow) {
        t.true(flow.request.streamed)
        t.false(flow.response?.streamed)
        attempt(() => (flow.request.content = 'too late'))
      },
      response(flow) {
        const response = flow.response as HttpResponse
        attempt(() => (response.text = 'too late'))
        attempt(() => (response.decodedContent = 'too late'))
        attempt(() => (response.content = 'too late'))
        attempt(() => (flow.response = new HttpResponse({ status: 500 })))
        attempt(() => (flow.response = undefined))
        flow.response = response
      },
    },
  })
  play.data(play.client, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde')
  const server = play.opened()
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\nContent-Encoding: none\r\n\r\nabcdef')
  const { request, response, error } = flowOf(play)
  t.is(error, undefined)
  t.deepEqual([request.content.toString(), request.contentChanged], ['abcde', false])
  t.deepEqual([response?.content.toString(), response?.contentChanged], ['abcdef', false])
  t.is(response?.headers.get('content-encoding'), 'none', 'a change that is refused changes nothing')
  const sentence = (peer: string, side: string) =>
    `the body has gone to the ${peer} already: set flow.${side}.stream = false in ${side}headers to hold it`
  t.deepEqual([...new Set(errors)], [sentence('server', 'request'), sentence('client', 'response')])
})

test('what was held of a body is cut where the exchange fails, too', (t) => {
  const play = open({ options: { body_record_limit: 3 }, hooks: { request() {}, response() {}, error() {} } })
  play.data(play.client, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabcdef')
  const server = play.opened()
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n12345')
  play.end(server)
  const { request, response, error } = flowOf(play)
  t.regex(error?.message ?? '', /the server has ended the connection in the middle of a body/)
  t.is(request.content.toString(), 'abc')
  t.is(response?.content.toString(), '123')
  t.true(response?.body.truncated)
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

test('an addon that answers before the body has come ends the connection: its rest is no request', (t) => {
  const play = open({
    hooks: {
      requestheaders(flow) {
        flow.response = new HttpResponse({ status: 204 })
      },
    },
  })
  play.data(play.client, `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n${GET}`)
  const answer = 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'
  t.deepEqual(play.said(), [`send client ${sent(answer)}`, 'close client'])
  t.is(play.finished.length, 1)
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
  const play = new Playbook('http-proxy', { mode: 'regular' })
  play.data(
    play.client,
    'GET http://example.org:81/x?y HTTP/1.1\r\nHost: example.org:81\r\nProxy-Connection: keep-alive\r\n\r\n',
  )
  t.deepEqual(play.said(), ['open tcp example.org:81 pooled'])
  play.opened()
  t.deepEqual(play.said(), [`send server ${sent('GET /x?y HTTP/1.1\r\nHost: example.org:81\r\n\r\n')}`])
})

test('an empty port is the default one, and does not go on (RFC 3986, 3.2.3)', (t) => {
  const play = new Playbook('http-proxy', { mode: 'regular' })
  play.data(play.client, 'GET http://example.org:/x HTTP/1.1\r\nHost: example.org:\r\n\r\n')
  t.deepEqual(play.said(), ['open tcp example.org:80 pooled'])
  play.opened()
  t.deepEqual(play.said(), [`send server ${sent('GET /x HTTP/1.1\r\nHost: example.org\r\n\r\n')}`])
  const connect = new Playbook('http-proxy', { mode: 'regular' })
  connect.data(connect.client, 'CONNECT example.org: HTTP/1.1\r\nHost: example.org\r\n\r\n')
  t.regex(connect.said().join(), /HTTP\/1\.1 400 /, 'a CONNECT has no default')
})

test('a host keeps its spelling, but SNI has no dot at its end (RFC 6066, 3)', (t) => {
  const play = new Playbook('http-proxy', { mode: 'regular' })
  const request = (host: string) => `GET https://${host}/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  play.data(play.client, request('Example.org.'))
  t.deepEqual(play.said(), ['open tcp Example.org.:443 tls:Example.org:http/1.1 pooled'])
  const server = play.opened()
  t.deepEqual(play.said(), [`send server ${sent('GET / HTTP/1.1\r\nHost: Example.org.\r\n\r\n')}`])
  play.data(server, 'HTTP/1.1 204 No Content\r\n\r\n')
  play.said()
  play.data(play.client, request('example.ORG'))
  t.deepEqual(play.said(), [`send server ${sent('GET / HTTP/1.1\r\nHost: example.ORG\r\n\r\n')}`], 'the same host')
})

test('CONNECT to the page with the certificate is answered inside, however it is written', (t) => {
  for (const host of ['mitm.it', 'MITM.it', 'Mitm.It.']) {
    const play = new Playbook('http-proxy', { mode: 'regular' })
    play.data(play.client, `CONNECT ${host}:443 HTTP/1.1\r\nHost: ${host}:443\r\n\r\n`)
    t.deepEqual(play.said(), [`send client ${sent('HTTP/1.1 200 Connection established\r\n\r\n')}`], host)
  }
})

test('CONNECT is answered when the server is there, and looks at what is inside', (t) => {
  const play = new Playbook('http-proxy', { mode: 'regular' })
  play.data(play.client, 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n')
  t.deepEqual(play.said(), ['open tcp example.org:443'])
  play.opened()
  t.deepEqual(play.said(), [`send client ${sent('HTTP/1.1 200 Connection established\r\n\r\n')}`])
  play.data(play.client, GET)
  t.deepEqual(play.said(), [`send server ${sent(GET)}`])
})

test('the TLS of a client with the proxy is not that of what it tunnels', (t) => {
  const play = new Playbook('http-proxy', { mode: 'regular' })
  play.context.secured = true
  play.data(play.client, 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n')
  play.opened()
  t.false(play.context.secured)
})

test('CONNECT to nobody is a 502', (t) => {
  const play = new Playbook('http-proxy', { mode: 'regular' })
  play.data(play.client, 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n')
  play.openFailed('ENOTFOUND', 'example.org:443: there is no such name')
  t.regex(play.said().join(), /502 .*there is no such name.*close client/)
})

test('a client that says where to go in origin-form is told so', (t) => {
  const play = new Playbook('http-proxy', { mode: 'regular' })
  play.data(play.client, GET)
  t.regex(play.said().join(), /HTTP\/1\.1 400 .*does not say where to/)
})

test('the Host field of a CONNECT is that of its target, which says where it goes', (t) => {
  const seen: (string | undefined)[] = []
  const play = new Playbook('http-proxy', { hooks: { http_connect: ({ request }) => void seen.push(request.url) } })
  play.data(play.client, 'CONNECT example.org:443 HTTP/1.1\r\nHost: innocent.test\r\n\r\n')
  t.deepEqual(seen, ['example.org:443'])
})
