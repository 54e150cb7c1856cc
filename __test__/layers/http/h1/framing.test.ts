// Where a message ends: the corpus of framings, each alone and with another message behind it.
import test from 'ava'
import { HttpHeaders } from '../../../../src/flow/headers.js'
import { requestFraming, responseFraming } from '../../../../src/layers/http/h1/framing.js'
import { requestFramings } from '../../../support/framing-corpus.js'
import { bytes, readRequests, readResponses } from '../../../support/http1.js'
import { responseFramings } from '../../../support/response-corpus.js'

const NEXT = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n'

test('the corpus is as large as promised, and has no case twice', (t) => {
  t.true(requestFramings.length >= 92)
  t.true(responseFramings.length >= 24)
  t.is(new Set(requestFramings.map(({ text }) => text)).size, requestFramings.length)
})

test('requests: one message in, one message out, or a refusal', (t) => {
  for (const { name, text, verdict } of requestFramings) {
    const { messages, error } = readRequests([bytes(text)])
    if ('status' in verdict) {
      t.is(error?.status, verdict.status, `${name}: ${error?.message}`)
      t.deepEqual(messages, [], name)
    } else {
      t.is(error, undefined, name)
      t.deepEqual(
        messages.map(({ body }) => body),
        [verdict.body],
        name,
      )
    }
  }
})

test('requests: what stands behind a message is the next one, never a part of it', (t) => {
  for (const { name, text, verdict } of requestFramings) {
    const { messages, error, rest } = readRequests([bytes(text + NEXT)])
    if ('status' in verdict) {
      t.is(error?.status, verdict.status, name)
      t.deepEqual(messages, [], name)
    } else if (messages.length === 1) {
      // HTTP/1.0 and CONNECT: nothing is read after them.
      t.is(rest, NEXT.length, name)
    } else {
      t.is(error, undefined, name)
      t.deepEqual(messages[0]?.body, verdict.body, name)
      t.deepEqual(messages[1]?.start, ['GET', '/next'], name)
    }
  }
})

test('responses: one message in, one message out, or a refusal', (t) => {
  for (const { name, text, verdict, method, close } of responseFramings) {
    const { messages, error } = readResponses([bytes(text)], method)
    if ('status' in verdict) {
      t.is(error?.status, verdict.status, `${name}: ${error?.message}`)
      t.deepEqual(messages, [], name)
      continue
    }
    t.is(error, undefined, name)
    t.is(messages[0]?.body, verdict.body, name)
    const behind = readResponses([bytes(`${text}more`)], method)
    t.is(behind.rest, close ? 0 : 4, name)
    t.is(behind.messages[0]?.body, close ? `${verdict.body}more` : verdict.body, name)
  }
})

test('a refusal says what was wrong, and where', (t) => {
  const head = (...raw: string[]) => ({ method: 'POST', version: '1.1', headers: new HttpHeaders(raw) })
  t.throws(() => requestFraming(head('Content-Length', '5', 'content-length', '6')), {
    message: 'there are two Content-Length fields, which differ ("5" and "6")',
  })
  t.throws(() => requestFraming(head('Content-Length', '5', 'Transfer-Encoding', 'chunked')), {
    message: 'there are both Content-Length and Transfer-Encoding',
  })
  t.throws(() => requestFraming(head('Transfer-Encoding', 'gzip')), {
    message: 'the transfer coding "gzip" is not supported, only chunked',
  })
})

test('a response without a length ends with its connection, a request without one has no body', (t) => {
  const none = { version: '1.1', headers: new HttpHeaders() }
  t.deepEqual(responseFraming({ ...none, status: 200 }, 'GET'), { kind: 'close' })
  t.deepEqual(requestFraming({ ...none, method: 'POST' }), { kind: 'none' })
})
