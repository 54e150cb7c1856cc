// midwire in tests of node:test: node --test examples/tests/node-test.ts (from Node 22.18 on; before, compile it)
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, afterEach, test } from 'node:test'
import { promisify } from 'node:util'
import { Midwire } from 'midwire'
import { cheapest } from './shop.ts'

const proxy = await Midwire.start({ modes: ['regular@127.0.0.1:0'] })
const dispatcher = await proxy.dispatcher()
const throughProxy: typeof fetch = (url, init) => fetch(url, { ...init, dispatcher })

afterEach(() => proxy.clearMocks())
after(async () => {
  await dispatcher.close()
  await proxy.close()
})

test('the cheapest item is the first', async () => {
  const items = proxy.mock({ host: 'shop.test', path: '/items' }).respond(200, [{ name: 'tea', price: 3 }])
  assert.equal(await cheapest(throughProxy), 'tea')
  assert.equal(items.seen[0]?.request.path, '/items?sort=price')
})

test('a busy shop is asked again', async () => {
  proxy.mock({ path: '/items' }).respond(503).twice()
  proxy.mock({ path: '/items' }).respond(200, [{ name: 'tea', price: 3 }])
  assert.equal(await cheapest(throughProxy), 'tea')
})

test('a connection that breaks is an error', async () => {
  proxy.mock({ path: '/items' }).abort()
  await assert.rejects(cheapest(throughProxy))
})

test('an answer is changed on its way', async () => {
  proxy.mock({ path: '/items' }).respond(200, [])
  const asked = cheapest(throughProxy)
  for await (const flow of proxy.intercept({ path: '/items' }, { at: 'response' })) {
    if (flow.response) flow.response.text = JSON.stringify([{ name: 'coffee', price: 4 }])
    flow.resume()
    break
  }
  assert.equal(await asked, 'coffee')
})

test('another program is tested the same way', async () => {
  proxy.mock({ host: 'shop.test' }).respond(200, 'hello')
  const seen = proxy.waitFor({ host: 'shop.test' })
  const program = `
    const { HttpsProxyAgent } = require('hpagent')
    const agent = new HttpsProxyAgent({ proxy: process.env.HTTPS_PROXY })
    require('node:https').get('https://shop.test/', { agent }, (response) => response.pipe(process.stdout))`
  const env = { ...process.env, ...(await proxy.env()) }
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program], { env })
  assert.equal(stdout, 'hello')
  assert.equal((await seen).response?.status, 200)
})
