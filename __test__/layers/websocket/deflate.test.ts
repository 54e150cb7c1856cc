// permessage-deflate as a function, against zlib's streams, which keep their state by themselves.
import { constants, deflateRawSync } from 'node:zlib'
import test from 'ava'
import { Deflate } from '../../../src/layers/websocket/deflate.js'
import type { WebSocketError } from '../../../src/layers/websocket/error.js'
import { MAX_MESSAGE } from '../../../src/layers/websocket/reader.js'
import { DeflatePeer } from '../../support/deflate-peer.js'
import { seeded } from '../../support/seeded.js'

/** Messages that repeat each other, empty ones, and some that are longer than any window. */
function messages(seed: number): Buffer[] {
  const random = seeded(seed)
  const words = Array.from({ length: 40 }, () => Math.floor(random() * 1e9).toString(36))
  return Array.from({ length: 25 }, () => {
    const kind = random()
    if (kind < 0.1) return Buffer.alloc(0)
    if (kind < 0.2) return Buffer.from(Array.from({ length: 40_000 }, () => Math.floor(random() * 256)))
    const count = kind < 0.3 ? 20_000 : Math.floor(random() * 60)
    return Buffer.from(Array.from({ length: count }, () => words[Math.floor(random() * words.length)]).join(' '))
  })
}

for (const takeOver of [true, false]) {
  for (const windowBits of [9, 10, 12, 15]) {
    test(`a sender with a window of 2^${windowBits}, ${takeOver ? 'kept' : 'not kept'}, is read; and what is compressed anew`, async (t) => {
      for (const seed of [1, 2]) {
        const sender = new DeflatePeer(takeOver, windowBits)
        const receiver = new DeflatePeer(takeOver, windowBits)
        const deflate = new Deflate({ takeOver, windowBits })
        let departed = false
        for (const [index, message] of messages(seed).entries()) {
          const payload = await sender.compress(message)
          t.deepEqual(deflate.inflate(payload, MAX_MESSAGE), message)
          if (index === 5) deflate.depart()
          departed ||= index === 5
          if (index === 5) continue
          const changed = index % 3 === 0
          const goesOn = changed ? Buffer.concat([message, Buffer.from('changed')]) : message
          if (changed) deflate.depart()
          departed ||= changed
          t.is(deflate.isOwn, departed && takeOver)
          const passes = !changed && !deflate.isOwn
          t.deepEqual(await receiver.decompress(passes ? payload : deflate.deflate(goesOn)), goesOn)
        }
      }
    })
  }
}

test('messages that pass before the first change are in the window of those after it', async (t) => {
  const sender = new DeflatePeer()
  const receiver = new DeflatePeer()
  const deflate = new Deflate({ takeOver: true, windowBits: 15 })
  const random = seeded(3)
  const noise = Buffer.from(Array.from({ length: 3000 }, () => Math.floor(random() * 256)))
  const first = await sender.compress(noise)
  deflate.inflate(first, MAX_MESSAGE)
  await receiver.decompress(first)
  deflate.inflate(await sender.compress(noise), MAX_MESSAGE)
  deflate.depart()
  const changed = Buffer.concat([noise, Buffer.from('!')])
  const payload = deflate.deflate(changed)
  t.true(payload.length < 100, 'the noise was found in the window')
  t.deepEqual(await receiver.decompress(payload), changed)
})

test('a window of 2^8, which zlib cannot make, is never left', async (t) => {
  const deflate = new Deflate({ takeOver: true, windowBits: 8 })
  deflate.inflate(Buffer.from([0]), MAX_MESSAGE)
  deflate.depart()
  const receiver = new DeflatePeer(true, 9)
  const text = Buffer.from('the same again and '.repeat(500))
  for (let round = 0; round < 3; round += 1) {
    const payload = deflate.deflate(text)
    t.deepEqual(await receiver.decompress(payload), text)
    // Without any match each character costs some bits.
    t.true(payload.length > text.length / 4)
  }
})

test('empty messages, as midwire and as others write them', (t) => {
  const deflate = new Deflate({ takeOver: true, windowBits: 15 })
  for (const payload of [[0x00], [], [0x02, 0x00], [0x03, 0x00]]) {
    t.is(deflate.inflate(Buffer.from(payload), 0).length, 0, payload.join())
  }
  t.deepEqual(deflate.deflate(Buffer.alloc(0)), Buffer.from([0]))
})

test('a message of several streams is one message, and its window goes on (RFC 7692, 7.2.3.4)', async (t) => {
  const deflate = new Deflate({ takeOver: true, windowBits: 15 })
  const hello = Buffer.from('hello, hello')
  const final = deflateRawSync(hello)
  // The example of the RFC: a block with BFINAL, and one byte of an empty one.
  t.deepEqual(deflate.inflate(Buffer.concat([final, Buffer.from([0])]), MAX_MESSAGE), hello)
  t.deepEqual(deflate.inflate(final, MAX_MESSAGE), hello)
  const second = deflateRawSync(hello, { dictionary: Buffer.concat([hello, hello, hello]) })
  t.deepEqual(deflate.inflate(Buffer.concat([final, second]), MAX_MESSAGE), Buffer.concat([hello, hello]))
  const many = Buffer.concat(Array.from({ length: 100 }, () => final))
  t.is(
    t.throws<WebSocketError>(() => new Deflate({ takeOver: true, windowBits: 15 }).inflate(many, MAX_MESSAGE))?.code,
    1002,
  )
})

const raw = (content: Buffer) => deflateRawSync(content, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)

test('a bomb is defused: what becomes longer than the limit fails with 1009, what is not compressed with 1007', (t) => {
  const deflate = new Deflate({ takeOver: true, windowBits: 15 })
  const thousand = raw(Buffer.alloc(1000))
  t.is(deflate.inflate(thousand, 1000).length, 1000)
  t.is(t.throws<WebSocketError>(() => deflate.inflate(thousand, 999))?.code, 1009)
  const two = Buffer.concat([deflateRawSync(Buffer.alloc(600)), deflateRawSync(Buffer.alloc(600))])
  t.is(t.throws<WebSocketError>(() => new Deflate({ takeOver: true, windowBits: 15 }).inflate(two, 1000))?.code, 1009)
  t.is(t.throws<WebSocketError>(() => deflate.inflate(Buffer.from([0xff, 0xff, 0xff]), 1000))?.code, 1007)
  const farBack = deflateRawSync(Buffer.from('abcabcabc'), { dictionary: Buffer.from('abcabcabcabc') })
  t.is(
    t.throws<WebSocketError>(() => new Deflate({ takeOver: false, windowBits: 15 }).inflate(farBack, 1000))?.code,
    1007,
  )
})

test('any bytes are a message or an error', (t) => {
  let errors = 0
  for (let seed = 1; seed <= 2000; seed += 1) {
    const random = seeded(seed)
    const bytes = raw(Buffer.from('some text, some more of it'))
    const changed = Buffer.from(bytes)
    changed[Math.floor(random() * changed.length)] = Math.floor(random() * 256)
    try {
      new Deflate({ takeOver: true, windowBits: 15 }).inflate(changed, 100)
    } catch (error) {
      errors += 1
      t.true([1002, 1007, 1009].includes((error as WebSocketError).code), `seed ${seed}: ${error}`)
    }
  }
  t.true(errors > 50)
})
