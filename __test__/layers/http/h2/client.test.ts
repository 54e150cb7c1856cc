// The client's role: what a server may not do, GOAWAY, limits on streams, windows and their credit; and a client's fingerprint.
import test from 'ava'
import { PREFACE } from '../../../../src/layers/http/h2/frames.js'
import type { Stream } from '../../../../src/layers/http/h2/stream.js'
import { Recorder } from './recorder.js'
import { block, frame, head, number, REQUEST, settings, Talk } from './wire.js'

const GET = [':method', 'GET', ...REQUEST.slice(2)]
const OK = [':status', '200']

function opened(fields = GET, end = true) {
  const talk = new Talk('client')
  const stream = talk.session.open(fields, end) as Stream
  talk.session.takeOutput()
  return { talk, stream }
}

const faults: [string, ...Buffer[]][] = [
  ['no :status', head(1, true, ['x', 'y'])],
  ['two :status', head(1, true, [...OK, ...OK])],
  [':path in a response', head(1, true, [...OK, ':path', '/'])],
  [':status behind a field', head(1, true, ['x', 'y', ...OK])],
  [':status of two digits', head(1, true, [':status', '20'])],
  [':status 099', head(1, true, [':status', '099'])],
  ['101', head(1, false, [':status', '101'])],
  ['an interim response that ends', head(1, true, [':status', '100'])],
  ['DATA before the head', frame(0, 0, 1, 'x')],
  ['DATA behind an interim response', head(1, false, [':status', '100']), frame(0, 0, 1, 'x')],
  ['connection', head(1, true, [...OK, 'connection', 'close'])],
  ['a content-length without a body', head(1, true, [...OK, 'content-length', '1'])],
  ['less DATA than content-length', head(1, false, [...OK, 'content-length', '2']), frame(0, 1, 1, 'x')],
  ['DATA of a 204', head(1, false, [':status', '204']), frame(0, 1, 1, 'x')],
  ['a second final head', head(1, false, OK), head(1, false, OK)],
]
for (const [what, ...bytes] of faults) {
  test(`a response with ${what} fails its stream`, (t) => {
    const { talk } = opened()
    talk.say(...bytes)
    t.deepEqual(talk.said(), ['RST_STREAM 1 1'])
    t.deepEqual(talk.events.at(-1)?.slice(0, 3), ['reset', 1, 1])
    t.is(talk.session.openStreams, 0)
  })
}

test('DATA of the response to HEAD', (t) => {
  const { talk } = opened([':method', 'HEAD', ...REQUEST.slice(2)])
  talk.say(head(1, false, [...OK, 'content-length', '1']), frame(0, 1, 1, 'x'))
  t.deepEqual(talk.said(), ['RST_STREAM 1 1'])
})

test('streams that a server opens, and pushes, end the connection', (t) => {
  for (const bytes of [head(2, true, OK), head(3, true, OK), frame(5, 4, 1, Buffer.alloc(8)), settings([2, 1])]) {
    const { talk } = opened()
    talk.say(bytes)
    t.is(talk.fatal?.code, 1)
  }
})

test('MAX_CONCURRENT_STREAMS of the server', (t) => {
  const { talk } = opened()
  talk.say(settings([3, 2]))
  t.is(talk.settings, 2)
  t.is(talk.session.peerSettings.maxConcurrentStreams, 2)
  t.truthy(talk.session.open(GET, true))
  t.false(talk.session.canOpen)
  t.is(talk.session.open(GET, true), undefined)
  talk.say(head(1, true, OK))
  t.is(talk.session.open(GET, true)?.id, 5)
})

test('GOAWAY: what the server has not seen can be asked for elsewhere, the rest goes on', (t) => {
  const { talk } = opened()
  talk.session.open(GET, true)
  talk.say(frame(7, 0, 0, Buffer.concat([number(1), number(0), Buffer.from('bye')])))
  t.deepEqual(
    talk.events.map((event) => event.slice(0, 3)),
    [
      ['reset', 3, 7],
      ['goaway', 1, 0],
    ],
  )
  t.true(talk.session.goneAway)
  t.is(talk.session.open(GET, true), undefined)
  talk.say(head(1, true, OK), head(3, true, OK))
  t.deepEqual(talk.events.at(-1), ['head', 1, OK, true])
  t.is(talk.fatal, undefined)
})

test('our GOAWAY: open streams go on, later ones are not worked on', (t) => {
  const talk = new Talk()
  talk.say(head(1, false))
  talk.session.goaway()
  talk.say(head(3, true), frame(0, 1, 1, 'x'), frame(8, 0, 3, number(1)))
  t.deepEqual(talk.said(), ['GOAWAY 1 0'])
  t.deepEqual(
    talk.events.map(([what, id]) => [what, id]),
    [
      ['head', 1],
      ['data', 1],
      ['end', 1],
    ],
  )
  talk.session.goaway(2)
  talk.say(head(5, true))
  t.deepEqual(talk.said(), ['GOAWAY 1 2'])
})

test('windows: data waits, SETTINGS may make them negative, and streams take turns', (t) => {
  const { talk, stream } = opened(REQUEST, false)
  talk.say(settings([4, 10]))
  talk.session.takeOutput()
  talk.session.sendData(stream, Buffer.alloc(8), false)
  t.false(stream.full)
  talk.session.sendData(stream, Buffer.alloc(8), false)
  t.true(stream.full)
  t.deepEqual(talk.said(), ['DATA 1 8', 'DATA 1 2'])
  talk.say(settings([4, 5]), frame(8, 0, 1, number(5)))
  t.deepEqual(talk.said(), ['SETTINGS ack'])
  talk.say(frame(8, 0, 1, number(100)))
  t.deepEqual(talk.said(), ['DATA 1 6'])
  t.is(talk.rooms, 1)
  const other = talk.session.open(REQUEST, false) as Stream
  talk.say(settings([4, 1_000_000]), frame(8, 0, 0, number(200_000)))
  talk.session.takeOutput()
  for (const one of [stream, other]) talk.session.sendData(one, Buffer.alloc(400_000), true)
  while (talk.session.hasOutput) talk.session.takeOutput()
  t.true(stream.full && other.full)
  talk.say(frame(8, 0, 0, number(65_536)))
  const turns = talk.said()
  t.is(turns.length, 4)
  t.true(turns.every((one, at) => at === 0 || one !== turns[at - 1]))
})

test('a stream that is not passed on gets no credit, and the others do not starve', (t) => {
  const talk = new Talk('server', { settings: [[4, 40_000]], windowUpdate: 34_465 })
  talk.consumes = false
  talk.say(head(1, false), head(3, false))
  const slow = talk.streams.get(1) as Stream
  for (let at = 0; at < 4; at++) talk.say(frame(0, 0, 1, Buffer.alloc(10_000)))
  talk.consumes = true
  for (let at = 0; at < 30; at++) talk.say(frame(0, 0, 3, Buffer.alloc(10_000)))
  t.is(talk.fatal, undefined)
  const said = talk.said()
  t.false(said.some((one) => one.startsWith('WINDOW_UPDATE 1')))
  t.true(said.some((one) => one.startsWith('WINDOW_UPDATE 0')))
  talk.session.consumed(slow, 25_000)
  t.deepEqual(talk.said(), ['WINDOW_UPDATE 1 25000'])
  talk.say(frame(0, 0, 1, Buffer.alloc(10_001)), frame(0, 0, 1, Buffer.alloc(16_000)))
  t.deepEqual(talk.said().slice(-1), ['RST_STREAM 1 3'])
})

test('beyond four megabytes that are not passed on, the connection waits, too', (t) => {
  const talk = new Talk('server', { settings: [[4, 20_000_000]], windowUpdate: 1_000_000 })
  talk.consumes = false
  talk.say(head(1, false))
  for (let at = 0; at < 400 && !talk.fatal; at++) talk.say(frame(0, 0, 1, Buffer.alloc(16_000)))
  t.is(talk.fatal?.code, 3)
  const taken = talk.streams.get(1)?.received as number
  t.true(taken > 4_000_000 && taken < 6_000_000)
})

test('what is sent on a stream that the peer has reset is dropped', (t) => {
  const talk = new Talk()
  talk.say(head(1, false), frame(3, 0, 1, number(8)))
  const stream = talk.streams.get(1) as Stream
  talk.session.sendHead(stream, OK, false)
  talk.session.sendData(stream, Buffer.from('x'), true)
  talk.session.sendTrailers(stream, ['x', 'y'])
  talk.session.reset(stream, 8)
  t.deepEqual(talk.said(), [])
})

test('trailers that cannot be written are refused at once, though they wait behind data', (t) => {
  const { talk, stream } = opened(REQUEST, false)
  talk.session.sendData(stream, Buffer.alloc(100_000), false)
  t.throws(() => talk.session.sendTrailers(stream, ['x', 'a\nb']))
  talk.session.reset(stream, 8)
  t.deepEqual(talk.said().slice(-1), ['RST_STREAM 1 8'])
})

test('fingerprints of Chrome and Firefox', (t) => {
  const chrome = new Recorder('server')
  chrome.session.receive(
    Buffer.concat([
      PREFACE,
      settings([1, 65_536], [2, 0], [4, 6_291_456], [6, 262_144]),
      frame(8, 0, 0, number(15_663_105)),
      frame(
        1,
        0x25,
        1,
        Buffer.concat([
          Buffer.from([128, 0, 0, 0, 255]),
          block([':method', 'GET', ':authority', 'a', ':scheme', 'https', ':path', '/']),
        ]),
      ),
      settings([4, 1]),
      frame(8, 0, 0, number(1)),
    ]),
  )
  t.is(chrome.session.fingerprint.text, '1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p')
  t.deepEqual(chrome.session.fingerprint.headPriority, { stream: 1, exclusive: true, dependency: 0, weight: 256 })
  const firefox = new Recorder('server')
  const priorities = [3, 5].map((id) => ({ stream: id, exclusive: false, dependency: 0, weight: id }))
  const mirror = new Recorder('client', {
    settings: [
      [1, 65_536],
      [4, 131_072],
      [5, 16_384],
      [2, 0],
    ],
    windowUpdate: 0,
    priorities,
  })
  mirror.session.open([':method', 'GET', ':path', '/', ':authority', 'a', ':scheme', 'https'], true)
  firefox.session.receive(mirror.session.takeOutput() as Buffer)
  t.is(firefox.session.fingerprint.text, '1:65536;4:131072;5:16384;2:0|00|3:0:0:3,5:0:0:5|m,p,a,s')
})
