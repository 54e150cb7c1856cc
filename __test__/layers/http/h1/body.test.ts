// Bodies: views and not copies, exact ends, trailers, limits, and what a cut-off stream is told.
import test from 'ava'
import { HttpError } from '../../../../src/layers/http/error.js'
import { BodyReader, MAX_CHUNK_EXTENSION } from '../../../../src/layers/http/h1/body.js'
import { MAX_FIELDS, MAX_HEAD } from '../../../../src/layers/http/h1/head.js'
import { bytes } from '../../../support/http1.js'

const CHUNKED = { kind: 'chunked' } as const

function read(reader: BodyReader, text: string, from = 0): { at: number; pieces: Buffer[]; buffer: Buffer } {
  const buffer = bytes(text)
  const pieces: Buffer[] = []
  const at = reader.read(buffer, from, (piece) => pieces.push(piece))
  return { at, pieces, buffer }
}

test('no body and an empty one are done at once', (t) => {
  for (const framing of [{ kind: 'none' }, { kind: 'length', length: 0 }] as const) {
    const reader = new BodyReader(framing)
    t.true(reader.done)
    t.is(read(reader, 'GET /').at, 0)
    reader.end()
  }
})

test('a length is read to its byte, in views', (t) => {
  const reader = new BodyReader({ kind: 'length', length: 5 })
  const first = read(reader, '..hel', 2)
  t.is(first.at, 5)
  t.is(first.pieces[0]?.buffer, first.buffer.buffer)
  t.is(first.pieces[0]?.byteOffset, first.buffer.byteOffset + 2)
  t.false(reader.done)
  const second = read(reader, 'loGET /')
  t.is(second.at, 2)
  t.is(second.pieces.join(), 'lo')
  t.true(reader.done)
  const whole = read(new BodyReader({ kind: 'length', length: 5 }), 'hello')
  t.is(whole.pieces[0], whole.buffer)
})

test('a body without a length ends with the stream', (t) => {
  const reader = new BodyReader({ kind: 'close' }, 'response')
  t.is(read(reader, '--hello', 2).pieces.join(), 'hello')
  t.false(reader.done)
  reader.end()
  t.true(reader.done)
})

test('chunks come out as views of their data', (t) => {
  const reader = new BodyReader(CHUNKED)
  const { at, pieces, buffer } = read(reader, '5;x="y"\r\nhello\r\n00A\r\n0123456789\r\n0\r\n\r\nGET /')
  t.deepEqual(pieces.map(String), ['hello', '0123456789'])
  t.true(pieces.every((piece) => piece.buffer === buffer.buffer))
  t.is(at, buffer.length - 5)
  t.true(reader.done)
  t.is(reader.trailers, undefined)
})

test('trailers are kept, but for those that mean nothing after a body', (t) => {
  const reader = new BodyReader(CHUNKED)
  const fields = 'X-Sum: 1\r\nAuthorization: me\r\nx-sum:  2 \r\nSet-Cookie: a=1\r\n'
  const { at, buffer } = read(reader, `0\r\n${fields}\r\nrest`)
  t.true(reader.done)
  t.is(at, buffer.length - 4)
  t.deepEqual(reader.trailers?.raw, ['X-Sum', '1', 'x-sum', '2'])
  const none = new BodyReader(CHUNKED)
  read(none, '0\r\nCookie: a\r\n\r\n')
  t.true(none.done)
  t.is(none.trailers, undefined)
})

function refusal(text: string, side: 'request' | 'response' = 'request'): [number, string] {
  try {
    read(new BodyReader(CHUNKED, side), text)
  } catch (error) {
    if (error instanceof HttpError) return [error.status, error.message]
    throw error
  }
  return [0, 'not refused']
}

test('trailers that frame or route are refused, and a fault has its side', (t) => {
  t.deepEqual(refusal('0\r\ncontent-Length: 1\r\n\r\n'), [400, 'content-Length cannot be a trailer'])
  t.is(refusal('0\r\nTransfer-Encoding: chunked\r\n\r\n')[0], 400)
  t.is(refusal('0\r\nHOST: a\r\n\r\n', 'response')[0], 502)
  t.deepEqual(refusal('0\r\nX: a\nb\r\n\r\n'), [400, 'the trailers have a bare LF'])
  t.deepEqual(refusal('0\r\nX: a\0b\r\n\r\n'), [400, 'the value of X has NUL at byte 1 of it'])
})

test('limits of trailers and extensions', (t) => {
  const fields = (count: number) => `0\r\n${'X: 1\r\n'.repeat(count)}\r\n`
  t.is(refusal(fields(MAX_FIELDS))[0], 0)
  t.is(refusal(fields(MAX_FIELDS + 1))[0], 431)
  t.is(refusal(`0\r\nX: ${'x'.repeat(MAX_HEAD.request)}`)[0], 431)
  const trickling = new BodyReader(CHUNKED)
  read(trickling, '0\r\nX: ')
  const piece = 'x'.repeat(1024)
  t.throws(
    () => {
      for (let sent = 0; sent < MAX_HEAD.request; sent += piece.length) read(trickling, piece)
    },
    { message: /longer than/ },
    'whatever pieces they come in',
  )
  t.is(refusal(`5;${'x'.repeat(MAX_CHUNK_EXTENSION)}\r\n`)[0], 0)
  t.is(refusal(`5;${'x'.repeat(MAX_CHUNK_EXTENSION + 1)}`)[0], 400)
  t.is(refusal(`${'0'.repeat(17)}`)[0], 400)
  t.is(refusal('1fffffffffffff\r\n')[0], 0)
  t.is(refusal('20000000000000\r\n')[0], 413)
})

test('a chunk that says too little is named', (t) => {
  t.deepEqual(refusal('2\r\nabc\r\n'), [400, 'a chunk is longer than its size: "c" follows its data'])
  t.deepEqual(refusal('\r\n'), [400, 'a chunk size begins with a bare CR'])
  t.deepEqual(refusal('5 \r\n'), [400, 'a chunk size has a space after its digits'])
})

test('a stream that ends within a body is a fault', (t) => {
  const half = new BodyReader({ kind: 'length', length: 10 }, 'response')
  read(half, 'hello')
  t.throws(() => half.end(), {
    instanceOf: HttpError,
    message: 'the server has ended the connection in the middle of a body: 5 of 10 bytes came',
  })
  const cuts = {
    '': 'before its last chunk',
    '5\r\nhel': 'within a chunk',
    '5\r\nhello\r\n0': 'before its last chunk',
    '0\r\n': 'in its trailers',
    '0\r\nX: 1\r\n': 'in its trailers',
  }
  for (const [text, where] of Object.entries(cuts)) {
    const reader = new BodyReader(CHUNKED)
    read(reader, text)
    t.throws(
      () => reader.end(),
      {
        instanceOf: HttpError,
        message: new RegExp(`^the client has ended the connection in the middle of a body, ${where}, `),
      },
      text,
    )
    t.false(reader.done)
  }
})
