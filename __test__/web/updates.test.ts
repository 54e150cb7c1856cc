// What a follower of updates is told of flows that wait.
import { once } from 'node:events'
import test from 'ava'
import { WebSocket } from 'ws'
import type { ServerMessage } from '../../src/web/api/updates.js'
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
