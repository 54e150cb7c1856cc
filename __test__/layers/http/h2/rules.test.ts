// What RFC 9113 forbids a client, frame by frame, and what becomes of it: an error of the connection, of the stream, or nothing.
import test from 'ava'
import { PREFACE } from '../../../../src/layers/http/h2/frames.js'
import { Session } from '../../../../src/layers/http/h2/session.js'
import { Recorder } from './recorder.js'
import { block, frame, head, number, REQUEST, settings, Talk } from './wire.js'

const ack = (length: number) => frame(6, 0, 0, Buffer.alloc(length))
const [PROTOCOL, FLOW, CLOSED, SIZE, COMPRESSION] = [1, 3, 5, 6, 9]

/** Errors of the connection: their codes, and the frames. */
const fatal: [string, number, ...Buffer[]][] = [
  ['DATA on an idle stream', PROTOCOL, frame(0, 0, 1, 'x')],
  ['DATA on stream 0', PROTOCOL, frame(0, 0, 0, 'x')],
  ['HEADERS on stream 0', PROTOCOL, head(0, true)],
  ['HEADERS on an even stream', PROTOCOL, head(2, true)],
  ['HEADERS on a lower stream', PROTOCOL, head(5, false), head(3, false)],
  ['RST_STREAM on an idle stream', PROTOCOL, frame(3, 0, 1, number(8))],
  ['RST_STREAM on stream 0', PROTOCOL, frame(3, 0, 0, number(8))],
  ['RST_STREAM of 3 bytes', SIZE, head(1, false), frame(3, 0, 1, 'abc')],
  ['WINDOW_UPDATE on an idle stream', PROTOCOL, frame(8, 0, 1, number(8))],
  ['WINDOW_UPDATE of 0', PROTOCOL, frame(8, 0, 0, number(0))],
  ['WINDOW_UPDATE of 5 bytes', SIZE, frame(8, 0, 0, 'abcde')],
  ['a window of the connection that overflows', FLOW, frame(8, 0, 0, number(0x7fff_ffff))],
  ['SETTINGS on a stream', PROTOCOL, frame(4, 0, 1)],
  ['SETTINGS of 5 bytes', SIZE, frame(4, 0, 0, 'abcde')],
  ['an acknowledgement with bytes', SIZE, frame(4, 1, 0, 'abcdef')],
  ['ENABLE_PUSH 2', PROTOCOL, settings([2, 2])],
  ['INITIAL_WINDOW_SIZE 2^31', FLOW, settings([4, 0x8000_0000])],
  ['MAX_FRAME_SIZE below 2^14', PROTOCOL, settings([5, 16_383])],
  ['MAX_FRAME_SIZE above 2^24 - 1', PROTOCOL, settings([5, 16_777_216])],
  ['ENABLE_CONNECT_PROTOCOL 2', PROTOCOL, settings([8, 2])],
  ['ENABLE_CONNECT_PROTOCOL taken back', PROTOCOL, settings([8, 1], [8, 0])],
  [
    'a window of a stream that SETTINGS make overflow',
    FLOW,
    head(1, false),
    frame(8, 0, 1, number(0x7fff_0000)),
    settings([4, 65_536]),
  ],
  ['PING on a stream', PROTOCOL, frame(6, 0, 1, Buffer.alloc(8))],
  ['PING of 7 bytes', SIZE, ack(7)],
  ['GOAWAY on a stream', PROTOCOL, frame(7, 0, 1, Buffer.alloc(8))],
  ['GOAWAY of 7 bytes', SIZE, frame(7, 0, 0, Buffer.alloc(7))],
  ['PRIORITY on stream 0', PROTOCOL, frame(2, 0, 0, Buffer.alloc(5))],
  ['PRIORITY of 4 bytes on an idle stream', SIZE, frame(2, 0, 3, Buffer.alloc(4))],
  ['PUSH_PROMISE', PROTOCOL, head(1, false), frame(5, 4, 1, Buffer.alloc(8))],
  ['a frame above SETTINGS_MAX_FRAME_SIZE', SIZE, head(1, false), frame(0, 0, 1, Buffer.alloc(16_385))],
  ['CONTINUATION without HEADERS', PROTOCOL, frame(9, 4, 1)],
  ['CONTINUATION behind a whole block', PROTOCOL, head(1, false), frame(9, 4, 1)],
  ['CONTINUATION of another stream', PROTOCOL, frame(1, 0, 1, block(REQUEST)), frame(9, 4, 3)],
  ['PING inside a block', PROTOCOL, frame(1, 0, 1, block(REQUEST)), ack(8)],
  ['an unknown frame inside a block', PROTOCOL, frame(1, 0, 1, block(REQUEST)), frame(99, 0, 0)],
  ['padding beyond a DATA frame', PROTOCOL, head(1, false), frame(0, 8, 1, '\x05abcd')],
  ['a padded DATA frame without a byte', PROTOCOL, head(1, false), frame(0, 8, 1)],
  ['padding beyond a HEADERS frame', PROTOCOL, frame(1, 12, 1, '\x05\x82')],
  ['a padded HEADERS frame without a byte', PROTOCOL, frame(1, 12, 1)],
  ['HEADERS too short for its priority', PROTOCOL, frame(1, 0x24, 1, 'abcd')],
  ['a block that is not HPACK', COMPRESSION, frame(1, 5, 1, '\x80')],
  ['HEADERS behind the end of both sides', CLOSED, head(1, true), frame(99, 0, 0), head(1, true)],
]
for (const [what, code, ...bytes] of fatal) {
  test(`${what} ends the connection with ${code}`, (t) => {
    const talk = new Talk()
    talk.onEnd = (stream) => talk.session.sendHead(stream, [':status', '204'], true)
    talk.say(...bytes)
    t.is(talk.fatal?.code, code)
    t.regex(talk.said().at(-1) as string, new RegExp(`^GOAWAY \\d+ ${code}$`))
    const { length } = talk.events
    talk.say(head(7, true))
    t.is(talk.events.length, length)
    t.false(talk.session.hasOutput)
  })
}

const END = true
const fieldFaults: [string, string[]][] = [
  ['an uppercase name', [...REQUEST, 'X-A', '1']],
  ['an empty name', [...REQUEST, '', '1']],
  ['a name that is no token', [...REQUEST, 'x a', '1']],
  ['connection', [...REQUEST, 'connection', 'close']],
  ['keep-alive', [...REQUEST, 'keep-alive', '5']],
  ['proxy-connection', [...REQUEST, 'proxy-connection', 'x']],
  ['transfer-encoding', [...REQUEST, 'transfer-encoding', 'chunked']],
  ['upgrade', [...REQUEST, 'upgrade', 'h2c']],
  ['te: gzip', [...REQUEST, 'te', 'gzip']],
  ['CR in a value', [...REQUEST, 'x', 'a\rb']],
  ['LF in a value', [...REQUEST, 'x', 'a\nb']],
  ['NUL in a value', [...REQUEST, 'x', 'a\0b']],
  ['a space before a value', [...REQUEST, 'x', ' a']],
  ['a tab behind a value', [...REQUEST, 'x', 'a\t']],
  ['a pseudo-header field behind a field', [...REQUEST.slice(0, 6), 'x', 'y', ':path', '/']],
  ['an unknown pseudo-header field', [...REQUEST, ':x', '1']],
  [':status in a request', [...REQUEST, ':status', '200']],
  ['two :method', [':method', 'GET', ...REQUEST]],
  ['two :path', [':path', '/', ...REQUEST]],
  ['no :method', REQUEST.slice(2)],
  ['no :scheme', [...REQUEST.slice(0, 2), ...REQUEST.slice(4)]],
  ['no :path', REQUEST.slice(0, 6)],
  ['an empty :path', [...REQUEST.slice(0, 7), '']],
  ['a :path without a slash', [...REQUEST.slice(0, 7), 'a']],
  ['a space in :path', [...REQUEST.slice(0, 7), '/a b']],
  ['CRLF in :path', [...REQUEST.slice(0, 7), '/ HTTP/1.1\r\nx: y']],
  ['a :method that is no token', [':method', 'GET /', ...REQUEST.slice(2)]],
  ['userinfo in :authority', [':authority', 'u@a.test', ...REQUEST.slice(0, 4), ':path', '/']],
  ['a :scheme that is none', [':scheme', 'ht*tp', ':method', 'GET', ':path', '/']],
  ['a content-length that is no number', [...REQUEST, 'content-length', '+1']],
  ['two content-lengths', [...REQUEST, 'content-length', '0', 'content-length', '1']],
  ['a content-length without a body', [...REQUEST, 'content-length', '1']],
  ['CONNECT with :path', [':method', 'CONNECT', ':authority', 'a:1', ':path', '/']],
  ['CONNECT without :authority', [':method', 'CONNECT']],
  [':protocol without CONNECT', [...REQUEST, ':protocol', 'websocket']],
  [
    'extended CONNECT without :path',
    [':method', 'CONNECT', ':protocol', 'websocket', ':scheme', 'https', ':authority', 'a'],
  ],
]
for (const [what, fields] of fieldFaults) {
  test(`${what} is an error of the stream`, (t) => {
    const talk = new Talk()
    talk.say(head(1, END, fields), head(3, END))
    t.deepEqual(talk.said(), ['RST_STREAM 1 1'])
    t.deepEqual(
      talk.events.map(([name, stream]) => `${name} ${stream}`),
      ['refused 1', 'head 3'],
    )
  })
}

test('what looks odd and is right passes', (t) => {
  const talk = new Talk()
  const odd = [
    [':method', 'OPTIONS', ':path', '*', ':scheme', 'http', ':authority', 'a'],
    [':method', 'CONNECT', ':authority', 'a.test:443'],
    [':method', 'CONNECT', ':protocol', 'websocket', ':scheme', 'https', ':path', '/', ':authority', 'a'],
    [...REQUEST, 'te', 'trailers', 'content-length', '0', 'content-length', '0', 'x-empty', '', 'x-high', '\xff a\tb'],
  ]
  for (const [at, fields] of odd.entries()) talk.say(head(2 * at + 1, true, fields))
  t.deepEqual(
    talk.events.map(([, , fields]) => fields),
    odd,
  )
})

test('extended CONNECT needs our SETTINGS_ENABLE_CONNECT_PROTOCOL', (t) => {
  const talk = new Talk('server', { settings: [[3, 100]] })
  talk.say(
    head(1, true, [
      ':method',
      'CONNECT',
      ':protocol',
      'websocket',
      ':scheme',
      'https',
      ':path',
      '/',
      ':authority',
      'a',
    ]),
  )
  t.deepEqual(talk.said(), ['RST_STREAM 1 1'])
})

/** Errors of stream 1, whose head has come: their codes, and the frames. */
const streamFaults: [string, number, ...Buffer[]][] = [
  ['WINDOW_UPDATE of 0', PROTOCOL, frame(8, 0, 1, number(0))],
  ['a window that overflows', FLOW, frame(8, 0, 1, number(0x7fff_ffff))],
  ['PRIORITY that depends on itself', PROTOCOL, frame(2, 0, 1, '\0\0\0\x01\0')],
  ['PRIORITY of 4 bytes', SIZE, frame(2, 0, 1, 'abcd')],
  ['a second head', PROTOCOL, head(1, false)],
  ['a pseudo-header field in trailers', PROTOCOL, head(1, true, [':path', '/'])],
  ['connection in trailers', PROTOCOL, head(1, true, ['connection', 'close'])],
  ['DATA beyond content-length', PROTOCOL, frame(0, 0, 1, '1234567')],
  ['DATA below content-length', PROTOCOL, frame(0, 1, 1, '12345')],
  ['trailers below content-length', PROTOCOL, frame(0, 0, 1, '12345'), head(1, true, ['x', 'y'])],
  ['DATA behind the end', CLOSED, frame(0, 1, 1, '123456'), frame(0, 0, 1, 'x')],
  ['HEADERS behind the end', CLOSED, frame(0, 1, 1, '123456'), head(1, true, ['x', 'y'])],
]
for (const [what, code, ...bytes] of streamFaults) {
  test(`${what} resets the stream with ${code}, and what comes later is ignored`, (t) => {
    const talk = new Talk()
    talk.say(head(1, false, [...REQUEST, 'content-length', '6']), ...bytes)
    t.like(talk.events.at(-1), { 0: 'reset', 1: 1, 2: code })
    t.is(typeof talk.events.at(-1)?.[3], 'string')
    t.deepEqual(talk.said(), [`RST_STREAM 1 ${code}`])
    const { length } = talk.events
    talk.say(frame(0, 0, 1, 'late'), frame(8, 0, 1, number(1)), frame(3, 0, 1, number(8)), head(1, true, ['x', 'y']))
    talk.say(frame(2, 0, 1, Buffer.alloc(5)))
    t.is(talk.events.length, length)
    t.deepEqual(talk.said(), [])
    t.is(talk.session.openStreams, 0)
  })
}

test('more DATA than the window of the stream, or of the connection', (t) => {
  const small = new Talk('server', { settings: [[4, 10]] })
  small.say(head(1, false), frame(0, 0, 1, Buffer.alloc(11)))
  t.deepEqual(small.said(), ['RST_STREAM 1 3'])
  const talk = new Talk('server', { settings: [[4, 0x7fff_ffff]], windowUpdate: 0 })
  talk.consumes = false
  talk.say(head(1, false))
  for (let at = 0; at < 2; at++) talk.say(frame(0, 0, 1, Buffer.alloc(16_384)))
  t.is(talk.fatal, undefined)
  t.deepEqual(talk.said(), ['WINDOW_UPDATE 0 32768'])
})

test('HEADERS that depend on themselves', (t) => {
  const talk = new Talk()
  talk.say(frame(1, 0x25, 1, Buffer.concat([Buffer.from([0, 0, 0, 1, 0]), block(REQUEST)])))
  t.deepEqual(talk.said(), ['RST_STREAM 1 1'])
})

test('DATA on a stream that is over is an error of that stream, once', (t) => {
  const talk = new Talk()
  talk.onEnd = (stream) => talk.session.sendHead(stream, [':status', '204'], true)
  talk.say(head(1, true), frame(0, 0, 1, 'x'), frame(0, 0, 1, 'x'))
  t.deepEqual(talk.said(), ['HEADERS 1 :status 204 end', 'RST_STREAM 1 5'])
})

test('unknown frames, unknown settings, unknown flags and the reserved bit mean nothing', (t) => {
  const talk = new Talk()
  const reserved = head(1, false)
  reserved[5] = 0x80
  talk.say(
    frame(99, 255, 77, 'abc'),
    settings([99, 1]),
    reserved,
    frame(0, 0xf6, 1, 'ab'),
    frame(16, 0, 0, Buffer.alloc(30)),
  )
  t.is(talk.fatal, undefined)
  t.deepEqual(talk.said(), ['SETTINGS ack'])
  t.deepEqual(talk.events.at(-1), ['data', 1, 'ab'])
})

test('padding is no data, and its credit comes back with the stream', (t) => {
  const talk = new Talk('server', { settings: [[4, 100]] })
  talk.say(head(1, false), frame(0, 8, 1, `\x30${'a'.repeat(10)}${'\0'.repeat(0x30)}`))
  t.deepEqual(talk.events.at(-1), ['data', 1, 'aaaaaaaaaa'])
  t.deepEqual(talk.said(), ['WINDOW_UPDATE 1 59'])
})

test('the preface of a client, and SETTINGS first', (t) => {
  const wrong = new Recorder('server')
  wrong.session.receive(Buffer.from('GET / HTTP/1.1\r\n'))
  t.is(wrong.fatal?.code, PROTOCOL)
  const early = new Recorder('server')
  early.session.receive(Buffer.concat([PREFACE, head(1, true)]))
  t.is(early.fatal?.code, PROTOCOL)
  const server = new Recorder('client')
  server.session.receive(frame(6, 0, 0, Buffer.alloc(8)))
  t.is(server.fatal?.code, PROTOCOL)
})

test('what we send first', (t) => {
  const client = new Session(
    'client',
    {
      settings: [
        [1, 65_536],
        [2, 1],
        [4, 100],
      ],
      windowUpdate: 7,
    },
    new Recorder('client'),
  )
  const bytes = client.takeOutput() as Buffer
  t.true(bytes.subarray(0, 24).equals(PREFACE))
  t.deepEqual(bytes.subarray(24), Buffer.concat([settings([1, 65_536], [2, 0], [4, 100]), frame(8, 0, 0, number(7))]))
  const server = new Session('server', { settings: [[4, 100]], windowUpdate: 0 }, new Recorder('server'))
  t.deepEqual(server.takeOutput(), settings([4, 100], [3, 100]))
})
