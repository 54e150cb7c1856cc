// One flow: its parts, the search in its body, raw bytes, copies, its connections, and the comparison with another.

import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import test from 'ava'
import { startProxy, tlsServer, tlsTunnel } from '../../support/proxy.js'
import { clientOf } from '../../support/tunnel-client.js'
import { answering, ask } from '../support.js'
import { violations } from './axe.js'
import { canRun, copied, listed, openPage } from './browser.js'
import { rowOf, rows, tab } from './traffic.js'

const tests = canRun ? test.serial : test.serial.skip

const json = { headers: { 'content-type': 'application/json' }, body: '{"ada":1,"b":"Ada","c":["x","ADA"]}' }

tests('a body is searched: places are counted, gone to by keys, and marked', async (t) => {
  const { page, port } = await openPage(t, '/flows')
  await ask(port, { path: `${await answering(t, json)}/searched` })
  await rowOf(page, '/searched').click()
  await page.locator('.lines-of', { hasText: '"ada"' }).waitFor()
  await page.keyboard.press('s')
  await page.keyboard.type('ada')
  await page.getByText('1 of 3').waitFor()
  t.deepEqual(await page.locator('mark').allTextContents(), ['ada', 'Ada', 'ADA'])
  await page.keyboard.press('Enter')
  await page.locator('mark[data-current=true]', { hasText: 'Ada' }).waitFor()
  await page.keyboard.press('Shift+Enter')
  await page.keyboard.press('Shift+Enter')
  await page.getByText('3 of 3').waitFor()
  t.deepEqual(await violations(page), [])
  await page.keyboard.press('Escape')
  await page.locator('mark').first().waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Hex' }).click()
  await page.locator('.lines-of', { hasText: '7b 22 61 64 61' }).waitFor()
})

tests('the query, cookies and a form are shown as names and values; raw bytes as text and as hex', async (t) => {
  const { page, port } = await openPage(t, '/flows')
  const origin = await answering(t, { headers: { 'set-cookie': 'sid=new; Path=/' } })
  const headers = { cookie: 'sid=old; theme=dark', 'content-type': 'application/x-www-form-urlencoded' }
  await ask(port, { method: 'POST', path: `${origin}/form?name=ada%20l`, headers, body: 'password=l%20ove' })
  await rowOf(page, '/form').click()
  for (const [title, name, value] of [
    ['Query', 'name', 'ada l'],
    ['Cookies', 'theme', 'dark'],
    ['Form', 'password', 'l ove'],
    ['Cookies set', 'sid', 'new; Path=/'],
  ] as const) {
    const section = page.locator('details', { has: page.getByText(new RegExp(`^${title} \\d+$`)) })
    await section.getByRole('row', { name: `${name} ${value}` }).waitFor()
  }
  await page.keyboard.press('l')
  await page.locator('.pair[data-layout=beside]').waitFor()
  await page.reload()
  await page.locator('.pair[data-layout=beside]').waitFor()
  await tab(page, 'Raw').click()
  await page.locator('.lines-of', { hasText: 'POST /form?name=ada%20l HTTP/1.1' }).waitFor()
  await page.getByRole('button', { name: 'Hex' }).click()
  await page.locator('.lines-of', { hasText: '50 4f 53 54 20' }).waitFor()
  t.deepEqual(await violations(page), [])
})

tests('a request is copied as curl, fetch, HTTPie, Python and raw', async (t) => {
  const { page, port } = await openPage(t, '/flows')
  await ask(port, { path: `${await answering(t, json)}/copied` })
  await rowOf(page, '/copied').click()
  await page.locator('.first').first().waitFor()
  const signs = { curl: /^curl /, fetch: /fetch\(/, HTTPie: /^https? /, Python: /requests/, raw: /^GET \/copied HTTP/ }
  for (const [label, sign] of Object.entries(signs)) {
    await copied(page, async () => {
      await page.getByLabel('Copy as').selectOption({ label })
      await page.getByText(`${label} copied`).waitFor()
    })
    const text: string = await page.evaluate('navigator.clipboard.readText()')
    t.regex(text, sign)
    t.regex(text, /copied/)
  }
})

tests(
  'both TLS legs are shown with ciphers, fingerprints and certificates, and the phases of the connection',
  async (t) => {
    const running = await openPage(t, '/flows')
    const { page } = running
    const talk = await tlsTunnel(t, running, await tlsServer(t))
    talk.says('GET /secret HTTP/1.1\r\nHost: upstream.test\r\n\r\n')
    await talk.hears('answer')
    await rowOf(page, '/secret').click()
    await tab(page, 'Connections').click()
    const legs = page.locator('.legs')
    for (const name of ['JA3', 'JA4', 'Name asked for (SNI)'])
      await legs.getByText(name, { exact: true }).first().waitFor()
    t.is(await legs.getByRole('row', { name: /^TLS TLSv1/ }).count(), 2)
    t.is(await legs.getByRole('row', { name: /^Cipher / }).count(), 2)
    await legs.locator('.chain summary').last().click()
    await legs.getByRole('row', { name: /^Names .*upstream\.test/ }).waitFor()
    t.deepEqual(await violations(page), [])
    await tab(page, 'Timing').click()
    for (const name of ['TLS with the client', 'TLS with the server', 'Wait for the response'])
      await page.locator('.waterfall').getByRole('rowheader', { name }).waitFor()
  },
)

tests('what a client of HTTP/2 says of itself is shown', async (t) => {
  const running = await openPage(t, '/flows')
  const { socket } = await tlsTunnel(t, running, await tlsServer(t), { ALPNProtocols: ['h2'] })
  socket.removeAllListeners('data')
  const session = connectHttp2('https://upstream.test', { createConnection: () => socket })
  t.teardown(() => session.destroy())
  session.on('error', () => undefined)
  const stream = session.request({ ':path': '/two' })
  stream.resume()
  await once(stream, 'response')
  await rowOf(running.page, '/two').click()
  await tab(running.page, 'Connections').click()
  await running.page.getByRole('row', { name: /^HTTP\/2 fingerprint / }).waitFor()
  t.pass()
})

tests('the way out is shown where a flow leaves by a proxy', async (t) => {
  const behind = await startProxy(t)
  const { page, port } = await openPage(t, '/flows', {
    modes: [`upstream:http://127.0.0.1:${behind.port}@127.0.0.1:0`],
  })
  await ask(port, { path: `${await answering(t, json)}/led` })
  await rowOf(page, '/led').click()
  await tab(page, 'Connections').click()
  await page.getByRole('row', { name: new RegExp(`^Way out .*127\\.0\\.0\\.1:${behind.port}`) }).waitFor()
  t.pass()
})

tests('the device of a flow is shown where it came by the tunnel', async (t) => {
  const { page, proxy, api } = await openPage(t, '/flows', {
    modes: ['wireguard@127.0.0.1:0'],
    options: { connection_strategy: 'lazy' },
  })
  await api.addMock({}, { filter: '~d device.example', respond: { status: 200 } })
  const client = await clientOf(proxy.peers.find(({ name }) => name === 'default')?.config)
  t.teardown(() => client.close())
  const stream = client.connect({ host: '192.0.2.1', port: 80 })
  stream.on('error', () => undefined)
  stream.resume()
  stream.write('GET /tunnel HTTP/1.1\r\nHost: device.example\r\n\r\n')
  await rowOf(page, '/tunnel').click()
  await tab(page, 'Connections').click()
  await page.getByRole('row', { name: 'Device default' }).waitFor()
  t.pass()
})

tests('how bodies are shown stands in the address: back, a reload and a link bring it', async (t) => {
  const { page, port } = await openPage(t, '/flows')
  const origin = await answering(t, json)
  for (const path of ['/one', '/two']) await ask(port, { method: 'POST', path: `${origin}${path}`, body: '[1,2]' })
  await rowOf(page, '/one').click()
  const section = (name: string) => page.getByRole('region', { name, exact: true })
  await section('Response').getByRole('button', { name: 'Hex' }).click()
  await section('Request').getByLabel('View of the request body').selectOption('json')
  t.regex(page.url(), /\?response=hex&request=json$/)
  const both = async () => {
    await section('Response').locator('.lines-of', { hasText: '7b 22 61 64 61' }).waitFor()
    await section('Request').getByText('[1,2]').waitFor({ state: 'detached' })
    t.is(await section('Request').getByLabel('View of the request body').inputValue(), 'json')
  }
  await both()
  await page.reload()
  await both()
  const link = page.url()
  await section('Response').getByRole('button', { name: 'Pretty' }).click()
  t.regex(page.url(), /\?request=json$/)
  await rowOf(page, '/two').click()
  await page.locator('.first', { hasText: '/two' }).waitFor()
  await page.goto(link)
  await page.locator('.first', { hasText: '/one' }).waitFor()
  await both()
  await tab(page, 'Raw').click()
  await page.getByRole('button', { name: 'Hex' }).click()
  await page.locator('.lines-of', { hasText: '50 4f 53 54 20' }).waitFor()
  t.regex(page.url(), /raw=hex/)
  await page.reload()
  await page.locator('.lines-of', { hasText: '50 4f 53 54 20' }).waitFor()
  await page.goBack()
  await page.locator('.first', { hasText: '/two' }).waitFor()
  t.is(await section('Request').getByLabel('View of the request body').inputValue(), 'json')
  await page.getByRole('button', { name: 'Close the flow' }).click()
  await page.waitForURL(/\/flows$/)
  t.pass()
})

const onLinux = process.platform === 'linux' ? tests : test.skip

onLinux('the program of a client on this machine is shown where it is looked up', async (t) => {
  const { page, port } = await openPage(t, '/flows', { options: { client_process: 'on' } })
  await ask(port, { path: `${await answering(t, json)}/local` })
  await rowOf(page, '/local').click()
  await tab(page, 'Connections').click()
  await page.getByRole('row', { name: `Process ${process.execPath} (${process.pid})`, exact: true }).waitFor()
  await page.getByRole('row', { name: /^Command .*node/ }).waitFor()
  t.deepEqual(await violations(page), [])
})

tests('two flows are compared by keys, and the comparison has an address', async (t) => {
  const { page, port, complaints } = await openPage(t, '/flows')
  const origin = await answering(t, json)
  for (const path of ['/one', '/two', '/three']) await ask(port, { path: `${origin}${path}` })
  await listed(page, '3 flows')
  await page.keyboard.press('d')
  await page.getByText('Select two flows to compare them').waitFor()
  await rows(page).first().click()
  await rows(page)
    .nth(1)
    .click({ modifiers: ['Control'] })
  await page.keyboard.press('d')
  const gone = page.locator('.change[data-kind=gone]')
  await gone.filter({ hasText: '/one HTTP/1.1' }).waitFor()
  await page.locator('.change[data-kind=new]', { hasText: '/two HTTP/1.1' }).waitFor()
  await page.getByRole('heading', { name: 'Response body the same' }).waitFor()
  t.deepEqual(await violations(page), [])
  await page.reload()
  await gone.filter({ hasText: '/one HTTP/1.1' }).waitFor()
  t.regex(page.url(), /\/flows\/[^/]+\/diff\/[^/]+$/)
  t.deepEqual(complaints, [])
})
