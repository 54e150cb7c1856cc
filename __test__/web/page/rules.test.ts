// Rules by clicks and keys, with traffic that they change: added, edited, switched off, brought into another order, removed; and mocks.
import test from 'ava'
import type { Page } from 'playwright-core'
import { answering, ask } from '../support.js'
import { canRun, copied, openPage } from './browser.js'

const tests = canRun ? test.serial : test.serial.skip

const section = (page: Page, name: string) => page.getByRole('region', { name, exact: true })

const status = async (port: number, path: string) => (await ask(port, { path })).status

/** Waits for what the page has asked for: the proxy changes in the same moment as it answers. */
const changed = (page: Page, method: string, act: () => Promise<unknown>) =>
  Promise.all([page.waitForResponse((response) => response.request().method() === method && response.ok()), act()])

tests('a rule is added by its fields, switched off and on, edited and removed', async (t) => {
  const { page, port, proxy, complaints } = await openPage(t, '/rules')
  const origin = await answering(t)
  const block = section(page, 'Block')
  await page.getByText('No rule yet').waitFor()
  await block.getByLabel('Filter', { exact: true }).fill('~u /ads/')
  await block.getByLabel('Status', { exact: true }).fill('410')
  await changed(page, 'PATCH', () => page.keyboard.press('Enter'))
  t.deepEqual(proxy.options.get('block_list'), ['|~u /ads/|410'])
  t.is(await status(port, `${origin}/ads/1`), 410)
  t.is(await status(port, `${origin}/news`), 200)
  t.is(await block.getByLabel('Filter', { exact: true }).inputValue(), '')

  const rule = block.getByRole('listitem')
  await changed(page, 'PATCH', () => rule.getByRole('switch').click())
  t.deepEqual(proxy.options.get('disabled_rules'), ['block_list:|~u /ads/|410'])
  t.is(await status(port, `${origin}/ads/1`), 200)
  await page.reload()
  t.is(await rule.getByRole('switch').getAttribute('aria-checked'), 'false')
  // One that is edited stays switched off.
  await rule.getByLabel('Status of').fill('451')
  await changed(page, 'PATCH', () => page.keyboard.press('Enter'))
  t.deepEqual(proxy.options.get('block_list'), ['|~u /ads/|451'])
  t.is(await status(port, `${origin}/ads/1`), 200)
  await changed(page, 'PATCH', () => rule.getByRole('switch').click())
  t.is(await status(port, `${origin}/ads/1`), 451)

  await rule.getByLabel('Status of').fill('nonsense')
  await page.keyboard.press('Enter')
  await block.getByRole('alert').filter({ hasText: 'block_list' }).waitFor()
  await changed(page, 'PATCH', () => rule.getByRole('button', { name: 'Remove' }).click())
  await rule.waitFor({ state: 'detached' })
  t.is(await status(port, `${origin}/ads/1`), 200)
  t.deepEqual(proxy.options.get('disabled_rules'), [])
  // The refusal of the browser's own console is all that it complains of.
  t.true(complaints.every((text) => text.includes('400')))
})

tests('rules change places by buttons, by keys and by the mouse, and the first that matches counts', async (t) => {
  const rules = ['|~u /a|401', '|~u /a|402', '|~u /a|403']
  const { page, port, proxy } = await openPage(t, '/rules', {
    options: { block_list: rules, disabled_rules: ['block_list:1'] },
  })
  const origin = await answering(t)
  const rows = section(page, 'Block').getByRole('listitem')
  t.is(await status(port, `${origin}/a`), 402)
  await rows.nth(2).waitFor()
  await changed(page, 'PATCH', () => rows.nth(2).getByRole('button', { name: 'up' }).click())
  t.deepEqual(proxy.options.get('block_list'), [rules[0], rules[2], rules[1]])
  t.is(await status(port, `${origin}/a`), 403)
  // The button that was pressed has the focus still, at its new place.
  await page.locator('[aria-label$="403 up"]:focus').waitFor()
  await changed(page, 'PATCH', () => page.keyboard.press('Alt+ArrowUp'))
  t.deepEqual(proxy.options.get('block_list'), [rules[2], rules[0], rules[1]])
  // The one that was switched off by its number is off at its new place.
  t.deepEqual(proxy.options.get('disabled_rules'), [`block_list:${rules[0]}`])
  await rows.first().getByLabel('Filter of').filter({ visible: true }).waitFor()
  await changed(page, 'PATCH', () => rows.nth(2).locator('.handle').dragTo(rows.nth(0)))
  t.deepEqual(proxy.options.get('block_list'), [rules[1], rules[2], rules[0]])
  t.is(await status(port, `${origin}/a`), 402)
})

tests('every kind of rule is written as midwire reads it', async (t) => {
  const { page, proxy } = await openPage(t, '/rules')
  const add = async (name: string, fields: Record<string, string>) => {
    for (const [label, value] of Object.entries(fields))
      await section(page, name).getByLabel(label, { exact: true }).fill(value)
    await changed(page, 'PATCH', () => section(page, name).getByRole('button', { name: 'Add' }).last().click())
  }
  await add('Map local', { 'URL matches': 'example\\.com/api', 'File or directory': '/tmp' })
  await add('Map remote', { Filter: '~m GET', 'URL matches': 'one|two', 'Replaced by': 'http://three' })
  await add('Modify headers', { Field: 'User-Agent' })
  await add('Modify bodies', { Filter: '~d a.example', Matches: 'on/off', 'Replaced by': '' })
  await add('Throttle', { Limits: '3g' })
  await add('Throttle', { Filter: '~d slow.example', Limits: 'rate=1m,latency=200ms' })
  t.like(proxy.options.snapshot, {
    map_local: ['|example\\.com/api|/tmp'],
    map_remote: [';~m GET;one|two;http://three'],
    modify_headers: ['/User-Agent/'],
    modify_body: ['|~d a.example|on/off|'],
    throttle: ['3g', '/~d slow.example/rate=1m,latency=200ms'],
  })
  await page.reload()
  const rows = section(page, 'Map remote').getByRole('listitem')
  t.is(await rows.getByLabel('URL matches of').inputValue(), 'one|two')
  t.is(await rows.getByLabel('Replaced by of').inputValue(), 'http://three')
  t.is(await section(page, 'Map local').getByLabel('Filter of').inputValue(), '')
})

tests('a mock answers, is switched off, edited, brought to the front, copied as a command, and removed', async (t) => {
  const { page, port, server, token, api } = await openPage(t, '/rules')
  const mocks = section(page, 'Mocks')
  const form = page.getByRole('form', { name: 'Mocks: one more' })
  const add = async (code: string, body: string) => {
    await form.getByLabel('Filter').fill('~d mocked.test')
    await form.getByLabel('Status').fill(code)
    await form.getByLabel('Body').fill(body)
    await changed(page, 'POST', () => form.getByRole('button', { name: 'Add' }).click())
  }
  await add('201', '{"name":"Ada"}')
  await add('202', '')
  const rows = mocks.getByRole('listitem')
  await rows.nth(1).waitFor()
  const answer = await ask(port, { path: 'http://mocked.test/' })
  t.is(answer.status, 201)
  t.is(answer.text, '{"name":"Ada"}')
  t.is(answer.headers['content-type'], 'application/json')
  await rows.first().getByText('1 time').waitFor()
  await changed(page, 'PATCH', () => rows.first().getByRole('switch').click())
  t.is(await status(port, 'http://mocked.test/'), 202)
  await changed(page, 'PATCH', () => rows.first().getByRole('switch').click())
  await changed(page, 'PUT', () => rows.nth(1).getByRole('button', { name: 'up' }).click())
  t.is(await status(port, 'http://mocked.test/'), 202)
  await rows.first().getByTitle('Edit').click()
  const editor = page.getByRole('form', { name: 'Mock ~d mocked.test' })
  await editor.getByLabel('Status').fill('418')
  await changed(page, 'PATCH', () => editor.getByRole('button', { name: 'Change' }).click())
  t.is(await status(port, 'http://mocked.test/'), 418)
  const command = await copied(page, () => rows.first().getByRole('button', { name: 'Copy as command line' }).click())
  t.true(command.startsWith(`curl -X POST ${server.url}/api/mocks -H "Authorization: Bearer $MIDWIRE_TOKEN"`))
  t.false(command.includes(token))
  const body = JSON.parse(command.slice(command.indexOf("'{") + 1, -1))
  t.is((await api.addMock({}, body)).respond.status, 418)
  await api.clearMocks()
  await ask(port, { path: 'http://127.0.0.1:1/' })
  await rows.first().waitFor({ state: 'detached' })
})
