// Debian's Chromium on a device: pages over the tunnel, and mitm.it before and after its certificate is installed.

import { setTimeout as delay } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type * as BrowserProgram from './programs/browser.js'
import { browserHome } from './support/browser-home.js'
import { plainEnvironment } from './support/midwire.js'
import { Remote } from './support/remote.js'
import { endsWell, type Stage, stage, web } from './support/scene.js'
import { chromium } from './support/skip.js'
import { suite } from './support/suite.js'

const check = suite(['midwire', 'wireguard-go', 'chromium', 'certutil'], (world) => stage(world))

/** Until the kernel has checked all of its addresses: to a browser, each that becomes valid is a change of network. */
async function settled({ device }: Stage): Promise<void> {
  while ((await device.run(['ip', '-6', '-oneline', 'address', 'show', 'tentative'])).stdout.length > 0)
    await delay(100)
}

/** A browser with a home of its own, and the certificate in it or not. */
async function withBrowser(
  scene: Stage,
  trusting: boolean,
  body: (browser: Remote<typeof BrowserProgram>) => Promise<void>,
): Promise<void> {
  const { device, midwire, folder } = scene
  const home = browserHome(folder, trusting ? midwire.authority : undefined)
  const browser = await Remote.start<typeof BrowserProgram>(
    device.namespace,
    'browser',
    plainEnvironment({ HOME: home }),
  )
  try {
    await settled(scene)
    await browser.call('start', chromium ?? '')
    await body(browser)
  } finally {
    await browser.call('close')
    await browser.stop()
  }
}

/** PNG: its signature, its size, and more than one colour's worth of bytes. */
function hasContent(t: ExecutionContext, picture: Uint8Array, width: number): void {
  const bytes = Buffer.from(picture)
  t.is(bytes.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n')
  t.is(bytes.readUInt32BE(16), width)
  t.true(bytes.length > 5000, `${bytes.length} bytes`)
}

check('without the certificate: HTTPS is refused, and mitm.it says so', async (t, scene) => {
  await withBrowser(scene, false, async (browser) => {
    t.is(await browser.call('failure', `https://${web.name}/page`), 'ERR_CERT_AUTHORITY_INVALID')
    await scene.midwire.logged(/does not trust our certificate/)
    const ready = "document.getElementById('trust').className === 'no'"
    const page = await browser.call('open', 'http://mitm.it/', ready)
    t.is(page.status, 200)
    t.is(page.title, 'midwire: Install the certificate')
    t.regex(page.text, /This browser does not trust the certificate yet/)
    hasContent(t, page.picture, 800)
  })
})

check('with the certificate: an HTTPS page with its script, style sheet and request', async (t, scene) => {
  await withBrowser(scene, true, async (browser) => {
    const ready = "document.title.startsWith('loaded')"
    const page = await browser.call('open', `https://${web.name}/page`, ready)
    t.is(page.status, 200)
    t.is(page.title, 'loaded 13 rgb(1, 2, 3)')
    t.is(page.text.trim(), 'A page over the tunnel')
    hasContent(t, page.picture, 800)
    const { midwire } = scene
    for (const path of ['/page', '/style.css', '/echo']) {
      const flow = await midwire.httpFlow(`https://${web.name}${path}`)
      t.is(flow.response?.status, 200)
      t.is(flow.client.tls?.sni, web.name)
    }

    const trusted = "document.getElementById('trust').className === 'yes'"
    for (const [url, mobile, width] of [
      ['http://mitm.it/', false, 800],
      ['https://mitm.it/', true, 390],
    ] as const) {
      const onboarding = await browser.call('open', url, trusted, mobile)
      t.is(onboarding.status, 200)
      t.is(onboarding.url, url)
      t.regex(onboarding.text, /This browser trusts the certificate/)
      // Its policy lets its own style, script and picture through.
      t.deepEqual(onboarding.complaints, [])
      hasContent(t, onboarding.picture, width)
    }
  })
})

endsWell(check)
