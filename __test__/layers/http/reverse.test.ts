// HTTP to the one server that midwire stands in for: fields that name either of them.
import test from 'ava'
import { flowOf, open, sent } from '../../support/http1-play.js'
import type { PlaybookOptions } from '../../support/playbook.js'

const target = { tls: false, protocol: 'http1' } as const
const destination = { host: 'app.test', port: 8000, transport: 'tcp' } as const

function asked(request: string, options: PlaybookOptions = {}) {
  const play = open({ destination, entrance: { target }, ...options })
  play.data(play.client, request)
  const server = play.opened()
  return { play, server, said: play.said() }
}

test('Host names the server, with its port where that is not the usual one', (t) => {
  const { said, play, server } = asked('GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n')
  t.deepEqual(said, [
    'open tcp app.test:8000 pooled',
    `send server ${sent('GET / HTTP/1.1\r\nHost: app.test:8000\r\n\r\n')}`,
  ])
  play.data(server, 'HTTP/1.1 204 No Content\r\n\r\n')
  t.is(flowOf(play).request.url, 'http://app.test:8000/')
  const usual = asked('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', { destination: { ...destination, port: 80 } })
  t.is(usual.said[1], `send server ${sent('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')}`)
  const six = asked('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', {
    destination: { ...destination, host: '2001:db8::1' },
  })
  t.regex(`${six.said[1]}`, /Host: \[2001:db8::1\]:8000/)
})

test('a URL in the request line is that of midwire as well', (t) => {
  const { said } = asked('GET http://localhost:8080/a HTTP/1.1\r\nHost: localhost:8080\r\n\r\n')
  t.is(said[1], `send server ${sent('GET /a HTTP/1.1\r\nHost: app.test:8000\r\n\r\n')}`)
})

test('keep_host_header leaves it as it is', (t) => {
  const { said } = asked('GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n', { options: { keep_host_header: true } })
  t.is(said[1], `send server ${sent('GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n')}`)
})

test('to a server with TLS from a client without', (t) => {
  const { said } = asked('GET / HTTP/1.1\r\nHost: localhost:8080\r\n\r\n', {
    destination: { ...destination, port: 443 },
    entrance: { target: { tls: true, protocol: 'http1' } },
  })
  t.deepEqual(said, [
    'open tcp app.test:443 tls:app.test:http/1.1 pooled',
    `send server ${sent('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n')}`,
  ])
})

test('upstream_auth is for the server, unless the client has credentials of its own', (t) => {
  const options = { upstream_auth: 'me:pass:word' }
  const basic = Buffer.from('me:pass:word').toString('base64')
  const bare = asked('GET / HTTP/1.1\r\nHost: a\r\n\r\n', { options })
  t.regex(`${bare.said[1]}`, new RegExp(`Authorization: Basic ${basic}`))
  const own = asked('GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n\r\n', { options })
  t.regex(`${own.said[1]}`, /Authorization: Bearer x/)
  t.notRegex(`${own.said[1]}`, /Basic/)
})

test('Alt-Svc leads to midwire, and not past it; other hosts and keep_alt_svc_header stay', (t) => {
  const answer = (value: string) => `HTTP/1.1 200 OK\r\nAlt-Svc: ${value}\r\nContent-Length: 0\r\n\r\n`
  const value = 'h3=":443"; ma=86400, h2="alt.test:443"'
  const { play, server } = asked('GET / HTTP/1.1\r\nHost: a\r\n\r\n', { options: { http3: 'pass' } })
  play.data(server, answer(value))
  t.is(play.said().at(-1), `send client ${sent(answer('h3=":8000"; ma=86400, h2="alt.test:443"'))}`)
  const kept = asked('GET / HTTP/1.1\r\nHost: a\r\n\r\n', { options: { keep_alt_svc_header: true } })
  kept.play.data(kept.server, answer(value))
  t.is(kept.play.said().at(-1), `send client ${sent(answer(value))}`)
})

test('redirects and cookies stay as they are', (t) => {
  const answer =
    'HTTP/1.1 302 Found\r\nLocation: http://app.test:8000/in\r\nSet-Cookie: a=b; Domain=app.test\r\nContent-Length: 0\r\n\r\n'
  const { play, server } = asked('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  play.data(server, answer)
  t.is(play.said().at(-1), `send client ${sent(answer)}`)
})
