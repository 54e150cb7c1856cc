// The parts of the WebSocket codec by themselves: UTF-8 in pieces, frames, Close frames, and what grows.
import { isUtf8 } from 'node:buffer'
import test from 'ava'
import { closePayload, readClose } from '../../../src/layers/websocket/close.js'
import type { WebSocketError } from '../../../src/layers/websocket/error.js'
import { frameBytes, masked, maskFrom } from '../../../src/layers/websocket/frame.js'
import { Growing } from '../../../src/layers/websocket/growing.js'
import type { Dialect } from '../../../src/layers/websocket/head.js'
import { FrameReader, MAX_MESSAGE } from '../../../src/layers/websocket/reader.js'
import { Utf8Check } from '../../../src/layers/websocket/utf8.js'
import { seeded } from '../../support/seeded.js'
import { closing, down, frame, MASK, up } from '../../support/websocket-play.js'

const inPieces = (bytes: Buffer) => {
  const check = new Utf8Check()
  return [...bytes].every((byte) => check.take(Uint8Array.of(byte))) && check.complete
}

test('UTF-8 in pieces is what Node takes for UTF-8: each code point, and each pair of bytes, alone and in a row', (t) => {
  for (let code = 0; code <= 0x10ffff; code += 97) {
    if (code < 0xd800 || code > 0xdfff) t.true(inPieces(Buffer.from(String.fromCodePoint(code))))
  }
  const seen: string[] = []
  for (let first = 0x80; first < 0x100; first += 1) {
    for (let second = 0; second < 0x100; second += 1) {
      for (const rest of [[], [0x80], [0x80, 0x80], [0xbf, 0xbf, 0x41], [0x7f]]) {
        const bytes = Buffer.from([first, second, ...rest])
        if (inPieces(bytes) !== isUtf8(bytes)) seen.push(bytes.toString('hex'))
      }
    }
  }
  t.deepEqual(seen, [])
})

test('UTF-8 fails at the first byte that cannot be right', (t) => {
  const at = (...bytes: number[]) => {
    const check = new Utf8Check()
    return bytes.findIndex((byte) => !check.take(Uint8Array.of(byte)))
  }
  t.is(at(0xf4, 0x90), 1)
  t.is(at(0xed, 0xa0), 1)
  t.is(at(0xe0, 0x9f), 1)
  t.is(at(0xf0, 0x8f), 1)
  t.is(at(0x41, 0xc1), 1)
  t.is(at(0xce, 0xba, 0xff), 2)
  t.is(at(0xf4, 0x8f, 0xbf, 0xbf), -1)
})

test('masking, by words and by bytes, at every offset', (t) => {
  const mask = Buffer.from([1, 2, 4, 8])
  for (const length of [0, 1, 3, 63, 64, 65, 67, 200, 5000]) {
    for (let offset = 0; offset < 4; offset += 1) {
      const bytes = Buffer.alloc(length, 0x55)
      const expected = bytes.map((byte, index) => byte ^ (mask[(index + offset) % 4] as number))
      t.deepEqual(masked(bytes, mask, offset), Buffer.from(expected))
      t.true(bytes.every((byte) => byte === 0x55))
    }
  }
})

test('a mask has the random digits of a UUID', (t) => {
  t.deepEqual(maskFrom('89abcdef-0123-4567-89ab-cdef01234567'), Buffer.from([0x89, 0xab, 0xcd, 0xef]))
})

test('frames are written with the shortest length', (t) => {
  for (const length of [0, 125, 126, 0xffff, 0x1_0000]) {
    const payload = Buffer.alloc(length, 7)
    t.deepEqual(frameBytes({ opcode: 2, payload, mask: undefined }), down({ opcode: 2, payload }))
    t.deepEqual(frameBytes({ opcode: 2, payload, mask: MASK, compressed: true }), up({ opcode: 2, payload, rsv: 4 }))
  }
})

const CLIENT: Dialect = { masked: true, deflate: false }
const SERVER: Dialect = { masked: false, deflate: false }

/** What is read of the bytes, whole or one by one, and the code of the error where one comes. */
function read(dialect: Dialect, bytes: Buffer, step = bytes.length): { frames: string[]; error?: number; at?: number } {
  const reader = new FrameReader(dialect)
  const frames: string[] = []
  for (let at = 0; at < bytes.length; at += step) {
    reader.push(bytes.subarray(at, at + step))
    try {
      for (let one = reader.next(); one; one = reader.next()) {
        frames.push(`${one.opcode}${one.fin ? '' : '+'}${one.compressed ? 'z' : ''} ${one.payload.toString('latin1')}`)
      }
    } catch (error) {
      return { frames, error: (error as WebSocketError).code, at: at + step }
    }
  }
  return { frames }
}

test('frames are read, whole, byte by byte, and many at once', (t) => {
  const long = 'x'.repeat(70_000)
  const middle = 'y'.repeat(300)
  const clients = [up('hi'), up({ opcode: 2, payload: middle }), up({ opcode: 9, payload: 'p' }), up(long), up('')]
  const expected = ['1 hi', `2 ${middle}`, '9 p', `1 ${long}`, '1 ']
  for (const step of [1, 2, 7, 1000, 1e9]) t.deepEqual(read(CLIENT, Buffer.concat(clients), step).frames, expected)
  const fragments = [
    { fin: false, payload: 'a' },
    { opcode: 10 },
    { opcode: 0, fin: false },
    { opcode: 0, payload: 'b' },
  ]
  const servers = Buffer.concat(fragments.map(down))
  for (const step of [1, 3, 1e9]) t.deepEqual(read(SERVER, servers, step).frames, ['1+ a', '10 ', '0+ ', '0 b'])
})

const wrong: [name: string, dialect: Dialect, bytes: Buffer, code: number, at?: number][] = [
  ['a client that does not mask', CLIENT, down('a'), 1002, 2],
  ['a server that masks', SERVER, up('a'), 1002, 2],
  ['RSV1 without permessage-deflate', CLIENT, up({ rsv: 4 }), 1002, 2],
  ['RSV2', { ...CLIENT, deflate: true }, up({ rsv: 2 }), 1002, 2],
  ['RSV3', { ...CLIENT, deflate: true }, up({ rsv: 1 }), 1002, 2],
  ['RSV1 in a ping', { ...CLIENT, deflate: true }, up({ rsv: 4, opcode: 9 }), 1002, 2],
  ['opcode 3', CLIENT, up({ opcode: 3 }), 1002, 2],
  ['opcode 7', CLIENT, up({ opcode: 7 }), 1002, 2],
  ['opcode 11', CLIENT, up({ opcode: 11 }), 1002, 2],
  ['opcode 15', CLIENT, up({ opcode: 15 }), 1002, 2],
  ['a ping in fragments', CLIENT, up({ opcode: 9, fin: false }), 1002, 2],
  ['a ping of 126 bytes', CLIENT, up({ opcode: 9, payload: 'x'.repeat(126) }), 1002, 2],
  ['a continuation of nothing', CLIENT, up({ opcode: 0 }), 1002],
  ['a message in a message', CLIENT, Buffer.concat([up({ fin: false }), up('x')]), 1002],
  [
    'a continuation that is compressed',
    { ...CLIENT, deflate: true },
    Buffer.concat([up({ fin: false, rsv: 4 }), up({ opcode: 0, rsv: 4 })]),
    1002,
  ],
  ['a length with its first bit', SERVER, down({ length: 1n << 63n }), 1002, 10],
  ['64 MiB and one byte', SERVER, down({ length: BigInt(MAX_MESSAGE) + 1n }), 1009, 10],
  ['4 GiB', SERVER, down({ length: 1n << 32n }), 1009, 10],
  [
    '64 MiB in two frames',
    SERVER,
    Buffer.concat([down({ fin: false, payload: 'x' }), down({ opcode: 0, length: BigInt(MAX_MESSAGE) })]),
    1009,
    13,
  ],
  ['text that is not UTF-8', CLIENT, up({ payload: Buffer.from([0x41, 0xff, 0x41, 0x41]) }), 1007, 8],
  ['text that ends within a character', CLIENT, up({ payload: Buffer.from([0x41, 0xce]) }), 1007],
  [
    'text that ends within a character of another frame',
    CLIENT,
    Buffer.concat([up({ fin: false, payload: Buffer.from([0xce]) }), up({ opcode: 0 })]),
    1007,
  ],
  [
    'text that is not UTF-8 over two frames',
    CLIENT,
    Buffer.concat([
      up({ fin: false, payload: Buffer.from([0xf4]) }),
      up({ opcode: 0, payload: Buffer.from([0x90, 0x80]) }),
    ]),
    1007,
    14,
  ],
]

for (const [name, dialect, bytes, code, at] of wrong) {
  test(`refused: ${name}`, (t) => {
    t.is(read(dialect, bytes).error, code)
    const slow = read(dialect, bytes, 1)
    t.is(slow.error, code)
    if (at !== undefined) t.is(slow.at, at, 'as early as it can be known')
  })
}

test('what is right at the border passes', (t) => {
  const right: [Dialect, Buffer, number][] = [
    [CLIENT, up({ opcode: 9, payload: 'x'.repeat(125) }), 1],
    [
      CLIENT,
      Buffer.concat([
        up({ fin: false, payload: Buffer.from([0xce]) }),
        up({ opcode: 9 }),
        up({ opcode: 0, payload: Buffer.from([0xba]) }),
      ]),
      3,
    ],
    [{ ...CLIENT, deflate: true }, up({ rsv: 4, payload: Buffer.from([0xff]) }), 1],
    [CLIENT, up({ opcode: 2, payload: Buffer.from([0xff]) }), 1],
    [
      SERVER,
      Buffer.concat([down({ fin: false }), down({ opcode: 0, length: BigInt(MAX_MESSAGE) })]).subarray(0, 12),
      1,
    ],
  ]
  for (const [dialect, bytes, frames] of right) {
    const one = read(dialect, bytes, 1)
    t.is(one.error, undefined)
    t.is(one.frames.length, frames)
  }
})

test('Close frames: their codes, and reasons', (t) => {
  t.deepEqual(readClose(Buffer.alloc(0)), { code: 1005, reason: '' })
  t.deepEqual(readClose(closing(1000, 'bye κ')), { code: 1000, reason: 'bye κ' })
  for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]) {
    t.is(readClose(closing(code)).code, code)
  }
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535]) {
    t.is(t.throws<WebSocketError>(() => readClose(closing(code)))?.code, 1002, `${code}`)
  }
  t.is(t.throws<WebSocketError>(() => readClose(Buffer.alloc(1)))?.code, 1002)
  const notText = Buffer.concat([closing(1000), Buffer.from([0xce, 0xff])])
  t.is(t.throws<WebSocketError>(() => readClose(notText))?.code, 1007)
  t.deepEqual(closePayload(1001, ''), closing(1001))
  const cut = closePayload(1002, 'κ'.repeat(100))
  t.is(readClose(cut).reason, 'κ'.repeat(61))
  t.true(cut.length <= 125)
})

test('what was taken out of growing bytes stays as it is', (t) => {
  const random = seeded(5)
  const growing = new Growing()
  const all: number[] = []
  const taken: { bytes: Buffer; copy: Buffer }[] = []
  let at = 0
  for (let step = 0; step < 2000; step += 1) {
    const piece = Buffer.from(Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256)))
    growing.append(piece)
    all.push(...piece)
    t.is(growing.length, all.length - at)
    if (random() < 0.4) {
      const count = Math.floor(random() * growing.length)
      const bytes = growing.bytes.subarray(0, count)
      taken.push({ bytes, copy: Buffer.from(bytes) })
      t.deepEqual([...bytes], all.slice(at, at + count))
      growing.drop(count)
      at += count
    }
  }
  t.true(taken.every(({ bytes, copy }) => bytes.equals(copy)))
})

test('any bytes are frames or an error, whatever the pieces they come in', (t) => {
  for (let seed = 1; seed <= 3000; seed += 1) {
    const random = seeded(seed)
    const parts = Array.from({ length: 4 }, () => {
      const rsv = random() < 0.1 ? Math.floor(random() * 8) : 0
      const opcode =
        random() < 0.9 ? ([0, 1, 2, 9, 10, 8][Math.floor(random() * 6)] as number) : Math.floor(random() * 16)
      const payload = Buffer.from(
        Array.from({ length: Math.floor(random() * 30) }, () => Math.floor(random() * (random() < 0.9 ? 128 : 256))),
      )
      return up({ fin: random() < 0.7, rsv, opcode, payload })
    })
    const bytes = Buffer.concat(parts)
    if (random() < 0.3) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
    const dialect = { masked: true, deflate: random() < 0.5 }
    const whole = read(dialect, bytes)
    const slow = read(dialect, bytes, 1)
    t.deepEqual([slow.frames, slow.error], [whole.frames, whole.error], `seed ${seed}`)
  }
  t.is(frame({}).length, 2)
})
