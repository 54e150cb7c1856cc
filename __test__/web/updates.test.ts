// What a follower of updates is told of flows that wait.
import { once } from 'node:events'
import test from 'ava'
import { WebSocket } from 'ws'
import type { ServerMessage } from '../../src/web/api/updates.js'
import { Follower } from '../../src/web/updates/follower.js'
import { Window } from '../../src/web/updates/window.js'
import { answering, ask, startApi } from './support.js'

test('a follower is told at once which flows wait, those that have waited longest first, and when they go on', async (t) => {
  const { server, token, port, api } = await startApi(t, { options: { intercept: '~q & ~u held' } })
  const origin = await answering(t)
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/api/updates?token=${token}`)
  t.teardown(() => socket.terminate())
  await once(socket, 'open')
  const told: Extract<ServerMessage, { type: 'waiting' }>[] = []
  const news = new EventTarget()
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as ServerMessage
    if (message.type === 'waiting') told.push(message)
    news.dispatchEvent(new Event('news'))
  })
  const total = async (wanted: number) => {
    while (told.at(-1)?.total !== wanted) await once(news, 'news')
    return told.at(-1)?.ids ?? []
  }
  socket.send(JSON.stringify({ type: 'topics', topics: ['waiting'] }))
  t.deepEqual(await total(0), [])
  const first = ask(port, { path: `${origin}/held/1` })
  const [one = ''] = await total(1)
  const second = ask(port, { path: `${origin}/held/2` })
  const both = await total(2)
  t.is(both[0], one)
  const [, two = ''] = both
  await api.resumeFlow({ id: one })
  t.deepEqual(await total(1), [two])
  await api.resumeFlow({ id: two })
  t.deepEqual(await total(0), [])
  t.deepEqual([(await first).status, (await second).status], [200, 200])
})

type Rows = Extract<ServerMessage, { type: 'rows' }>

/** A follower of a list that its address names, and the last `rows` that were told. */
async function listing(t: Parameters<typeof startApi>[0], wanted: object, flows: number) {
  const running = await startApi(t)
  const origin = await answering(t)
  const pass = async (count: number) => {
    for (let at = 0; at < count; at += 1) await ask(running.port, { path: `${origin}/${at}` })
  }
  await pass(flows)
  const first = encodeURIComponent(JSON.stringify({ type: 'list', list: 1, offset: 0, limit: 3, ...wanted }))
  const { server, token } = running
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/api/updates?token=${token}&first=${first}`)
  t.teardown(() => socket.terminate())
  const told: ServerMessage[] = []
  const news = new EventTarget()
  socket.on('message', (data) => {
    told.push(JSON.parse(String(data)) as ServerMessage)
    news.dispatchEvent(new Event('news'))
  })
  const shows = async (order: number[]): Promise<Rows> => {
    for (;;) {
      const last = told.findLast((message): message is Rows => message.type === 'rows')
      if (last && String(last.order) === String(order)) return last
      await once(news, 'news')
    }
  }
  return { ...running, socket, told, shows, pass }
}

test('a message in the address counts as said, before the client knows that it is connected', async (t) => {
  const { told, shows } = await listing(t, {}, 4)
  const { offset, total } = await shows([1, 2, 3])
  t.deepEqual({ offset, total }, { offset: 0, total: 4 })
  t.deepEqual(
    told.slice(0, 2).map(({ type }) => type),
    ['hello', 'rows'],
  )
})

test('a message in the address that is none is answered as any other', async (t) => {
  const { told } = await listing(t, { limit: -1 }, 0)
  while (told.length < 2) await new Promise((next) => setImmediate(next))
  t.deepEqual(
    told.map(({ type }) => type),
    ['hello', 'error'],
  )
})

test('a window at the end has the last rows, also when more have come, until it is moved', async (t) => {
  const { shows, pass, socket } = await listing(t, { end: true }, 4)
  t.is((await shows([2, 3, 4])).offset, 1)
  await pass(2)
  t.is((await shows([4, 5, 6])).offset, 3)
  socket.send(JSON.stringify({ type: 'window', list: 1, offset: 1, limit: 2 }))
  await shows([2, 3])
  await pass(1)
  socket.send(JSON.stringify({ type: 'window', list: 1, offset: 0, limit: 2, end: true }))
  t.is((await shows([6, 7])).offset, 5)
})

test('a window around a flow is moved once to have it in its middle', async (t) => {
  const { shows, pass, socket, api } = await listing(t, { end: true }, 9)
  await shows([7, 8, 9])
  const { rows } = await api.listFlows({ sort: 'number' })
  const around = rows.find(({ number }) => number === 4)?.id
  socket.send(JSON.stringify({ type: 'window', list: 1, offset: 0, limit: 3, end: true, around }))
  t.is((await shows([3, 4, 5])).offset, 2)
  await pass(1)
  socket.send(JSON.stringify({ type: 'window', list: 1, offset: 0, limit: 3, end: true, around: 'unknown' }))
  await shows([8, 9, 10])
})

test('a list that has found nothing yet is told when it has, and not before', async (t) => {
  const sent: ServerMessage[] = []
  const news = new EventTarget()
  const socket = {
    ...{ readyState: 1, OPEN: 1, bufferedAmount: 0, on() {} },
    send: (text: string) => {
      sent.push(JSON.parse(text))
      news.dispatchEvent(new Event('news'))
    },
  }
  let looks = 0
  const list = {
    ...{ sort: 'number', reverse: false, scanned: 0, of: 9, rows: () => [], takeChanges() {}, close() {} },
    get total() {
      looks += 1
      return looks < 3 ? 0 : 4
    },
  }
  const around = { numberOf: () => undefined, topics() {} }
  const follower = new Follower(socket as never, { list: () => list } as never, around)
  t.teardown(() => follower.close())
  follower.handle(JSON.stringify({ type: 'list', list: 1, offset: 0, limit: 3 }))
  await once(news, 'news')
  t.like(sent[0], { type: 'rows', total: 4 })
})

test('rows that are all others each time are told at half the pace', (t) => {
  let first = 1
  const list = {
    ...{ total: 9, scanned: 9, of: 9, takeChanges() {}, close() {} },
    rows: () => [first, first + 1, first + 2].map((number) => ({ number, id: `${number}` })),
  }
  const wanted = { type: 'list', list: 1, offset: 0, limit: 3, end: true } as const
  const nothing = () => {}
  const window = Window.open({ list: () => list } as never, wanted, undefined, nothing, nothing)
  const taken = (from: number) => {
    first = from
    window.move(wanted)
    window.take()
    return window.isRushing
  }
  t.deepEqual([1, 4, 5, 5, 9].map(taken), [false, true, false, false, true])
})
