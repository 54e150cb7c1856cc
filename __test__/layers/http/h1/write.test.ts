// What is written can be read back as the same one message; whatever could not is refused.
import test from 'ava'
import { HttpHeaders } from '../../../../src/flow/headers.js'
import { HttpError } from '../../../../src/layers/http/error.js'
import { BodyReader } from '../../../../src/layers/http/h1/body.js'
import { parseRequestHead, parseResponseHead } from '../../../../src/layers/http/h1/head.js'
import { chunk, lastChunk, writeRequestHead, writeResponseHead } from '../../../../src/layers/http/h1/write.js'

const headers = (...raw: string[]) => new HttpHeaders(raw)
const request = (change: object) => ({
  method: 'GET',
  target: '/',
  version: '1.1',
  headers: headers('Host', 'a'),
  ...change,
})
const response = (change: object) => ({ version: '1.1', status: 200, reason: 'OK', headers: headers(), ...change })

test('a request head goes out as its parts, and comes back the same', (t) => {
  const head = request({ target: '/\xe9?a', headers: headers('hOsT', 'a', 'X', '', 'X', '\xe9 b') })
  const written = writeRequestHead(head)
  t.is(written.toString('latin1'), 'GET /\xe9?a HTTP/1.1\r\nhOsT: a\r\nX: \r\nX: \xe9 b\r\n\r\n')
  t.deepEqual(parseRequestHead(written, 0, written.length), head)
})

test('a response head goes out as its parts, and comes back the same', (t) => {
  const head = response({
    status: 404,
    reason: 'Not  here \xe9',
    headers: headers('Set-Cookie', 'a', 'Set-Cookie', 'b'),
  })
  const written = writeResponseHead(head)
  t.is(written.toString('latin1'), 'HTTP/1.1 404 Not  here \xe9\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n')
  t.deepEqual(parseResponseHead(written, 0, written.length), head)
  t.is(writeResponseHead(response({ reason: '' })).toString(), 'HTTP/1.1 200 \r\n\r\n')
})

test('the version is 1.0 or ours', (t) => {
  t.regex(writeRequestHead(request({ version: '1.0' })).toString(), /^GET \/ HTTP\/1\.0\r\n/)
  t.regex(writeRequestHead(request({ version: '2.0' })).toString(), /^GET \/ HTTP\/1\.1\r\n/)
  t.regex(writeResponseHead(response({ version: '1.0' })).toString(), /^HTTP\/1\.0 200/)
  t.regex(writeResponseHead(response({ version: '9\r\n' })).toString(), /^HTTP\/1\.1 200 OK\r\n\r\n$/)
})

test('what an addon may have spoilt is refused', (t) => {
  const bad = [
    { method: '' },
    { method: 'GET /x HTTP/1.1\r\nX:' },
    { method: 'GE T' },
    { method: 'CONNECT' },
    { target: '' },
    { target: '/a b' },
    { target: '/ HTTP/1.1\r\nX: 1' },
    { target: '/\0' },
    { target: '/\u0120' },
    { target: '/\u010d\u010a' },
    { target: 'a' },
    { target: '*' },
  ]
  for (const change of bad)
    t.throws(() => writeRequestHead(request(change)), { instanceOf: HttpError }, JSON.stringify(change))
  const fields = [
    ['', 'a'],
    ['a b', 'a'],
    ['a:', 'a'],
    ['a\r\nb', 'a'],
    ['\xe9', 'a'],
    ['a', 'b\r\nc: d'],
    ['a', 'b\n'],
    ['a', '\r'],
    ['a', '\0'],
    ['a', '\u010a'],
    ['a', '\x7f'],
  ]
  for (const field of fields) {
    const change = { headers: headers('Host', 'a', ...field) }
    t.throws(() => writeRequestHead(request(change)), { instanceOf: HttpError }, JSON.stringify(field))
    t.throws(() => writeResponseHead(response(change)), { instanceOf: HttpError }, JSON.stringify(field))
    t.throws(() => lastChunk(change.headers), { instanceOf: HttpError }, JSON.stringify(field))
  }
  for (const change of [
    { status: 99 },
    { status: 1000 },
    { status: 200.5 },
    { status: Number.NaN },
    { reason: 'a\r\nb' },
    { reason: 'a\0' },
    { reason: '\u010a' },
  ]) {
    t.throws(() => writeResponseHead(response(change)), { instanceOf: HttpError }, JSON.stringify(change))
  }
})

test('chunks and trailers come back the same', (t) => {
  const data = Buffer.from('0123456789abcdef')
  const stream = Buffer.concat([chunk(data), chunk(Buffer.alloc(0)), chunk(data), lastChunk(headers('X', '1'))])
  t.is(stream.toString(), '10\r\n0123456789abcdef\r\n10\r\n0123456789abcdef\r\n0\r\nX: 1\r\n\r\n')
  const reader = new BodyReader({ kind: 'chunked' })
  let body = ''
  t.is(
    reader.read(stream, 0, (piece) => (body += piece)),
    stream.length,
  )
  t.is(body, '0123456789abcdef'.repeat(2))
  t.deepEqual(reader.trailers?.raw, ['X', '1'])
  t.is(lastChunk().toString(), '0\r\n\r\n')
  t.is(lastChunk(headers()).toString(), '0\r\n\r\n')
  t.throws(() => lastChunk(headers('Content-Length', '1')), { instanceOf: HttpError })
})
