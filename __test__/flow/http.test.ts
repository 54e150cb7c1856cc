// What an addon may make a response of, and what is refused where it is written.
import test from 'ava'
import { HttpFlow, type HttpRequest, HttpResponse } from '../../src/flow/http.js'

test('the status of a response is a whole number from 100 to 999', (t) => {
  for (const status of [100, 200, 999]) t.is(new HttpResponse({ status }).status, status)
  for (const status of [99, 1000, 99_999, 200.5, Number.NaN, '200', undefined]) {
    const error = t.throws(() => new HttpResponse({ status: status as number }), { instanceOf: RangeError })
    t.is(error?.message, `the status of a response is a whole number from 100 to 999, not ${status}`)
  }
  const response = new HttpResponse({ status: 200 })
  t.throws(
    () => {
      response.status = 0
    },
    { instanceOf: RangeError },
  )
  t.is(response.status, 200)
})

test('text that is set is UTF-8, and Content-Type does not say otherwise', (t) => {
  const cases: [type: string, after: string][] = [
    ['text/html; charset=iso-8859-1', 'text/html; charset=utf-8'],
    ['text/html; Charset="Windows-1252"; x=y', 'text/html; charset=utf-8; x=y'],
    ['text/html; charset="UTF-8"', 'text/html; charset="UTF-8"'],
    ['text/html', 'text/html'],
  ]
  for (const [type, after] of cases) {
    const headers = [['Content-Type', type]] as const
    const response = new HttpResponse({ status: 200, headers, content: Buffer.from([0x63, 0x61, 0x66, 0x65]) })
    response.text = `${response.text} caf\u00e9`
    t.is(response.headers.toString(), `Content-Type: ${after}\r\n`)
    t.is(response.content.toString(), 'cafe caf\u00e9')
    t.is(response.text, 'cafe caf\u00e9', 'what is read is what was written')
  }
})

test('what is cut off a body that was held takes no memory', (t) => {
  const body = new HttpResponse({ status: 200 }, 10).body
  body.hold()
  for (let at = 0; at < 100; at++) body.append(Buffer.alloc(1000, at))
  t.is(body.content.length, 100_000)
  t.false(body.truncated)
  body.trim()
  t.deepEqual(body.content, Buffer.alloc(10, 0))
  t.is(body.length, 100_000)
  t.true(body.truncated)
  t.true(body.content.buffer.byteLength < 20_000, 'an allocation of its own, or in the pool')
  body.append(Buffer.from('more'))
  t.is(body.recorded, 10)
})

test('an error of kill() has the time of the call; what is over cannot be killed', (t) => {
  const world = { time: 5, newId: () => 'x', now: () => world.time, act() {} }
  const flow = new HttpFlow({ world, now: 0 } as never, {} as HttpRequest)
  flow.kill()
  t.true(flow.killed)
  t.is(flow.error?.timestamp, 5)
  flow.endedAt = 6
  world.time = 7
  flow.kill()
  t.is(flow.error?.timestamp, 5)
})

test('kill() takes one of two words', (t) => {
  const flow = new HttpFlow({ world: { now: () => 5, act() {} }, now: 0 } as never, {} as HttpRequest)
  t.throws(() => flow.kill('fin' as never), { code: 'ERR_ARGUMENT', message: /'reset' or 'close', not "fin"/ })
  t.false(flow.killed)
  flow.kill('close')
  t.true(flow.killed)
})

test('a flow is killed by kill() alone, whatever the text of its error says', (t) => {
  const origin = { world: { newId: () => 'x', now: () => 5, act() {} }, now: 0 } as never
  const failed = new HttpFlow(origin, {} as HttpRequest)
  failed.error = { message: 'killed', timestamp: 1 }
  t.false(failed.killed, 'the server said so, and nobody called kill()')
  const killed = new HttpFlow(origin, {} as HttpRequest)
  killed.kill()
  t.is(killed.error?.message, 'killed')
  killed.error = { message: 'not in working hours', timestamp: 6 }
  t.true(killed.killed)
  const over = new HttpFlow(origin, {} as HttpRequest)
  over.endedAt = 3
  over.kill()
  t.false(over.killed)
})

test('flow.response is an HttpResponse, of whatever copy of midwire, or nothing', (t) => {
  const flow = new HttpFlow({ now: 0 } as never, {} as HttpRequest)
  t.is(flow.response, undefined)
  for (const wrong of [{ status: 418, headers: {}, body: 'x' }, 'x', 418, null, new Response('x')]) {
    t.throws(
      () => {
        flow.response = wrong as never
      },
      { instanceOf: TypeError, message: /^flow\.response must be an HttpResponse: new HttpResponse\(/ },
    )
    t.is(flow.response, undefined)
  }
  const response = new HttpResponse({ status: 418 })
  flow.response = response
  t.is(flow.response, response)
  flow.response = undefined
  t.is(flow.response, undefined)
  const { status, headers, body } = response
  const other = { status, headers, body } as HttpResponse
  flow.response = other
  t.is(flow.response, other)
})
