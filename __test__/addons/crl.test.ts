// The revocation list of our leaves is answered at any host.
import test from 'ava'
import { crl } from '../../src/addons/crl.js'
import type { ClientConnection } from '../../src/connection.js'
import { HttpHeaders } from '../../src/flow/headers.js'
import { HttpFlow, HttpRequest } from '../../src/flow/http.js'

const list = Buffer.from([0x30, 0x03, 1, 2, 3])

function ask(path: string, method = 'GET') {
  const headers = new HttpHeaders(['Host', 'crl.example.org'])
  const parts = { method, path, scheme: 'http', host: 'crl.example.org', port: 80, version: '1.1', headers } as const
  const end = { address: '10.0.0.1', port: 1, family: 4 } as const
  const client: ClientConnection = {
    id: 'c',
    transport: 'tcp',
    remote: end,
    local: end,
    mode: 'regular',
    explicit: true,
  }
  const flow = new HttpFlow(
    { world: { newId: () => 'f', now: () => 0, act() {} }, client, server: undefined, now: 0 },
    new HttpRequest(parts, 1000, 0),
  )
  void crl({ crlPath: '/midwire-01ab.crl', crl: () => list }).requestheaders?.(flow)
  return flow.response
}

test('its path, and no other', (t) => {
  const response = ask('/midwire-01ab.crl')
  t.is(response?.status, 200)
  t.is(response?.headers.get('content-type'), 'application/pkix-crl')
  t.deepEqual(response?.content, list)
  const head = ask('/midwire-01ab.crl', 'HEAD')
  t.deepEqual(head?.headers.raw, response?.headers.raw)
  t.is(head?.content.length, 0)
  for (const path of ['/', '/midwire-01ab.crl?x', '/midwire-02.crl', '*']) t.is(ask(path), undefined, path)
  t.is(ask('/midwire-01ab.crl', 'POST'), undefined)
})
