// gRPC and gRPC-Web: messages by their prefix, compressed or not, and what passes because nobody can say what it is.
import { deflateSync, gunzipSync, gzipSync } from 'node:zlib'
import test from 'ava'
import { faults, message, messages, shown, splitter, units } from '../../../support/messages.js'

const grpc = (...fields: string[]) => splitter('application/grpc+proto', ...fields)
const web = () => splitter('application/grpc-web')

function frame(payload: Buffer | string, flags = 0): Buffer {
  const head = Buffer.alloc(5)
  head[0] = flags
  head.writeUInt32BE(payload.length, 1)
  return Buffer.concat([head, Buffer.from(payload as string)])
}

const first = (by: ReturnType<typeof grpc>, body: Buffer) => message(units(by, body)[0] as never)

test('each message is one, the empty one, too; what is cut is none', (t) => {
  const body = Buffer.concat([frame('abc'), frame(''), frame('x'.repeat(1000)), frame('cut').subarray(0, 7)])
  t.deepEqual(shown(units(grpc(), body)), ['abc', '', 'x'.repeat(1000), '<\0\0\0\0\x03cu>'])
  t.deepEqual(faults(grpc, body), [])
})

test('a compressed message is read, and compressed again when it is changed', (t) => {
  for (const [encoding, encode] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const) {
    const one = first(grpc('grpc-encoding', encoding), frame(encode('hello'), 1))
    t.is(one?.text, 'hello')
    t.is(one?.decodeError, undefined)
    t.is(one?.replacement(), undefined)
    Object.assign(one as object, { text: 'other' })
    const again = first(grpc('grpc-encoding', encoding), one?.replacement() as Buffer)
    t.is(one?.replacement()?.[0], 1)
    t.is(again?.text, 'other')
  }
  const plain = first(grpc('grpc-encoding', 'gzip'), frame('hello'))
  t.is(plain?.text, 'hello', 'the flag says for each message whether it is compressed')
  Object.assign(plain as object, { text: 'other' })
  t.deepEqual(plain?.replacement(), frame('other'))
})

test('what cannot be decompressed is there as it came, and what is set goes without compression', (t) => {
  const odd = first(grpc('grpc-encoding', 'snappy'), frame(Buffer.from([0xff, 0xfe]), 1))
  t.deepEqual(odd?.content, Buffer.from([0xff, 0xfe]))
  t.regex(odd?.decodeError ?? '', /"snappy" is unknown/)
  Object.assign(odd as object, { text: 'other' })
  t.deepEqual(odd?.replacement(), frame('other'))
  t.is(odd?.decodeError, undefined)
  const unsaid = first(grpc(), frame(gzipSync('x'), 1))
  t.regex(unsaid?.decodeError ?? '', /no field grpc-encoding says how/)
  t.is(unsaid?.replacement(), undefined)
})

test('a bomb decodes to its beginning, and only where an addon looks at it', (t) => {
  const bomb = frame(gzipSync(Buffer.alloc(80 * 1024 * 1024)), 1)
  const one = first(grpc('grpc-encoding', 'gzip'), bomb)
  t.is(one?.replacement(), undefined)
  t.true((one?.content.length ?? 0) <= 32 * 1024 * 1024)
  t.regex(one?.decodeError ?? '', /more than 32 MiB/)
  t.is(gunzipSync(bomb.subarray(5)).length, 80 * 1024 * 1024)
})

test('trailers of gRPC-Web are no message; in gRPC such flags are a fault, and the rest passes', (t) => {
  const body = Buffer.concat([frame('a'), frame('grpc-status:0\r\n', 0x80)])
  t.deepEqual(shown(units(web(), body)), ['a', '<\x80\0\0\0\x0fgrpc-status:0\r\n>'])
  t.deepEqual(faults(web, body), [])
  const lost = Buffer.concat([frame('a'), frame('b', 0x80), frame('c')])
  t.deepEqual(messages(units(grpc(), lost)).length, 1)
  t.deepEqual(faults(grpc, lost), [])
  t.is(messages(units(web(), Buffer.concat([frame('b', 2), frame('c')]))).length, 0)
  t.deepEqual(faults(grpc, Buffer.from('this is no gRPC at all')), [])
})

test('a message of more than 4 MiB passes as it comes, and the next one is a message', (t) => {
  const limit = 4 * 1024 * 1024
  const by = grpc()
  const long = Buffer.concat([frame(Buffer.alloc(limit + 1)), frame('next')])
  const begun = by.push(long.subarray(0, 100))
  t.deepEqual(
    begun.map(({ raw }) => raw.length),
    [5, 95],
  )
  t.deepEqual(messages(by.push(long.subarray(100))), ['["next",null,null,null]'])
  t.is(messages(units(grpc(), frame(Buffer.alloc(limit)))).length, 1)
  const claim = Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3])
  t.deepEqual(faults(grpc, claim), [])
  t.is(messages(units(grpc(), claim)).length, 0)
})
