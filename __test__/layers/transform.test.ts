// The step that puts a piece of a body through an addon's stream: its answer, its failure, and a connection that ends meanwhile.
import test from 'ava'
import { HttpHeaders } from '../../src/flow/headers.js'
import { HttpFlow, HttpRequest } from '../../src/flow/http.js'
import { hook, isTransformed, origin, recordLimit, transform } from '../../src/layers/layer.js'
import { Gone } from '../../src/layers/task.js'
import { defaults } from '../support/layer-options.js'
import { Playbook } from '../support/playbook.js'

function play() {
  const seen: unknown[] = []
  const book = new Playbook(function* (context) {
    const where = { scheme: 'http', host: 'a', port: 80, version: '1.1', headers: new HttpHeaders() } as const
    const flow = new HttpFlow(origin(context), new HttpRequest({ method: 'GET', path: '/', ...where }, 0, 0))
    try {
      for (const piece of ['a', 'b', '']) seen.push(String(yield* transform(flow, 'request', Buffer.from(piece))))
    } catch (error) {
      seen.push(error instanceof Gone)
    }
    return undefined
  })
  return { book, seen }
}

test('the bytes to send are the answer', (t) => {
  const { book, seen } = play()
  for (const answer of [Buffer.from('A'), undefined, Buffer.alloc(0)]) book.reply('transform', answer)
  t.deepEqual(book.said(), ['transform request "a"', 'transform request "b"', 'transform request ""'])
  t.deepEqual(seen, ['A', 'undefined', ''])
})

test('a connection that ends does not wait for it, nor begins another', (t) => {
  const { book, seen } = play()
  book.close(book.client)
  t.deepEqual(seen, [true])
  book.reply('transform', Buffer.from('late'))
  t.false(book.machine.busy)
})

test('a connection that has ended in a hook begins none', (t) => {
  let gone = false
  const book = new Playbook(
    function* (context) {
      const where = { scheme: 'http', host: 'a', port: 80, version: '1.1', headers: new HttpHeaders() } as const
      const flow = new HttpFlow(origin(context), new HttpRequest({ method: 'GET', path: '/', ...where }, 0, 0))
      yield* hook(context, 'requestheaders', flow)
      try {
        yield* transform(flow, 'request', Buffer.from('a'))
      } catch (error) {
        gone = error instanceof Gone
      }
      return undefined
    },
    { hooks: 'wait' },
  )
  book.close(book.client).hooked('requestheaders', () => {})
  t.true(gone)
  t.deepEqual(book.said(), [])
})

test('the watchdog rests meanwhile: the operation has a clock of its own', (t) => {
  const { book, seen } = play()
  book.after(3_600_000)
  t.deepEqual(seen, [])
  t.true(book.machine.busy)
})

test('which bodies are transformed, and how much of a body is recorded', (t) => {
  for (const stream of [undefined, true, false]) t.false(isTransformed({ stream }))
  t.true(isTransformed({ stream: () => '' }))
  t.true(isTransformed({ stream: new TransformStream() }))
  t.is(recordLimit({ ...defaults, body_record_limit: 5 }), 5)
  t.is(recordLimit({ ...defaults, store_streamed_bodies: true }), Number.POSITIVE_INFINITY)
})
