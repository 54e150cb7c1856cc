// A WebSocket as a conversation: what passes, what is recorded, and how it ends.
import test from 'ava'
import type { HttpFlow } from '../../../src/flow/http.js'
import type { TcpFlow } from '../../../src/flow/messages.js'
import type { Playbook } from '../../support/playbook.js'
import {
  closesClient,
  closesServer,
  closing,
  down,
  opened,
  toClient,
  toServer,
  up,
} from '../../support/websocket-play.js'

const flowOf = (play: Playbook) => play.finished[0] as HttpFlow
const dataOf = (play: Playbook) => {
  const { websocket } = flowOf(play)
  if (!websocket) throw new Error('the flow has no WebSocket')
  return websocket
}
const told = (play: Playbook) =>
  dataOf(play).messages.map(({ fromClient, kind, text }) => `${fromClient ? '>' : '<'} ${kind} ${text}`)

const hooks = { websocket_start() {}, websocket_end() {}, error() {}, response() {} }

test('frames pass as they came, both ways; the flow is over when the WebSocket is', (t) => {
  const { play, server, client } = opened({ settings: { hooks } })
  t.deepEqual(play.finished, [])
  const said = [up('hello'), up({ opcode: 9, payload: 'p' }), up({ opcode: 2, payload: '\x01' })]
  play.data(client, Buffer.concat(said))
  t.deepEqual(play.said(), said.map(toServer))
  const answers = [down({ opcode: 10, payload: 'p' }), down('x'.repeat(200)), down('')]
  for (const one of answers) play.data(server, one)
  t.deepEqual(play.said(), answers.map(toClient))
  const bye = closing(4000, 'bye')
  play.data(client, up({ opcode: 8, payload: bye }))
  t.deepEqual(play.said(), [toServer(up({ opcode: 8, payload: bye }))])
  t.deepEqual(play.finished, [])
  play.clock += 50
  play.data(server, down({ opcode: 8, payload: bye }))
  t.deepEqual(play.said(), [toClient(down({ opcode: 8, payload: bye })), 'close server', 'close client'])
  t.deepEqual(told(play), ['> text hello', '> binary \x01', `< text ${'x'.repeat(200)}`, '< text '])
  t.like(dataOf(play), { closeCode: 4000, closeReason: 'bye', closedByClient: true, truncated: false, endedAt: 1050 })
  t.like(dataOf(play), { messagesFromClient: 2, messagesFromServer: 2, bytesFromClient: 6, bytesFromServer: 200 })
  t.is(flowOf(play).error, undefined)
  t.is(flowOf(play).endedAt, 1050)
  t.deepEqual(play.hooks, ['response', 'websocket_start', 'websocket_end'])
  t.false(play.machine.busy)
  t.is(play.timers, 0)
})

test('outputs are told of each message when it was recorded, and of no control frame', (t) => {
  for (const websocket_message of [undefined, () => {}]) {
    const { play, server, client } = opened({ settings: { hooks: websocket_message ? { websocket_message } : {} } })
    const before = play.news.length
    play.data(client, Buffer.concat([up('a'), up({ opcode: 9 })]))
    play.data(server, down('b'))
    t.deepEqual(play.news.slice(before), ['changed http', 'changed http'])
    play.close(client)
  }
})

test('fragments pass one by one, and pings between them; bytes in any pieces', (t) => {
  const { play, client } = opened()
  const said = [
    up({ fin: false, payload: 'ab' }),
    up({ opcode: 9 }),
    up({ fin: false, opcode: 0 }),
    up({ opcode: 0, payload: 'c' }),
  ]
  for (const frame of said) {
    for (const [at, byte] of frame.entries()) {
      t.deepEqual(play.said(), [])
      play.data(client, Buffer.from([byte]))
      if (at === frame.length - 1) t.deepEqual(play.said(), [toServer(frame)])
    }
  }
  play.close(client)
  t.deepEqual(told(play), ['> text abc'])
})

test('a Close without a code, and one that the server begins with', (t) => {
  const { play, server, client } = opened()
  play.data(server, down({ opcode: 8 }))
  play.data(server, down('too late'))
  play.data(client, up('still said'))
  t.deepEqual(play.said(), [toClient(down({ opcode: 8 })), toServer(up('still said'))])
  play.data(client, up({ opcode: 8 }))
  play.close(client)
  t.like(dataOf(play), { closeCode: 1005, closedByClient: false })
  t.deepEqual(told(play), ['> text still said'])
})

test('an end without a Close is 1006, and no error; the other side is told', (t) => {
  const { play, server, client } = opened()
  play.end(server)
  t.deepEqual(play.said(), ['end client'])
  play.data(client, up('x'))
  play.end(client)
  t.deepEqual(play.said(), [toServer(up('x')), 'end server', 'close server', 'close client'])
  t.like(dataOf(play), { closeCode: 1006, closedByClient: undefined })
  t.is(flowOf(play).error, undefined)
})

test('a side that is lost: the flow has failed, and the other side is reset', (t) => {
  for (const side of ['server', 'client'] as const) {
    const one = opened({ settings: { hooks } })
    one.play.close(one[side], `the ${side} is lost`)
    t.true(one.play.said().includes(side === 'server' ? 'reset client' : 'reset server'))
    t.is(flowOf(one.play).error?.message, `the ${side} is lost`)
    t.like(dataOf(one.play), { closeCode: 1006 })
    t.deepEqual(one.play.hooks, ['response', 'websocket_start', 'websocket_end'])
    t.false(one.play.machine.busy)
  }
  const gone = opened()
  gone.play.close(gone.server)
  t.deepEqual(gone.play.said(), ['close server', 'close client'])
  t.is(flowOf(gone.play).error, undefined)
})

test('a side that is lost after its Close has lost nothing', (t) => {
  const { play, server, client } = opened()
  play.data(client, up({ opcode: 8, payload: closing(1000) }))
  play.close(server, 'ECONNRESET')
  t.is(flowOf(play).error, undefined)
  t.like(dataOf(play), { closeCode: 1000, closedByClient: true })
})

test('a client that breaks the rules is told which, and the server that midwire goes away', (t) => {
  const { play, server, client } = opened({ settings: { hooks } })
  play.data(client, Buffer.concat([up('good'), up({ opcode: 5 }), up('never read')]))
  t.deepEqual(play.said(), [
    toServer(up('good')),
    closesClient(1002, 'a frame with the reserved opcode 5'),
    closesServer(1001),
    'end client',
    'end server',
  ])
  play.data(client, up('nor this')).data(server, down('nor that'))
  t.deepEqual(play.said(), [])
  t.deepEqual(play.finished, [])
  play.end(client)
  t.deepEqual(play.said(), ['close server', 'close client'])
  t.is(flowOf(play).error?.message, 'the client has sent a frame with the reserved opcode 5')
  t.like(dataOf(play), { closeCode: 1002, closedByClient: undefined })
  t.deepEqual(told(play), ['> text good'])
  t.deepEqual(play.hooks, ['response', 'websocket_start', 'websocket_end'])
})

test('a server that breaks the rules; a side that does not close is not waited for', (t) => {
  const { play, server } = opened()
  play.data(server, up('masked'))
  t.deepEqual(play.said(), [
    closesServer(1002, 'a frame that is masked'),
    closesClient(1001),
    'end server',
    'end client',
  ])
  for (let at = 0; at < 20 && play.machine.busy; at += 1) play.data(server, 'more').after(100)
  t.deepEqual(play.said(), ['close server', 'close client'])
  t.false(play.machine.busy)
  t.is(flowOf(play).error?.message, 'the server has sent a frame that is masked')
})

test('text that is not UTF-8 fails before its message is whole', (t) => {
  const { play, client } = opened()
  play.data(client, up({ payload: Buffer.from([0x41, 0xff, 0x41, 0x41]) }).subarray(0, 8))
  t.is(play.said()[0], closesClient(1007, 'a text message that is not UTF-8'))
})

test('a wrong Close frame is answered, and does not pass', (t) => {
  const { play, client } = opened()
  play.data(client, up({ opcode: 8, payload: closing(1005) }))
  t.deepEqual(play.said().slice(0, 2), [closesClient(1002, 'a Close frame with the code 1005'), closesServer(1001)])
})

test('no second Close goes to a side, and nothing after it', (t) => {
  const { play, server, client } = opened()
  play.data(client, up({ opcode: 8, payload: closing(1000) }))
  play.said()
  play.data(server, up('masked'))
  t.deepEqual(play.said(), [closesClient(1001), 'end server', 'end client'])
})

test('silence ends it with 1001, and is no error', (t) => {
  const { play } = opened()
  play.after(599_000)
  t.deepEqual(play.said(), [])
  play.after(1_000)
  t.deepEqual(play.said(), [closesServer(1001), closesClient(1001), 'close server', 'close client'])
  t.is(flowOf(play).error, undefined)
  t.like(dataOf(play), { closeCode: 1001 })
  t.true(play.logs.some(({ message }) => message === 'closed: no data has passed for 600 s'))
})

test('a side that takes nothing stops the other', (t) => {
  const { play, server, client } = opened()
  server.full = true
  play.data(client, up('a'))
  play.data(client, up('b'))
  t.deepEqual(play.said(), [toServer(up('a'))])
  play.drain(server)
  t.deepEqual(play.said(), [toServer(up('b'))])
})

test('what is recorded has a limit in bytes: the last message is cut, and counts as a whole', (t) => {
  const { play, client } = opened({ settings: { options: { body_record_limit: 5 } } })
  play.data(client, Buffer.concat([up('abc'), up({ opcode: 2, payload: 'defghi' }), up('')]))
  t.is(play.said().length, 3)
  play.close(client)
  t.deepEqual(told(play), ['> text abc', '> binary de'])
  t.like(dataOf(play), { truncated: true, messagesFromClient: 3, bytesFromClient: 9 })
  t.like(dataOf(play).messages[1], { truncated: true, length: 6 })
  t.like(dataOf(play).messages[0], { truncated: false, length: 3 })
})

test('what is recorded has a limit in messages', (t) => {
  const { play, client } = opened()
  for (let count = 0; count < 11; count += 1)
    play.data(client, Buffer.concat(Array.from({ length: 1000 }, () => up(''))))
  play.close(client)
  t.is(dataOf(play).messages.length, 10_000)
  t.like(dataOf(play), { truncated: true, messagesFromClient: 11_000 })
})

const isRaw = ({ play, client, server }: ReturnType<typeof opened>) => {
  play.said()
  play.data(server, 'not a frame')
  const said = play.said().join()
  play.close(client)
  return said === toClient(Buffer.from('not a frame')) && play.finished.some((flow) => (flow as TcpFlow).type === 'tcp')
}

test('with websocket=false, in other versions, and with foreign extensions it is raw, and extensions pass', (t) => {
  const off = opened({ offer: 'x-y', agreed: 'x-y', settings: { options: { websocket: false } } })
  t.regex(off.request, /Extensions: x-y/)
  t.true(isRaw(off))
  t.true(isRaw(opened({ version: '8' })))
  t.true(isRaw(opened({ version: '' })))
  t.true(isRaw(opened({ agreed: 'permessage-bzip2' })))
  t.false(isRaw(opened()))
})

test('of an offer only what midwire knows goes to the server', (t) => {
  const { request, play } = opened({ offer: 'foo, permessage-deflate; client_max_window_bits' })
  t.regex(request, /Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\\r\\n/)
  t.true(play.logs.some(({ message }) => message === 'the WebSocket extensions foo were taken out of the offer'))
})

test('kill() resets both sides, at whatever time', (t) => {
  const { play, client } = opened({
    settings: { hooks: { ...hooks, websocket_message: (flow) => flow.websocket?.last?.text === 'bad' && flow.kill() } },
  })
  play.data(client, Buffer.concat([up('good'), up('bad'), up('good')]))
  t.deepEqual(play.said(), [toServer(up('good')), 'reset server', 'reset client'])
  t.like(flowOf(play), { killed: true })
  t.deepEqual(play.hooks, ['response', 'websocket_start', 'websocket_message', 'websocket_message', 'websocket_end'])
  t.false(play.machine.busy)

  const later = opened({ settings: { hooks: { websocket_start() {} } } })
  const flows: HttpFlow[] = []
  const started = opened({ settings: { hooks: { websocket_start: (flow) => void flows.push(flow) } } })
  flows[0]?.kill()
  t.deepEqual(started.play.said(), ['reset server', 'reset client'])
  t.is(later.play.finished.length, 0)

  const inOrder = opened({ settings: { hooks: { websocket_message: (flow) => flow.kill('close') } } })
  inOrder.play.data(inOrder.client, up('bad'))
  t.deepEqual(inOrder.play.said(), ['close server', 'close client'])
  const fromOutside = opened({ settings: { hooks: { websocket_start: (flow) => void flows.push(flow) } } })
  flows[1]?.kill('close')
  t.deepEqual(fromOutside.play.said(), ['close server', 'close client'])

  const early = opened({ settings: { hooks: { websocket_start: (flow) => flow.kill() } } })
  t.regex(early.response, /reset server/)
  t.false(early.play.machine.busy)
})

test('an addon that fails ends it with 1011', (t) => {
  const fail = (flow: HttpFlow) => {
    flow.error = { message: 'the addon has failed', timestamp: 1 }
  }
  const { play, client } = opened({ settings: { hooks: { ...hooks, websocket_message: fail } } })
  play.data(client, Buffer.concat([up('a'), up('b')]))
  t.deepEqual(play.said(), [closesServer(1011), closesClient(1011), 'close server', 'close client'])
  t.is(flowOf(play).error?.message, 'the addon has failed')
  t.like(dataOf(play), { closeCode: 1011 })
  t.deepEqual(play.hooks, ['response', 'websocket_start', 'websocket_message', 'websocket_end'])
})
