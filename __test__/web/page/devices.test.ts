// Devices by clicks: one more in two of them, a client that joins by the text that is downloaded, what is said of it, and its removal.
import { readFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { connect } from 'node:tls'
import test from 'ava'
import type { Page } from 'playwright-core'
import type { WireGuardServer } from '../../../src/index.js'
import { clientOf } from '../../support/tunnel-client.js'
import { canRun, copied, openPage } from './browser.js'

const tests = canRun ? test.serial : test.serial.skip

const options = {
  modes: ['wireguard@127.0.0.1:0'],
  // Mocks answer, so that no server is asked.
  options: { endpoint: '127.0.0.1', connection_strategy: 'lazy' as const },
}

const device = (page: Page, name: string) => page.getByRole('listitem', { name: `Device ${name}` })

/** What comes back for a request by a stream. */
async function answerTo(stream: Duplex, request: string): Promise<string> {
  stream.end(request)
  let text = ''
  for await (const piece of stream) text += piece
  return text
}

/** A request over TLS; the answer, or the code of the error. */
async function overTls(client: WireGuardServer, ca?: string): Promise<string> {
  const socket = client.connect({ host: '192.0.2.1', port: 443 })
  const tls = connect({ socket, servername: 'device.test', ...(ca !== undefined && { ca }) })
  try {
    return await answerTo(tls, 'GET / HTTP/1.0\r\nHost: device.test\r\n\r\n')
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? ''
  }
}

tests('a device is added in two clicks, joins by its text, and its traffic and handshake are seen', async (t) => {
  const { page, proxy, complaints } = await openPage(t, '/flows', options)
  await page.getByRole('link', { name: 'Devices' }).click()
  await page.getByRole('button', { name: 'Add a device' }).click()
  const card = device(page, 'device-2')
  const code = card.getByRole('img')
  await code.waitFor()
  // It is an image that can be shown.
  await code.evaluate((image) => (image as unknown as { decode(): Promise<void> }).decode())
  await card.getByText('not seen yet').waitFor()
  await card.getByRole('button', { name: 'Text' }).click()
  await card.getByText('[Interface]').waitFor()
  const download = page.waitForEvent('download')
  await card.getByRole('link', { name: 'Download' }).click()
  t.is((await download).suggestedFilename(), 'device-2.conf')
  const config = readFileSync(await (await download).path(), 'utf8')
  t.is(config, proxy.peers[1]?.config ?? '')
  t.is((await card.locator('pre').textContent()) ?? '', config)

  proxy.mock('~all').respond(200, 'x'.repeat(50_000))
  const client = await clientOf(config)
  t.teardown(() => client.close())
  const fast = card.getByText(/↓ [1-9]/).waitFor()
  const stream = client.connect({ host: '192.0.2.1', port: 80 })
  t.regex(await answerTo(stream, 'GET / HTTP/1.0\r\nHost: a.test\r\n\r\n'), /200 OK/)
  await card.getByText('connected', { exact: true }).waitFor()
  await card.getByText(/Last handshake (just now|\d+ s ago)/).waitFor()
  await card.getByText(/\d kB sent/).waitFor()
  await fast
  t.is(
    await copied(page, () => card.getByRole('button', { name: 'Copy as command line' }).click()),
    'midwire wg add device-2 -m wireguard@127.0.0.1:0',
  )
  await card.getByRole('button', { name: 'Remove device-2' }).click()
  await card.getByRole('button', { name: 'Remove device-2 for good' }).click()
  await card.waitFor({ state: 'detached' })
  t.deepEqual(
    proxy.peers.map(({ name }) => name),
    ['default'],
  )
  t.deepEqual(complaints, [])
})

tests('whether a device trusts the certificate is said, and the steps are those of the device at hand', async (t) => {
  const { page, proxy } = await openPage(t, '/devices', options)
  const card = device(page, 'default')
  await card.getByText('shows with its first HTTPS').waitFor()
  await page.getByText('No client has spoken over TLS yet').waitFor()
  const client = await clientOf(proxy.peers[0]?.config)
  t.teardown(() => client.close())
  proxy.mock('~all').respond(204)
  t.regex(await overTls(client), /SELF_SIGNED|UNABLE_TO/)
  await card.getByText('Does not trust our certificate yet').waitFor()
  await page.locator('.trust').getByText('has refused it').waitFor()
  await card.getByRole('button', { name: 'the steps' }).click()
  // Chromium on this machine says Linux.
  const steps = page.getByRole('region', { name: 'Certificate' })
  await steps.getByText('update-ca-certificates', { exact: false }).first().waitFor()
  await steps.getByRole('button', { name: 'Android' }).click()
  await steps.getByText('Install anyway').waitFor()
  t.regex(page.url(), /device=android/)
  await page.reload()
  await steps.getByText('Install anyway').waitFor()
  const download = page.waitForEvent('download')
  await steps.getByRole('link', { name: 'PEM' }).click()
  t.is(readFileSync(await (await download).path(), 'utf8'), proxy.authority.pem)
  t.regex(await overTls(client, proxy.authority.pem), / 204 /)
  await card.getByText('Trusts our certificate', { exact: true }).waitFor()
  await page.locator('.trust').getByText('trusts it', { exact: true }).waitFor()
})

tests('a device with keys of its own is let in, and one with a name that is taken is refused', async (t) => {
  const { page, proxy } = await openPage(t, '/devices', options)
  const form = page.getByRole('form', { name: 'One more device' })
  await form.getByText('Its public key, where it keeps the private one').click()
  await form.getByLabel('Public key').fill('xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=')
  await form.getByLabel('Name of the device').fill('laptop')
  await page.keyboard.press('Enter')
  await device(page, 'laptop').getByText('keeps its private key').waitFor()
  t.is(await device(page, 'laptop').getByRole('button', { name: 'QR code' }).count(), 0)
  await form.getByLabel('Name of the device').fill('laptop')
  await page.keyboard.press('Enter')
  await page.locator('.notices [data-bad=true]').waitFor()
  t.is(proxy.peers.length, 2)
})

tests('where no WireGuard mode runs, the page says what to do and does it', async (t) => {
  const { page, proxy } = await openPage(t, '/devices', { ...options, modes: ['regular@127.0.0.1:0'] })
  await page.getByText('No WireGuard mode runs').waitFor()
  await page.route('**/api/modes', (route) =>
    route.continue(
      route.request().method() === 'POST' ? { postData: JSON.stringify({ spec: 'wireguard@127.0.0.1:0' }) } : {},
    ),
  )
  await page.getByRole('button', { name: 'Switch WireGuard on' }).click()
  await page.getByRole('button', { name: 'Add a device' }).waitFor()
  await device(page, 'default').waitFor()
  t.is(proxy.modes.length, 2)
})
