// HPACK: the examples of RFC 7541, appendix C, what decoders must refuse, and what the encoder makes of names, secrets and tables.
import test from 'ava'
import { COMPRESSION_ERROR, ENHANCE_YOUR_CALM, Http2Error } from '../../../../src/layers/http/h2/error.js'
import { HpackDecoder } from '../../../../src/layers/http/h2/hpack-decoder.js'
import { HpackEncoder } from '../../../../src/layers/http/h2/hpack-encoder.js'
import { CODE_LENGTHS, decodeHuffman, encodeHuffman } from '../../../../src/layers/http/h2/huffman.js'
import { Output } from '../../../../src/layers/http/h2/output.js'
import { seeded } from '../../../support/seeded.js'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const decoder = (maxList = 65_536, maxFields = 2_000) => new HpackDecoder(maxList, maxFields)
const decode = (one: HpackDecoder, bytes: Buffer) => one.decode(bytes, 0, bytes.length)

function encode(encoder: HpackEncoder, fields: readonly string[], never?: string[]): Buffer {
  const output = new Output()
  encoder.encode(fields, output, never)
  return output.take() ?? Buffer.alloc(0)
}

const HOST = [':authority', 'www.example.com']
const REQUEST = [':method', 'GET', ':scheme', 'http', ':path', '/']
const REQUESTS = [
  [...REQUEST, ...HOST],
  [...REQUEST, ...HOST, 'cache-control', 'no-cache'],
  [':method', 'GET', ':scheme', 'https', ':path', '/index.html', ...HOST, 'custom-key', 'custom-value'],
]
const DATE = 'Mon, 21 Oct 2013 20:13:21 GMT'
const rest = ['location', 'https://www.example.com']
const RESPONSES = [
  [':status', '302', 'cache-control', 'private', 'date', DATE, ...rest],
  [':status', '307', 'cache-control', 'private', 'date', DATE, ...rest],
  [
    ...[':status', '200', 'cache-control', 'private', 'date', 'Mon, 21 Oct 2013 20:13:22 GMT', ...rest],
    ...['content-encoding', 'gzip', 'set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
  ],
]

test('RFC 7541, C.2: one field in each representation', (t) => {
  t.deepEqual(decode(decoder(), hex('400a637573746f6d2d6b65790d637573746f6d2d686561646572')), [
    'custom-key',
    'custom-header',
  ])
  t.deepEqual(decode(decoder(), hex('040c2f73616d706c652f70617468')), [':path', '/sample/path'])
  const never = decoder()
  t.deepEqual(decode(never, hex('100870617373776f726406736563726574')), ['password', 'secret'])
  t.deepEqual(never.neverIndexed, ['password'])
  t.deepEqual(decode(decoder(), hex('82')), [':method', 'GET'])
})

test('RFC 7541, C.3 and C.4: requests without and with the Huffman code', (t) => {
  const plain = decoder()
  t.deepEqual(decode(plain, hex('828684410f7777772e6578616d706c652e636f6d')), REQUESTS[0])
  t.deepEqual(decode(plain, hex('828684be58086e6f2d6361636865')), REQUESTS[1])
  t.deepEqual(decode(plain, hex('828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565')), REQUESTS[2])
  const coded = [
    '828684418cf1e3c2e5f23a6ba0ab90f4ff',
    '828684be5886a8eb10649cbf',
    '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
  ]
  const huffman = decoder()
  for (const [at, block] of coded.entries()) t.deepEqual(decode(huffman, hex(block)), REQUESTS[at])
})

test('RFC 7541, C.5 and C.6: responses, with a table of 256 bytes that drops entries', (t) => {
  const plain = decoder()
  plain.allow(256)
  const size = '3fe101'
  const first =
    '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d'
  t.deepEqual(decode(plain, hex(size + first)), RESPONSES[0])
  t.deepEqual(decode(plain, hex('4803333037c1c0bf')), RESPONSES[1])
  const third =
    '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31'
  t.deepEqual(decode(plain, hex(third)), RESPONSES[2])
  const huffman = decoder()
  huffman.allow(256)
  const coded = [
    `${size}488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3`,
    '4883640effc1c0bf',
    '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
  ]
  for (const [at, block] of coded.entries()) t.deepEqual(decode(huffman, hex(block)), RESPONSES[at])
})

test('the Huffman code of every byte comes back, and its lengths are right', (t) => {
  const random = seeded(7)
  for (let round = 0; round < 2_000; round++) {
    const text = Array.from({ length: Math.floor(random() * 30) }, () =>
      String.fromCharCode(Math.floor(random() * (round % 2 ? 256 : 128))),
    ).join('')
    const bits = Array.from(text, (one) => CODE_LENGTHS[one.charCodeAt(0)] as number).reduce((sum, one) => sum + one, 0)
    const coded = Buffer.alloc(200)
    const length = encodeHuffman(text, coded, 0)
    t.is(length, Math.ceil(bits / 8))
    const decoded = Buffer.alloc(400)
    t.is(decoded.toString('latin1', 0, decodeHuffman(coded, 0, length, decoded)), text)
  }
})

const refused: [string, string][] = [
  ['index 0', '80'],
  ['an index beyond the table', 'be'],
  ['a name beyond the table', '7f00 0161'],
  ['an integer without an end', 'ff ffff'],
  ['an integer beyond 2^28', 'ff ffffffff7f'],
  ['a text beyond the block', '0005 6162'],
  ['a name alone', '0001 61'],
  ['Huffman padding of 8 bits', '0001 61 82 1fff'],
  ['Huffman padding of zeros', '0001 61 81 18'],
  ['EOS', '0001 61 84 ffffffff'],
  ['a table size above SETTINGS', '3fe21f'],
  ['a table size behind a field', '82 20'],
]
for (const [what, block] of refused) {
  test(`COMPRESSION_ERROR for ${what}`, (t) => {
    t.is(t.throws(() => decode(decoder(), hex(block)), { instanceOf: Http2Error })?.code, COMPRESSION_ERROR)
  })
}

test('two table sizes at the beginning are right, and the table is empty after 0', (t) => {
  const one = decoder()
  decode(one, hex('4001610162'))
  t.deepEqual(decode(one, hex('be')), ['a', 'b'])
  decode(one, hex('20 3f e1 1f'))
  t.throws(() => decode(one, hex('be')))
})

test('a table that SETTINGS made smaller has to be made so before the next field', (t) => {
  const one = decoder()
  one.allow(100)
  t.throws(() => decode(one, hex('82')), { message: /larger than SETTINGS allow/ })
  const other = decoder()
  other.allow(100)
  t.deepEqual(decode(other, hex('3f45 82')), [':method', 'GET'])
})

test('a list beyond its bytes or fields is cut, the table stays right, and far beyond them the connection fails', (t) => {
  const one = decoder(100)
  t.deepEqual(decode(one, hex('82 82 82 4001610162')), [':method', 'GET', ':method', 'GET'])
  t.true(one.tooLarge)
  t.deepEqual(decode(one, hex('be')), ['a', 'b'])
  t.false(one.tooLarge)
  t.is(t.throws(() => decode(one, Buffer.alloc(20, 0x82)), { instanceOf: Http2Error })?.code, ENHANCE_YOUR_CALM)
  const few = decoder(10_000, 2)
  t.is(decode(few, hex('82 82 82')).length, 4)
  t.true(few.tooLarge)
})

test('the encoder: static and dynamic hits, secrets, and what passes by', (t) => {
  const encoder = new HpackEncoder()
  const fields = [...(REQUESTS[1] as string[]), 'x-a', 'b', 'etag', '"1"']
  const first = encode(encoder, fields)
  const second = encode(encoder, fields)
  t.is(second.subarray(0, 6).toString('hex'), '828684c0bfbe')
  t.true(second.length < first.length)
  const secret = encode(encoder, ['authorization', 'Basic x', 'cookie', 'a=b', 'x-mine', 'v'], ['x-mine'])
  const one = decoder()
  decode(one, first)
  decode(one, second)
  t.deepEqual(decode(one, secret), ['authorization', 'Basic x', 'cookie', 'a=b', 'x-mine', 'v'])
  t.deepEqual(one.neverIndexed, ['authorization', 'cookie', 'x-mine'])
  t.is(encode(encoder, ['cookie', 'c'.repeat(20)])[0], 0x60)
})

const unwritable: [string, string][] = [
  ['X-Upper', 'a'],
  ['', 'a'],
  [':new', 'a'],
  ['a b', 'c'],
  ['a\u0100', 'c'],
  ['x-a', 'one\r\ntwo: 3'],
  ['x-a', '\u010a'],
  ['x-a', ' b'],
  ['x-a', 'b\0'],
]
for (const [name, value] of unwritable) {
  test(`the encoder refuses ${JSON.stringify([name, value])}, and both tables agree afterwards`, (t) => {
    const encoder = new HpackEncoder()
    const one = decoder()
    decode(one, encode(encoder, ['x-first', '1']))
    const output = new Output()
    t.throws(() => encoder.encode(['x-second', '2', name, value], output), { instanceOf: Http2Error })
    t.is(output.length, 0)
    for (let round = 0; round < 2; round++) {
      t.deepEqual(decode(one, encode(encoder, ['x-second', '2', 'x-first', '1'])), ['x-second', '2', 'x-first', '1'])
    }
  })
}

test('encoder and decoder agree on random lists while tables change their sizes', (t) => {
  const random = seeded(11)
  const pick = (most: number) => Math.floor(random() * most)
  const names = ['x-a', 'x-b', 'cookie', 'accept', 'date', 'etag', ':path', 'x-long-name-of-a-field', 'authorization']
  for (let conversation = 0; conversation < 40; conversation++) {
    const encoder = new HpackEncoder()
    const one = decoder(1_000_000)
    for (let round = 0; round < 60; round++) {
      if (pick(6) === 0) {
        // SETTINGS are in force for both before the next block.
        for (let times = pick(3); times >= 0; times--) {
          const size = [0, 33, 100, 1_000, 4_096, 65_536][pick(6)] as number
          encoder.setLimit(size)
          one.allow(size)
        }
      }
      const fields = Array.from({ length: pick(12) }, () => [
        (pick(3) ? names[pick(names.length)] : `x-${pick(200)}`) as string,
        pick(2) ? `value ${pick(5)}` : 'v'.repeat(pick(300)) + String.fromCharCode(33 + pick(90)),
      ]).flat()
      t.deepEqual(decode(one, encode(encoder, fields)), fields)
    }
  }
})
