// The start of a proxy: what is wrong is found before anybody can connect.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { Midwire } from '../../src/index.js'
import { listen } from '../support/talk.js'

test('the files of every mode are read before the first port opens', async (t) => {
  const confdir = mkdtempSync(join(tmpdir(), 'midwire-start-'))
  t.teardown(() => rmSync(confdir, { recursive: true }))
  writeFileSync(join(confdir, 'wireguard.conf'), '{"server_key": "short"}')
  const { port } = await listen(t)
  // Whoever listened first would say that the port is taken.
  await t.throwsAsync(Midwire.start({ confdir, modes: [`regular@${port}`, 'wireguard@0'] }), {
    code: 'ERR_WIREGUARD_CONF',
    message: /wireguard\.conf: server_key is not a WireGuard key/,
  })
})

test('a conf dir that cannot be made', async (t) => {
  const confdir = mkdtempSync(join(tmpdir(), 'midwire-start-'))
  t.teardown(() => rmSync(confdir, { recursive: true }))
  writeFileSync(join(confdir, 'file'), '')
  await t.throwsAsync(Midwire.start({ confdir: join(confdir, 'file'), modes: ['regular@0'] }), { code: 'ERR_CONFDIR' })
})
