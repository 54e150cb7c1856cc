// Set-up by clicks and keys: modes, the way out, options, and the command line that does the same.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import test from 'ava'
import type { Page } from 'playwright-core'
import { parseArguments } from '../../../src/cli/arguments.js'
import { settle } from '../../../src/cli/settings.js'
import { answering, ask } from '../support.js'
import { canRun, copied, openPage } from './browser.js'

const tests = canRun ? test.serial : test.serial.skip

const modes = ['regular@127.0.0.1:0']

/** The words of a command line, as a shell reads them. */
const words = (line: string) =>
  execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1)

const card = (page: Page, spec: string) => page.getByRole('listitem', { name: `Mode ${spec}`, exact: true })

tests('a mode is switched on with its fields, carries traffic, is switched off, and keeps its fields', async (t) => {
  const { page, proxy } = await openPage(t, '/setup', { modes })
  const origin = await answering(t)
  const spec = `reverse:${origin}@127.0.0.1:0`
  const draft = card(page, 'reverse')
  await draft.getByLabel('Server').fill(origin)
  await page
    .getByRole('listitem', { name: /^Mode reverse:/ })
    .getByLabel('Listens on')
    .fill('127.0.0.1:0')
  await card(page, spec).getByRole('switch').click()
  const running = page.locator('[data-state=running]', { hasText: 'reverse' })
  await running.getByText(/127\.0\.0\.1:\d+\/tcp/).waitFor()
  const port = proxy.listeners.find(({ mode, transport }) => mode === 'reverse' && transport === 'tcp')?.port ?? 0
  t.is((await ask(port, { path: '/through' })).text, 'hello')
  await running.getByRole('switch').click()
  const off = page.locator('[data-state=off]', { has: page.getByRole('button', { name: `Forget ${spec}` }) })
  await off.waitFor()
  t.deepEqual(
    proxy.modes.map(({ name }) => name),
    ['regular'],
  )
  await page.reload()
  await off.getByRole('switch').click()
  await running.getByText(/127\.0\.0\.1:\d+\/tcp/).waitFor()
  t.is(proxy.modes.length, 2)
})

tests('fields of a mode that runs are changed; one that cannot listen says why, and is tried again', async (t) => {
  const taken = createServer()
  await once(taken.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as import('node:net').AddressInfo
  const { page, proxy } = await openPage(t, '/setup', { modes })
  const first = page.locator('[data-state=running]', { hasText: 'regular' })
  await first.getByLabel('Listens on').fill(`127.0.0.1:${port}`)
  await first.getByRole('button', { name: 'Apply' }).click()
  const failed = page.locator('[data-state=failed]', { hasText: 'regular' })
  await failed.getByRole('alert').filter({ hasText: 'in use' }).waitFor()
  taken.close()
  await once(taken, 'close')
  await failed.getByRole('button', { name: 'Try again' }).click()
  await page.locator('[data-state=running]', { hasText: `127.0.0.1:${port}/tcp` }).waitFor()
  t.is(proxy.listeners[0]?.port, port)
  await page.locator('[data-state=running]').getByRole('switch').click()
  await page.getByRole('alert').filter({ hasText: 'the last mode' }).waitFor()
  t.is(proxy.modes.length, 1)
})

tests('a mode that is wrong is not switched on, and says why', async (t) => {
  const { page, proxy } = await openPage(t, '/setup', { modes })
  await card(page, 'upstream').getByRole('switch').click()
  await card(page, 'upstream').getByRole('alert').waitFor()
  t.is(proxy.modes.length, 1)
})

tests('ways out are added and change places by Alt with an arrow; one that is wrong is refused', async (t) => {
  const { page, proxy } = await openPage(t, '/setup', { modes })
  const form = page.getByRole('form', { name: 'Way out: one more' })
  await form.getByLabel('Way').fill('socks5://127.0.0.1:1080')
  await page.keyboard.press('Enter')
  const list = page.getByRole('list', { name: 'Way out, in their order' })
  await list.getByRole('listitem').first().waitFor()
  await form.getByLabel('Filter').fill('~d direct.example')
  await form.getByLabel('Way').fill('direct')
  await page.keyboard.press('Enter')
  await list.getByRole('listitem').nth(1).waitFor()
  t.deepEqual(proxy.options.get('via'), ['socks5://127.0.0.1:1080', '/~d direct.example/direct'])
  await list.getByRole('listitem').nth(1).getByLabel('Filter of').focus()
  await page.keyboard.press('Alt+ArrowUp')
  await list.getByRole('listitem').first().getByLabel('Filter of /~d direct').waitFor()
  t.deepEqual(proxy.options.get('via'), ['/~d direct.example/direct', 'socks5://127.0.0.1:1080'])
  await form.getByLabel('Way').fill('nonsense://host')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').waitFor()
  t.is((proxy.options.get('via') as string[]).length, 2)
  const off = page.getByRole('switch', { name: 'Rule socks5://127.0.0.1:1080' })
  await off.click()
  await off.and(page.locator('[aria-checked=false]')).waitFor()
  t.deepEqual(proxy.options.get('disabled_rules'), ['via:socks5://127.0.0.1:1080'])
  t.is((proxy.options.get('via') as string[]).length, 2)
  await page.getByText('--set disabled_rules=via:socks5://127.0.0.1:1080').waitFor()
  await off.press('Space')
  await off.and(page.locator('[aria-checked=true]')).waitFor()
  t.deepEqual(proxy.options.get('disabled_rules'), [])
})

tests('the command line that is copied sets up another midwire alike', async (t) => {
  const options = {
    via: ['/~d direct.example/direct', 'socks5://127.0.0.1:1080'],
    map_remote: ["|~m GET|it's here.example|localhost:3000"],
    disabled_rules: ['map_remote:1', 'via:socks5://127.0.0.1:1080'],
    anticomp: true,
    tcp_timeout: 61,
    cert_passphrase: 'a secret',
  }
  const { page, proxy } = await openPage(t, '/setup', { modes: ['regular@127.0.0.1:0', 'socks5@127.0.0.1:0'], options })
  const line = await copied(page, () => page.getByRole('button', { name: 'Copy as command line' }).click())
  const [program, command, ...rest] = words(line)
  t.is(`${program} ${command}`, 'midwire web')
  t.false(line.includes('secret'))
  const { options: settled } = await settle(parseArguments(['--confdir', proxy.confdir, ...rest]))
  const { cert_passphrase: _, ...own } = options
  t.like(settled, own)
  t.deepEqual(settled.mode, ['regular@127.0.0.1:0', 'socks5@127.0.0.1:0'])
  for (const [name, value] of Object.entries(proxy.options.snapshot))
    if (name !== 'cert_passphrase') t.deepEqual(settled[name as keyof typeof settled], value, name)
})

tests('options that were changed are found alone, and go back to what they were', async (t) => {
  const { page, proxy } = await openPage(t, '/options', { modes, options: { anticomp: true } })
  await page.getByRole('checkbox', { name: 'only those' }).check()
  await page.locator('[data-changed=true] #option-anticomp').waitFor()
  t.regex(page.url(), /changed=yes/)
  await page.keyboard.press('/')
  await page.keyboard.type('compression')
  await page.getByText('1 of').waitFor()
  await page.getByRole('button', { name: 'Default' }).click()
  await page.getByText('No option has these words').waitFor()
  t.false(proxy.options.get('anticomp'))
  await page.getByRole('button', { name: 'Show all options' }).click()
  await page.locator('#option-tcp_timeout').fill('62')
  await page.keyboard.press('Tab')
  await page.locator('[data-changed=true] #option-tcp_timeout').waitFor()
  t.is(proxy.options.get('tcp_timeout'), 62)
})

tests('the log is followed, searched, and has an address', async (t) => {
  const { page, port } = await openPage(t, '/log', { modes })
  const origin = await answering(t)
  await ask(port, { path: origin })
  await page.getByLabel('Level').selectOption('debug')
  t.regex(page.url(), /level=debug/)
  await page.locator('.log li').first().waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('no line has this')
  await page.getByText('No line has this word').waitFor()
  await page.reload()
  await page.getByText('No line has this word').waitFor()
  await page.getByRole('button', { name: 'Show all lines' }).click()
  await page.locator('.log li').first().waitFor()
})
