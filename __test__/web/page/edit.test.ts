// Requests that are edited and sent again, flows that wait and go on with changes, and the way from one that waits to the next.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import test from 'ava'
import type { Page } from 'playwright-core'
import { WebSocket } from 'ws'
import { ask } from '../support.js'
import { violations } from './axe.js'
import { canRun, listed, openPage } from './browser.js'
import { echoing, hearing, rowOf, rows, tab } from './traffic.js'

const tests = canRun ? test.serial : test.serial.skip

const posted = { method: 'POST', headers: { 'content-type': 'application/json', 'x-old': 'yes' }, body: '{"a":1}' }

/** A request that waits: where the test fails, the proxy ends it, and nobody minds. */
function held(...given: Parameters<typeof ask>): ReturnType<typeof ask> {
  const answer = ask(...given)
  answer.catch(() => undefined)
  return answer
}

/** Replaces all that the editor holds. */
async function write(page: Page, text: string): Promise<void> {
  await page.locator('.cm-content').click()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText(text)
}

tests('a request is edited and sent again; the editor is loaded for the body alone', async (t) => {
  const { page, port, complaints } = await openPage(t, '/flows')
  const { origin, heard } = await hearing(t)
  const scripts: string[] = []
  page.on('request', (request) => {
    // The open flow and other places may come now, too.
    if (request.resourceType() === 'script' && !/\/(pane|other-places)-/.test(request.url()))
      scripts.push(request.url())
  })
  await ask(port, { ...posted, path: `${origin}/before` })
  await rowOf(page, '/before').click()
  await page.locator('.first').first().waitFor()
  await page.keyboard.press('e')
  await page.getByRole('combobox', { name: 'Method', exact: true }).fill('PUT')
  await page.getByRole('textbox', { name: 'URL', exact: true }).fill(`${origin}/after?x=1`)
  await page.getByRole('button', { name: 'Remove x-old' }).click()
  await page.getByRole('button', { name: 'Add a field' }).click()
  const last = await page.getByLabel(/^Name of field/).count()
  await page.getByLabel(`Name of field ${last}`).fill('x-new')
  await page.getByLabel('Value of x-new').fill('one')
  t.deepEqual(scripts, [])
  await page.getByRole('button', { name: 'Edit the body' }).click()
  await page.locator('.cm-content', { hasText: '{"a":1}' }).waitFor()
  t.is(scripts.length, 1)
  await write(page, '{"a":2}')
  t.deepEqual(await violations(page), [])
  await page.keyboard.press('Control+Enter')
  await page.locator('.first', { hasText: 'PUT' }).waitFor()
  t.is(heard.length, 2)
  t.like(heard[1], { method: 'PUT', url: '/after?x=1', body: '{"a":2}' })
  t.like(heard[1]?.headers, { 'x-new': 'one', 'content-length': '7', 'content-type': 'application/json' })
  t.is(heard[1]?.headers['x-old'], undefined)
  await listed(page, '2 flows')
  t.deepEqual(complaints, [])
})

tests(
  'an edit is saved in the flow and taken back; what was typed stays while another part is looked at',
  async (t) => {
    const { page, port, api } = await openPage(t, '/flows')
    const { origin } = await hearing(t)
    await ask(port, { ...posted, path: `${origin}/saved` })
    await rowOf(page, '/saved').click()
    await tab(page, 'Edit').click()
    await page.getByRole('combobox', { name: 'Method', exact: true }).fill('PATCH')
    await tab(page, 'Timing').click()
    await page.locator('.waterfall').waitFor()
    await tab(page, 'Edit').click()
    t.is(await page.getByRole('combobox', { name: 'Method', exact: true }).inputValue(), 'PATCH')
    await page.getByRole('button', { name: 'Save in this flow' }).click()
    await page.getByRole('button', { name: 'Revert' }).waitFor()
    t.is((await api.listFlows()).rows[0]?.method, 'PATCH')
    await page.getByRole('button', { name: 'Revert' }).click()
    await page.getByRole('button', { name: 'Revert' }).waitFor({ state: 'detached' })
    t.is((await api.listFlows()).rows[0]?.method, 'POST')
  },
)

tests('a request that waits goes on as it was edited, and its response, too', async (t) => {
  const { page, port } = await openPage(t, '/flows', { options: { intercept: '~u /held' } })
  const { origin, heard } = await hearing(t)
  const answer = held(port, { ...posted, path: `${origin}/held` })
  // The page opens it by itself.
  await page.locator('.first', { hasText: '/held' }).waitFor()
  await page.keyboard.press('e')
  await page.getByRole('button', { name: 'Edit the body' }).click()
  await write(page, 'changed')
  await page.getByRole('button', { name: 'Go on with this' }).click()
  await page.getByRole('spinbutton', { name: 'Status' }).fill('201')
  await page.getByRole('button', { name: 'Edit the body' }).click()
  await page.locator('.cm-content', { hasText: 'changed' }).waitFor()
  await write(page, 'answered')
  await page.getByRole('button', { name: 'Go on with this' }).click()
  const { status, text } = await answer
  t.is(status, 201)
  t.is(text, 'answered')
  t.is(heard[0]?.body, 'changed')
})

tests('a request that waits is answered in the place of its server', async (t) => {
  const { page, port } = await openPage(t, '/flows', { options: { intercept: '~q & ~u /held' } })
  const { origin, heard } = await hearing(t)
  const answer = held(port, { path: `${origin}/held` })
  await page.locator('.first', { hasText: '/held' }).waitFor()
  await tab(page, 'Edit').click()
  await page.getByRole('button', { name: 'Answer it myself' }).click()
  await page.getByRole('spinbutton', { name: 'Status' }).fill('503')
  await page.getByRole('button', { name: 'Write a body' }).click()
  await page.locator('.cm-content').waitFor()
  await page.keyboard.insertText('not today')
  await page.keyboard.press('Control+Enter')
  const { status, text, headers } = await answer
  t.is(status, 503)
  t.is(text, 'not today')
  t.is(headers['content-type'], 'text/plain')
  t.deepEqual(heard, [])
})

tests('the page goes from one flow that waits to the next, and leaves alone whoever reads another', async (t) => {
  const { page, port } = await openPage(t, '/flows', { options: { intercept: '~q & ~u /held' } })
  const { origin, heard } = await hearing(t)
  await ask(port, { path: `${origin}/read` })
  await rowOf(page, '/read').click()
  await page.locator('.first', { hasText: '/read' }).waitFor()
  const answers = [held(port, { path: `${origin}/held/1` })]
  await page.getByRole('button', { name: '1 waits' }).waitFor()
  answers.push(held(port, { path: `${origin}/held/2` }))
  await page.getByRole('button', { name: '2 wait' }).waitFor()
  answers.push(held(port, { path: `${origin}/held/3` }))
  await page.getByRole('button', { name: '3 wait' }).waitFor()
  await page.locator('.first', { hasText: '/read' }).waitFor()
  t.deepEqual(await violations(page), [])
  await page.keyboard.press('n')
  await page.locator('.first', { hasText: '/held/1' }).waitFor()
  await page.getByRole('button', { name: 'Go on', exact: true }).first().click()
  await page.locator('.first', { hasText: '/held/2' }).waitFor()
  await page.keyboard.press('a')
  await page.locator('.first', { hasText: '/held/3' }).waitFor()
  await page.keyboard.press('a')
  await Promise.all(answers)
  t.deepEqual(
    heard.map(({ url }) => url),
    ['/read', '/held/1', '/held/2', '/held/3'],
  )
  // The last one stays open, and the next that waits follows it.
  const fourth = held(port, { path: `${origin}/held/4` })
  await page.locator('.first', { hasText: '/held/4' }).waitFor()
  await page.keyboard.press('x')
  await fourth.catch(() => undefined)
  await rows(page).nth(4).waitFor()
})

tests('a message of a WebSocket that waits is edited, the next as bytes, and one is dropped', async (t) => {
  const origin = await echoing(t)
  const { page, port, proxy, complaints } = await openPage(t, '/flows', { modes: [`reverse:${origin}@127.0.0.1:0`] })
  proxy.on('websocket_message', (flow) => flow.intercept())
  const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`)
  t.teardown(() => socket.terminate())
  const heard: string[] = []
  socket.on('message', (data, isBinary) => heard.push(isBinary ? (data as Buffer).toString('hex') : String(data)))
  await once(socket, 'open')
  socket.send('first')
  await tab(page, 'Messages').click()
  await page.locator('.messages li', { hasText: 'first' }).filter({ hasText: 'waits' }).waitFor()
  await page.getByRole('button', { name: 'Edit it' }).click()
  await page.locator('.cm-content', { hasText: 'first' }).waitFor()
  t.is(await page.getByRole('button', { name: 'Hex' }).count(), 0)
  await write(page, 'second')
  // What was typed stays while another part is looked at.
  await tab(page, 'Messages').click()
  await page.locator('.messages li').waitFor()
  await page.locator('#tab-panel').focus()
  await page.keyboard.press('e')
  await page.locator('.cm-content', { hasText: 'second' }).waitFor()
  t.deepEqual(await violations(page), [])
  await page.keyboard.press('Control+Enter')
  const echo = page.locator('.cm-content', { hasText: '{"echo":"second"}' })
  await echo.waitFor()
  await page.getByLabel('Drop it').check()
  await echo.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Go on with this' }).click()
  await page.getByText('No message waits now.').waitFor()
  socket.send(Buffer.from('00ff', 'hex'))
  await page.locator('.cm-content', { hasText: '00 ff' }).waitFor()
  await page.getByRole('button', { name: 'Text', exact: true }).click()
  await page.getByRole('alert').filter({ hasText: 'no text' }).waitFor()
  await write(page, '6f 6')
  await page.keyboard.press('Control+Enter')
  await page.locator('.notices', { hasText: 'Two hexadecimal digits' }).waitFor()
  await write(page, '6f 6b')
  await page.getByRole('button', { name: 'Text', exact: true }).click()
  await page.locator('.cm-content', { hasText: 'ok' }).waitFor()
  await page.keyboard.press('Control+Enter')
  await page.locator('.cm-content', { hasText: '{"echo":"ok"}' }).waitFor()
  const told = once(socket, 'message')
  await page.keyboard.press('Control+Enter')
  await told
  t.deepEqual(heard, ['{"echo":"ok"}'])
  await tab(page, 'Messages').click()
  await page.locator('.messages li', { hasText: 'dropped' }).waitFor()
  t.deepEqual(await page.locator('.messages li code').allTextContents(), [
    'second',
    '{"echo":"second"}',
    'ok',
    '{"echo":"ok"}',
  ])
  t.deepEqual(complaints, [])
})

tests('a datagram that waits is edited', async (t) => {
  const server = createSocket('udp4')
  await once(server.bind(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const { page, port } = await openPage(t, '/flows', {
    modes: [`reverse:udp://127.0.0.1:${server.address().port}@127.0.0.1:0`],
    options: { intercept: '~udp' },
  })
  const client = createSocket('udp4')
  t.teardown(() => client.close())
  client.send('ping', port, '127.0.0.1')
  await page.getByRole('button', { name: 'Edit it' }).click()
  await page.locator('.cm-content', { hasText: 'ping' }).waitFor()
  await write(page, 'pong')
  const heard = once(server, 'message')
  await page.keyboard.press('Control+Enter')
  t.is(String((await heard)[0]), 'pong')
})
