// Which failures of rustls are no verdict: OpenSSL may come further with the same peer.
import test from 'ava'
import { TlsFailure } from '../../src/transports/connections/failure.js'
import type { Failed } from '../../src/transports/connections/records.js'

const isForOpenSsl = (kind: Failed['kind'], number = 0) =>
  new TlsFailure({ kind, number, text: 'version' }).isForOpenSsl

test('OpenSSL is asked where the peer has found nothing that it takes, or rustls takes nothing of the peer', (t) => {
  for (const alert of [40, 70, 71]) t.true(isForOpenSsl('alert', alert))
  for (const kind of ['incompatible', 'certificate', 'invalid', 'protocol'] as const) t.true(isForOpenSsl(kind))
})

test('a peer that refuses us in plain words, or leaves, is not asked again', (t) => {
  for (const alert of [42, 46, 48, 116]) t.false(isForOpenSsl('alert', alert))
  t.false(isForOpenSsl('truncated'))
})

test('codes and words are those of OpenSSL', (t) => {
  const alert = new TlsFailure({ kind: 'alert', number: 48, text: '' })
  t.is(alert.code, 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA')
  t.is(alert.reason, 'tlsv1 alert unknown ca')
  t.is(new TlsFailure({ kind: 'incompatible', number: 0, text: 'version' }).code, 'ERR_SSL_UNSUPPORTED_PROTOCOL')
  t.is(new TlsFailure({ kind: 'incompatible', number: 0, text: 'cipher' }).code, 'ERR_SSL_NO_SHARED_CIPHER')
  t.is(new TlsFailure({ kind: 'truncated', number: 0, text: '' }).code, 'ECONNRESET')
})
