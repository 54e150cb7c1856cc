// Chromium through `regular`: a page with a WebSocket and an EventSource, whose messages an addon changes while they pass.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { certificate } from '../support/certificates.js'
import type * as BrowserProgram from './programs/browser.js'
import type * as LiveProgram from './programs/live.js'
import { browserHome } from './support/browser-home.js'
import { plainEnvironment } from './support/midwire.js'
import { Remote } from './support/remote.js'
import { endsWell, prepare, startMidwire, tlsOf, web } from './support/scene.js'
import { chromium } from './support/skip.js'
import { suite } from './support/suite.js'

/** What the server says in small letters, the page reads in capitals. */
const ADDON = `export default {
  http_message({ message }) {
    message.content = message.content.toString().toUpperCase()
  },
  websocket_message({ websocket: { last } }) {
    if (!last.fromClient) last.text = last.text.toUpperCase()
  },
}
`

const check = suite(['midwire', 'chromium', 'certutil'], async (world) => {
  const scene = await prepare(world)
  const own = certificate({ commonName: web.name, names: [web.name], issuer: scene.root })
  const live = await Remote.start<typeof LiveProgram>(world.server, 'live')
  await live.call('serve', web.v4, tlsOf(own))
  const addon = join(scene.folder, 'capitals.mjs')
  writeFileSync(addon, ADDON)
  const midwire = await startMidwire(scene, ['-m', 'regular@0', '-s', addon])
  const home = browserHome(scene.folder, midwire.authority)
  const browser = await Remote.start<typeof BrowserProgram>(world.server, 'browser', plainEnvironment({ HOME: home }))
  await browser.call('start', chromium ?? '', [`--proxy-server=http://127.0.0.1:${midwire.ready.listeners[0]?.port}`])
  return { midwire, browser, live }
})

const SERVERS = [
  {
    title: 'HTTP/2 with extended CONNECT',
    port: 8443,
    name: 'extended',
    page: '2.0',
    carried: '2.0',
    method: 'CONNECT',
  },
  {
    title: 'HTTP/2 without extended CONNECT',
    port: 8444,
    name: 'plain',
    page: '2.0',
    carried: '1.1',
    method: 'CONNECT',
  },
  { title: 'HTTP/1', port: 8445, name: 'http1', page: '1.1', carried: '1.1', method: 'GET' },
] as const

for (const { title, port, name, carried, method } of SERVERS) {
  check(
    `a server of ${title}: WebSocket and events reach the page, changed, while they are open`,
    async (t, context) => {
      const { midwire, browser, live } = context
      const page = await browser.call('open', `https://${web.name}:${port}/`, "document.title.startsWith('done')")
      t.is(page.title, 'done AGAIN,EVENT 1,EVENT 2,EVENT 3,HELLO')
      t.deepEqual(await live.call('carriedBy', name), [carried])
      const flow = await midwire.httpFlow(`:${port}/chat`)
      t.is(flow.request?.method, method, 'by the version that the page came by')
      t.is(flow.error, null)
    },
  )
}

check('the browser ends', async (t, { browser }) => {
  await browser.call('close')
  await browser.stop()
  t.pass()
})

endsWell(check)
