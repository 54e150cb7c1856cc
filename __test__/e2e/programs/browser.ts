// Chromium without a window: what a page became, and a picture of it.
import { type Browser, type BrowserContext, chromium, type Page, type Response } from 'playwright-core'

let browser: Browser | undefined
let context: BrowserContext | undefined

export async function start(executablePath: string, more: readonly string[] = []): Promise<string> {
  // Its sandbox is not to be had as root, and /dev/shm is small in containers.
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-quic', ...more]
  browser = await chromium.launch({ executablePath, args })
  context = await browser.newContext({ viewport: { width: 800, height: 600 } })
  return browser.version()
}

export interface Seen {
  url: string
  status: number | undefined
  title: string
  /** Of its main element, or its heading. */
  text: string
  /** PNG. */
  picture: Buffer
  /** What the page could not load, and what it complained of. */
  complaints: string[]
}

/**
 * Goes to a page. Addresses that the kernel has just ceased to check (RFC 4862, 5.4) are a change of network to Chromium, which
 * drops what it was loading: as a user would, it is tried again.
 */
async function visit(page: Page, url: string): Promise<Response | null> {
  for (let left = 3; ; left -= 1) {
    try {
      return await page.goto(url, { timeout: 20_000 })
    } catch (error) {
      if (left === 0 || !String(error).includes('ERR_NETWORK_CHANGED')) throw error
    }
  }
}

/** Opens a page and waits until `ready`, an expression, is true there. */
export async function open(url: string, ready: string, mobile = false): Promise<Seen> {
  if (!context) throw new Error('start() first')
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`))
  try {
    if (mobile) await page.setViewportSize({ width: 390, height: 844 })
    const response = await visit(page, url)
    await page.waitForFunction(ready, undefined, { timeout: 10_000 })
    const text = (await page.textContent('main, h1')) ?? ''
    const picture = await page.screenshot({ fullPage: true })
    return { url: page.url(), status: response?.status(), title: await page.title(), text, picture, complaints }
  } finally {
    await page.close()
  }
}

/** How opening it fails: Chromium's name for the error. */
export async function failure(url: string): Promise<string> {
  if (!context) throw new Error('start() first')
  const page = await context.newPage()
  try {
    await visit(page, url)
    return 'none'
  } catch (error) {
    return /net::(ERR_\w+)/.exec(String(error))?.[1] ?? String(error)
  } finally {
    await page.close()
  }
}

export const close = async (): Promise<void> => {
  await browser?.close()
  browser = undefined
}
