// What outlives a change of options, and what must not: connections, sessions and contexts that were made under other ones.
import test from 'ava'
import type { CertificateStore } from '../../src/certs/store.js'
import type { ClientConnection } from '../../src/connection.js'
import { readOptions } from '../../src/options/read.js'
import { Dispatcher } from '../../src/proxy/dispatch.js'
import { share, type Unchanging } from '../../src/proxy/shared.js'
import { fakeDialled, ROUTE } from '../support/fake-transport.js'

const around = {
  dispatcher: new Dispatcher(() => {}),
  certificates: () => ({}) as CertificateStore,
  listeners: () => [],
  serverGone: () => {},
} as unknown as Unchanging

const client = { id: 'client' } as ClientConnection

test('other options of TLS with servers: idle connections are closed, and nothing is taken over', (t) => {
  const before = share(around, readOptions())
  const idle = fakeDialled()
  before.pool.put(idle, ROUTE, client)
  const after = share(around, readOptions({ ssl_insecure: true }), before)
  t.deepEqual(idle.transport.did, ['closed'])
  t.not(after.dialer, before.dialer)
  t.is(after.certificates, before.certificates)
  const late = fakeDialled()
  before.pool.put(late, ROUTE, client)
  t.deepEqual(late.transport.did, ['closed'], 'nor what comes back from connections that began under the old ones')
  after.pool.put(fakeDialled(), ROUTE, client)
  t.true(after.pool.has(ROUTE))
  after.pool.close()
})

test('options that have nothing to do with servers leave their connections where they are', (t) => {
  const before = share(around, readOptions())
  const idle = fakeDialled()
  before.pool.put(idle, ROUTE, client)
  const after = share(around, readOptions({ tls_version_client_min: 'TLS1_3', rawtcp: false }), before)
  t.is(after.pool, before.pool)
  t.is(after.dialer, before.dialer)
  t.not(after.certificates, before.certificates)
  t.deepEqual(idle.transport.did, [])
  after.pool.close()
})
