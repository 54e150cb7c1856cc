// Messages that wait: their content, and how they go on changed, as they are, or not at all.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { WebSocket } from 'ws'
import type { Flow } from '../../src/web/api/schemas/flow.js'
import type { ServerMessage } from '../../src/web/api/updates.js'
import { ApiFailure, type MidwireApi } from '../../src/web/client/index.js'
import { echoing } from './page/traffic.js'
import { startApi } from './support.js'

/** The only flow, once so many of its messages wait. */
async function waiting(api: MidwireApi, wanted = 1): Promise<Flow & { waiting: NonNullable<Flow['waiting']> }> {
  for (;;) {
    const [row] = (await api.listFlows()).rows
    const flow = row && (await api.getFlow({ id: row.id }))
    if (flow?.waiting?.length === wanted) return { ...flow, waiting: flow.waiting }
  }
}

async function webSocket(t: ExecutionContext, options = {}) {
  const origin = await echoing(t)
  const running = await startApi(t, {
    modes: [`reverse:${origin}@127.0.0.1:0`],
    options,
  })
  running.proxy.on('websocket_message', (flow) => flow.intercept())
  const socket = new WebSocket(`ws://127.0.0.1:${running.port}/chat`)
  t.teardown(() => socket.terminate())
  const heard: string[] = []
  socket.on('message', (data) => heard.push(String(data)))
  await once(socket, 'open')
  return { ...running, socket, heard }
}

/** A client and a server of raw TCP, with the proxy between them; `heard` is what each got. */
async function rawTcp(t: ExecutionContext) {
  const heard = { client: '', server: '' }
  const news = new EventTarget()
  const listen = (side: 'client' | 'server', socket: Socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      heard[side] += data.toString('hex')
      news.dispatchEvent(new Event('news'))
    })
    t.teardown(() => socket.destroy())
  }
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => server.close())
  const { port: behind } = server.address() as { port: number }
  const running = await startApi(t, {
    modes: [`reverse:tcp://127.0.0.1:${behind}@127.0.0.1:0`],
    options: { intercept: '~tcp' },
  })
  const accepted = once(server, 'connection')
  const client = connect(running.port, '127.0.0.1')
  listen('client', client)
  client.write(Buffer.from('00ff', 'hex'))
  const [peer] = (await accepted) as [Socket]
  listen('server', peer)
  const hears = async (side: 'client' | 'server', wanted: string) => {
    while (heard[side] !== wanted) await once(news, 'news')
  }
  return { ...running, client, peer, hears }
}

const failure = async (t: ExecutionContext, promise: Promise<unknown>) =>
  t.throwsAsync<ApiFailure>(promise, { instanceOf: ApiFailure })

test('a message of a WebSocket that waits is read, goes on changed, and the next one is dropped', async (t) => {
  const { api, socket, heard } = await webSocket(t)
  socket.send('{"a":1}')
  const first = await waiting(api)
  const { id } = first
  t.like(first.waiting[0], { index: 0, fromClient: true, kind: 'text', text: '{"a":1}', dropped: false })
  t.is((await api.listMessages({ id })).total, 0)
  t.is(await (await api.getMessage({ id, index: 0 })).text(), '{"a":1}')
  t.is((await api.viewMessage({ id, index: 0 })).view, 'json')
  t.is((await failure(t, api.getMessage({ id, index: 1 })))?.status, 404)
  const wrong = { messages: [{ index: 0, content: { base64: '/w==' } }] }
  t.is((await failure(t, api.resumeFlow({ id }, wrong)))?.status, 400)
  await api.resumeFlow({ id }, { messages: [{ index: 0, content: { text: 'two' } }] })
  const second = await waiting(api)
  t.like(second.waiting[0], { index: 1, fromClient: false, text: '{"echo":"two"}' })
  await api.resumeFlow({ id }, { messages: [{ index: 1, drop: true }] })
  socket.send('three')
  t.like((await waiting(api)).waiting[0], { index: 2, text: 'three' })
  await api.resumeFlow({ id })
  t.like((await waiting(api)).waiting[0], { index: 3, text: '{"echo":"three"}' })
  const last = once(socket, 'message')
  await api.resumeFlow({ id }, {})
  await last
  t.deepEqual(heard, ['{"echo":"three"}'])
  t.deepEqual(
    (await api.listMessages({ id })).messages.map(({ text, dropped }) => [text, dropped]),
    [
      ['two', false],
      ['{"echo":"two"}', true],
      ['three', false],
      ['{"echo":"three"}', false],
    ],
  )
  t.is((await api.getFlow({ id })).waiting, undefined)
  const late = { messages: [{ index: 0, drop: true }] }
  t.is((await failure(t, api.resumeFlow({ id }, late)))?.status, 409)
  t.is((await failure(t, api.editFlow({ id }, late)))?.status, 409)
  const passed = { messages: [{ index: 0, content: { text: 'late' } }] }
  t.is((await failure(t, api.resumeFlow({ id }, passed)))?.status, 409)
})

test('a message that waits is shown as outputs may see it', async (t) => {
  const { api, socket } = await webSocket(t, { redact: ['$.password'] })
  socket.send('{"password":"secret","name":"ada"}')
  const { id, waiting: messages } = await waiting(api)
  t.regex(messages[0]?.text ?? '', /ada/)
  t.notRegex(messages[0]?.text ?? '', /secret/)
  t.notRegex(await (await api.getMessage({ id, index: 0 })).text(), /secret/)
})

test('messages of raw TCP wait on both sides at once, and go on together', async (t) => {
  const { api, peer, hears, server, token } = await rawTcp(t)
  const { id } = await waiting(api)
  peer.write('hi')
  const both = await waiting(api, 2)
  t.like(both.waiting[0], { index: 0, fromClient: true, kind: 'bytes', length: 2, base64: 'AP8=' })
  t.like(both.waiting[1], { index: 1, fromClient: false, text: 'hi' })
  const told: string[] = []
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/api/updates?token=${token}`)
  t.teardown(() => socket.terminate())
  await once(socket, 'open')
  const isThere = new Promise<void>((done) => {
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as ServerMessage
      if (message.type !== 'flow') return
      told.push(...message.messages.map(({ text, base64 }) => text ?? base64 ?? ''))
      if (message.totalMessages === 2) done()
    })
  })
  socket.send(JSON.stringify({ type: 'open', id }))
  await isThere
  t.deepEqual(told, [], 'one that may change still is told when it has passed')
  await api.resumeFlow(
    { id },
    {
      messages: [
        { index: 0, content: { base64: '/+4=' } },
        { index: 1, content: { text: 'ho' } },
      ],
    },
  )
  await hears('server', 'ffee')
  await hears('client', Buffer.from('ho').toString('hex'))
  while (told.length < 2) await once(socket, 'message')
  t.deepEqual(told, ['/+4=', 'ho'])
})

test('a message of raw TCP that is dropped does not go on', async (t) => {
  const { api, client, hears } = await rawTcp(t)
  const { id } = await waiting(api)
  await api.resumeFlow({ id }, { messages: [{ index: 0, drop: true }] })
  while ((await api.getFlow({ id })).waiting) await new Promise(setImmediate)
  client.write('x')
  t.like((await waiting(api)).waiting[0], { index: 1, text: 'x' })
  await api.resumeFlow({ id })
  await hears('server', Buffer.from('x').toString('hex'))
})
