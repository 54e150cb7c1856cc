// Sec-WebSocket-Extensions: what midwire leaves of an offer, and what it takes for agreed.
import test from 'ava'
import { HttpHeaders } from '../../../src/flow/headers.js'
import { agreementOf, keepKnownExtensions } from '../../../src/layers/websocket/extensions.js'

const fields = (...values: string[]) =>
  HttpHeaders.from(values.map((value) => ['Sec-WebSocket-Extensions', value] as const))

const left = (...values: string[]) => {
  const headers = fields(...values)
  const takenOut = keepKnownExtensions(headers)
  return { left: headers.getAll('sec-websocket-extensions'), takenOut }
}

test('an offer of what midwire knows stays as it is', (t) => {
  for (const value of [
    'permessage-deflate',
    'permessage-deflate; client_max_window_bits',
    'permessage-deflate;server_no_context_takeover ; client_max_window_bits="10", permessage-deflate',
    'Permessage-Deflate; unknown=1',
  ]) {
    t.deepEqual(left(value), { left: [value], takenOut: undefined })
  }
  t.deepEqual(left(), { left: [], takenOut: undefined })
})

test('the rest is taken out, the known ones in their order', (t) => {
  t.deepEqual(left('x-webkit-deflate-frame'), { left: [], takenOut: 'x-webkit-deflate-frame' })
  t.deepEqual(
    left('bbf-usp-protocol, permessage-deflate; client_max_window_bits', 'permessage-bzip2; a=b, permessage-deflate'),
    {
      left: ['permessage-deflate; client_max_window_bits, permessage-deflate'],
      takenOut: 'bbf-usp-protocol, permessage-bzip2; a=b',
    },
  )
  t.deepEqual(left('permessage-deflate; ='), { left: [], takenOut: 'permessage-deflate; =' })
})

test('what was agreed on', (t) => {
  const usual = { takeOver: true, windowBits: 15 }
  t.deepEqual(agreementOf(fields()), { deflate: undefined })
  t.deepEqual(agreementOf(fields('')), { deflate: undefined })
  t.deepEqual(agreementOf(fields('permessage-deflate')), { deflate: { client: usual, server: usual } })
  const all = 'permessage-deflate; server_no_context_takeover; client_max_window_bits=9; Server_Max_Window_Bits="12"'
  t.deepEqual(agreementOf(fields(all)), {
    deflate: { client: { takeOver: true, windowBits: 9 }, server: { takeOver: false, windowBits: 12 } },
  })
  t.deepEqual(agreementOf(fields('permessage-deflate; client_no_context_takeover; server_max_window_bits=8')), {
    deflate: { client: { takeOver: false, windowBits: 15 }, server: { takeOver: true, windowBits: 8 } },
  })
})

test('an agreement that midwire cannot read', (t) => {
  for (const value of [
    'permessage-bzip2',
    'permessage-deflate, permessage-deflate',
    'permessage-deflate, x',
    'permessage-deflate; unknown',
    'permessage-deflate; server_no_context_takeover=1',
    'permessage-deflate; server_no_context_takeover; server_no_context_takeover',
    'permessage-deflate; client_max_window_bits',
    'permessage-deflate; client_max_window_bits=16',
    'permessage-deflate; client_max_window_bits=7',
    'permessage-deflate; client_max_window_bits=010',
    'permessage-deflate=1',
    '=',
  ]) {
    t.is(agreementOf(fields(value)), undefined, value)
  }
})
