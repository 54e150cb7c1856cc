// Both engines of TLS do the same with certificates of the user's own, and where TLS begins in the middle (STARTTLS).
import { join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import test from 'ava'
import { asks } from '../support/engine-clients.js'
import { compare, files } from '../support/engine-outcome.js'
import { SERVERS } from '../support/engine-servers.js'
import { OWN, TURNS, turning, turns } from '../support/engine-turns.js'

const VERSIONS: ConnectionOptions[] = (['TLSv1.3', 'TLSv1.2'] as const).map((version) => ({
  minVersion: version,
  maxVersion: version,
}))

for (const { what, pem, passphrase = '', client } of OWN) {
  for (const settings of client ? [client] : VERSIONS) {
    const { maxVersion = '' } = settings
    test(`a certificate of the user's own with ${what} ${client ? '' : maxVersion}`, async (t) => {
      const file = join(files(t, { 'own.pem': pem() }), 'own.pem')
      const goes = asks({ ...settings, rejectUnauthorized: false })
      const options = { certs: [file], cert_passphrase: passphrase }
      // A client that fails leaves no time for the server's tickets.
      await compare(t, { serve: SERVERS[0]?.serve() ?? {}, goes, times: client ? 1 : 2, options })
    })
  }
}

for (const { what, serve, differs } of TURNS) {
  test(`STARTTLS: a server with ${what}`, async (t) => {
    const settings = serve()
    await compare(t, { serve: typeof settings === 'object' ? turning(settings) : settings, goes: turns() }, differs)
  })
}
