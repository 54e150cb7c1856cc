// Server connections between the requests of a client: whose they are, which are used again, and which are let go of.
import test from 'ava'
import { HttpResponse } from '../../../src/flow/http.js'
import { OpenFailure } from '../../../src/layers/commands.js'
import { asked, flowOf, GET, OK, open, sent } from '../../support/http1-play.js'
import { Playbook } from '../../support/playbook.js'

/** A refusal that asks for authentication, with a body that ends by itself. */
const refusal = (scheme: string) => `HTTP/1.1 401 No\r\nWWW-Authenticate: ${scheme}\r\nContent-Length: 0\r\n\r\n`

/** A client of an explicit proxy, which may ask for any server. */
const explicit = () => new Playbook('http-proxy', { mode: 'regular' })

for (const scheme of ['NTLM', 'Negotiate', 'negotiate oYG2', 'Basic realm="x", NTLM TlRMTVNTUAACAAAA']) {
  test(`a connection that ${scheme} has authenticated stays with its client, and ends with it`, (t) => {
    const { play, server } = asked()
    play.data(server, refusal(scheme)).said()
    play.data(play.client, GET)
    t.deepEqual(play.said(), [`send server ${sent(GET)}`], 'the same client goes on with it')
    play.data(server, OK).said()
    play.end(play.client)
    t.deepEqual(play.said(), ['close server', 'close client'])
  })
}

test('a client that authenticates its connection before it is asked to has it for itself, whatever the server says of that', (t) => {
  const { play, server } = asked({}, 'GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Negotiate YIIF\r\n\r\n')
  play.data(server, OK).data(play.client, GET).data(server, OK).said()
  play.end(play.client)
  t.deepEqual(play.said(), ['close server', 'close client'])
})

test('a connection that was authenticated is let go of when its client asks elsewhere', (t) => {
  const play = explicit()
  play.data(play.client, 'GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n')
  play.data(play.opened(), refusal('NTLM')).said()
  play.data(play.client, 'GET http://other.test/ HTTP/1.1\r\nHost: other.test\r\n\r\n')
  t.deepEqual(play.said(), ['close server', 'open tcp other.test:80 pooled'])
})

test('authentication of each request for itself binds nothing', (t) => {
  const { play, server } = asked()
  play.data(server, refusal('Basic realm="ntlmish", Bearer')).said()
  play.end(play.client)
  t.deepEqual(play.said(), ['release server', 'close client'])
})

test('the connection after one that was authenticated is as free as any other', (t) => {
  const { play, server } = asked()
  play.data(server, refusal('NTLM')).said()
  play.end(server)
  t.deepEqual(play.said(), ['close server'])
  play.data(play.client, GET)
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80 pooled'])
  play.data(play.opened(), OK).said()
  play.end(play.client)
  t.deepEqual(play.said(), ['release server2', 'close client'])
})

test('a connection is used again for the same place alone: name, port, and TLS with the same settings', (t) => {
  for (const url of [
    'http://other.test:443',
    'http://example.org:80',
    'https://other.test:443',
    'https://example.org:444',
  ]) {
    const play = explicit()
    play.data(play.client, 'GET https://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n')
    t.deepEqual(play.said(), ['open tcp example.org:443 tls:example.org:http/1.1 pooled'])
    play.data(play.opened(), OK).said()
    play.data(play.client, `GET ${url}/ HTTP/1.1\r\nHost: x\r\n\r\n`)
    t.is(play.said()[0], 'release server', url)
  }
  const play = explicit()
  play.data(play.client, 'GET http://example.org:443/ HTTP/1.1\r\nHost: example.org:443\r\n\r\n')
  play.data(play.opened(), OK).said()
  play.data(play.client, 'GET https://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n')
  t.deepEqual(play.said(), ['release server', 'open tcp example.org:443 tls:example.org:http/1.1 pooled'])
})

test('what has carried nothing, or said something unasked, or ended, is no connection for another client', (t) => {
  const unused = open({ connected: true })
  unused.end(unused.client)
  t.deepEqual(unused.said(), ['close server', 'close client'])
  for (const happen of ['speaks', 'ends', 'closes']) {
    const { play, server } = asked()
    play.data(server, OK).said()
    if (happen === 'speaks') play.data(server, OK)
    else if (happen === 'ends') play.end(server)
    else play.close(server)
    play.end(play.client)
    t.deepEqual(play.said(), ['close server', 'close client'], happen)
  }
})

test('why TLS with a server has failed is the answer for that server alone', (t) => {
  for (const [url, said] of [
    ['https://192.0.2.1:80/', 'HTTP/1.1 502 '],
    ['https://192.0.2.1:81/', 'open tcp 192.0.2.1:81 '],
    ['https://192.0.2.2:80/', 'open tcp 192.0.2.2:80 '],
  ] as const) {
    const play = open({
      hooks: {
        request(flow) {
          flow.request.url = url
        },
      },
    })
    play.context.serverFailure = new OpenFailure(
      { id: 'x', host: '192.0.2.1', port: 80, transport: 'tcp' },
      'X',
      'no TLS',
    )
    play.data(play.client, GET)
    t.true(play.said().join().includes(said), url)
  }
})

test('a body that an addon has answered instead of is not read as the next answer', (t) => {
  const { play, server } = asked({
    hooks: {
      responseheaders(flow) {
        flow.response = new HttpResponse({ status: 200, content: 'mine' })
      },
    },
  })
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n')
  t.deepEqual(play.said(), [`send client ${sent('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine')}`, 'close server'])
  play.data(play.client, GET)
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80 pooled'])
})

test('a flow names no server before its request goes there, and none where it does not', (t) => {
  const seen: unknown[] = []
  const play = open({
    connected: true,
    hooks: {
      requestheaders(flow) {
        seen.push(flow.server)
        flow.response = new HttpResponse({ status: 204 })
      },
    },
  })
  play.data(play.client, GET)
  t.deepEqual(seen, [undefined])
  t.is(flowOf(play).server, undefined)
})

test('a CONNECT begins anew: what was kept for requests is free, and TLS with the proxy is not TLS with the server', (t) => {
  const play = new Playbook('http-proxy', { mode: 'regular', serverTls: { sni: 'proxy.test', alpn: [] } })
  play.data(play.client, 'GET http://example.org/ HTTP/1.1\r\nHost: example.org\r\n\r\n')
  play.data(play.opened(), OK).said()
  play.data(play.client, 'CONNECT other.test:80 HTTP/1.1\r\nHost: other.test:80\r\n\r\n')
  t.deepEqual(play.said(), ['release server', 'open tcp other.test:80'])
  const second = play.opened()
  play.data(play.client, GET).said()
  play.data(second, OK)
  const { scheme, host } = flowOf(play, 1).request
  t.deepEqual([scheme, host], ['http', 'other.test'])
})

const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'

test('bytes that nobody asked for end a connection to a server at once, and its client goes on with another', (t) => {
  const { play, server } = asked()
  play.data(server, OK)
  t.deepEqual(play.said(), [`send client ${sent(OK)}`])
  play.data(server, EVIL)
  t.deepEqual(play.said(), ['close server'])
  play.data(play.client, GET)
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80 pooled'])
  play.data(play.opened(), OK)
  t.deepEqual(play.said(), [`send server2 ${sent(GET)}`, `send client ${sent(OK)}`])
})

test('bytes that nobody asked for, and that come with the answer, end the connection as well', (t) => {
  const { play, server } = asked()
  play.data(server, OK + EVIL)
  t.deepEqual(play.said(), [`send client ${sent(OK)}`, 'close server'])
  play.data(play.client, GET)
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80 pooled'])
})

test('a connection that the server ends between two requests is closed at once, and its client stays', (t) => {
  for (const how of ['end', 'close'] as const) {
    const { play, server } = asked()
    play.data(server, OK).said()
    play[how](server)
    t.deepEqual(play.said(), ['close server'], how)
    play.data(play.client, '\r\n')
    t.deepEqual(play.said(), [], how)
    play.data(play.client, GET)
    t.deepEqual(play.said(), ['open tcp 192.0.2.1:80 pooled'], how)
    play.data(play.opened(), OK).said()
    play.end(play.client)
    t.deepEqual(play.said(), ['release server2', 'close client'], how)
  }
})
