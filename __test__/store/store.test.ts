// The store: flows come back as they were, from memory and from disk, within the bounds of both.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { HttpHeaders } from '../../src/flow/headers.js'
import type { HttpFlow } from '../../src/flow/http.js'
import type { AnyFlow } from '../../src/flow/index.js'
import { snapshot } from '../../src/flow/snapshot.js'
import { httpParts } from '../../src/store/http-text.js'
import { dnsFlow, eventMessages, httpFlow, tcpFlow, udpFlow, webSocketFlow } from '../support/flows.js'
import { all, folder, idOf, numbered, opened, pathOf } from '../support/store.js'

const plain = (flow: AnyFlow) => JSON.parse(JSON.stringify(snapshot(flow)))

function withCertificates(): HttpFlow {
  const flow = httpFlow({ requestBody: 'asked', responseHeaders: ['X-Odd', '"\xff\xe9"', 'x-odd', ''] })
  const tls = { sni: 'example.com', alpn: 'h2', certificates: [Buffer.from([1, 2]), Buffer.from([0xff, 0])] }
  const { server } = flow
  if (server) flow.server = { ...server, tls }
  flow.request.absolute = ''
  flow.request.endedAt = 1001.5
  return flow
}

function unusual(): HttpFlow {
  const flow = httpFlow({ responseBody: '' })
  flow.request.trailers = new HttpHeaders(['Sum', '1'])
  flow.metadata.seen = { times: 2 }
  flow.comment = 'NUL \0 and \ud83d\ude00'
  flow.messages = eventMessages()
  return flow
}

function failed(): HttpFlow {
  const flow = httpFlow()
  flow.response = undefined
  flow.server = undefined
  flow.error = { message: 'lost', timestamp: 1020 }
  flow.marked = ':star:'
  flow.comment = 'one\0two'
  flow.replayed = 'request'
  return flow
}

function killed(): HttpFlow {
  const flow = httpFlow()
  flow.endedAt = undefined
  flow.kill()
  flow.endedAt = 1030
  return flow
}

/** Long and short values, of which one has characters beyond latin1. */
function beyondLatin1(): HttpFlow {
  const long = 'v'.repeat(70_000)
  const flow = httpFlow({ path: `/${long}`, requestHeaders: ['X-Long', long, 'X-Short', 'v'.repeat(200)] })
  flow.comment = '\ud83d\ude00 \u2615 \xe9'
  return flow
}

/** Times before the flow's own, other versions, and what few flows have, in values. */
function usual(): HttpFlow {
  const flow = httpFlow({ requestBody: 'asked', responseHeaders: ['X-Odd', '"\xff\xe9"'] })
  flow.request.startedAt = 900
  flow.request.version = '2.0'
  flow.request.authority = ''
  flow.request.protocol = 'websocket'
  Object.assign(flow.request, { pseudoOrder: ['m', 'a', 's', 'p'] })
  flow.request.endedAt = 1001
  flow.marked = ':star:'
  flow.error = { message: 'lost', timestamp: 1020 }
  if (flow.response) flow.response.body.length = 2 ** 40
  return flow
}

function deviceBeyondLatin1(): HttpFlow {
  const { client } = httpFlow()
  const peer = { publicKey: 'k'.repeat(43), name: '\u624b\u673a \ud83d\ude00 \xe9 \\u0041 "' }
  return httpFlow({ client: { ...client, peer }, path: `/${'v'.repeat(70_000)}` })
}

const makers: Record<string, () => AnyFlow> = {
  ...{ http: httpFlow, webSocketFlow, tcpFlow, udpFlow, dns: () => dnsFlow('192.0.2.1', '192.0.2.2') },
  ...{ noAnswer: () => dnsFlow(3), withCertificates, unusual, failed, killed },
  ...{ beyondLatin1, deviceBeyondLatin1, usual },
}

for (const place of ['memory', 'disk', 'a folder that was closed']) {
  for (const [name, make] of Object.entries(makers)) {
    test(`${name} comes back from ${place} as it was`, async (t) => {
      const path = folder(t)
      const { store } = opened(t, place === 'memory' ? undefined : path)
      const flow = make()
      store.record(flow)
      await store.flush()
      if (place === 'a folder that was closed') await store.closeDisk()
      const { store: reading } = place === 'a folder that was closed' ? opened(t, path) : { store }
      const [again] = await all(reading.select(), (one) => one)
      if (!again) throw new Error('no flow')
      t.deepEqual(plain(again), plain(flow))
    })
  }
}

test('usual flows are not written as JSON, which takes longer', (t) => {
  for (const make of [httpFlow, usual, failed, killed, deviceBeyondLatin1]) t.truthy(httpParts(make(), 1024), make.name)
})

test('bodies are byte for byte the same, long and short, and long ones leave the memory', async (t) => {
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, at) => (at * at) % 251))
  const { store } = opened(t, folder(t))
  const long = numbered(1, { body: bytes })
  const short = numbered(2, { body: bytes.subarray(0, 60_000) })
  long.request.content = bytes.subarray(7)
  for (const flow of [long, short]) store.record(flow)
  t.is(long.response?.body.stored, undefined)
  await store.flush()
  t.is(long.response?.body.stored?.size, 200_000)
  t.deepEqual(long.response?.content, bytes)
  t.deepEqual(long.request.content, bytes.subarray(7))
  t.is(short.response?.body.stored, undefined)
  const [one, two] = (await all(store.select(), (flow) => flow)) as HttpFlow[]
  t.deepEqual(one?.response?.content, bytes)
  t.deepEqual(one?.request.content, bytes.subarray(7))
  t.deepEqual(two?.response?.content, bytes.subarray(0, 60_000))
  t.is(store.info.memory, 0)
})

test('a body that was changed while it was written stays changed', async (t) => {
  const { store } = opened(t, folder(t))
  const flow = numbered(1, { body: Buffer.alloc(100_000) })
  store.record(flow)
  if (flow.response) flow.response.text = 'after'
  await store.flush()
  t.is(flow.response?.text, 'after')
})

test('memory: the oldest flows go when there is no more room, and are counted', async (t) => {
  const { store } = opened(t, undefined, { memory: 20_000 })
  for (let number = 0; number < 100; number++) store.record(numbered(number))
  const { flows, memory, forgotten } = store.info
  t.true(memory <= 20_000)
  t.true(flows > 10)
  t.is(flows + forgotten, 100)
  const paths = await all(store.select(), pathOf)
  t.deepEqual(
    paths,
    Array.from({ length: flows }, (_, at) => `/${100 - flows + at}`),
  )
})

const sizeOf = (path: string) =>
  readdirSync(path).reduce((sum, name) => sum + (name === 'lock' ? 0 : statSync(join(path, name)).size), 0)

test('disk: the oldest segments go when there is no more room, and the files are never larger', async (t) => {
  const path = folder(t)
  const disk = 256 * 1024
  const { store } = opened(t, path, { disk })
  for (let number = 0; number < 1000; number++) {
    store.record(numbered(number, { body: 'x'.repeat(1000) }))
    if (number % 10 !== 0) continue
    await store.flush()
    t.true(store.info.disk <= disk)
  }
  await store.closeDisk()
  t.true(sizeOf(path) <= disk)
  const { store: again } = opened(t, path, { disk })
  const paths = await all(again.select(), pathOf)
  t.true(paths.length > 100)
  t.deepEqual(
    paths,
    paths.map((_, at) => `/${1000 - paths.length + at}`),
  )
})

test('of a body that is longer than a part of the store its beginning is kept', async (t) => {
  const { store } = opened(t, folder(t), { disk: 4 * 1024 * 1024 })
  const flow = numbered(1, { body: Buffer.alloc(1024 * 1024, 'x') })
  store.record(flow)
  await store.flush()
  const { body } = flow.response ?? {}
  t.is(body?.length, 1024 * 1024)
  t.is(body?.recorded, 128 * 1024)
  t.true(body?.truncated)
})

test('files and folder are for the user alone', async (t) => {
  const path = join(folder(t), 'store')
  const { store } = opened(t, path)
  store.record(numbered(1))
  await store.closeDisk()
  const mode = (one: string) => statSync(one).mode & 0o777
  if (process.platform !== 'win32') {
    t.is(mode(path), 0o700)
    for (const name of readdirSync(path)) t.is(mode(join(path, name)), 0o600)
  }
  t.deepEqual(readdirSync(path).sort(), ['00000001.idx', '00000001.log'])
})

test('a flow that is recorded again replaces the older record, now and after a restart', async (t) => {
  const path = folder(t)
  const { store } = opened(t, path)
  for (let number = 0; number < 5; number++) store.record(numbered(number))
  await store.flush()
  const flow = store.flow(idOf(2))
  if (!flow) throw new Error('no flow')
  flow.marked = ':star:'
  store.update(flow)
  const marks = (one: typeof store) => all(one.select(), (each) => `${pathOf(each)}${each.marked}`)
  const wanted = ['/0', '/1', '/2:star:', '/3', '/4']
  t.deepEqual(await marks(store), wanted)
  t.is(store.flow(idOf(2))?.marked, ':star:')
  await store.flush()
  t.deepEqual(await marks(store), wanted)
  await store.closeDisk()
  const { store: again } = opened(t, path)
  t.deepEqual(await marks(again), wanted)
  t.is(again.flow(idOf(2))?.marked, ':star:')
})

test('in memory, too', async (t) => {
  const { store } = opened(t, undefined)
  const flow = numbered(1)
  store.record(flow)
  flow.comment = 'twice'
  store.update(flow)
  t.deepEqual(await all(store.select(), ({ comment }) => comment), ['twice'])
})

test('a flow is found by its id, by the beginning of it, and not by another', async (t) => {
  const { store } = opened(t, folder(t))
  for (let number = 0; number < 3; number++) store.record(numbered(number))
  for (let round = 0; round < 2; round++) {
    t.is(store.flow(idOf(1))?.id, idOf(1))
    t.is(store.flow('00000001')?.id, idOf(1))
    t.is(store.flow('00000001-0000')?.id, idOf(1))
    t.is(store.flow('00000001-1111'), undefined)
    t.is(store.flow('0000000'), undefined)
    t.is(store.flow(idOf(7)), undefined)
    await store.flush()
  }
})

test('clear forgets everything, what waits and what is written, and recording goes on', async (t) => {
  const path = folder(t)
  const { store } = opened(t, path)
  store.record(numbered(1))
  await store.flush()
  store.record(numbered(2))
  store.clear()
  t.deepEqual(await all(store.select(), pathOf), [])
  store.record(numbered(3))
  await store.flush()
  t.deepEqual(await all(store.select(), pathOf), ['/3'])
  await store.closeDisk()
  const { store: again } = opened(t, path)
  t.deepEqual(await all(again.select(), pathOf), ['/3'])
})

test('clear while a write is under way', async (t) => {
  const { store } = opened(t, folder(t))
  for (let number = 0; number < 3; number++) {
    store.record(numbered(number))
    await new Promise((later) => setImmediate(later))
  }
  store.clear()
  store.record(numbered(7))
  await store.flush()
  t.deepEqual(await all(store.select(), pathOf), ['/7'])
})

test('a flow is recorded as it is at the end of the turn, or when the store is read before', async (t) => {
  const { store } = opened(t, undefined)
  const [early, late] = [numbered(1), numbered(2)]
  store.record(early)
  t.is(store.info.flows, 1)
  early.comment = 'too late'
  store.record(late)
  late.comment = 'in time'
  await new Promise((next) => setImmediate(next))
  late.comment = 'too late'
  t.deepEqual(await all(store.select(), ({ comment }) => comment), ['', 'in time'])
})

test('a flow that cannot be recorded is one line, and the next is recorded', async (t) => {
  const { store, lines } = opened(t, folder(t))
  const broken = numbered(1)
  Object.defineProperty(broken, 'comment', {
    get() {
      throw new Error('an addon has put this here')
    },
  })
  store.record(broken)
  store.record(numbered(2))
  await store.flush()
  t.deepEqual(await all(store.select(), pathOf), ['/2'])
  t.deepEqual(lines, [`warn: flow ${idOf(1)} is not recorded: an addon has put this here`])
})
