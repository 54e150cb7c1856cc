// A stream on the fake addon: bytes both ways, what falls in which exchange, and credit.
import { execFile } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import test from 'ava'
import type { WireGuardStream } from '../../src/index.js'
import { type Faked, settle, startFake } from '../support/fake-server.js'
import { word } from '../support/records.js'

const run = promisify(execFile)
const KIB = 1024

async function open(options: Parameters<typeof startFake>[0] = {}): Promise<Faked & { stream: WireGuardStream }> {
  const streams: WireGuardStream[] = []
  const faked = await startFake({ onConnection: (stream) => streams.push(stream), ...options })
  faked.native.opened(7)
  await settle()
  const [stream] = streams
  if (!stream) throw new Error('no stream')
  return { ...faked, stream }
}

test('data comes up as it was and is the reader’s to keep', async (t) => {
  const { native, stream } = await open()
  const chunks: Buffer[] = []
  stream.on('data', (chunk) => chunks.push(chunk))
  await settle()
  for (const letter of 'abc') native.raise('data', 7, Buffer.from(letter.repeat(5)))
  await settle()
  // The next drain writes over the slab.
  for (const letter of 'xyz') native.raise('data', 7, Buffer.from(letter.repeat(5)))
  await settle()
  t.is(Buffer.concat(chunks).toString(), 'aaaaabbbbbcccccxxxxxyyyyyzzzzz')
  t.is(chunks[0]?.toString(), 'aaaaa')
  t.is(stream.bytesRead, 30)
})

test('an echo costs one doorbell and two exchanges', async (t) => {
  const { native, stream } = await open()
  stream.on('data', (chunk) => stream.write(chunk))
  await settle()
  const [rings, exchanges] = [native.rings, native.exchanges.length]
  native.raise('data', 7, Buffer.from('hello'))
  await settle()
  t.is(native.written(7).toString(), 'hello')
  t.is(native.rings - rings, 1)
  t.is(native.exchanges.length - exchanges, 2)
})

test('what is written in one turn falls in one exchange', async (t) => {
  const { native, stream } = await open()
  const before = native.exchanges.length
  for (let piece = 0; piece < 10; piece++) stream.write(`${piece};`)
  t.is(native.exchanges.length, before, 'nothing falls before the turn is over')
  await settle()
  t.is(native.exchanges.length, before + 1)
  t.is(native.written(7).toString(), '0;1;2;3;4;5;6;7;8;9;')
  t.is(stream.bytesWritten, 20)
})

test('what is corked leaves as one record', async (t) => {
  const { native, stream } = await open()
  stream.cork()
  stream.write('HTTP/1.1 200 OK\r\n')
  stream.write(Buffer.from('\r\n'))
  stream.write('YmVhbnM=', 'base64')
  stream.uncork()
  await settle()
  t.is(native.commands('write', 7).length, 1)
  t.is(native.written(7).toString(), 'HTTP/1.1 200 OK\r\n\r\nbeans')
})

test('a writer gets no further than its credit, and on when there is more', async (t) => {
  const { native, stream } = await open({ bufferSize: 64 * KIB })
  const bytes = Buffer.from(Array.from({ length: 200 * KIB }, (_, index) => index % 251))
  let called = 0
  t.true(stream.write(bytes.subarray(0, 10), () => called++))
  stream.write(bytes.subarray(10), () => called++)
  await settle()
  t.is(called, 1, 'the first was taken at once, the second waits')
  t.is(native.written(7).length, 64 * KIB)
  for (let given = 64; given < 200; given += 34) {
    t.is(called, 1)
    native.raise('writable', 7, word(34 * KIB))
    await settle()
    t.true(native.written(7).length <= (given + 34) * KIB)
  }
  t.deepEqual(native.written(7), bytes)
  t.is(called, 2)
  t.true(native.commands('write').every(({ payload }) => payload.length <= 64 * KIB))
})

test('a writer that is told to wait is told to go on', async (t) => {
  const { native, stream } = await open({ bufferSize: 64 * KIB })
  let [written, drained] = [0, 0]
  while (stream.write(Buffer.alloc(16 * KIB))) written += 16
  written += 16
  t.true(written < 4096, 'what waits on this side of the addon has a bound')
  stream.on('drain', () => drained++)
  await settle()
  t.is(drained, 0)
  native.raise('writable', 7, word(written * KIB))
  await settle()
  t.is(drained, 1)
  t.is(native.written(7).length, written * KIB)
})

test('writes behind one that waits keep their order, and end comes after them', async (t) => {
  const { native, stream } = await open({ bufferSize: 64 * KIB })
  const pieces = [Buffer.alloc(64 * KIB, 1), Buffer.from('two'), Buffer.from('three'), Buffer.alloc(64 * KIB, 4)]
  for (const piece of pieces) stream.write(piece)
  stream.end('last')
  await settle()
  t.is(native.written(7).length, 64 * KIB)
  t.is(native.commands('end', 7).length, 0)
  for (let round = 0; round < 4; round++) {
    native.raise('writable', 7, word(20 * KIB))
    await settle()
  }
  t.deepEqual(native.written(7), Buffer.concat([...pieces, Buffer.from('last')]))
  t.is(native.fallen.filter(({ id }) => id === 7).at(-1)?.kind, 'end')
})

test('credit goes back in large pieces, and all of it in the end', async (t) => {
  const { native, stream } = await open()
  stream.resume()
  await settle()
  for (let piece = 0; piece < 1000; piece++) native.raise('data', 7, Buffer.alloc(KIB))
  await settle()
  t.true(native.credit(7) >= (1000 - 64) * KIB)
  t.true(native.commands('credit', 7).length <= 1000 / 64 + 1)
  t.true(native.credit(7) <= 1000 * KIB)
})

test('a reader that stops gets no more than its credit, and goes on when it reads', async (t) => {
  const { native, stream } = await open()
  let sent = 0
  const fill = () => {
    for (; sent - native.credit(7) < 256 * KIB; sent += 16 * KIB)
      native.raise('data', 7, Buffer.alloc(16 * KIB, sent >> 14))
  }
  fill()
  await settle()
  t.is(native.credit(7), 0)
  t.is(stream.readableLength, 256 * KIB)
  let read = 0
  let wrong = 0
  stream.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += 16 * KIB) if (chunk[at] !== (((read + at) >> 14) & 0xff)) wrong++
    read += chunk.length
  })
  while (sent < 4096 * KIB) {
    await settle()
    const before = sent
    fill()
    if (sent === before) return t.fail(`stalled at ${sent}`)
  }
  await settle()
  t.is(read, sent)
  t.is(wrong, 0)
})

test('one stream that is not read stops no other', async (t) => {
  const streams: WireGuardStream[] = []
  const { native } = await startFake({ onConnection: (stream) => streams.push(stream) })
  for (const id of [1, 2]) native.opened(id)
  await settle()
  streams[1]?.resume()
  await settle()
  for (let round = 0; round < 16; round++) for (const id of [1, 2]) native.raise('data', id, Buffer.alloc(16 * KIB))
  await settle()
  t.is(native.credit(1), 0)
  t.true(native.credit(2) >= 192 * KIB)
})

test('half-close: the peer ends first, and we go on writing', async (t) => {
  const { native, stream } = await open({ allowHalfOpen: true })
  const received: string[] = []
  stream.setEncoding('utf8')
  stream.on('data', (chunk) => received.push(chunk))
  stream.on('end', () => received.push('the end'))
  native.raise('data', 7, Buffer.from('question'))
  native.raise('end', 7)
  await settle()
  t.deepEqual(received, ['question', 'the end'])
  t.is(native.commands('end', 7).length, 0)
  stream.end('answer')
  await settle()
  t.is(native.written(7).toString(), 'answer')
  t.is(native.commands('end', 7).length, 1)
  t.true(stream.destroyed)
  t.is(native.commands('reset', 7).length, 0)
})

test('half-close: we end first, and go on reading', async (t) => {
  const { native, stream } = await open({ allowHalfOpen: true })
  const received = text(stream)
  stream.end('question')
  await settle()
  t.is(native.commands('end', 7).length, 1)
  native.raise('data', 7, Buffer.from('answer'))
  native.raise('end', 7)
  await settle()
  t.is(await received, 'answer')
  t.true(stream.destroyed)
})

test('an idle stream holds on to none of the data that it has passed', async (t) => {
  const support = new URL('../support/fake-server.js', import.meta.url)
  const program = `
    const { settle, startFake } = await import(${JSON.stringify(support.href)})
    const streams = []
    const { native } = await startFake({ onConnection: (stream) => streams.push(stream.resume()) })
    const held = async () => { for (let i = 0; i < 5; i++) { await settle(); gc() } return process.memoryUsage().arrayBuffers }
    const before = await held()
    for (let id = 1; id <= 500; id++) {
      native.opened(id)
      for (let piece = 0; piece < 8; piece++) native.raise('data', id, Buffer.alloc(1000))
      await settle()
    }
    console.log(streams.length, ((await held()) - before) / 500)
  `
  const { stdout } = await run(process.execPath, ['--expose-gc', '--input-type=module', '-e', program])
  const [streams = 0, bytes = Number.NaN] = stdout.split(' ').map(Number)
  t.is(streams, 500)
  t.true(bytes < 1024, `${bytes} bytes a stream`)
})

test('the end is seen by a stream that nobody reads', async (t) => {
  const { native, stream } = await open({ allowHalfOpen: true })
  let ended = 0
  stream.on('end', () => ended++)
  native.raise('end', 7)
  await settle()
  t.is(ended, 1)
})

test('credit is given back once for each byte that was taken', async (t) => {
  const { native, stream } = await open()
  stream.resume()
  for (let piece = 0; piece < 12; piece += 1) {
    native.raise('data', 7, Buffer.alloc(16 * KIB))
    await settle()
  }
  const given = native.commands('credit', 7).map(({ payload }) => payload.readUInt32LE())
  t.deepEqual(given, [64 * KIB, 64 * KIB, 64 * KIB])
})

test('an impairment is three words: millionths, microseconds, and a seed', async (t) => {
  const { native, stream } = await open()
  const words = ({ payload }: { payload: Buffer }) => [0, 4, 8].map((at) => payload.readUInt32LE(at))
  stream.impair({ loss: 0.015, latency: 12.5 }, 7)
  stream.impair({ loss: 1, latency: 10_000_000 }, 8)
  stream.impair({ loss: 0, latency: 1 })
  stream.impair({ loss: 0, latency: 1 })
  stream.impair(undefined, 9)
  await settle()
  const fallen = native.commands('impair', 7).map(words)
  t.deepEqual(fallen[0], [15_000, 12_500, 7])
  t.deepEqual(fallen[1], [1_000_000, 0xffff_ffff, 8])
  t.not(fallen[2]?.[2], fallen[3]?.[2], 'chance, where nobody says the seed')
  t.deepEqual(fallen[4], [0, 0, 9])
  native.raise('reset', 7, word(1))
  stream.on('error', () => {})
  await settle()
  stream.impair({ loss: 1, latency: 0 })
  await settle()
  t.is(native.commands('impair', 7).length, 5, 'its number may be another’s now')
})
