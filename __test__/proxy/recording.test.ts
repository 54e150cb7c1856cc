// Recorded flows of a running proxy: read, found, followed, changed, cleared; on disk only where the option says so.
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { command, type Flows, Midwire } from '../../src/index.js'
import { type Running, startProxy } from '../support/proxy.js'
import { folder, pathOf } from '../support/store.js'
import { bind, dial } from '../support/talk.js'

async function asked(t: ExecutionContext, running: Running, ...paths: string[]): Promise<void> {
  const port = await bind(
    t,
    createServer((_, response) => response.end('hello')),
  )
  for (const path of paths) {
    const talk = await dial(t, running.port)
    const over = running.proxy.waitFor(`~u ${path}$`, { timeout: 60_000 })
    talk.says(`GET http://127.0.0.1:${port}${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`)
    await over
  }
}

async function paths(flows: Flows): Promise<string[]> {
  const found: string[] = []
  for await (const flow of flows) found.push(pathOf(flow))
  return found
}

for (const place of ['memory', 'disk']) {
  test(`${place}: recorded flows are read in an order, found by their id, and chosen by commands`, async (t) => {
    const running = await startProxy(t, { options: { store_disk: place === 'disk' ? '64m' : 0 } })
    const { proxy } = running
    await asked(t, running, '/b', '/a', '/c')
    t.deepEqual(await paths(proxy.flows({})), ['/b', '/a', '/c'])
    t.deepEqual(await paths(proxy.flows({ sort: 'url', reverse: true, limit: 2 })), ['/c', '/b'])
    t.deepEqual(await paths(proxy.flows({ filter: '~u /a$' })), ['/a'])
    t.is(proxy.recorded.flows, 3)
    const id = running.flows[0]?.id ?? ''
    t.is(proxy.flow(id)?.id, id)
    t.is(proxy.flow('nonsense'), undefined)
    proxy.addAddon({
      commands: {
        'test.note': command({
          help: 'marks flows',
          arguments: [{ name: 'flows', type: 'flows' }],
          run(flows) {
            for (const flow of flows) flow.marked = ':star:'
            proxy.update(flows)
            return flows.map(pathOf)
          },
        }),
      },
    })
    t.deepEqual(await proxy.commands.call('test.note', '~u /[bc]$'), ['/b', '/c'])
    t.deepEqual(await proxy.commands.call('test.note', id), ['/b'])
    t.deepEqual(await proxy.commands.call('test.note', '@marked'), ['/b', '/c'])
    t.deepEqual(await paths(proxy.flows({ filter: '~marked' })), ['/b', '/c'])
    await t.throwsAsync(proxy.commands.call('test.note', '~nonsense'), { code: 'ERR_FILTER' })
    proxy.clear()
    t.deepEqual(await paths(proxy.flows({})), [])
    t.is(existsSync(join(proxy.confdir, 'store')), place === 'disk')
  })
}

test('a reader that follows gets the recorded flows, and then those that come, until the proxy is closed', async (t) => {
  const running = await startProxy(t)
  await asked(t, running, '/1', '/2')
  const flows = running.proxy.flows({ follow: true, sort: 'time', reverse: true, filter: '!~u /no' })
  await asked(t, running, '/3', '/no', '/4')
  const found: string[] = []
  for await (const flow of flows) {
    found.push(pathOf(flow))
    if (found.length === 4) await running.proxy.close()
  }
  t.deepEqual(found, ['/2', '/1', '/3', '/4'])
})

test('a reader that leaves ends both', async (t) => {
  const running = await startProxy(t)
  await asked(t, running, '/1')
  const flows = running.proxy.flows({ follow: true })
  for await (const _ of flows) break
  t.deepEqual(await flows.next(), { done: true, value: undefined })
})

test('what was recorded on disk is there when the proxy is started again', async (t) => {
  const confdir = folder(t)
  const options = { store_disk: '64m' }
  const running = await startProxy(t, { confdir, options })
  await asked(t, running, '/before')
  await running.proxy.close()
  t.deepEqual(await paths(running.proxy.flows({})), ['/before'], 'after the end, too')
  await using proxy = await Midwire.start({ confdir, options, modes: ['regular@0'] })
  t.deepEqual(await paths(proxy.flows({})), ['/before'])
})

test('a second proxy in the same conf dir says once that it keeps its flows in memory', async (t) => {
  const confdir = folder(t)
  const options = { store_disk: '64m' }
  await startProxy(t, { confdir, options })
  const running = await startProxy(t, { confdir, options })
  await asked(t, running, '/one', '/two')
  t.deepEqual(await paths(running.proxy.flows({})), ['/one', '/two'])
  const warnings = running.log.filter(({ level }) => level === 'warn').map(({ message }) => message)
  t.is(warnings.length, 1)
  t.regex(warnings[0] ?? '', new RegExp(`^process ${process.pid} records its flows in .*memory only$`))
})

test('store_memory is changed while the proxy runs; 0 records nothing', async (t) => {
  const running = await startProxy(t)
  await asked(t, running, '/1')
  running.proxy.options.set({ store_memory: 0 })
  await asked(t, running, '/2')
  t.deepEqual(await paths(running.proxy.flows({})), [])
  running.proxy.options.set({ store_memory: '1m' })
  await asked(t, running, '/3')
  t.deepEqual(await paths(running.proxy.flows({})), ['/3'])
})
