// Bodies that pass through an addon's function or TransformStream: what it may give, how it may fail, and that nothing is left behind.
import { gunzipSync } from 'node:zlib'
import test from 'ava'
import type { HttpFlow } from '../../src/flow/http.js'
import type { BodyFunction, BodyStream } from '../../src/flow/http-message.js'
import { HookTime } from '../../src/proxy/hook-time.js'
import { Transforms } from '../../src/proxy/transform.js'
import { Clock } from '../support/clock.js'
import { httpFlow } from '../support/flows.js'

function setUp(stream?: BodyStream) {
  const logs: string[] = []
  const transforms = new Transforms((message) => logs.push(message), new HookTime())
  const flow = liveFlow()
  if (flow.response && stream !== undefined) flow.response.stream = stream
  return { logs, transforms, flow }
}

function liveFlow(): HttpFlow {
  const flow = httpFlow()
  flow.endedAt = undefined
  flow.error = undefined
  return flow
}

/** What is sent of a body in these pieces, the last one being what the end gives. */
async function pass(stream: BodyStream, ...pieces: string[]): Promise<(string | undefined)[]> {
  const { transforms, flow } = setUp(stream)
  const sent: (string | undefined)[] = []
  for (const piece of [...pieces, '']) {
    const out = await transforms.run(flow, 'response', Buffer.from(piece))
    sent.push(out?.toString())
  }
  return sent
}

test('a function gets each piece and an empty one at the end, and gives bytes, texts, several of them, or nothing', async (t) => {
  const got: string[] = []
  const upper: BodyFunction = (chunk) => {
    got.push(chunk.toString())
    return chunk.toString().toUpperCase()
  }
  t.deepEqual(await pass(upper, 'a', 'b'), ['A', 'B', ''])
  t.deepEqual(got, ['a', 'b', ''])
  const functions: [give: BodyFunction, expected: string][] = [
    [(chunk) => chunk, 'x'],
    [() => new Uint8Array([65, 66]).subarray(1), 'B'],
    [() => '\u00e4', '\u00e4'],
    [() => undefined, ''],
    [() => {}, ''],
    [() => ['a', Buffer.from('b'), ''], 'ab'],
    [
      function* () {
        yield 'a'
        yield 'b'
      },
      'ab',
    ],
    [async (chunk) => [chunk, 'y'], 'xy'],
    [() => Promise.resolve('z'), 'z'],
    [
      async function* () {
        yield 'a'
        await Promise.resolve()
        yield Buffer.from('b')
      },
      'ab',
    ],
  ]
  for (const [give, expected] of functions) t.is((await pass(give, 'x'))[0], expected, String(give))
})

test('a function that need not be waited for answers at once, and other bodies pass as they are', (t) => {
  const { transforms, flow } = setUp((chunk) => chunk)
  t.true(Buffer.isBuffer(transforms.run(flow, 'response', Buffer.from('x'))))
  const data = Buffer.from('x')
  t.is(transforms.run(flow, 'request', data), data)
  for (const stream of [true, false]) t.is(setUp(stream).transforms.run(setUp(stream).flow, 'response', data), data)
})

test('what a function throws, rejects, or gives that are no bytes is an error of its flow, named as one of an addon', async (t) => {
  const cases: [give: unknown, text: string][] = [
    [() => raise('boom'), 'boom'],
    [async () => raise('boom'), 'boom'],
    [() => [raise('boom')], 'boom'],
    [() => 5, 'bytes or a text were expected, not a value of the type number'],
    [() => null, 'bytes or a text were expected, not null'],
    [async () => [5], 'bytes or a text were expected, not a value of the type number'],
    [
      async function* () {
        yield 'a'
        raise('boom')
      },
      'boom',
    ],
    [new TransformStream({ transform: () => raise('boom') }), 'boom'],
    [new TransformStream({ transform: async () => raise('boom') }), 'boom'],
    [new TransformStream({ start: () => raiseLate() }), 'late'],
  ]
  for (const [give, text] of cases) {
    const { transforms, flow, logs } = setUp(give as BodyStream)
    t.is(await transforms.run(flow, 'response', Buffer.from('x')), undefined)
    t.is(flow.error?.message, `an addon has failed in flow.response.stream: ${text}`)
    t.is(logs.length, 1)
    t.regex(logs[0] ?? '', /^an addon has failed in flow\.response\.stream: /)
    transforms.close()
  }
  const { transforms, flow } = setUp(() => raise('boom'))
  flow.error = { message: 'first', timestamp: 1 }
  transforms.run(flow, 'response', Buffer.from('x'))
  t.is(flow.error.message, 'first')
})

function raise(text: string): never {
  throw new Error(text)
}

const raiseLate = () => Promise.reject(new Error('late'))

test('a TransformStream gives what it makes of each piece with that piece, and the rest at the end', async (t) => {
  const repeating = new TransformStream<Uint8Array, string>({
    transform(chunk, controller) {
      for (let at = 0; at < 100; at++) controller.enqueue(Buffer.from(chunk).toString())
    },
    flush: (controller) => controller.enqueue('end'),
  })
  t.deepEqual(await pass(repeating, 'a', 'b'), ['a'.repeat(100), 'b'.repeat(100), 'end'])
  const holding = new TransformStream<Uint8Array, string>({
    transform() {},
    flush: (controller) => controller.enqueue('all'),
  })
  t.deepEqual(await pass(holding, 'a', 'b'), ['', '', 'all'])
  t.deepEqual(await pass(new TransformStream(), 'a'), ['a', ''])
})

test('a CompressionStream is one, too', async (t) => {
  const { transforms, flow } = setUp(new CompressionStream('gzip'))
  const pieces: Buffer[] = []
  for (const piece of ['hello ', 'world', ''])
    pieces.push((await transforms.run(flow, 'response', Buffer.from(piece))) as Buffer)
  t.is(gunzipSync(Buffer.concat(pieces)).toString(), 'hello world')
})

test('a stream that ends by itself drops the rest of the body', async (t) => {
  const first = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      controller.enqueue(chunk)
      controller.terminate()
    },
  })
  t.deepEqual(await pass(first, 'a', 'b', 'c'), ['a', '', '', ''])
})

test('a stream is for one body: at a second one the flow fails, and the first goes on', async (t) => {
  const shared = new TransformStream()
  const { transforms, flow } = setUp(shared)
  t.is(String(await transforms.run(flow, 'response', Buffer.from('a'))), 'a')
  const other = liveFlow()
  if (other.response) other.response.stream = shared
  t.is(await transforms.run(other, 'response', Buffer.from('x')), undefined)
  t.regex(other.error?.message ?? '', /^an addon has failed in flow\.response\.stream: .*lock/i)
  t.is(String(await transforms.run(flow, 'response', Buffer.from('b'))), 'b')
})

test('with the connection its streams end: their addons are told, and an answer that is waited for comes', async (t) => {
  const cancelled: unknown[] = []
  const pair = {
    readable: new ReadableStream<Uint8Array>({ cancel: (reason) => void cancelled.push(reason) }),
    writable: new WritableStream<Uint8Array>({ write: () => new Promise(() => {}) }),
  }
  const { transforms, flow } = setUp(pair)
  const waiting = transforms.run(flow, 'response', Buffer.from('a'))
  transforms.close()
  await waiting
  t.deepEqual(cancelled, ['the connection is over'])
})

test('code of an addon that never answers fails its flow after 30 s', async (t) => {
  const clock = new Clock()
  const { transforms, flow } = setUp(() => new Promise(() => {}))
  let waiting: ReturnType<Transforms['run']>
  clock.with(() => {
    waiting = transforms.run(flow, 'response', Buffer.from('a'))
    clock.after(30_001)
  })
  t.is(await waiting, undefined)
  t.is(flow.error?.message, 'an addon has failed in flow.response.stream: it has not answered within 30 s')
})

test('stream is true, false, a function, a TransformStream, or nothing', (t) => {
  const { flow } = setUp()
  for (const right of [true, false, undefined, () => '', new TransformStream(), new DecompressionStream('gzip')]) {
    flow.request.stream = right as BodyStream
    t.is(flow.request.stream, right as BodyStream)
  }
  for (const wrong of [null, 'yes', 1, {}, new ReadableStream()]) {
    t.throws(() => Object.assign(flow.request, { stream: wrong }), {
      instanceOf: TypeError,
      message: 'flow.request.stream must be true, false, a function of chunks, or a TransformStream',
    })
  }
})
