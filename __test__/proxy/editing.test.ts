// What is done to flows of a running proxy by their ids: edited and brought back, copied, forgotten, written to a file and read from one.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Backups } from '../../src/addons/flow-backup.js'
import { HttpHeaders } from '../../src/flow/headers.js'
import type { HttpFlow } from '../../src/flow/http.js'
import type { HttpRecord } from '../../src/flow/record.js'
import { snapshot } from '../../src/flow/snapshot.js'
import { readMitmproxyFlow, writeMitmproxyFlow } from '../../src/formats/mitmproxy.js'
import { type Midwire, openStore } from '../../src/index.js'
import { httpFlow } from '../support/flows.js'
import { get, type Running, startProxy } from '../support/proxy.js'
import { all, folder, idOf, numbered, opened, pathOf } from '../support/store.js'
import { dial, listen } from '../support/talk.js'

async function asked(t: ExecutionContext, running: Running, ...paths: string[]): Promise<HttpFlow[]> {
  const server = await listen(t, (talk) =>
    talk.says('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello'),
  )
  const flows: HttpFlow[] = []
  for (const path of paths) {
    const talk = await dial(t, running.port)
    talk.says(get(server.port, path))
    await talk.hears('hello')
    flows.push(await running.flow('http', flows.length))
  }
  return flows
}

const recorded = (proxy: Midwire, id: string) => proxy.flow(id) as HttpFlow

for (const disk of [0, '64m']) {
  test(`store_disk ${disk}: a recorded flow is edited, by whichever copy, and brought back`, async (t) => {
    const running = await startProxy(t, { options: { store_disk: disk } })
    const { proxy } = running
    const [flow] = await asked(t, running, '/one')
    const id = flow?.id ?? ''
    const list = proxy.list()
    await list.complete
    list.takeChanges()
    t.false(proxy.isModified(id))
    proxy.edit(id, (one) => {
      const { request, response } = one as HttpFlow
      request.path = '/two'
      request.headers.set('X-New', 'yes')
      if (response) response.text = 'goodbye'
    })
    proxy.edit(id, (one) => {
      one.marked = ':star:'
    })
    await proxy.commands.call('flow.comment', id, 'why not')
    t.true(proxy.isModified(id))
    t.is(recorded(proxy, id).request.path, '/two')
    t.is(recorded(proxy, id).response?.text, 'goodbye')
    t.is(recorded(proxy, id).comment, 'why not')
    t.deepEqual(list.takeChanges()?.updated, [id])
    t.is(list.row(id)?.path, '/two')
    await proxy.commands.call('flow.revert', id)
    const back = recorded(proxy, id)
    t.is(back.request.path, '/one')
    t.false(back.request.headers.has('x-new'))
    t.is(back.response?.text, 'hello')
    t.is(back.marked + back.comment, '')
    t.false(proxy.isModified(id))
    t.throws(() => proxy.edit('nothing', () => {}), { code: 'ERR_ARGUMENT' })
    list.close()
  })

  test(`store_disk ${disk}: flows are copied and forgotten`, async (t) => {
    const running = await startProxy(t, { options: { store_disk: disk } })
    const { proxy } = running
    const [one, two] = await asked(t, running, '/one', '/two')
    const list = proxy.list()
    await list.complete
    const [copy] = (await proxy.commands.call('view.flows.duplicate', one?.id)) as string[]
    t.not(copy, one?.id)
    t.like(recorded(proxy, copy ?? ''), { comment: '', endedAt: one?.endedAt })
    t.is(recorded(proxy, copy ?? '').request.path, '/one')
    t.deepEqual(list.ids(0, 9), [one?.id, two?.id, copy])
    await proxy.commands.call('view.flows.remove', one?.id)
    t.is(proxy.flow(one?.id ?? ''), undefined)
    t.deepEqual(await all(proxy.flows({}), pathOf), ['/one', '/two'])
    t.deepEqual(list.ids(0, 9), [two?.id, copy])
    await proxy.commands.call('view.clear')
    t.is(list.total, 0)
    list.close()
  })
}

test('a flow that runs and is forgotten is ended, and never recorded', async (t) => {
  const running = await startProxy(t)
  const { proxy } = running
  const server = await listen(t)
  const list = proxy.list()
  const talk = await dial(t, running.port)
  talk.says(get(server.port, '/slow'))
  while (proxy.runningFlows.length === 0) await new Promise((later) => setImmediate(later))
  const [flow] = proxy.runningFlows
  t.is(list.total, 1)
  if (flow) proxy.remove([flow])
  await talk.hearsAll()
  t.is(list.total, 0)
  t.is(proxy.recorded.flows, 0)
  list.close()
})

test('what was forgotten stays so on disk, whoever reads it', async (t) => {
  const path = folder(t)
  const { store } = opened(t, path)
  for (const at of [1, 2, 3]) store.record(numbered(at))
  await store.flush()
  store.remove(idOf(2))
  store.record(numbered(4))
  store.remove(idOf(4))
  store.remove(idOf(9))
  t.deepEqual(await all(store.select(), pathOf), ['/1', '/3'])
  await store.flush()
  t.deepEqual(await all(store.select(), pathOf), ['/1', '/3'])
  t.is(store.flow(idOf(4)), undefined)
  await store.closeDisk()
  const again = opened(t, path).store
  t.deepEqual(await all(again.select(), pathOf), ['/1', '/3'])
  t.is(again.flow(idOf(2)), undefined)
  t.is(again.places().count, 2)
  // It may be recorded again.
  again.record(numbered(2))
  t.is(again.flow(idOf(2))?.id, idOf(2))
})

for (const format of ['flows', 'har'] as const) {
  test(`flows are written as ${format}, and read again`, async (t) => {
    const running = await startProxy(t, { options: { redact: ['?key'] } })
    const { proxy } = running
    const flows = await asked(t, running, '/one?key=hunter2', '/two', '/three')
    const dump = async (options: Parameters<Midwire['dump']>[0]) => {
      const pieces: Buffer[] = []
      for await (const piece of proxy.dump(options)) pieces.push(piece)
      return Buffer.concat(pieces)
    }
    const bytes = await dump({ filter: '!~u three', format })
    t.false(bytes.includes('hunter2'))
    const seen: string[] = []
    proxy.on('response', (flow) => {
      seen.push(flow.request.path)
    })
    t.is(await proxy.load(bytes), 2)
    t.is(seen.length, 2)
    t.is(seen[1], '/two')
    t.is(proxy.recorded.flows, 5)
    t.is(new Set(await all(proxy.flows({}), ({ id }) => id)).size, 5)
    const chosen = await dump({ ids: [flows[2]?.id ?? '', 'nothing', flows[0]?.id ?? ''], format })
    t.false(chosen.includes('hunter2'))
    const other = await startProxy(t)
    t.is(await other.proxy.load(chosen), 2)
    t.is((await all(other.proxy.flows({}), pathOf))[1], '/three')
    await t.throwsAsync(other.proxy.load(Buffer.from('nonsense')), { code: 'ERR_FLOW_FILE' })
    t.deepEqual(await all(other.proxy.flows({ filter: '~all' }), () => 1), [1, 1])
    if (format === 'flows') t.is((await dump({ filter: '~u nothing', format })).length, 0)
    else t.deepEqual(JSON.parse(`${await dump({ filter: '~u nothing', format })}`).log.entries, [])
  })
}

test('a flow that was changed, written and read again can be brought back, with the bounds of all', async (t) => {
  const running = await startProxy(t, { options: { redact: ['x-secret'] } })
  const { proxy } = running
  const [flow, other] = await asked(t, running, '/one', '/two')
  const id = flow?.id ?? ''
  proxy.edit(id, (one) => {
    const { request, response } = one as HttpFlow
    Object.assign(request, { path: '/changed', method: 'PUT' })
    request.headers.set('X-New', 'yes')
    if (response) Object.assign(response, { text: 'goodbye', trailers: new HttpHeaders(['Sum', '1']) })
    one.marked = ':star:'
  })
  const path = join(folder(t), 'saved')
  await proxy.commands.call('save.file', '@all', path)
  const pieces: Buffer[] = []
  for await (const piece of proxy.dump()) pieces.push(piece)
  t.deepEqual(Buffer.concat(pieces), readFileSync(path))
  // The next proxy reads the file, and writes it to another.
  const again = join(folder(t), 'again')
  const between = await startProxy(t, { options: { rfile: path, save_stream_file: again } })
  await between.proxy.jobs.finished()
  t.true(between.proxy.isModified(id))
  await between.proxy.close()
  const reader = await startProxy(t)
  t.is(await reader.proxy.load(readFileSync(again)), 2)
  t.true(reader.proxy.isModified(id))
  t.false(reader.proxy.isModified(other?.id ?? ''))
  t.is(recorded(reader.proxy, id).request.path, '/changed')
  await reader.proxy.commands.call('flow.revert', id)
  const back = recorded(reader.proxy, id)
  t.deepEqual([back.request.method, back.request.path, back.marked], ['GET', '/one', ''])
  t.false(back.request.headers.has('x-new'))
  t.is(back.response?.text, 'hello')
  t.is(back.response?.trailers, undefined)
  t.false(reader.proxy.isModified(id))
  // One that gets another id, because its own is taken, is brought back as well.
  t.is(await reader.proxy.load(readFileSync(again)), 2)
  const copies = await all(reader.proxy.flows({ filter: '~m PUT' }), ({ id }) => id)
  t.is(copies.length, 1)
  t.true(reader.proxy.isModified(copies[0] ?? ''))
})

test('what a flow was before it was changed is written without what redact names', async (t) => {
  const running = await startProxy(t, { options: { redact: ['?key'] } })
  // A file of another time has it.
  const record = snapshot(httpFlow({ path: '/one?key=hunter2' }))
  const file = writeMitmproxyFlow({ ...record, id: 'other', backup: record })
  t.true(file.includes('hunter2'))
  await running.proxy.load(file)
  const pieces: Buffer[] = []
  for await (const piece of running.proxy.dump({ ids: ['other'] })) pieces.push(piece)
  const written = readMitmproxyFlow(Buffer.concat(pieces))
  t.regex((written.backup as HttpRecord).request.path, /^\/one\?key=/)
  t.false(Buffer.concat(pieces).includes('hunter2'))
})

test('as many flows can be brought back as the bounds allow', (t) => {
  const backups = new Backups()
  const big = (id: number) => Object.assign(numbered(id), {})
  for (let at = 1; at <= 1001; at++) backups.keep(big(at))
  t.false(backups.has({ id: idOf(1) }))
  t.true(backups.has({ id: idOf(2) }))
  const long = new Backups()
  const body = Buffer.alloc(40 << 20)
  long.keep(numbered(1, { body }))
  long.keep(numbered(2, { body }))
  t.false(long.has({ id: idOf(1) }))
  t.true(long.has({ id: idOf(2) }))
  const plain = httpFlow()
  long.bringBack(plain)
  t.is(plain.request.path, '/')
})

test('openStore sees what a proxy has forgotten', async (t) => {
  const running = await startProxy(t, { options: { store_disk: '64m' } })
  const [one] = await asked(t, running, '/one', '/two')
  if (one) running.proxy.remove([running.proxy.flow(one.id) ?? one])
  const { confdir } = running.proxy
  await running.proxy.close()
  t.deepEqual(await all(openStore(confdir).flows(), pathOf), ['/two'])
})
