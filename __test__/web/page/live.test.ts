// Flows that run: bytes so far, events and messages as they come, and messages that a person sends.
import { once } from 'node:events'
import test from 'ava'
import { WebSocket } from 'ws'
import { violations } from './axe.js'
import { canRun, openPage } from './browser.js'
import { begin, echoing, piecewise, rowOf, tab } from './traffic.js'

const tests = canRun ? test.serial : test.serial.skip

tests('a response that runs shows its bytes so far in the list', async (t) => {
  const { page, port } = await openPage(t, '/flows', { options: { stream_large_bodies: '1' } })
  const { origin, next } = await piecewise(t, { 'content-type': 'text/plain' })
  begin(t, port, `${origin}/slow`)
  const response = await next()
  await rowOf(page, '/slow').locator('[data-column=status][data-kind=live]').waitFor()
  const size = rowOf(page, '/slow').locator('[data-column=size]')
  response.write('a'.repeat(300))
  await size.filter({ hasText: '300 B' }).waitFor()
  response.write('a'.repeat(100))
  await size.filter({ hasText: '400 B' }).waitFor()
  response.end('b'.repeat(800))
  await rowOf(page, '/slow').locator('[data-column=status][data-kind=s2]').waitFor()
  await size.filter({ hasText: '1.2 kB' }).waitFor()
  t.pass()
})

tests('an open flow shows the bytes so far of a body that runs', async (t) => {
  const { page, port } = await openPage(t, '/flows', { options: { stream_large_bodies: '1' } })
  const { origin, next } = await piecewise(t, { 'content-type': 'text/plain' })
  begin(t, port, `${origin}/slow`)
  const response = await next()
  await rowOf(page, '/slow').click()
  const body = page.getByRole('region', { name: 'Response' }).locator('.body')
  response.write('a'.repeat(300))
  await body.getByText('300 B').waitFor()
  await body.locator('.lines-of', { hasText: /^a{300}\s*$/ }).waitFor()
  response.write('b'.repeat(100))
  await body.getByText('400 B').waitFor()
  await body.locator('.lines-of', { hasText: /^a{300}b{100}\s*$/ }).waitFor()
  response.end('c'.repeat(800))
  await body.getByText('1.2 kB').waitFor()
  await body.locator('.lines-of', { hasText: /^a{300}b{100}c{800}\s*$/ }).waitFor()
  t.pass()
})

tests('events are shown as they come, and each opens as a view', async (t) => {
  const { page, port, complaints } = await openPage(t, '/flows')
  const { origin, next } = await piecewise(t, { 'content-type': 'text/event-stream' })
  begin(t, port, `${origin}/events`)
  const response = await next()
  response.write('event: price\ndata: {"ada":1}\n\n')
  await rowOf(page, '/events').click()
  await tab(page, 'Messages').click()
  const messages = page.locator('.messages li')
  await messages.filter({ hasText: '{"ada":1}' }).filter({ hasText: 'price' }).waitFor()
  response.write('data: {"bob":2}\n\n')
  await messages.nth(1).waitFor()
  await messages.nth(1).click()
  await messages.nth(1).locator('.lines-of', { hasText: '"bob": 2' }).waitFor()
  await page.getByRole('searchbox', { name: 'Search in the messages' }).fill('ada')
  await page.getByText('1 of 2 messages').waitFor()
  t.is(await messages.count(), 1)
  t.deepEqual(await violations(page), [])
  t.deepEqual(complaints, [])
})

tests('messages of gRPC are shown as they come', async (t) => {
  const { page, port } = await openPage(t, '/flows')
  const { origin, next } = await piecewise(t, { 'content-type': 'application/grpc' })
  begin(t, port, `${origin}/package.Service/Method`)
  const response = await next()
  // A frame's flag and length, and the message { 1: "hello" }.
  response.write(Buffer.from('00000000070a0568656c6c6f', 'hex'))
  await rowOf(page, '/package.Service/Method').click()
  await tab(page, 'Messages').click()
  await page.locator('.messages li', { hasText: 'grpc 7 B' }).click()
  await page.locator('.messages .lines-of', { hasText: 'hello' }).waitFor()
  response.write(Buffer.from('00000000070a05776f726c64', 'hex'))
  await page.locator('.messages li').nth(1).waitFor()
  t.pass()
})

tests('messages of a WebSocket are shown as they come, and a person sends some to both sides', async (t) => {
  const origin = await echoing(t)
  const { page, port } = await openPage(t, '/flows', { modes: [`reverse:${origin}@127.0.0.1:0`] })
  const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`)
  t.teardown(() => socket.terminate())
  const heard: string[] = []
  socket.on('message', (data) => heard.push(String(data)))
  await once(socket, 'open')
  socket.send('first')
  await rowOf(page, '/chat').click()
  await tab(page, 'Messages').click()
  const messages = page.locator('.messages li')
  await messages.filter({ hasText: 'from the client' }).filter({ hasText: 'first' }).first().waitFor()
  await messages.filter({ hasText: '{"echo":"first"}' }).waitFor()
  await page.getByRole('textbox', { name: 'The message' }).fill('second')
  await page.keyboard.press('Enter')
  await messages.filter({ hasText: '{"echo":"second"}' }).waitFor()
  await messages.filter({ hasText: 'injected' }).first().waitFor()
  await page.getByLabel('Send to').selectOption('client')
  await page.getByRole('textbox', { name: 'The message' }).fill('for you')
  const told = once(socket, 'message')
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await told
  await messages.filter({ hasText: 'for you' }).waitFor()
  t.deepEqual(heard, ['{"echo":"first"}', '{"echo":"second"}', 'for you'])
  t.deepEqual(await violations(page), [])
  socket.close(1000, 'enough')
  await page.getByText('Closed by the client: 1000 enough').waitFor()
})
