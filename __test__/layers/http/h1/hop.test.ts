// Fields that are meant for one connection: what a server gets of a client's, and a client of a server's.
import test from 'ava'
import { asked, flowOf, GET, hooks, OK, sent } from '../../../support/http1-play.js'

/** What goes on of fields, `|` for CRLF, in a request that has a body or none. */
function passed(
  t: import('ava').ExecutionContext,
  fields: string,
  expected: string,
  more: { body?: string; version?: string } = {},
) {
  const { body = '', version = '1.1' } = more
  const length = body === '' ? '' : `Content-Length: ${body.length}\r\n`
  const request = (lines: string) =>
    `POST / HTTP/${version}\r\nHost: x\r\n${lines === '' ? '' : `${lines.split('|').join('\r\n')}\r\n`}${length}\r\n${body}`
  for (const some of [{}, hooks]) {
    const { said } = asked({ hooks: some }, request(fields))
    t.is(said.map((line) => JSON.parse(line.replace('send server ', ''))).join(''), request(expected), fields)
  }
}

const WEBSOCKET = 'Connection: Upgrade|Upgrade: websocket'

test('a request with a body passes without its Upgrade, and nothing else of it changes', (t) => {
  const curl = 'User-Agent: curl/8.5.0|Accept: */*'
  passed(t, `${curl}|Connection: Upgrade, HTTP2-Settings|Upgrade: h2c|HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA`, curl, {
    body: 'hello',
  })
  passed(t, WEBSOCKET, '', { body: 'hello' })
  passed(t, 'Connection: keep-alive, Upgrade|Upgrade: websocket', 'Connection: keep-alive', { body: 'hello' })
  const { said } = asked(
    {},
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n',
  )
  t.deepEqual(said, [`send server ${sent('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')}`])
})

test('a 101 to a request whose Upgrade was taken out is a 502, and nothing is raw', (t) => {
  const { play, server } = asked(
    { hooks: { error() {}, tcp_message() {} } },
    'POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello',
  )
  play.data(server, 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nsecret')
  t.regex(play.said().join(), /close server.*send client "HTTP\/1\.1 502 .*the client has not asked for.*close client/)
  t.false(play.hooks.includes('tcp_message'))
})

test('HTTP/2 and TLS leave the list wherever they stand in it', (t) => {
  const list = (given: string, left: string) =>
    passed(t, `Connection: Upgrade|Upgrade: ${given}`, left === '' ? '' : `Connection: Upgrade|Upgrade: ${left}`)
  list('websocket', 'websocket')
  list('websocket,a/1.0', 'websocket,a/1.0')
  for (const none of ['h2c', 'H2C', 'h2', 'HTTP/2.0', 'TLS/1.0', 'tls/1.2, h2c', 'h2c, TLS/1.3']) list(none, '')
  for (const some of ['websocket, h2c', 'h2c,websocket', 'TLS/1.0, websocket', ' h2c , websocket,,TLS/1.2']) {
    list(some, 'websocket')
  }
  list('a, h2c, b', 'a, b')
})

test('an Upgrade that a server is to ignore stays here', (t) => {
  passed(t, 'Upgrade: websocket', '')
  passed(t, 'Connection: keep-alive|Upgrade: websocket', 'Connection: keep-alive')
  passed(t, WEBSOCKET, '', { version: '1.0' })
  passed(t, 'Connection: Upgrade', '')
  passed(t, 'HTTP2-Settings: AAA', '')
  passed(t, `${WEBSOCKET}|HTTP2-Settings: AAA`, WEBSOCKET)
})

test('of TE only trailers goes on, and Connection says so', (t) => {
  passed(t, 'TE: trailers|Connection: TE', 'TE: trailers|Connection: TE')
  passed(t, 'TE: trailers', 'TE: trailers|Connection: TE')
  passed(t, 'TE: gzip, trailers;q=0, Trailers|Connection: keep-alive, TE', 'TE: trailers|Connection: keep-alive, TE')
  passed(t, 'TE: gzip|Connection: close, TE', 'Connection: close')
  passed(t, 'TE: deflate', '')
  passed(t, 'te:', '')
})

test('fields that Connection lists stay here, and so do those of the kind that it does not list', (t) => {
  passed(t, 'X-One: 1|Connection: X-One, close, x-none|X-Two: 2', 'Connection: close|X-Two: 2')
  passed(t, 'Connection: X-One|x-one: 1|X-ONE: 2', '')
  passed(t, 'Connection: close|Connection: a, b|A: 1', 'Connection: close')
  passed(t, 'Keep-Alive: timeout=5|Proxy-Connection: keep-alive|Connection: keep-alive', 'Connection: keep-alive')
  passed(t, 'Proxy-Connection: close', '')
  for (const kept of ['Trailer: X-Sum', 'Proxy-Authorization: Basic YTpi', 'Via: 1.1 a', 'Connection: Keep-Alive']) {
    passed(t, kept, kept)
  }
})

test('where a message ends and goes cannot be taken off by listing it', (t) => {
  const request = (connection: string) => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n${connection}\r\nhello`
  const { said } = asked({}, request('Connection: Content-Length, Host, close\r\n'))
  t.deepEqual(said, [`send server ${sent(request('Connection: close\r\n'))}`])
})

test('what an addon adds cannot be taken off by a client', (t) => {
  const requestheaders = ({ request }: import('../../../../src/flow/http.js').HttpFlow) => {
    request.headers.set('Authorization', 'Bearer secret')
  }
  const { said } = asked(
    { hooks: { requestheaders } },
    GET.replace('\r\n\r\n', '\r\nConnection: authorization\r\n\r\n'),
  )
  t.deepEqual(said, [`send server ${sent(GET.replace('\r\n\r\n', '\r\nAuthorization: Bearer secret\r\n\r\n'))}`])
})

test("a server's fields for its connection do not reach the client", (t) => {
  const answered = (fields: string, status = '200 OK') => {
    const { play, server } = asked({ hooks })
    play.data(server, `HTTP/1.1 ${status}\r\n${fields.split('|').join('\r\n')}\r\nContent-Length: 0\r\n\r\n`)
    const [line = ''] = play.said()
    t.is(flowOf(play).response?.status, Number(status.slice(0, 3)))
    return JSON.parse(line.replace('send client ', '')).split('\r\n').slice(1, -3).join('|')
  }
  t.is(answered('Keep-Alive: timeout=5|Connection: Keep-Alive|X: 1'), 'Connection: Keep-Alive|X: 1')
  t.is(answered('Connection: Upgrade, Keep-Alive|Upgrade: h2,h2c'), 'Connection: Keep-Alive')
  t.is(answered('Connection: X-Hop|X-Hop: 1|X: 1'), 'X: 1')
  t.is(answered('TE: trailers|X: 1'), 'X: 1')
  t.is(
    answered('Upgrade: websocket|Connection: upgrade', '426 Upgrade Required'),
    'Upgrade: websocket|Connection: upgrade',
  )
  t.is(answered('Proxy-Authenticate: Basic', '407 No'), 'Proxy-Authenticate: Basic')
})

test('a server that lists Content-Length has not taken it off', (t) => {
  const { play, server } = asked()
  play.data(server, OK.replace('\r\n\r\n', '\r\nConnection: Content-Length\r\n\r\n'))
  t.deepEqual(play.said(), [`send client ${sent(OK)}`])
})
