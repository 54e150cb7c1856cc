// Bodies in content codings: what can be had of every kind of damage, what the flag says, and what is sent after a change.
import * as zlib from 'node:zlib'
import test from 'ava'
import { parseFilter } from '../../src/flow/filter.js'
import { HttpResponse } from '../../src/flow/http.js'
import { httpFlow } from '../support/flows.js'

const { gzipSync, deflateSync, deflateRawSync, brotliCompressSync } = zlib

const NUMBERS = Array.from({ length: 20_000 }, (_, at) => ((at * 2_654_435_761) % 4_294_967_296).toString(36)).join(' ')
const PLAIN = 'plain text, and no stream of any kind'

function response(encoding: string | undefined, content: Buffer | string, type = 'text/plain'): HttpResponse {
  const headers = { 'Content-Type': type, ...(encoding !== undefined && { 'Content-Encoding': encoding }) }
  return new HttpResponse({ status: 200, headers, content })
}

const coded: [encoding: string, encode: (text: string) => Buffer][] = [
  ['gzip', (text) => gzipSync(text)],
  ['x-gzip', (text) => gzipSync(text)],
  ['GZip', (text) => gzipSync(text)],
  ['deflate', (text) => deflateSync(text)],
  ['deflate', (text) => deflateRawSync(text)],
  ['br', (text) => brotliCompressSync(text)],
  ['identity', (text) => Buffer.from(text)],
  ['gzip, br', (text) => brotliCompressSync(gzipSync(text))],
  ['identity, ,gzip ,identity', (text) => gzipSync(text)],
]

test('whole bodies are decoded, in one coding or several, and the flag is down', (t) => {
  for (const [encoding, encode] of coded) {
    const one = response(encoding, encode(NUMBERS))
    t.is(one.text, NUMBERS, encoding)
    t.is(one.decodedContent.toString(), NUMBERS)
    t.is(one.decodeError, undefined)
  }
  for (const encoding of [undefined, '', 'gzip', 'none']) {
    const empty = response(encoding, '')
    t.is(empty.text, '')
    t.is(empty.decodeError, undefined, 'no body is in every coding')
  }
})

test('of a stream that is cut, what came before the cut is there', (t) => {
  for (const [encoding, encode] of coded.filter(([name]) => !name.startsWith('identity'))) {
    const whole = encode(NUMBERS)
    const one = response(encoding, whole.subarray(0, whole.length >> 1))
    t.true(NUMBERS.startsWith(one.text), encoding)
    t.true(one.text.length > NUMBERS.length / 4, encoding)
    t.regex(one.decodeError ?? '', /is cut short: this is what could be decoded of it$/)
  }
  const stub = response('gzip', gzipSync(NUMBERS).subarray(0, 5))
  t.is(stub.text, '', 'not even its head is whole')
  t.is(stub.decodeError, 'the gzip body is cut short: this is what could be decoded of it')
})

test('of a stream that is damaged, what stands before the damage is there, but for a little', (t) => {
  for (const [encoding, encode] of coded.slice(0, 5)) {
    const bytes = encode(NUMBERS)
    bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 40)
    const one = response(encoding, bytes)
    const half = NUMBERS.length / 2
    t.is(one.text.slice(0, half * 0.8), NUMBERS.slice(0, half * 0.8), encoding)
    t.regex(
      one.decodeError ?? '',
      /^the (x-)?(gzip|deflate) body is damaged \(.+\): this is what could be decoded of it$/,
    )
  }
  for (const [encoding, encode] of coded.slice(0, 4)) {
    const bytes = encode(NUMBERS)
    bytes.writeUInt32BE(7, bytes.length - (encoding === 'deflate' ? 4 : 8))
    const one = response(encoding, bytes)
    t.true(one.text.length > NUMBERS.length - 20, 'a wrong checksum costs next to nothing')
    t.regex(one.decodeError ?? '', /is damaged \(incorrect data check\)/)
  }
})

test('a coding that is unknown or not true leaves the bytes as they came', (t) => {
  const unknown = (name: string) => `the content coding "${name}" is unknown: these are the bytes as they came`
  for (const name of ['none', 'utf-8', 'constructor', '__proto__', 'compress']) {
    const one = response(name, PLAIN)
    t.is(one.text, PLAIN)
    t.is(one.decodeError, unknown(name))
  }
  const below = response('none, gzip', gzipSync(PLAIN))
  t.is(below.text, PLAIN, 'what stands on an unknown coding is undone')
  t.is(below.decodeError, unknown('none'))
  for (const name of ['gzip', 'deflate', 'br']) {
    for (const text of [PLAIN, '{"a": [1, 2, 3]}', '<html>', 'x^2 = y', '\u00e4\u00f6', 'a']) {
      const one = response(name, text)
      t.is(one.text, text, name)
      t.is(one.decodeError, `the body is not ${name}, as Content-Encoding says: these are its bytes`)
    }
  }
  const image = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13])
  t.deepEqual(response('gzip', image).decodedContent, image)
  t.is(response('gzip, gzip', gzipSync(PLAIN)).text, PLAIN)
})

test('nothing decodes to more than 32 MiB, nor through more than five codings', (t) => {
  const size = 80 * 1024 * 1024
  for (const [name, bomb] of [
    ['gzip', gzipSync(Buffer.alloc(size))],
    ['deflate', deflateRawSync(Buffer.alloc(size))],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(size)))],
  ] as const) {
    const one = response(name, bomb)
    const { length } = one.decodedContent
    t.true(length > 4 * 1024 * 1024 && length <= 32 * 1024 * 1024, `${name}: ${length}`)
    t.regex(one.decodeError ?? '', /decodes to more than 32 MiB: this is only its beginning$/)
  }
  let deep = Buffer.from(PLAIN)
  for (let at = 0; at < 6; at++) deep = gzipSync(deep)
  const one = response(Array(6).fill('gzip').join(), deep)
  t.is(one.decodedContent.compare(deep), 0)
  t.is(one.decodeError, 'there are 6 content codings, and at most 5 are undone')
})

/** What a client makes of a body, by its Content-Encoding and without any help. */
function asClient({ headers, content }: HttpResponse): string {
  let bytes = content
  for (const name of (headers.get('content-encoding') ?? 'identity').split(', ').reverse()) {
    if (name === 'gzip' || name === 'x-gzip') bytes = zlib.gunzipSync(bytes)
    else if (name === 'deflate') bytes = zlib.inflateSync(bytes)
    else if (name === 'br') bytes = zlib.brotliDecompressSync(bytes)
    else if (name !== 'identity') throw new Error(`no client knows ${name}`)
  }
  return bytes.toString()
}

test('text and decodedContent are sent as Content-Encoding says, which stays where it is known', (t) => {
  const whole = gzipSync(NUMBERS)
  const cases: [encoding: string, content: Buffer | string, after: string | undefined][] = [
    ['gzip', whole, 'gzip'],
    ['x-gzip', whole, 'x-gzip'],
    ['deflate', deflateRawSync(NUMBERS), 'deflate'],
    ['br', brotliCompressSync(NUMBERS), 'br'],
    ['gzip, br', brotliCompressSync(whole), 'gzip, br'],
    ['identity', NUMBERS, 'identity'],
    ['gzip', whole.subarray(0, 1000), 'gzip'],
    ['gzip', PLAIN, 'gzip'],
    ['none', PLAIN, undefined],
    ['none, gzip', whole, undefined],
    ['gzip, gzip, gzip, gzip, gzip, gzip', whole, undefined],
  ]
  for (const [encoding, content, after] of cases) {
    const one = response(encoding, content)
    one.text = `${one.text.slice(0, 10)}!`
    t.is(one.headers.get('content-encoding'), after, encoding)
    t.is(asClient(one), one.text, encoding)
    t.true(one.text.endsWith('!'))
    t.is(one.decodeError, undefined)
    t.true(one.contentChanged)
    one.decodedContent = Buffer.from([1, 2, 0xff])
    t.deepEqual(one.decodedContent, Buffer.from([1, 2, 0xff]))
  }
})

test('a charset that is unknown is read as UTF-8, and the flag says so', (t) => {
  const one = response(undefined, 'caf\u00e9', 'text/plain; charset=klingon')
  t.is(one.text, 'caf\u00e9')
  t.is(one.decodeError, 'the charset "klingon" is unknown: the text was read as UTF-8')
  one.text = 'the\u00e9'
  t.is(one.headers.get('content-type'), 'text/plain; charset=utf-8')
  t.is(one.decodeError, undefined)
  const latin = response(undefined, Buffer.from([0x63, 0xe9]), 'text/plain; charset=iso-8859-1')
  t.is(latin.text, 'c\u00e9')
  t.is(latin.decodeError, undefined)
})

test('filters search what can be decoded of a body, and the bytes as they came where nothing can', (t) => {
  const responseBody = gzipSync(NUMBERS).subarray(0, 400)
  const flow = httpFlow({ responseHeaders: ['Content-Encoding', 'gzip'], responseBody, requestBody: 'as it came' })
  flow.request.headers.set('Content-Encoding', 'none')
  const numbers = flow.response?.text.slice(0, 50)
  t.is(numbers, NUMBERS.slice(0, 50))
  for (const filter of [`~b "${numbers}"`, `~bs "${numbers}"`, '~bq "as it came"'])
    t.true(parseFilter(filter)(flow), filter)
  for (const filter of [`~bq "${numbers}"`, '~bs "as it came"']) t.false(parseFilter(filter)(flow), filter)
})

/** A frame of zstd that holds "hello" as it is (RFC 8878, 3.1.1): one raw block that is the last, of five bytes. */
const ZSTD = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, 0x29, 0, 0]), Buffer.from('hello')])
const hasZstd = 'zstdCompressSync' in zlib

test('zstd is read and written where Node.js has it; elsewhere the flag says so, and a change is sent without it', (t) => {
  for (const [encoding, content] of [
    ['zstd', ZSTD],
    ['zstd, gzip', gzipSync(ZSTD)],
  ] as const) {
    const one = response(encoding, content)
    if (hasZstd) t.is(one.text, 'hello')
    else t.deepEqual(one.decodedContent, ZSTD)
    t.is(one.decodeError, hasZstd ? undefined : 'zstd cannot be decoded by this Node.js: 22.15 and later can')
    one.text = 'other'
    t.is(one.text, 'other')
    t.is(one.decodeError, undefined)
    t.is(one.headers.get('content-encoding'), hasZstd ? encoding : undefined)
    if (!hasZstd) t.is(one.content.toString(), 'other')
  }
})

test('a bomb of zstd decodes to its beginning, and a stream that is cut to its whole blocks', (t) => {
  if (!hasZstd) {
    t.pass()
    return
  }
  const encode = (zlib as { zstdCompressSync?: (bytes: Uint8Array | string) => Buffer }).zstdCompressSync
  if (!encode) throw new Error('unreachable')
  const bomb = response('zstd', encode(Buffer.alloc(80 * 1024 * 1024)))
  t.true(bomb.decodedContent.length <= 32 * 1024 * 1024)
  t.regex(bomb.decodeError ?? '', /decodes to more than 32 MiB: this is only its beginning$/)
  // Whole blocks can be had, and a block is 128 KiB.
  const long = [...NUMBERS.split(' ').keys()].map((at) => `${NUMBERS.slice(at, at + 9)}${at * 7919}`).join()
  const whole = encode(long)
  const cut = response('zstd', whole.subarray(0, (whole.length * 3) >> 2))
  t.true(cut.text.length >= 128 * 1024 && long.startsWith(cut.text))
  t.regex(cut.decodeError ?? '', /is cut short/)
})
