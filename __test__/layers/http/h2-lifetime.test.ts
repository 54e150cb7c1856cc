// How long connections of HTTP/2 live: PINGs, heads that do not come whole, clients that end their side, and silence.
import test from 'ava'
import { Http2Play, request } from '../../support/http2-play.js'
import { frame, head } from './h2/wire.js'

const OK = [':status', '200']

test('a server that falls silent is asked by a PING, and given up where it does not answer', (t) => {
  const play = new Http2Play()
  const server = play.asked(request())
  server.answer(1, OK)
  play.pass()
  // The connection was idle, and so was waited for without a limit, when the request went out.
  play.play.after(100_000)
  play.client.ask(request('POST', '/', []))
  play.pass()
  t.is(server.heard().length, 2)
  server.mute = true
  play.play.after(58_000)
  play.pass()
  t.deepEqual(play.done().slice(1), [])
  play.play.after(58_000)
  t.deepEqual(play.pass().done(), ['close server'])
  t.regex(play.flow(1).error?.message ?? '', /without an answer: the server has not answered a PING$/)
  t.regex(play.client.heard().join(), /3 head :status 502/)
})

test('a PING that was not answered before the last stream was over does not count for the next one', (t) => {
  const play = new Http2Play()
  const server = play.asked(request())
  server.mute = true
  play.play.after(58_000)
  play.client.reset(1, 8)
  play.pass().client.ask(request())
  play.pass().play.after(58_000)
  t.deepEqual(play.pass().done().slice(1), [])
  play.play.after(58_000)
  // And then the request is sent again.
  t.deepEqual(play.pass().done(), ['close server', 'open tcp a.test:443 tls:a.test:h2+http/1.1 pooled'])
})

test('a client that is silent with a stream open gets a PING, and the end where it answers nothing', (t) => {
  const play = new Http2Play()
  const server = play.asked(request())
  play.play.after(58_000)
  play.pass()
  // The client's session has answered.
  play.play.after(58_000)
  play.pass()
  server.answer(1, OK)
  play.pass()
  t.deepEqual(play.client.heard(), ['1 head :status 200 content-length 0 end'])
  play.client.ask(request())
  play.pass()
  play.client.mute = true
  play.play.after(58_000)
  play.pass()
  play.play.after(58_000)
  play.pass()
  t.true(play.done().includes('close client'))
  t.regex(play.flow(1).error?.message ?? '', /client has not answered a PING/)
})

test('a head that does not come whole ends the connection after 30 seconds, whatever trickles in', (t) => {
  for (const first of [frame(1, 1, 1, 'x'), head(1, true).subarray(0, 12), frame(1, 1, 1).subarray(0, 5)]) {
    const play = new Http2Play()
    play.play.data(play.play.client, first)
    play.pass().play.after(29_000)
    t.deepEqual(play.pass().done(), [])
    play.play.after(1_000)
    t.deepEqual(play.pass().done(), ['close client'])
    t.deepEqual(play.client.heard(), ['goaway ENHANCE_YOUR_CALM'])
  }
  const play = new Http2Play()
  play.play.data(play.play.client, frame(1, 1, 1))
  for (let second = 0; second < 30; second++) {
    t.deepEqual(play.pass().done(), [])
    play.play.data(play.play.client, frame(9, 0, 1, 'x')).after(1_000)
  }
  t.deepEqual(play.pass().done(), ['close client'])
})

test('heads that are whole in time end nothing, however many begin at the end of a segment', (t) => {
  const play = new Http2Play()
  let rest: Uint8Array = Buffer.alloc(0)
  for (let number = 0; number < 40; number++) {
    const bytes = frame(6, 0, 0, 'midwire!')
    play.play.data(play.play.client, Buffer.concat([rest, bytes.subarray(0, 3)])).after(1_000)
    rest = bytes.subarray(3)
    play.pass()
  }
  t.deepEqual(play.done(), [])
})

test('PINGs of an idle client are no flood where time passes between them', (t) => {
  const play = new Http2Play()
  for (let number = 0; number < 3_000; number++) {
    play.client.session.ping()
    play.pass().play.after(1_000)
  }
  t.deepEqual(play.done(), [])
})

test('a client that has ended its side gets its answers, and is waited for no longer', (t) => {
  const play = new Http2Play()
  const server = play.asked(request())
  play.client.ask(request('POST', '/'), false)
  play.pass()
  play.play.end(play.play.client)
  play.pass()
  t.deepEqual(server.heard(), [
    '1 head :method GET :scheme https :authority a.test :path / end',
    '3 head :method POST :scheme https :authority a.test :path /',
    '3 reset CANCEL',
  ])
  t.is(play.flow().error?.message, 'the client has ended the connection in the middle of the request')
  t.deepEqual(play.done().slice(1), [])
  server.answer(1, OK, 'hello')
  play.pass()
  t.deepEqual(play.client.heard().slice(0, 4), ['3 reset CANCEL', '1 head :status 200', '1 data hello', '1 end'])
  t.deepEqual(play.done(), ['close server', 'close client'])
})

test('a client that is gone ends the streams of its server', (t) => {
  const play = new Http2Play()
  const server = play.asked(request())
  server.session.sendHead(server.stream(1), OK, false)
  play.pass().play.close(play.play.client, 'reset')
  play.pass()
  t.deepEqual(server.heard().slice(1), ['1 reset CANCEL', 'goaway NO_ERROR'])
  t.deepEqual(play.done().slice(1), ['close server', 'close client'])
  t.is(play.flow().error?.message, 'reset')
})

test('a connection without streams ends after tcp_timeout, and with it that of its server', (t) => {
  const play = new Http2Play({ options: { tcp_timeout: 60 } })
  const server = play.asked(request())
  server.answer(1, OK)
  play.pass().done()
  // The last wait for the client began with a stream, and so has an end.
  play.play.after(58_000).after(59_000)
  t.deepEqual(play.pass().done(), [])
  play.play.after(1_000)
  // Nobody has to close a client whose machine rests.
  t.deepEqual(play.pass().done(), ['close server'])
  t.false(play.play.machine.busy)
  t.is(play.play.timers, 0)
})
