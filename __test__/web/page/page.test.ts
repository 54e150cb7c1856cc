// The page in Chromium, with a real proxy and real traffic: what a person does by clicks and by keys, and what axe finds.
import test from 'ava'
import type { Page } from 'playwright-core'
import { answering, ask } from '../support.js'
import { violations } from './axe.js'
import { canRun, listed, openPage } from './browser.js'

const tests = canRun ? test : test.skip
const json = { headers: { 'content-type': 'application/json' }, body: '{"user":"ada"}' }

const rows = (page: Page) => page.locator('.rows .row')

tests('flows come into the table as they pass, and the keys lead to one of them and back', async (t) => {
  const { page, port, complaints } = await openPage(t, '/flows')
  await page.getByText('No flows yet').waitFor()
  await page.getByText(`curl -x http://127.0.0.1:${port} http://example.org/`).waitFor()
  t.is(await page.getByRole('list', { name: 'Where midwire listens' }).textContent(), `regular at 127.0.0.1:${port}`)
  const origin = await answering(t, json)
  for (const path of ['/first', '/second?name=ada', '/third']) await ask(port, { path: `${origin}${path}` })
  await listed(page, '3 flows')
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.getByText('"ada"').waitFor()
  t.regex(page.url(), /\/flows\/[^/?]+$/)
  t.is(await page.locator('.first').first().textContent(), `GET ${origin}/second?name=ada HTTP/1.1`)
  await page.keyboard.press('ArrowRight')
  await page.locator('.waterfall').waitFor()
  await page.reload()
  await page.locator('.waterfall').waitFor()
  await page.keyboard.press('Escape')
  await page.waitForURL(/\/flows$/)
  await page.goBack()
  await page.locator('.pane').waitFor()
  t.deepEqual(complaints, [])
})

tests('a filter lists what matches, and one that is wrong says where', async (t) => {
  const { page, port } = await openPage(t, '/flows')
  const origin = await answering(t, json)
  for (const path of ['/one', '/two']) await ask(port, { path: `${origin}${path}` })
  await listed(page, '2 flows')
  await page.keyboard.press('/')
  await page.keyboard.type('~u two')
  await listed(page, '1 flow')
  t.is(await rows(page).locator('[data-column=path]').textContent(), '/two')
  await page.fill('#filter', '~u two & ~nothing')
  await page.locator('#filter-error').waitFor()
  t.regex((await page.locator('#filter-error').textContent()) ?? '', /there is no operator ~nothing/)
  await page.fill('#filter', '~ds')
  await page.getByRole('option', { name: /~dst/ }).waitFor()
})

tests('several rows are selected, marked and deleted', async (t) => {
  const { page, port } = await openPage(t, '/flows')
  const origin = await answering(t, json)
  for (const path of ['/1', '/2', '/3', '/4']) await ask(port, { path: `${origin}${path}` })
  await listed(page, '4 flows')
  await rows(page).first().click()
  await page.keyboard.press('Shift+ArrowDown')
  t.is(await page.locator('.rows [aria-selected=true]').count(), 2)
  await page.keyboard.press('m')
  await page.locator('.rows [data-mark=red]').nth(1).waitFor()
  await page.keyboard.press('Delete')
  await listed(page, '2 flows')
})

tests('a request that the intercept line holds is opened and let go', async (t) => {
  const { page, port } = await openPage(t, '/flows')
  const origin = await answering(t, json)
  const set = page.waitForResponse((response) => response.request().method() === 'PATCH')
  await page.fill('#intercept', '~u held')
  await page.keyboard.press('Enter')
  t.is((await set).status(), 200)
  const answer = ask(port, { path: `${origin}/held` })
  await rows(page).locator('[data-column=path]', { hasText: '/held' }).dblclick()
  await page.getByRole('button', { name: 'Go on' }).first().click()
  // Its response matches, and waits, too.
  await page.getByText('"ada"').waitFor()
  await page.getByRole('button', { name: 'Go on' }).first().click()
  t.is((await answer).status, 200)
})

tests('options are searched, changed and copied; one that is refused says why', async (t) => {
  const { page, proxy } = await openPage(t, '/options')
  await page.getByRole('searchbox').fill('anticomp')
  await page.locator('#option-anticomp').check()
  await page.locator('[data-changed=true] #option-anticomp').waitFor()
  t.true(proxy.options.get('anticomp'))
  await page.getByRole('searchbox').fill('block_list')
  await page.locator('#option-block_list').fill('nonsense')
  await page.locator('#option-block_list').blur()
  await page.getByRole('alert').waitFor()
})

for (const colorScheme of ['light', 'dark'] as const) {
  tests(`axe finds nothing in ${colorScheme}`, async (t) => {
    const { page, port, complaints } = await openPage(t, '/flows', { modes: ['regular@127.0.0.1:0'] })
    await page.emulateMedia({ colorScheme })
    const origin = await answering(t, json)
    await ask(port, { path: `${origin}/path?name=value` })
    await listed(page, '1 flow')
    await page.keyboard.press('Home')
    await page.keyboard.press('Enter')
    await page.getByText('"ada"').waitFor()
    const found: string[] = await violations(page)
    for (const key of ['2', '3', '4', '5', '6', '?']) {
      await page.keyboard.press(key)
      await page.waitForLoadState('networkidle')
      found.push(...(await violations(page)).map((text) => `${key}: ${text}`))
    }
    t.deepEqual(found, [])
    t.deepEqual(complaints, [])
  })
}
