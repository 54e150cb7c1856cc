// The commands about options, scripts and the proxy, called by name as a user would.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { commandInfos } from '../../src/index.js'
import { httpFlow } from '../support/flows.js'
import { startProxy, tunnel } from '../support/proxy.js'
import { listen } from '../support/talk.js'

function folderOf(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-commands-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

test('options are set, saved, reset and loaded', async (t) => {
  const { proxy } = await startProxy(t, { options: { ssl_insecure: false } })
  const { commands, options } = proxy
  const path = join(folderOf(t), 'options.yaml')
  await commands.call('set', 'tcp_timeout', '60')
  await commands.call('set', 'ignore_hosts', '^a"b:443$', 'c')
  await commands.call('set', 'ssl_insecure', 'true')
  await commands.call('options.save', path)
  const text = readFileSync(path, 'utf8')
  t.true(text.includes('tcp_timeout: 60\n') && text.includes('ignore_hosts: ["^a\\"b:443$","c"]\n'), text)
  if (process.platform !== 'win32') t.is(statSync(path).mode & 0o777, 0o600)
  await commands.call('options.reset')
  t.deepEqual([options.get('tcp_timeout'), options.get('ssl_insecure'), options.get('ignore_hosts')], [600, false, []])
  writeFileSync(path, text.replace(/^mode: .*\n/m, '').concat('web_theme: dark\n'))
  await commands.call('options.load', path)
  t.deepEqual([options.get('tcp_timeout'), options.get('ssl_insecure')], [60, true])
  t.deepEqual(options.get('ignore_hosts').map(String), ['/^a"b:443$/i', '/c/i'])
  await commands.call('set', 'tcp_timeout')
  t.is(options.get('tcp_timeout'), 600)
  await t.throwsAsync(commands.call('set', 'tcp_timout', '1'), { code: 'ERR_OPTION', message: /did you mean/ })
})

test('a file that has no options in it is refused', async (t) => {
  const { proxy } = await startProxy(t)
  const path = join(folderOf(t), 'options.yaml')
  for (const text of ['- a', 'a: [', 'tcp_timout: 1', 'just a text', '&a [*a, *a]', ' '.repeat(200_000)]) {
    writeFileSync(path, text)
    await t.throwsAsync(proxy.commands.call('options.load', path), undefined, text.slice(0, 20))
  }
})

test('connections are counted, and flows that run are chosen', async (t) => {
  const running = await startProxy(t)
  const server = await listen(t, () => {})
  t.is(await running.proxy.commands.call('proxyserver.active_connections'), 0)
  await tunnel(t, running, server.port, 'hello')
  t.is(await running.proxy.commands.call('proxyserver.active_connections'), 1)
  t.deepEqual(
    await running.proxy.commands.call('view.flows.resolve', '~tcp | ~http'),
    running.proxy.runningFlows.map(({ id }) => id),
  )
})

test('script.run calls the hooks of a script for flows', async (t) => {
  const { proxy } = await startProxy(t)
  const path = join(folderOf(t), 'script.mjs')
  const names = [
    'load',
    'configure',
    'requestheaders',
    'request',
    'responseheaders',
    'response',
    'error',
    'done',
    'update',
  ]
  writeFileSync(
    path,
    `globalThis.scriptRan = []\n${names.map((name) => `export function ${name}(one) { scriptRan.push('${name}'); if ('${name}' === 'response') one.comment = 'seen' }`).join('\n')}`,
  )
  const flow = httpFlow()
  await proxy.commands.call('script.run', flow, path)
  t.deepEqual(
    (globalThis as { scriptRan?: string[] }).scriptRan,
    names.filter((name) => name !== 'error' && name !== 'update'),
  )
  t.is(flow.comment, 'seen')
})

test('the list has midwire’s own commands and those of scripts', async (t) => {
  const path = join(folderOf(t), 'script.mjs')
  writeFileSync(
    path,
    "export const commands = { 'my.one': { help: 'mine', arguments: [], run() {} } }\nexport function request() {}",
  )
  const names = (await commandInfos([path])).map(({ name }) => name)
  for (const name of ['flow.mark', 'my.one', 'options.load', 'set', 'script.run']) t.true(names.includes(name), name)
  t.deepEqual(names, [...names].sort())
})
