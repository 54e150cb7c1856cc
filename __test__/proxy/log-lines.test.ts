// The last lines of the log are kept, to a number of lines and of characters, without what `redact` names.
import test from 'ava'
import { LogLines } from '../../src/proxy/log-lines.js'
import { startProxy } from '../support/proxy.js'

const line = (message: string) => ({ level: 'info', message, timestamp: 1 }) as const

test('the last 10,000 lines are there, the oldest first', (t) => {
  const lines = new LogLines()
  for (let at = 1; at <= 25_000; at++) lines.add(line(`${at}`))
  t.is(lines.all.length, 10_000)
  t.is(lines.all[0]?.message, '15001')
  t.is(lines.all.at(-1)?.message, '25000')
})

test('long lines are cut, and many of them push out the older ones', (t) => {
  const lines = new LogLines()
  lines.add(line('x'.repeat(1 << 20)))
  t.is(lines.all[0]?.message.length, (64 << 10) + 4)
  for (let at = 0; at < 500; at++) lines.add(line('y'.repeat(1 << 20)))
  const characters = lines.all.reduce((sum, { message }) => sum + message.length, 0)
  t.true(characters <= 8 << 20 && characters > 7 << 20)
})

test('a proxy has its lines, of all levels', async (t) => {
  const { proxy } = await startProxy(t, { options: { redact: ['?key'] } })
  proxy.log('debug', 'GET /?key=hunter2')
  t.like(proxy.logLines.at(-1), { level: 'debug' })
  t.regex(proxy.logLines.at(-1)?.message ?? '', /^GET \/\?key=/)
  t.false(JSON.stringify(proxy.logLines).includes('hunter2'))
})
