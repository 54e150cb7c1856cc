// The commands of exports, called by name in a running proxy.
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { EXPORT_FORMATS } from '../../src/formats/export/index.js'
import { requestFlow } from '../support/export-flow.js'
import { httpFlow } from '../support/flows.js'
import { startProxy } from '../support/proxy.js'

test('a flow is exported by name, as a text or to a file', async (t) => {
  const { proxy } = await startProxy(t)
  const { commands } = proxy
  t.deepEqual(await commands.call('export.formats'), [...EXPORT_FORMATS])
  const flow = requestFlow({ host: 'example.org', fields: ['Host', 'example.org'] }, Buffer.from([0x61, 0xff]))
  t.is(await commands.call('export', 'raw_request', flow), 'GET / HTTP/1.1\r\nHost: example.org\r\n\r\na\\xff')
  const path = join(proxy.confdir, 'request')
  await commands.call('export.file', 'raw_request', flow, path)
  t.true(
    readFileSync(path)
      .subarray(-2)
      .equals(Buffer.from([0x61, 0xff])),
  )
  t.is(statSync(path).mode & 0o777, 0o600)
  await t.throwsAsync(commands.call('export', 'crul', flow), { code: 'ERR_COMMAND' })
  await t.throwsAsync(commands.call('export', 'curl', '~d nothing'), { code: 'ERR_COMMAND' })
})

test('export_preserve_original_ip changes later exports', async (t) => {
  const { proxy } = await startProxy(t)
  const { commands } = proxy
  const exported = () => commands.call('export', 'curl', httpFlow())
  t.false(`${await exported()}`.includes('--resolve'))
  proxy.options.set({ export_preserve_original_ip: true })
  t.true(`${await exported()}`.includes('--resolve example.com:443:93.184.216.34'))
})
