// The commands that cut values out of flows, called by name in a running proxy.
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { httpFlow } from '../support/flows.js'
import { startProxy } from '../support/proxy.js'

test('values are given, and saved: one as it is, more as CSV', async (t) => {
  const { proxy } = await startProxy(t)
  const { commands } = proxy
  const bytes = Buffer.from([0xff, 0, 0x0a])
  const flows = [httpFlow({ responseBody: bytes }), httpFlow({ method: 'PUT', responseBody: 'b' })]
  t.deepEqual(await commands.call('cut', flows, 'request.method,response.content'), [
    ['GET', bytes],
    ['PUT', Buffer.from('b')],
  ])
  const path = join(proxy.confdir, 'cut')
  await commands.call('cut.save', flows.slice(0, 1), 'response.content', path)
  t.deepEqual(readFileSync(path), bytes)
  t.is(statSync(path).mode & 0o777, 0o600)
  await commands.call('cut.save', flows, 'request.method,request.path', path)
  await commands.call('cut.save', flows.slice(1), 'request.method,request.path', `+${path}`)
  t.is(readFileSync(path, 'utf8'), 'GET,/\r\nPUT,/\r\nPUT,/\r\n')
  await t.throwsAsync(commands.call('cut', flows, 'request.nothing'), { code: 'ERR_ARGUMENT' })
  // Nothing is written where the fields are wrong.
  await t.throwsAsync(commands.call('cut.save', flows, 'nothing', join(proxy.confdir, 'other')), {
    code: 'ERR_ARGUMENT',
  })
  t.throws(() => statSync(join(proxy.confdir, 'other')))
})
