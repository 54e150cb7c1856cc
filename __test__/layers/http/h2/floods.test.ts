// Floods: what costs us work and a peer nothing ends the connection, and what looks like one and is useful does not.
import test from 'ava'
import {
  MAX_ANSWERS,
  MAX_CHATTER,
  MAX_CONTINUATIONS,
  MAX_EMPTY_DATA,
  MAX_RESETS,
  MAX_SETTINGS_FRAMES,
} from '../../../../src/layers/http/h2/floods.js'
import { MAX_INTERIMS } from '../../../../src/layers/http/h2/heads.js'
import { MAX_FRAMED } from '../../../../src/layers/http/h2/sender.js'
import type { Stream } from '../../../../src/layers/http/h2/stream.js'
import { block, frame, frames, head, number, REQUEST, settings, Talk } from './wire.js'

const CALM = 11
const MANY = [...REQUEST, ...Array.from({ length: 4_000 }, (_, at) => (at % 2 ? 'v' : 'n'))]
const ping = frame(6, 0, 0, Buffer.alloc(8))

/** Says `bytes` until the connection ends, and takes the output each time; how often that was. */
function until(talk: Talk, most: number, bytes: (round: number) => Buffer, taken = true): number {
  for (let round = 0; round <= most; round++) {
    talk.say(bytes(round))
    if (talk.fatal) return round
    if (taken) talk.session.takeOutput()
  }
  return Number.POSITIVE_INFINITY
}

/** The flood, the round in which it ends, the bytes of a round. A stream 1 is open. */
const floods: [string, number, (round: number) => Buffer][] = [
  ['PING', MAX_CHATTER, () => ping],
  ['answers to no PING', MAX_CHATTER, () => frame(6, 1, 0, Buffer.alloc(8))],
  ['PRIORITY', MAX_CHATTER, (round) => frame(2, 0, 2 * round + 3, Buffer.alloc(5))],
  ['WINDOW_UPDATE', MAX_CHATTER, () => frame(8, 0, 0, number(1))],
  ['WINDOW_UPDATE of a stream', MAX_CHATTER, () => frame(8, 0, 1, number(1))],
  ['unknown frames', MAX_CHATTER, () => frame(77, 0, 1, 'x')],
  ['GOAWAY', MAX_CHATTER, () => frame(7, 0, 0, Buffer.alloc(8))],
  ['SETTINGS', MAX_SETTINGS_FRAMES, () => settings([4, 1_000])],
  ['acknowledgements of no SETTINGS', MAX_CHATTER, () => frame(4, 1, 0)],
  ['empty DATA', MAX_EMPTY_DATA, () => frame(0, 0, 1)],
  ['DATA that is padding', MAX_EMPTY_DATA, () => frame(0, 8, 1, '\x02ab')],
  [
    'rapid reset',
    MAX_RESETS,
    (round) => Buffer.concat([head(2 * round + 3, true), frame(3, 0, 2 * round + 3, number(8))]),
  ],
  [
    'streams reset by us: WINDOW_UPDATE of 0',
    MAX_RESETS,
    (round) => Buffer.concat([head(2 * round + 3, false), frame(8, 0, 2 * round + 3, number(0))]),
  ],
  ['streams reset by us: malformed heads', MAX_RESETS, (round) => head(2 * round + 3, true, [':method', 'GET'])],
  ['streams reset by us: heads that are too large', MAX_RESETS, (round) => head(2 * round + 3, true, MANY)],
  [
    'RST_STREAM of a closed stream',
    MAX_CHATTER,
    (round) =>
      round === 0 ? Buffer.concat([frame(3, 0, 1, number(8)), frame(3, 0, 1, number(8))]) : frame(3, 0, 1, number(8)),
  ],
  [
    'empty DATA on a stream that was reset',
    MAX_EMPTY_DATA + 1,
    (round) => (round === 0 ? frame(8, 0, 1, number(0)) : frame(0, 0, 1)),
  ],
  [
    'DATA on one closed stream after the other',
    MAX_CHATTER + 300,
    (round) =>
      round < 300
        ? Buffer.concat([head(2 * round + 3, false), frame(3, 0, 2 * round + 3, number(8))])
        : frame(0, 0, 2 * ((round - 300) % 300) + 3, 'x'),
  ],
]
for (const [what, rounds, bytes] of floods) {
  test(`a flood of ${what} ends with ENHANCE_YOUR_CALM`, (t) => {
    const talk = new Talk()
    talk.say(head(1, false))
    talk.session.refill()
    if (what.includes('closed stream after'))
      talk.onHead = (stream) => talk.session.sendHead(stream, [':status', '200'], false)
    t.is(until(talk, rounds + 5, bytes), rounds)
    t.is(talk.fatal?.code, CALM)
    t.like(frames(talk.session.takeOutput() as Buffer).at(-1), { type: 7 })
  })
}

test('more requests at once than we allow are refused, and a flood of them ends', (t) => {
  const talk = new Talk()
  for (let at = 0; at < 100; at++) talk.say(head(2 * at + 1, true))
  talk.say(head(201, true))
  t.deepEqual(talk.said(), ['RST_STREAM 201 7'])
  t.is(talk.session.openStreams, 100)
  t.is(
    until(talk, MAX_RESETS + 5, (round) => head(2 * round + 203, true)),
    MAX_RESETS - 1,
  )
  t.is(talk.fatal?.code, CALM)
})

test('resets behind an answer, and requests that are answered, are no flood', (t) => {
  const talk = new Talk()
  talk.onHead = (stream) => talk.session.sendHead(stream, [':status', '200'], false)
  const rounds = until(talk, 5 * MAX_RESETS, (round) =>
    Buffer.concat([head(2 * round + 1, true), frame(3, 0, 2 * round + 1, number(8))]),
  )
  t.is(rounds, Number.POSITIVE_INFINITY)
})

test('WINDOW_UPDATE and PING beside requests and data are no flood, and time makes up for PING', (t) => {
  const talk = new Talk()
  talk.say(head(1, false))
  const useful = until(talk, 3 * MAX_CHATTER, () => Buffer.concat([frame(0, 0, 1, 'x'), ping]))
  t.is(useful, Number.POSITIVE_INFINITY)
  const idle = new Talk()
  for (let minute = 0; minute < 10; minute++) {
    t.is(
      until(idle, MAX_CHATTER - 10, () => ping),
      Number.POSITIVE_INFINITY,
    )
    idle.session.refill()
  }
})

test('answers that nobody takes are bounded, whatever is useful beside them', (t) => {
  const talk = new Talk()
  talk.say(head(1, false))
  talk.session.takeOutput()
  const rounds = until(talk, 2 * MAX_ANSWERS, () => Buffer.concat([frame(0, 0, 1, 'x'), ping]), false)
  t.is(rounds, MAX_ANSWERS)
  t.true((talk.session.takeOutput() as Buffer).length < 17 * MAX_ANSWERS + 300)
})

test('CONTINUATION: many empty frames, and too many bytes', (t) => {
  const empty = new Talk()
  empty.say(frame(1, 1, 1, block(REQUEST)))
  t.is(
    until(empty, 1_000, () => frame(9, 0, 1)),
    MAX_CONTINUATIONS,
  )
  t.is(empty.fatal?.code, CALM)
  const large = new Talk()
  large.say(frame(1, 1, 1, block(REQUEST)))
  t.is(
    until(large, 1_000, () => frame(9, 0, 1, Buffer.alloc(16_384))),
    7,
  )
  t.is(large.fatal?.code, CALM)
})

test('a HEADERS frame of many bytes is refused by its header alone', (t) => {
  const talk = new Talk('server', { settings: [[5, 1_000_000]] })
  talk.say(frame(1, 5, 1, Buffer.alloc(500_000)).subarray(0, 9))
  t.is(talk.fatal?.code, CALM)
})

test('an HPACK bomb: a large entry again and again', (t) => {
  const talk = new Talk()
  const entry = Buffer.concat([Buffer.from('40017a7fa11e', 'hex'), Buffer.alloc(4_000, 'z')])
  talk.say(frame(1, 5, 1, Buffer.concat([block(REQUEST), entry, Buffer.alloc(10, 0xbe)])))
  t.is(talk.fatal, undefined)
  t.is(talk.events.length, 1)
  talk.say(frame(1, 5, 3, Buffer.concat([block(REQUEST), Buffer.alloc(20, 0xbe)])))
  t.is(talk.fatal, undefined)
  t.is(talk.refused.length, 1)
  t.deepEqual(talk.said(), ['HEADERS 3 :status 431 content-length 0 end'])
  talk.say(frame(1, 5, 5, Buffer.alloc(16_000, 0xbe)))
  t.is(talk.fatal?.code, CALM)
})

test('a head that is too large is answered with 431, and what follows of the request is ignored', (t) => {
  const talk = new Talk('server', { maxHeaderListSize: 1_000, maxFields: 6 })
  talk.say(head(1, false, [...REQUEST, 'x', 'y'.repeat(900)]), frame(0, 1, 1, 'late'))
  talk.say(head(3, true, [...REQUEST, 'a', '1', 'b', '2', 'c', '3']), head(5, true))
  t.deepEqual(talk.said(), [
    'HEADERS 1 :status 431 content-length 0 end',
    'RST_STREAM 1 0',
    'HEADERS 3 :status 431 content-length 0 end',
  ])
  t.deepEqual(talk.events.at(-1)?.slice(0, 2), ['head', 5])
})

test('responses without a window wait in bounded queues', (t) => {
  const talk = new Talk()
  talk.say(settings([4, 0]))
  talk.session.takeOutput()
  const chunk = Buffer.alloc(65_536)
  let given = 0
  talk.onHead = (stream) => {
    talk.session.sendHead(stream, [':status', '200'], false)
    while (!stream.full) {
      talk.session.sendData(stream, chunk, false)
      given += chunk.length
    }
  }
  for (let at = 0; at < 100; at++) talk.say(head(2 * at + 1, true))
  t.is(given, 100 * chunk.length)
  t.true((talk.session.takeOutput() as Buffer).length < 5_000)
  talk.say(frame(3, 0, 1, number(8)))
  t.is((talk.streams.get(1) as Stream).queued, 0)
})

test('with large windows, data that nobody takes waits in the streams', (t) => {
  const talk = new Talk()
  talk.say(settings([4, 0x7fff_ffff]), frame(8, 0, 0, number(0x7f00_0000)), head(1, true))
  talk.session.takeOutput()
  const stream = talk.streams.get(1) as Stream
  talk.session.sendHead(stream, [':status', '200'], false)
  let given = 0
  for (; !stream.full; given += 10_000) talk.session.sendData(stream, Buffer.alloc(10_000), false)
  t.true(given < MAX_FRAMED + 20_000)
  t.true((talk.session.takeOutput() as Buffer).length < MAX_FRAMED + 20_000)
  t.is(talk.rooms, 1)
  t.false(stream.full)
})

test('interim responses without an end fail their stream', (t) => {
  const talk = new Talk('client')
  talk.session.open(REQUEST, true)
  talk.session.takeOutput()
  for (let at = 0; at < MAX_INTERIMS; at++) talk.say(head(1, false, [':status', '103']))
  t.deepEqual(talk.said(), [])
  talk.say(head(1, false, [':status', '103']))
  t.deepEqual(talk.said(), ['RST_STREAM 1 11'])
})
