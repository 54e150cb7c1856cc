// WebSocket messages in hooks: whole, changed, dropped, one after the other, compressed, and those that addons send.
import { constants, deflateRawSync } from 'node:zlib'
import test from 'ava'
import type { HttpFlow } from '../../../src/flow/http.js'
import type { WebSocketMessage } from '../../../src/flow/websocket.js'
import type { Layer } from '../../../src/layers/layer.js'
import { agreementOf } from '../../../src/layers/websocket/extensions.js'
import { WebSocketRelay } from '../../../src/layers/websocket/relay.js'
import { DeflatePeer } from '../../support/deflate-peer.js'
import { Playbook, type PlaybookOptions } from '../../support/playbook.js'
import {
  closesClient,
  closesServer,
  closing,
  down,
  frame,
  OWN_MASK,
  opened,
  toClient,
  toServer,
  up,
  upgradedFlow,
} from '../../support/websocket-play.js'

const ownUp = (payload: string | Buffer, opcode = 1, rsv = 0) => frame({ payload, opcode, rsv, mask: OWN_MASK })

/** A WebSocket with a hook for its messages. */
const hooked = (work: (message: WebSocketMessage) => void, agreed = '') => {
  const websocket_message = ({ websocket }: HttpFlow) => websocket?.last && work(websocket.last)
  return opened({ agreed, settings: { hooks: { websocket_message } } })
}

test('a hook sees each message whole, and what it leaves alone keeps its frames and masks', (t) => {
  const seen: string[] = []
  const { play, server, client } = hooked(({ fromClient, kind, content, injected }) => {
    seen.push(`${fromClient} ${kind} ${content} ${injected}`)
  })
  const pieces = [up({ fin: false, payload: 'a' }), up({ opcode: 0, fin: false }), up({ opcode: 0, payload: 'b' })]
  play.data(client, pieces[0] as Buffer).data(client, pieces[1] as Buffer)
  t.deepEqual(play.said(), [])
  play.data(client, up({ opcode: 9, payload: 'now' }))
  t.deepEqual(play.said(), [toServer(up({ opcode: 9, payload: 'now' }))], 'a ping does not wait for the message')
  play.data(client, pieces[2] as Buffer)
  t.deepEqual(play.said(), [toServer(Buffer.concat(pieces))])
  play.data(server, down({ opcode: 2, payload: 'c' }))
  t.deepEqual(seen, ['true text ab false', 'false binary c false'])
})

test('a message is changed, in one frame with a mask of its own, or dropped', (t) => {
  const { play, server, client } = hooked((message) => {
    if (message.text === 'drop') message.drop()
    else if (message.text === 'text') message.text = 'κόσμε'
    else if (message.kind === 'binary') message.content = Buffer.from([0xff])
    else if (message.text === 'empty') message.content = ''
  })
  play.data(client, Buffer.concat([up({ fin: false, payload: 'te' }), up({ opcode: 0, payload: 'xt' })]))
  t.deepEqual(play.said(), [toServer(ownUp('κόσμε'))])
  play
    .data(client, up('drop'))
    .data(client, up({ opcode: 2, payload: 'x' }))
    .data(client, up('empty'))
  t.deepEqual(play.said(), [toServer(ownUp(Buffer.from([0xff]), 2)), toServer(ownUp(''))])
  play.data(server, down('text')).data(server, down('drop')).data(server, down('same'))
  t.deepEqual(play.said(), [toClient(down('κόσμε')), toClient(down('same'))])
  play.close(client)
  const { websocket } = play.finished[0] as HttpFlow
  t.deepEqual(
    websocket?.messages.map(({ text, dropped }) => `${text}${dropped ? ' dropped' : ''}`),
    ['κόσμε', 'drop dropped', '\ufffd', '', 'κόσμε', 'drop dropped', 'same'],
  )
})

test('a text message cannot be made of bytes that are not UTF-8', (t) => {
  const { play, client } = hooked((message) => {
    t.throws(
      () => {
        message.content = Buffer.from([0xff])
      },
      { instanceOf: TypeError },
    )
  })
  play.data(client, up('a'))
  t.deepEqual(play.said(), [toServer(up('a'))])
})

test('a Close ends it although a message is not whole; errors come before the hook', (t) => {
  let count = 0
  const { play, server, client } = hooked(() => {
    count += 1
  })
  play.data(client, Buffer.concat([up({ fin: false, payload: 'half' }), up({ opcode: 8, payload: closing(1001) })]))
  t.deepEqual(play.said(), [toServer(up({ opcode: 8, payload: closing(1001) }))])
  play.data(server, down({ opcode: 8, payload: closing(1001) }))
  t.is(play.finished.length, 1)
  const bad = hooked(() => {
    count += 1
  })
  bad.play.data(
    bad.client,
    Buffer.concat([up({ fin: false, payload: 'a' }), up({ opcode: 0, payload: Buffer.from([0xff]) })]),
  )
  t.is(bad.play.said()[0], closesClient(1007, 'a text message that is not UTF-8'))
  t.is(count, 0)
})

/** The relay by itself, whose hooks wait. */
function relayed(agreed = '', settings: PlaybookOptions = {}) {
  const made: { relay?: WebSocketRelay; flow?: HttpFlow } = {}
  const layer: Layer = function* (context) {
    const flow = upgradedFlow(context, agreed)
    const { client, server } = context
    const agreement = flow.response && agreementOf(flow.response.headers)
    if (!server || !agreement) throw new Error('no server')
    made.flow = flow
    made.relay = new WebSocketRelay(context, flow, { client, server }, agreement)
    yield* made.relay.run()
    return undefined
  }
  const play = new Playbook(layer, { connected: true, ...settings })
  const [server] = play.servers
  if (!server || !made.relay || !made.flow) throw new Error('nothing was made')
  return { play, server, client: play.client, relay: made.relay, flow: made.flow }
}

test('the message of a hook stays the last one while the hook runs: others wait for their turn', (t) => {
  const { play, server, client } = relayed('', { hooks: 'wait' })
  play.hooked('websocket_start', () => undefined)
  play.data(client, Buffer.concat([up('1'), up('2')]))
  play.data(server, down('a'))
  t.deepEqual(play.operations, ['hook'])
  const last = (text: string) =>
    play.hooked('websocket_message', ({ websocket }) => {
      t.is(websocket?.last?.text, text)
    })
  last('1')
  t.deepEqual(play.said(), [toServer(up('1'))])
  last('a')
  last('2')
  t.deepEqual(play.said(), [toClient(down('a')), toServer(up('2'))])
  t.deepEqual(play.operations, [])
  play.data(server, down('b'))
  play.data(client, up('3'))
  play.close(client)
  last('b')
  play.hooked('websocket_end', () => undefined)
  t.false(play.machine.busy)
})

test('messages of addons go out at once, or after the message that is being sent; hooks see them', (t) => {
  const seen: string[] = []
  const hooks = {
    websocket_message({ websocket }: HttpFlow) {
      const last = websocket?.last
      if (last?.injected) seen.push(`${last.fromClient} ${last.kind} ${last.text}`)
      if (last?.text === 'not me') last.drop()
    },
  }
  const { play, relay } = relayed('', { hooks })
  t.true(relay.inject(true, 'text', Buffer.from('hello')))
  t.true(relay.inject(false, 'binary', Buffer.from('world')))
  t.true(relay.inject(false, 'text', Buffer.from('not me')))
  t.deepEqual(play.said(), [toServer(ownUp('hello')), toClient(down({ opcode: 2, payload: 'world' }))])
  t.deepEqual(seen, ['true text hello', 'false binary world', 'false text not me'])

  const plain = relayed()
  plain.play.data(plain.client, up({ fin: false, payload: 'a' }))
  plain.play.said()
  t.true(plain.relay.inject(true, 'text', Buffer.from('between')))
  t.deepEqual(plain.play.said(), [])
  plain.play.data(plain.client, up({ opcode: 0, payload: 'b' }))
  t.deepEqual(plain.play.said(), [toServer(up({ opcode: 0, payload: 'b' })), toServer(ownUp('between'))])
  t.like(plain.flow.websocket, { injected: 1, messagesFromClient: 1 })
  plain.play.data(plain.server, down({ opcode: 8 }))
  t.false(plain.relay.inject(false, 'text', Buffer.from('too late')))
  t.true(plain.relay.inject(true, 'text', Buffer.from('still')))
  plain.play.close(plain.client)
  t.deepEqual(
    plain.flow.websocket?.messages.map(({ text, injected }) => `${text} ${injected}`),
    ['between true', 'ab false', 'still true'],
  )
})

test('messages of addons that wait have a bound', (t) => {
  const { play, client, server, relay } = relayed()
  play.data(client, up({ fin: false, payload: 'a' }))
  let taken = 0
  while (taken < 5000 && relay.inject(true, 'text', Buffer.from('x'))) taken += 1
  t.is(taken, 1000)
  play.data(client, up({ opcode: 0 }))
  t.true(relay.inject(true, 'text', Buffer.from('x')))
  server.full = true
  const large = Buffer.alloc(30 * 1024 * 1024)
  t.deepEqual(
    [1, 2, 3, 4].map(() => relay.inject(true, 'binary', large)),
    [true, true, false, false],
  )
  play.close(client)
  t.false(play.machine.busy)
})

const raw = (content: Buffer) => deflateRawSync(content, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)

/** The payload of the one frame that was sent. */
function payloadOf(said: string[], masked: boolean): { first: number; payload: Buffer } {
  const bytes = Buffer.from(JSON.parse((said[0] as string).replace(/^send \w+ /, '')) as string, 'latin1')
  const short = (bytes[1] as number) & 0x7f
  const at = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0)
  if (!masked) return { first: bytes[0] as number, payload: bytes.subarray(at) }
  const mask = bytes.subarray(at, at + 4)
  return {
    first: bytes[0] as number,
    payload: bytes.subarray(at + 4).map((byte, index) => byte ^ (mask[index % 4] as number)) as Buffer,
  }
}

for (const agreed of [
  'permessage-deflate',
  'permessage-deflate; client_no_context_takeover; server_max_window_bits=10',
]) {
  test(`compressed messages pass as they came until one is changed or dropped: ${agreed}`, async (t) => {
    const takeOver = !agreed.includes('no_context')
    const { play, client } = hooked((message) => {
      if (message.text.startsWith('change')) message.text = `${message.text} (changed)`
      if (message.text.startsWith('drop')) message.drop()
    }, agreed)
    const sender = new DeflatePeer(takeOver)
    const receiver = new DeflatePeer(takeOver)
    let departed = false
    for (const text of [
      'keep this',
      'keep this, too',
      'change this',
      'keep this',
      'drop this',
      'keep this',
      'change',
      '',
    ]) {
      const sent = up({ rsv: 4, payload: await sender.compress(Buffer.from(text)) })
      play.data(client, sent)
      const said = play.said()
      departed ||= takeOver && /^(change|drop)/.test(text)
      if (text.startsWith('drop')) {
        t.deepEqual(said, [])
        continue
      }
      const { first, payload } = payloadOf(said, true)
      t.is(first, 0xc1)
      const expected = text.startsWith('change') ? `${text} (changed)` : text
      t.is((await receiver.decompress(Buffer.from(payload))).toString(), expected)
      if (!departed && !text.startsWith('change')) t.deepEqual(said, [toServer(sent)])
      if (departed) t.notDeepEqual(said, [toServer(sent)])
    }
    // What is not compressed is no part of the windows.
    play.data(client, up('plain'))
    t.deepEqual(play.said(), [toServer(up('plain'))])
  })
}

test('once a direction is compressed anew, so are messages that no hook is for; the other direction passes', async (t) => {
  const { play, client, server } = hooked((message) => message.text === 'x' && message.drop(), 'permessage-deflate')
  const sender = new DeflatePeer()
  play.data(client, up({ rsv: 4, payload: await sender.compress(Buffer.from('x')) }))
  const whole = await sender.compress(Buffer.from('some longer text'))
  play.data(
    client,
    Buffer.concat([
      up({ rsv: 4, fin: false, payload: whole.subarray(0, 3) }),
      up({ opcode: 0, payload: whole.subarray(3) }),
    ]),
  )
  const { payload } = payloadOf(play.said(), true)
  t.is((await new DeflatePeer().decompress(Buffer.from(payload))).toString(), 'some longer text')
  const back = down({ rsv: 4, payload: raw(Buffer.from('back')) })
  play.data(server, back)
  t.deepEqual(play.said(), [toClient(back)])
})

test('without a hook compressed messages pass, are recorded as text, and are checked', async (t) => {
  const { play, client } = opened({ agreed: 'permessage-deflate' })
  const sender = new DeflatePeer()
  const payload = await sender.compress(Buffer.from('hello hello hello'))
  const frames = [
    up({ rsv: 4, fin: false, payload: payload.subarray(0, 2) }),
    up({ opcode: 0, payload: payload.subarray(2) }),
  ]
  play.data(client, frames[0] as Buffer)
  t.deepEqual(play.said(), [toServer(frames[0] as Buffer)])
  play.data(client, frames[1] as Buffer)
  t.deepEqual(play.said(), [toServer(frames[1] as Buffer)])
  play.data(client, up({ rsv: 4, payload: await sender.compress(Buffer.from([0x41, 0xff])) }))
  t.deepEqual(play.said().slice(0, 2), [closesClient(1007, 'a text message that is not UTF-8'), closesServer(1001)])
  play.close(client)
  const { websocket } = play.finished[0] as HttpFlow
  t.deepEqual(
    websocket?.messages.map(({ text }) => text),
    ['hello hello hello'],
  )
})

test('a bomb of 64 KiB that becomes more than 64 MiB fails with 1009, hook or not, in either direction', (t) => {
  const bomb = raw(Buffer.alloc(64 * 1024 * 1024 + 1))
  t.true(bomb.length < 70_000)
  let seen = 0
  for (const make of [
    () => opened({ agreed: 'permessage-deflate' }),
    () => hooked(() => (seen += 1), 'permessage-deflate'),
  ]) {
    const one = make()
    one.play.data(one.client, up({ opcode: 2, rsv: 4, payload: bomb }))
    t.is(one.play.said()[0], closesClient(1009, 'a message of more than 64 MiB'))
    const other = make()
    other.play.data(other.server, down({ opcode: 2, rsv: 4, payload: bomb }))
    t.deepEqual(other.play.said().slice(0, 2), [
      closesServer(1009, 'a message of more than 64 MiB'),
      closesClient(1001),
    ])
  }
  t.is(seen, 0)
  const bad = opened({ agreed: 'permessage-deflate' })
  bad.play.data(bad.client, up({ rsv: 4, payload: Buffer.from([0xff, 0xff]) }))
  t.is(bad.play.said()[0], closesClient(1007, 'a compressed message that cannot be decompressed'))
})
