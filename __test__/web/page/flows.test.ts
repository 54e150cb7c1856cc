// The list of flows: its order, columns, lines of filters, tree and selection, by clicks and by keys.
import test from 'ava'
import type { Locator, Page } from 'playwright-core'
import { answering, ask } from '../support.js'
import { violations } from './axe.js'
import { canRun, copied, listed, openPage } from './browser.js'
import { becomes, rowOf, rows } from './traffic.js'

const tests = canRun ? test.serial : test.serial.skip

const PATHS = ['/c/one', '/a/two', '/b/three', '/a/four']

/** The page with four flows in its list. */
async function four(t: Parameters<typeof openPage>[0]) {
  const opened = await openPage(t, '/flows')
  const origin = await answering(t, { headers: { 'content-type': 'text/plain' } })
  for (const path of PATHS) await ask(opened.port, { path: `${origin}${path}` })
  await listed(opened.page, '4 flows')
  const paths = () => rows(opened.page).locator('[data-column=path]').allTextContents()
  return { ...opened, origin, paths }
}

tests('a click on a head sorts, the next one the other way, and the address keeps the order', async (t) => {
  const { page, paths } = await four(t)
  t.deepEqual(await paths(), PATHS)
  const path = page.getByRole('columnheader', { name: /^Path/ })
  await path.getByRole('button').click()
  await page.locator('[aria-sort=ascending]', { hasText: 'Path' }).waitFor()
  await rows(page).first().getByText('/a/four').waitFor()
  t.deepEqual(await paths(), PATHS.toSorted())
  await path.getByRole('button').click()
  await rows(page).first().getByText('/c/one').waitFor()
  t.deepEqual(await paths(), PATHS.toSorted().reverse())
  t.regex(page.url(), /\?sort=path&order=down$/)
  await page.reload()
  await rows(page).first().getByText('/c/one').waitFor()
})

tests('columns are chosen, moved by keys and by a drag, and resized; a reload remembers it', async (t) => {
  const { page } = await four(t)
  const titles = async () => (await page.getByRole('columnheader').allTextContents()).map((text) => text.split(' ')[0])
  await page.getByText('Columns').click()
  await page.getByRole('checkbox', { name: 'Client' }).uncheck()
  await page.getByRole('checkbox', { name: 'Comment' }).check()
  await page.getByRole('button', { name: 'Comment to the left' }).click()
  t.deepEqual((await titles()).slice(-2), ['Comment', 'Time'])
  await page.getByText('Columns').click()
  await page.getByRole('columnheader', { name: 'Host' }).dragTo(page.getByRole('columnheader', { name: 'Method' }))
  const order = ['#', 'Host', 'Method', 'Status']
  t.deepEqual((await titles()).slice(0, 4), order)
  const host = page.getByRole('columnheader', { name: 'Host' })
  const width = async () => (await host.boundingBox())?.width ?? 0
  const before = await width()
  const edge = await host.locator('.edge').boundingBox()
  const [x, y] = [(edge?.x ?? 0) + 4, (edge?.y ?? 0) + 8]
  await page.mouse.move(x, y)
  await page.mouse.down()
  await page.mouse.move(x + 30, y)
  await page.mouse.move(x + 60, y)
  await page.mouse.up()
  await becomes(page, async () => Math.round(await width()), Math.round(before + 60))
  await page.reload()
  await listed(page, '4 flows')
  t.deepEqual((await titles()).slice(0, 4), order)
  t.is(Math.round(await width()), Math.round(before + 60))
})

tests('the second line highlights what matches, and hides nothing', async (t) => {
  const { page, complaints } = await four(t)
  await page.fill('#highlight', '~u /a/')
  await page.locator('.rows [data-lit=true]').nth(1).waitFor()
  t.is(await page.locator('.rows [data-lit=true]').count(), 2)
  t.is(await rows(page).count(), 4)
  t.regex(page.url(), /highlight=/)
  await page.fill('#highlight', '~u "')
  await page.locator('#highlight-error').waitFor()
  t.is(await rows(page).count(), 4)
  await page.getByRole('button', { name: 'Clear highlight' }).click()
  await page.locator('.rows [data-lit=true]').first().waitFor({ state: 'detached' })
  t.deepEqual(complaints, [])
})

tests('operators are completed where the caret is, and an error is shown under its character', async (t) => {
  const { page } = await four(t)
  const filter = page.locator('#filter')
  const typed = (text: string) => becomes(page, () => filter.inputValue(), text)
  await page.keyboard.press('/')
  await page.keyboard.type('~mark')
  await page.getByRole('option', { name: /~marked/ }).waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await typed('~marker ')
  await page.fill('#filter', '')
  await page.keyboard.type('| ~u two')
  await page.keyboard.press('Home')
  await page.keyboard.type('~mar')
  await page.keyboard.press('Tab')
  await typed('~marked | ~u two')
  await listed(page, '1 flow')
  await page.fill('#filter', '~u two & ~nothing')
  const shown = await page.locator('#filter-error pre').textContent()
  t.is(shown, `~u two & ~nothing\n${' '.repeat(9)}^`)
  t.is(await filter.getAttribute('aria-invalid'), 'true')
  t.deepEqual(await violations(page), [])
  // Escape leaves the line, and the keys are those of the list again.
  await page.keyboard.press('Escape')
  t.is(await page.evaluate('document.activeElement.tagName'), 'BODY')
})

tests('the tree lists hosts and paths, and a click on one filters', async (t) => {
  const { page, paths } = await four(t)
  await page.keyboard.press('t')
  const tree = page.getByRole('complementary', { name: 'Hosts and paths' })
  await tree.getByRole('button', { name: 'Open 127.0.0.1' }).click()
  await tree.getByRole('button', { name: '/a 2' }).click()
  await listed(page, '2 flows')
  t.deepEqual(await paths(), ['/a/two', '/a/four'])
  t.deepEqual(await violations(page), [])
  await page.reload()
  await listed(page, '2 flows')
  await tree.getByRole('button', { name: 'All flows' }).click()
  await listed(page, '4 flows')
  // A link says it to a browser that has never shown the tree.
  const link = page.url()
  t.regex(link, /\?tree=shown$/)
  await page.keyboard.press('t')
  await tree.waitFor({ state: 'detached' })
  await page.evaluate('localStorage.clear()')
  await page.goto(link)
  await tree.waitFor()
  // This browser remembers it where an address says nothing.
  await page.keyboard.press('t')
  await page.keyboard.press('t')
  await page.goto(link.replace(/\?.*/, ''))
  await tree.waitFor()
  await page.waitForURL(link)
})

tests('rows are selected one by one and in a run; Ctrl-C copies their URLs', async (t) => {
  const { page, origin, api } = await four(t)
  await rowOf(page, '/c/one').click()
  const one = await copied(page, () => page.keyboard.press('Control+c'))
  t.is(one, `${origin}/c/one`)
  await rowOf(page, '/b/three').click({ modifiers: ['Shift'] })
  t.is(await page.locator('.rows [aria-selected=true]').count(), 3)
  await page.getByText('URL copied').waitFor({ state: 'detached' })
  t.regex(await copied(page, () => page.keyboard.press('Control+c')), /one\n.*two\n.*three$/)
  await rowOf(page, '/a/two').click({ modifiers: ['Control'] })
  t.is(await page.locator('.rows [aria-selected=true]').count(), 2)
  await page.getByText('URLs copied').waitFor({ state: 'detached' })
  const two = await copied(page, () => page.keyboard.press('Control+c'))
  t.is(two, `${origin}/c/one\n${origin}/b/three`)
  await page.getByRole('button', { name: 'Mark green' }).click()
  await page.locator('.rows [data-mark=green]').nth(1).waitFor()
  t.is((await api.listFlows({ filter: '~marked' })).total, 2)
  await page.getByRole('button', { name: 'No mark' }).click()
  await page.locator('.rows [data-mark=green]').first().waitFor({ state: 'detached' })
})

tests(
  'a click opens a flow beside the list; arrows go on from it, Escape closes it, and ? names the keys',
  async (t) => {
    const { page } = await four(t)
    await rowOf(page, '/a/two').click()
    await page.locator('.first', { hasText: '/a/two' }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.locator('.first', { hasText: '/b/three' }).waitFor()
    const splitter = page.getByRole('separator', { name: 'Width of the list' })
    const width = async () => (await page.locator('.list').boundingBox())?.width ?? 0
    const before = await width()
    await splitter.focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    t.true((await width()) > before + 20)
    await page.keyboard.press('?')
    const keys = page.getByRole('dialog', { name: 'Keys' })
    for (const text of [
      'Go to the filter',
      'Copy the URL',
      'Copy as curl',
      'Edit it, and send it again or let it go on',
    ])
      await keys.getByText(text).waitFor()
    const names = await keys.locator('kbd').allTextContents()
    for (const name of ['↓', 'Shift ↓', 'Page ↑', 'Esc', 'Ctrl C', 'Shift D', 'D', '/', '?'])
      t.true(names.includes(name), name)
    t.false(names.some((name) => /Arrow|\+/.test(name)))
    await page.keyboard.press('Escape')
    await keys.waitFor({ state: 'detached' })
    await page.keyboard.press('Escape')
    await page.locator('.pane').waitFor({ state: 'detached' })
    await page.goBack()
    await page.locator('.first', { hasText: '/b/three' }).waitFor()
    // The row of a flow that the address names is marked once the rows have come.
    await page.reload()
    await page.locator('.rows [data-cursor=true]', { hasText: '/b/three' }).waitFor()
  },
)

tests(
  'while a filter looks through bodies the line below says how far it is, and at the end how many match',
  async (t) => {
    const { page, api } = await four(t)
    for (let doubled = 0; doubled < 11; doubled += 1)
      await api.chooseFlows({}, { flows: { filter: '~all' }, action: 'duplicate' })
    await listed(page, '8,192 flows')
    await page.evaluate(`{
    const bar = document.querySelector('.status progress')
    globalThis.wasShown = false
    new MutationObserver(() => { globalThis.wasShown ||= !bar.hidden && bar.value < bar.max }).observe(bar, { attributes: true })
  }`)
    await page.fill('#filter', '~b hell & ~u two')
    await listed(page, '2,048 flows')
    await page.locator('.status progress').waitFor({ state: 'hidden' })
    t.true(await page.evaluate('globalThis.wasShown'))
  },
)

/** Selects from the text of one cell to that of another; a person does it by a drag. */
const drag = async (page: Page, from: Locator, to: Locator) => {
  const [one, other] = [await from.boundingBox(), await to.boundingBox()]
  if (!one || !other) throw new Error('they are out of sight')
  await page.mouse.move(one.x + 8, one.y + 12)
  await page.mouse.down()
  await page.mouse.move(other.x + 60, other.y + 12, { steps: 5 })
  await page.mouse.up()
}

for (const order of ['', '?order=down']) {
  tests(
    `text that is selected across rows stays while flows come${order && ', above it, too'}, and is copied`,
    async (t) => {
      const { page, port, server } = await openPage(t, '/flows')
      await page.goto(`${server.url}/flows${order}`)
      const origin = await answering(t)
      const count = 60
      for (let at = 0; at < count; at += 1) await ask(port, { path: `${origin}/old/${at}` })
      await listed(page, `${count} flows`)
      // The end of the list, where it would follow new flows; or its beginning, where they push all others down.
      await rowOf(page, '/old/59').waitFor()
      const path = (text: string) => rowOf(page, text).locator('[data-column=path]')
      const [first, last] = order ? ['/old/58', '/old/56'] : ['/old/56', '/old/58']
      await drag(page, path(first), path(last))
      const selection = () => page.evaluate<string>('getSelection().toString()')
      const before = await selection()
      t.regex(before, /old\/57/)
      for (let at = 0; at < 20; at += 1) await ask(port, { path: `${origin}/new/${at}` })
      await listed(page, `${count + 20} flows`)
      await page.evaluate('new Promise(requestAnimationFrame)')
      t.is(await selection(), before)
      await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
      await page.keyboard.press('Control+c')
      const copy: string = await page.evaluate('navigator.clipboard.readText()')
      t.is(copy.trim(), before.trim())
      t.false(copy.includes('http://'))
      // A click ends it and opens nothing, and what has come is shown.
      await rowOf(page, '/old/50').click()
      await rowOf(page, '/new/19').waitFor()
      t.is(await selection(), '')
      t.regex(page.url(), /\/flows(\?order=down)?$/)
      await rowOf(page, '/new/19').click()
      await page.locator('.first', { hasText: '/new/19' }).waitFor()
    },
  )
}
