// midwire in tests with a browser, by Playwright: node --test examples/tests/playwright.ts (from Node 22.18 on; before, compile it)
import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { Midwire } from 'midwire'
import { chromium } from 'playwright-core'

const proxy = await Midwire.start({ modes: ['regular@127.0.0.1:0'] })
// A Chromium that is not Playwright's own.
const executablePath = process.env.MIDWIRE_CHROMIUM
const browser = await chromium.launch({
  proxy: { server: proxy.url },
  ...(executablePath && { executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] }),
})
// The certificates that midwire makes are accepted without being installed.
const context = await browser.newContext({ ignoreHTTPSErrors: true })

afterEach(() => proxy.clearMocks())
after(async () => {
  await browser.close()
  await proxy.close()
})

const html = `<button onclick="fetch('/items', { method: 'POST', body: 'tea' })
  .then((response) => { document.title = 'answered with ' + response.status })">Buy</button>`

test('a page of a site that does not exist posts what was bought', async () => {
  proxy.mock({ host: 'shop.test', path: '/' }).respond({ text: html, headers: { 'Content-Type': 'text/html' } })
  const bought = proxy.mock({ method: 'POST', path: '/items', body: 'tea' }).respond(201)
  const page = await context.newPage()
  await page.goto('https://shop.test/')
  await page.click('text=Buy')
  await page.waitForFunction("document.title === 'answered with 201'")
  assert.equal(bought.seen.length, 1)
})

test('a page tells when the shop is busy', async () => {
  proxy.mock({ host: 'shop.test', path: '/' }).respond({ text: html, headers: { 'Content-Type': 'text/html' } })
  proxy.mock({ path: '/items' }).respond(201)
  const page = await context.newPage()
  await page.goto('https://shop.test/')
  const answers = proxy.intercept({ path: '/items' }, { at: 'response' })
  await page.click('text=Buy')
  const flow = await answers.take()
  if (flow.response) flow.response.status = 503
  await answers.return()
  await page.waitForFunction("document.title === 'answered with 503'")
})
