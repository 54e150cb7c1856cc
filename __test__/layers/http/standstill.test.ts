// An exchange in which nothing moves any more: each phase ends after tcp_timeout, with what can still be said.
import test from 'ava'
import type { HttpFlow } from '../../../src/flow/http.js'
import { asked, flowOf, GET, OK, sent } from '../../support/http1-play.js'

test('a server that says nothing is given up after tcp_timeout', (t) => {
  const { play } = asked({ hooks: { error() {} } })
  play.after(599_000)
  t.deepEqual(play.said(), [])
  play.after(1_000)
  t.regex(play.said().join(), /send client "HTTP\/1\.1 504 .*no data has passed for 600 s: the server has not answered/)
  t.false(play.machine.busy)
})

test('a client that stops reading a response is let go after tcp_timeout', (t) => {
  const { play, server } = asked({ hooks: { error() {} } })
  play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome')
  play.client.full = true
  play.data(server, 'more').after(599_000)
  play.drain(play.client)
  play.client.full = true
  play.data(server, 'and more').said()
  play.after(599_000)
  t.deepEqual(play.said(), [], 'what the client has taken meanwhile counts')
  play.after(1_000)
  t.deepEqual(play.said(), ['close server', 'reset client'])
  t.is(flowOf(play).error?.message, 'no data has passed for 600 s: the response stands still')
  t.false(play.machine.busy)
})

test('an upload that the server stops reading ends in a 504 after tcp_timeout', (t) => {
  const { play, server } = asked({}, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n')
  server.full = true
  play.data(play.client, Buffer.alloc(100_000)).data(play.client, Buffer.alloc(100_000))
  t.is(play.said().at(-1), 'pause client')
  play.after(600_000)
  t.regex(play.said().join(), /close server,send client "HTTP\/1\.1 504 .*the server has not answered.*close client/)
  t.false(play.machine.busy)
})

test('an upload that the client stops sending ends in a 408 after tcp_timeout', (t) => {
  const { play } = asked({}, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\nsome')
  play.after(600_000)
  t.regex(play.said().join(), /send client "HTTP\/1\.1 408 .*the client's request is not whole/)
  t.false(play.machine.busy)
})

test('kill() ends a flow in the middle of a body that passes, also one that stands still', (t) => {
  for (const full of [false, true]) {
    let flow: HttpFlow | undefined
    const { play, server } = asked({
      hooks: {
        responseheaders: (one) => {
          flow = one
        },
        error() {},
      },
    })
    play.data(server, 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome')
    play.said()
    play.client.full = full
    if (full) play.data(server, 'more').said()
    flow?.kill()
    t.deepEqual(play.said(), ['close server', 'reset client'])
    t.is(flowOf(play).error?.message, 'killed')
    t.is(play.hooks.at(-1), 'error')
    t.false(play.machine.busy)
  }
})

test('kill() ends a flow in the middle of an upload, and while the server thinks', (t) => {
  for (const rest of ['part', 'all of it!']) {
    let flow: HttpFlow | undefined
    const { play } = asked(
      {
        hooks: {
          requestheaders: (one) => {
            flow = one
          },
        },
      },
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n${rest}`,
    )
    flow?.kill()
    t.deepEqual(play.said(), ['close server', 'reset client'])
    t.false(play.machine.busy)
  }
})

test('killing a flow that is over does nothing to the next one of its connection', (t) => {
  const { play, server } = asked()
  play.data(server, OK).said()
  play.act(flowOf(play), { act: 'kill' })
  t.deepEqual(play.said(), [], 'nor to the connection while it is idle')
  play.data(play.client, GET).said()
  flowOf(play).kill()
  play.act(flowOf(play), { act: 'kill' })
  t.deepEqual(play.said(), [])
  play.data(server, OK)
  t.deepEqual(play.said(), [`send client ${sent(OK)}`])
})

test('a connection that lies idle between requests is closed after tcp_timeout, without a flow', (t) => {
  const { play, server } = asked()
  play.data(server, OK).said()
  play.after(600_000)
  t.deepEqual(play.said(), ['release server'])
  t.is(play.finished.length, 1)
  t.false(play.machine.busy)
})
