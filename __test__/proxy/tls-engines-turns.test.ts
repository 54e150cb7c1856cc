// Both engines of TLS do the same with certificates of the user's own, and where TLS begins in the middle (STARTTLS).
import { join } from 'node:path'
import test from 'ava'
import { asks } from '../support/engine-clients.js'
import { compare, files } from '../support/engine-outcome.js'
import { SERVERS } from '../support/engine-servers.js'
import { OWN, TURNS, turning, turns } from '../support/engine-turns.js'

for (const { what, pem, passphrase = '' } of OWN) {
  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    test(`a certificate of the user's own with ${what}, a client with ${version}`, async (t) => {
      const file = join(files(t, { 'own.pem': pem() }), 'own.pem')
      const goes = asks({ minVersion: version, maxVersion: version, rejectUnauthorized: false })
      const options = { certs: [file], cert_passphrase: passphrase }
      await compare(t, { serve: SERVERS[0]?.serve() ?? {}, goes, times: 2, options })
    })
  }
}

for (const { what, serve, differs } of TURNS) {
  test(`STARTTLS: a server with ${what}`, async (t) => {
    const settings = serve()
    await compare(t, { serve: typeof settings === 'object' ? turning(settings) : settings, goes: turns() }, differs)
  })
}
