// Both engines of TLS, rustls and OpenSSL, say and do the same with the same 193 kinds: 114 of servers, most with both versions, and 79 of clients.
import { join } from 'node:path'
import test from 'ava'
import { asks, CLIENTS } from '../support/engine-clients.js'
import { type Case, compare, files } from '../support/engine-outcome.js'
import { identity, SERVERS } from '../support/engine-servers.js'

test('as many kinds as the first line says', (t) => {
  t.deepEqual([SERVERS.length, CLIENTS.length], [114, 79])
})

for (const { what, serve, isNamed = true, hasIdentity, times, options, differs } of SERVERS) {
  const made = serve()
  // One that does not serve by node:tls is the same for all clients.
  for (const version of typeof made === 'object' ? (['TLSv1.3', 'TLSv1.2'] as const) : (['TLSv1.3'] as const)) {
    test(`a server with ${what}, a client with ${version}`, async (t) => {
      const own = join(files(t, { 'own.pem': identity.pem + identity.keyPem }), 'own.pem')
      const settings = { minVersion: version, maxVersion: version, checkServerIdentity: () => undefined }
      const all: Case = {
        serve: typeof made === 'object' ? { maxVersion: version, ...made } : made,
        goes: asks({ ...settings, servername: isNamed ? 'upstream.test' : '' }),
        times,
        options: { ...options, ...(hasIdentity && { client_certs: own }) },
      }
      await compare(t, all, differs)
    })
  }
}

for (const { what, goes, options = {}, differs } of CLIENTS) {
  test(`a client with ${what}`, async (t) => {
    const all: Case = { serve: SERVERS[0]?.serve() ?? {}, goes, options }
    await compare(t, all, differs)
  })
}
