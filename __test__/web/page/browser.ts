// Chromium with the page of a real proxy, and what the page complains of. Tests are skipped where Chromium is not installed.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ExecutionContext } from 'ava'
import { chromium, type Page } from 'playwright-core'
import type { MidwireOptions } from '../../../src/index.js'
import { startApi } from '../support.js'

const executablePath = '/usr/bin/chromium'
const page = resolve('dist/web/app')

/** For each step of a person, on a machine that has much else to do. */
const MILLISECONDS = 30_000

export const canRun = existsSync(executablePath) && existsSync(page)

/** The proxy, its API, and the page at a path, let in by its token. `complaints`: what the console and the page's own errors say. */
export async function openPage(t: ExecutionContext, path: string, options: MidwireOptions = {}) {
  t.timeout(4 * MILLISECONDS)
  const running = await startApi(t, options, { page })
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  t.teardown(() => browser.close())
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  const tab = await context.newPage()
  // Whatever never comes ends the test, and its teardown all the rest.
  tab.setDefaultTimeout(MILLISECONDS)
  const complaints: string[] = []
  tab.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  tab.on('pageerror', (error) => complaints.push(String(error)))
  await tab.goto(`${running.server.url}${path}?token=${running.token}`)
  return { ...running, page: tab, complaints }
}

/** What the page has copied. */
export async function copied(tab: Page, click: () => Promise<void>): Promise<string> {
  await tab.context().grantPermissions(['clipboard-read', 'clipboard-write'])
  await click()
  await tab.locator('.notices', { hasText: 'copied' }).waitFor()
  return tab.evaluate('navigator.clipboard.readText()')
}

/** The number of flows that the line below the table says. */
export const listed = (tab: Page, text: string) => tab.locator('.status', { hasText: text }).waitFor()
