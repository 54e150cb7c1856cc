// How the page comes: the list before all else, at its end, and the scripts of other places behind it.
import test from 'ava'
import { answering, ask } from '../support.js'
import { canRun, listed, openPage } from './browser.js'
import { rows, tab } from './traffic.js'

const tests = canRun ? test.serial : test.serial.skip

tests(
  'a list longer than the window begins at its end, follows it, and stays where a person has scrolled to',
  async (t) => {
    const { page, port } = await openPage(t, '/devices')
    const origin = await answering(t)
    const pass = async (count: number) => {
      for (let at = 0; at < count; at += 1) await ask(port, { path: `${origin}/${at}` })
    }
    await pass(150)
    const blank: string[] = []
    await page.exposeFunction('sawBlank', (text: string) => blank.push(text))
    // The list is never drawn without the rows that are seen.
    await page.addInitScript(`(function look() {
    const seen = document.elementFromPoint(600, 300)?.closest('.row')
    const has = document.querySelector('.rows')?.getAttribute('aria-label')
    if (Number.parseInt(has ?? '0') > 20 && !seen?.querySelector('[data-column=path]')?.textContent) sawBlank(has)
    requestAnimationFrame(look)
  })()`)
    await page.goto(page.url().replace('/devices', '/flows'))
    await listed(page, '150 flows')
    await rows(page).last().getByText('150', { exact: true }).waitFor()
    t.true(await page.evaluate("document.querySelector('#row-149').getBoundingClientRect().bottom <= innerHeight"))
    await pass(5)
    await listed(page, '155 flows')
    await rows(page).last().getByText('155', { exact: true }).waitFor()
    t.deepEqual(blank, [])
    await page.locator('.table').evaluate((table) => {
      table.scrollTop = 0
    })
    await rows(page).first().getByText('1', { exact: true }).waitFor()
    await pass(5)
    await listed(page, '160 flows')
    t.is(await page.locator('.table').evaluate(({ scrollTop }) => scrollTop), 0)
    t.is(await rows(page).first().locator('[data-column=number]').textContent(), '1')
    await page.keyboard.press('End')
    await rows(page).last().getByText('160', { exact: true }).waitFor()
  },
)

tests('a flow that the address names is gone to and marked wherever it stands in the list', async (t) => {
  const { page, port, api } = await openPage(t, '/devices')
  const origin = await answering(t)
  for (let at = 0; at < 400; at += 1) await ask(port, { path: `${origin}/${at}` })
  const { rows: flows } = await api.listFlows({ sort: 'number', limit: 400 })
  const marked = page.locator('.rows [data-cursor=true][aria-selected=true]')
  for (const [at, query] of [
    [150, ''],
    [20, '?sort=path&order=down'],
    [398, ''],
  ] as const) {
    await page.goto(page.url().replace(/\/(devices|flows).*/, `/flows/${flows[at]?.id}${query}`))
    await marked.getByText(String(flows[at]?.number), { exact: true }).waitFor()
    await marked.waitFor({ state: 'visible' })
    t.is(await page.locator('.rows [data-cursor=true]').count(), 1)
    const { y = 0, height = 0 } = (await marked.boundingBox()) ?? {}
    t.true(y > 0 && y + height <= 800, `it stands at ${y}`)
  }
  // The next one is gone to from there.
  await page.keyboard.press('ArrowDown')
  await marked.getByText('400', { exact: true }).waitFor()
  await page.locator('.first', { hasText: flows[399]?.path ?? 'none' }).waitFor()
})

tests('keys count at once; the other scripts come by themselves, and are there when the server is gone', async (t) => {
  const { page, server, port, complaints } = await openPage(t, '/flows')
  await ask(port, { path: `${await answering(t)}/one` })
  await listed(page, '1 flow')
  await page.waitForFunction(
    "performance.getEntriesByType('resource').filter(({ name }) => /\\/(pane|other-places)-/.test(name)).length === 2",
  )
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await tab(page, 'Timing').waitFor()
  t.deepEqual(complaints, [])
  await server.close()
  await page.keyboard.press('5')
  await page.getByRole('heading', { name: 'Options', level: 1 }).waitFor({ state: 'attached' })
})

tests('a script that cannot be had is said, with a way out', async (t) => {
  const { page, port } = await openPage(t, '/devices')
  await ask(port, { path: `${await answering(t)}/one` })
  await page.route(/other-places-/, (route) => route.abort())
  await page.goto(page.url().replace('/devices', '/flows'))
  await listed(page, '1 flow')
  await page.keyboard.press('6')
  await page.getByRole('alert').getByText('could not be fetched').waitFor()
  await page.unroute(/other-places-/)
  await page.getByRole('button', { name: 'Load the page anew' }).click()
  await page.getByRole('heading', { name: 'Log', level: 1 }).waitFor({ state: 'attached' })
  t.is(await page.getByRole('alert').count(), 0)
})
