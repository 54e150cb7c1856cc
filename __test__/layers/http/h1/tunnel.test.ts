// A CONNECT to a proxy that is no part of midwire: who answers it, and what becomes of what follows.
import test from 'ava'
import { flowOf, GET, OK, open, sent } from '../../../support/http1-play.js'

test('a CONNECT to a proxy behind us goes to that proxy, and what is in its tunnel is looked at', (t) => {
  const CONNECT = 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n'
  const play = open({ destination: { host: '192.0.2.9', port: 3128, transport: 'tcp' } })
  play.data(play.client, CONNECT)
  const server = play.opened()
  t.deepEqual(play.said(), ['open tcp 192.0.2.9:3128 pooled', `send server ${sent(CONNECT)}`])
  play.data(server, 'HTTP/1.1 200 Connection established\r\n\r\n')
  t.deepEqual(play.said(), [`send client ${sent('HTTP/1.1 200 Connection established\r\n\r\n')}`])
  t.is(flowOf(play).request.method, 'CONNECT')
  play.data(play.client, GET)
  t.deepEqual(play.said(), [`send server ${sent(GET)}`], 'by the same connection')
  play.data(server, OK)
  t.is(flowOf(play, 1).request.host, 'example.org')
  play.close(server)
  play.said()
  play.data(play.client, GET)
  // The same proxy, asked by us now, and not a server of that name.
  t.deepEqual(play.said(), ['open tcp 192.0.2.9:3128 pooled'])
})

test('a proxy behind us that refuses a CONNECT is heard, and asked again', (t) => {
  const play = open({ destination: { host: '192.0.2.9', port: 3128, transport: 'tcp' } })
  play.data(play.client, 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n')
  const server = play.opened()
  play.data(server, 'HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno')
  t.is(play.said().at(-1), `send client ${sent('HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno')}`)
  play.data(play.client, GET)
  t.is(play.said().at(-1), `send server ${sent(GET)}`)
})
