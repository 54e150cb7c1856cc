// The web server ends and begins again on its port: the page says so, and goes on by itself.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { resolve } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { startWeb } from '../../../src/web/index.js'
import { answering, ask } from '../support.js'
import { canRun, listed, openPage } from './browser.js'

const tests = canRun ? test.serial : test.serial.skip

tests(
  'a server that is gone is told, and one that has begun anew takes the page on once its token is known',
  async (t) => {
    const { page, port, proxy, server } = await openPage(t, '/flows')
    const origin = await answering(t)
    await ask(port, { path: `${origin}/before` })
    await listed(page, '1 flow')
    const state = page.locator('.connection')
    await state.getByText('Connected', { exact: true }).waitFor()
    await server.close()
    await state.getByText('Not connected').waitFor()
    // What was seen stays.
    await page.locator('.rows', { hasText: '/before' }).waitFor()
    await ask(port, { path: `${origin}/meanwhile` })
    const again = await startWeb(proxy, {
      host: '127.0.0.1',
      port: server.port,
      version: '1.2.3',
      page: resolve('dist/web/app'),
    })
    t.teardown(() => again.close())
    // It has another token, which the page cannot know.
    await state.getByText('Signed out').waitFor()
    const other = await page.context().newPage()
    await other.goto(again.entrance)
    await state.getByText('Connected', { exact: true }).waitFor()
    await listed(page, '2 flows')
    await ask(port, { path: `${origin}/after` })
    await listed(page, '3 flows')
    t.is(await page.locator('.rows .row').count(), 3)
  },
)

/** A relay in front of a port, whose connections end with it; it comes back on its own port. */
async function relay(t: ExecutionContext, to: number) {
  const open = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  const begin = async (port: number) => {
    await once(server.listen(port, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  }
  const end = () => {
    server.close()
    for (const one of open) one.destroy()
  }
  t.teardown(end)
  const port = await begin(0)
  return { port, begin: () => begin(port), end }
}

tests('a connection that was lost comes back by itself, with all that was followed', async (t) => {
  const { page, port, server, token } = await openPage(t, '/flows')
  const between = await relay(t, server.port)
  const origin = await answering(t)
  await page.goto(`http://127.0.0.1:${between.port}/flows?token=${token}`)
  const state = page.locator('.connection')
  await ask(port, { path: `${origin}/before` })
  await listed(page, '1 flow')
  between.end()
  await state.getByText('Not connected').waitFor()
  await ask(port, { path: `${origin}/meanwhile` })
  await between.begin()
  await page.getByText('Connected again').waitFor()
  await listed(page, '2 flows')
  await ask(port, { path: `${origin}/after` })
  await listed(page, '3 flows')
  await page.locator('.rows', { hasText: '/after' }).waitFor()
  t.is(await state.getAttribute('data-state'), 'open')
})
