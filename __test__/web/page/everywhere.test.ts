// Every place of the page: what axe finds at the width of a phone and of a large screen, that nothing is wider than the window, and its address.
import test from 'ava'
import { answering, ask } from '../support.js'
import { violations } from './axe.js'
import { canRun, listed, openPage } from './browser.js'

const tests = canRun ? test.serial : test.serial.skip

const options = {
  modes: ['regular@127.0.0.1:0', 'wireguard@127.0.0.1:0'],
  options: {
    endpoint: '127.0.0.1',
    block_list: ['|~d one.example|404', '|~d two.example|404'],
    disabled_rules: ['block_list:2'],
    via: ['|~d one.example|direct'],
    throttle: ['|~d one.example|3g'],
  },
}

const PLACES = ['flows', 'devices', 'setup', 'rules', 'options', 'log', 'nowhere']

for (const [name, size, colorScheme] of [
  ['360 pixels', { width: 360, height: 740 }, 'light'],
  ['4K', { width: 3840, height: 2160 }, 'dark'],
] as const) {
  tests(`axe finds nothing at ${name}, and nothing is wider than the window`, async (t) => {
    const { page, port, server, api } = await openPage(t, '/flows', options)
    await page.setViewportSize(size)
    await page.emulateMedia({ colorScheme })
    const origin = await answering(t)
    await ask(port, { path: `${origin}/a/path?with=a-query` })
    await api.addMock({}, { filter: '~d mocked.example & ~u /a/long/path/of/many/parts', respond: { status: 200 } })
    await listed(page, '1 flow')
    for (const place of PLACES) {
      await page.goto(`${server.url}/${place}`)
      await page.locator(`main[data-place=${place}]`).waitFor()
      await page.locator('.connection[data-state=open]').waitFor()
      await page.waitForLoadState('networkidle')
      if (place === 'devices') await page.getByRole('button', { name: 'QR code' }).click()
      if (place === 'rules') await page.getByTitle('Edit').click()
      t.deepEqual(await violations(page), [], place)
      const over = await page.locator('main').evaluate((element) => {
        const { scrollWidth, clientWidth, ownerDocument } = element as unknown as {
          scrollWidth: number
          clientWidth: number
          ownerDocument: { documentElement: { scrollWidth: number; clientWidth: number } }
        }
        const { documentElement: all } = ownerDocument
        return Math.max(scrollWidth - clientWidth, all.scrollWidth - all.clientWidth)
      })
      t.true(over <= 0, `${place} is ${over} pixels too wide`)
    }
  })
}

tests('each place has an address, a title and a key; back and reload lead where they should', async (t) => {
  const { page, complaints } = await openPage(t, '/flows', options)
  const titles = ['Flows', 'Devices', 'Set-up', 'Rules', 'Options', 'Log']
  for (const [at, title] of titles.entries()) {
    await page.keyboard.press(`${at + 1}`)
    await page.getByRole('heading', { name: title, level: 1 }).waitFor({ state: 'attached' })
    t.is(await page.title(), `${title} · midwire`)
    // Whoever reads by ear is told where the key has led.
    if (at > 0) await page.locator('main:focus').waitFor()
    t.is(await page.locator('nav [aria-current=page]').textContent(), title)
  }
  await page.goBack()
  await page.getByRole('heading', { name: 'Options', level: 1 }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Options', level: 1 }).waitFor()
  await page.getByRole('searchbox').fill('nothing has this')
  await page.getByText('No option has these words').waitFor()
  const shared = page.url()
  const other = await page.context().newPage()
  await other.goto(shared)
  await other.getByText('No option has these words').waitFor()
  await page.goto(new URL('/nowhere', shared).href)
  await page.getByRole('link', { name: 'To the flows' }).click()
  await page.waitForURL(/\/flows$/)
  t.deepEqual(complaints, [])
})
