// Protocol buffers and gRPC: without definitions, and with a .proto file or a descriptor set.
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { definedViews } from '../../src/views/definitions.js'
import { Views } from '../../src/views/render.js'
import { httpFlow } from '../support/flows.js'
import { block, plain, rendered, shown } from '../support/view.js'

const type = { contentType: 'application/x-protobuf' }
const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const field = (number: number, content: string | Buffer) => {
  const all = Buffer.from(content)
  return Buffer.concat([Buffer.from([number * 8 + 2, all.length]), all])
}

test('fields by their numbers, with types that are guessed', (t) => {
  const message = Buffer.concat([
    bytes('08 9601 10 ffffffffffffffffff01 1d 0000803f 21 000000000000f03f'),
    field(5, 'text ü'),
    field(6, bytes('0801')),
    field(7, bytes('00ff')),
    field(8, ''),
    bytes('4b 0805 4c'),
  ])
  const expected = block(`
    1: 150
    2: 18446744073709551615 (-1)
    3: 1065353216 (float 1.0)
    4: 4607182418800017408 (double 1.0)
    5: "text ü"
    6 {
      1: 1
    }
    7: h'00ff'
    8: ""
    9 {
      1: 5
    }
  `)
  t.deepEqual(shown(message, type), ['protobuf', expected])
})

test('what is broken, cut or deep', (t) => {
  t.regex(shown(bytes('0801 12 05 6161'), type)[1], /^1: 1\n\(no field from byte 2 on\)\n00000000 {2}12 05/)
  t.deepEqual(shown(bytes('00'), type), [
    'hex',
    `00000000  00 ${' '.repeat(45)} .\n[the view protobuf has failed: it is no message of protocol buffers]`,
  ])
  let deep: Buffer = bytes('0801')
  for (let level = 0; level < 40; level++) deep = field(1, deep)
  t.regex(shown(deep, type)[1], /^1 \{\n {2}1 \{/)
  t.regex(shown(Buffer.alloc(10_000, 0x0b), type)[1], /no message/)
})

const PROTO = `
syntax = "proto3"; // a comment
package shop.v1;
import "money.proto";
option java_package = "x";
message Order {
  reserved 2, 4 to 6;
  enum State { option allow_alias = true; NEW = 0; PAID = 1 [deprecated = true]; OLD = -1; }
  message Line { string name = 1; optional sint32 delta = 2; }
  int64 id = 1;
  repeated Line lines = 3;
  State state = 7;
  map<string, double> prices = 8;
  repeated int32 packed = 9 [packed = true];
  oneof how { bool gift = 10; bytes note = 11; }
  money.Amount total = 12;
  repeated State states = 13;
}
service Orders {
  rpc Place (Order) returns (stream Reply) { option idempotency_level = IDEMPOTENT; }
}
message Reply { uint32 code = 1; }
`
const MONEY = 'package money; message Amount { fixed64 units = 1; float rate = 2; }'

const order = Buffer.concat([
  bytes('08 ffffffffffffffffff01'),
  field(3, Buffer.concat([field(1, 'nut'), bytes('10 03')])),
  bytes('38 01'),
  field(8, Buffer.concat([field(1, 'a'), bytes('11 000000000000f83f')])),
  field(9, bytes('01 02 9601')),
  bytes('50 01'),
  field(11, bytes('00')),
  field(12, bytes('09 0500000000000000 15 0000003f')),
  field(13, bytes('00 ffffffffffffffffff01 05')),
  bytes('a001 07'),
])
const named = block(`
  id: -1
  lines {
    name: "nut"
    delta: -2
  }
  state: PAID
  prices {
    key: "a"
    value: 1.5
  }
  packed: [1, 2, 150]
  gift: true
  note: h'00'
  total {
    units: 5
    rate: 0.5
  }
  states: [NEW, OLD, 5]
  20: 7
`)

test('a .proto file and what it imports give names and types', (t) => {
  const views = new Views()
  views.add(
    definedViews('shop.proto', Buffer.from(PROTO), (path) => (path === 'money.proto' ? Buffer.from(MONEY) : undefined)),
  )
  const show = (options: object, content = order) => plain(views.render(content, options).lines)
  t.is(show({ contentType: 'application/protobuf; proto=shop.v1.Order' }), named)
  t.is(show({ ...type, path: '/api/shop.v1.Orders/Place?x', fromClient: true }), named)
  t.is(show({ ...type, path: '/shop.v1.Orders/Place' }, bytes('0805')), 'code: 5')
  t.regex(show(type), /^1: /)
  const frame = Buffer.concat([bytes('00000000'), Buffer.from([order.length]), order])
  const grpc = show({ contentType: 'application/grpc', path: '/shop.v1.Orders/Place', fromClient: true }, frame)
  t.is(grpc, `message, ${order.length} bytes\n${named.replace(/^/gm, '  ')}`)
  t.is(
    show({ contentType: 'application/protobuf; proto=shop.v1.Order' }, bytes('0d 01000000')),
    'id: 1 (float 1.401298464324817e-45)',
  )
})

test('the only message is meant where nothing says which; a file that is wrong is named with its line', (t) => {
  const views = new Views()
  views.add(definedViews('money.proto', Buffer.from(MONEY), () => undefined))
  t.is(plain(views.render(bytes('09 0500000000000000'), type).lines), 'units: 5')
  const read = (text: string) => () => definedViews('a.proto', Buffer.from(text), () => undefined)
  t.throws(read('message A {\n  int32 a = x;\n}'), { message: 'a.proto:2: x is no number' })
  t.throws(read('message A {'), { message: 'a.proto:1: the file ends too early' })
  t.throws(read(`${'message A {'.repeat(100)}`), { message: /too many messages/ })
  t.notThrows(
    read(
      'syntax = "proto2"; message A { optional group B = 1 { optional int32 c = 2; } extensions 100 to max; } extend A { optional int32 d = 100; }',
    ),
  )
})

test('a descriptor set gives the same', (t) => {
  const describe = (name: string, number: number, kind: number, more = Buffer.alloc(0)) =>
    field(
      2,
      Buffer.concat([
        field(1, name),
        bytes(`18${Buffer.from([number]).toString('hex')}28${Buffer.from([kind]).toString('hex')}`),
        more,
      ]),
    )
  const message = field(
    4,
    Buffer.concat([
      field(1, 'A'),
      describe('id', 1, 3),
      describe('in', 2, 11, field(6, '.p.A')),
      describe('state', 3, 14, field(6, '.p.S')),
    ]),
  )
  const states = field(5, Buffer.concat([field(1, 'S'), field(2, Buffer.concat([field(1, 'ON'), bytes('1001')]))]))
  const service = field(
    6,
    Buffer.concat([field(1, 'Do'), field(2, Buffer.concat([field(1, 'It'), field(2, '.p.A'), field(3, '.p.A')]))]),
  )
  const file = field(1, Buffer.concat([field(1, 'a.proto'), field(2, 'p'), message, states, service]))
  const views = new Views()
  views.add(definedViews('set.pb', file, () => undefined))
  const shown = plain(views.render(bytes('0805 1202 0806 1801'), { ...type, path: '/p.Do/It', fromClient: true }).lines)
  t.is(shown, 'id: 5\nin {\n  id: 6\n}\nstate: ON')
  for (const wrong of ['', 'no set']) t.throws(() => definedViews('set.pb', Buffer.from(wrong), () => undefined))
})

test('gRPC: messages, compressed ones, trailers of gRPC-Web, JSON inside', (t) => {
  const frame = (flags: number, content: Buffer) => {
    const head = Buffer.alloc(5)
    head.writeUInt8(flags)
    head.writeUInt32BE(content.length, 1)
    return Buffer.concat([head, content])
  }
  const grpc = { contentType: 'application/grpc+proto' }
  const packed = gzipSync(bytes('0802'))
  const content = Buffer.concat([frame(0, bytes('0801')), frame(1, packed), frame(0, Buffer.alloc(0))])
  const expected = `message, 2 bytes\n  1: 1\nmessage, ${packed.length} bytes, compressed\n  1: 2\nmessage, 0 bytes`
  t.deepEqual(shown(content, grpc), ['grpc', expected])
  const flow = httpFlow({ responseHeaders: ['grpc-encoding', 'identity'] })
  t.regex(shown(frame(1, bytes('0803')), { ...grpc, flow })[1], /00000000 {2}08 03/)
  const web = Buffer.concat([frame(0, bytes('0801')), frame(0x80, Buffer.from('grpc-status: 0\r\n'))])
  const trailers = 'message, 2 bytes\n  1: 1\ntrailers, 16 bytes\n  grpc-status: 0'
  t.is(shown(web, { contentType: 'application/grpc-web' })[1], trailers)
  const base64 = `${frame(0, bytes('0801')).toString('base64')}${web.subarray(7).toString('base64')}`
  t.is(shown(base64, { contentType: 'application/grpc-web-text' })[1], trailers)
  t.regex(
    shown(frame(0, Buffer.from('{"a":1}')), { contentType: 'application/grpc+json' })[1],
    /^message, 7 bytes\n {2}\{\n {4}"a": 1/,
  )
  t.regex(shown(content.subarray(0, 6), grpc)[1], /1 of 2 bytes are here/)
  t.regex(shown(Buffer.concat([frame(0, bytes('0801')), Buffer.from('junk')]), grpc)[1], /\(no message\)/)
  t.is(shown('junk and more', grpc)[0], 'text')
})

test('messages that decompress to more than 32 MiB in all are not decompressed any more', (t) => {
  const bomb = gzipSync(Buffer.alloc(20 << 20))
  const head = Buffer.from([1, 0, 0, bomb.length >> 8, bomb.length & 255])
  const { lines } = rendered(Buffer.concat([head, bomb, head, bomb, head, bomb]), {
    contentType: 'application/grpc',
    lines: 100,
  })
  t.true(lines.length <= 100)
})
