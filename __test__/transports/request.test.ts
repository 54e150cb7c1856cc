// Requests on the fake addon: a SYN that waits for the program's word.
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import type { ConnectionRequest, WireGuardStream } from '../../src/index.js'
import { settle, startFake } from '../support/fake-server.js'
import { REASONS, word } from '../support/records.js'

async function requested(held = true) {
  const requests: ConnectionRequest[] = []
  const faked = await startFake({ onRequest: (request) => requests.push(request) })
  faked.native.opened(3, { held, source: ['10.0.0.1', 4000], destination: ['192.0.2.7', 22] })
  await settle()
  const [request] = requests
  if (!request) throw new Error('no request')
  return { ...faked, request }
}

test('a SYN is held only for a program that wants to be asked', async (t) => {
  const asked = await startFake({ onRequest: () => {} })
  const open = await startFake({ onConnection: () => {} })
  t.true(asked.native.options.holdSyn)
  t.false(open.native.options.holdSyn)
})

test('nothing falls until the request is answered', async (t) => {
  const { native, request } = await requested()
  t.deepEqual(native.fallen, [])
  t.deepEqual(request.source, { address: '10.0.0.1', port: 4000, family: 4 })
  t.deepEqual(request.destination, { address: '192.0.2.7', port: 22, family: 4 })
  t.is(request.peer.publicKey.length, 44)
})

test('accept() answers the SYN, and the stream may be written to at once', async (t) => {
  const { native, request } = await requested()
  const stream = request.accept()
  stream.write('SSH-2.0-midwire\r\n')
  await settle()
  t.deepEqual(
    native.fallen.map(({ kind, id }) => [kind, id]),
    [
      ['accept', 3],
      ['write', 3],
    ],
  )
  const read: string[] = []
  stream.on('data', (chunk) => read.push(String(chunk)))
  native.raise('data', 3, Buffer.from('SSH-2.0-peer\r\n'))
  await settle()
  t.deepEqual(read, ['SSH-2.0-peer\r\n'])
})

for (const [how, reason] of [
  ['refuse', 0],
  ['network', 1],
  ['host', 2],
  ['prohibited', 3],
  ['ignore', 4],
] as const) {
  test(`turning a request down: ${how}`, async (t) => {
    const { native, request } = await requested()
    if (how === 'refuse' || how === 'ignore') request[how]()
    else request.unreachable(how)
    // A second word changes nothing.
    request.refuse()
    await settle()
    t.deepEqual(
      native.fallen.map(({ kind, id, payload }) => [kind, id, payload.readUInt32LE(0)]),
      [['refuse', 3, reason]],
    )
  })
}

test('a connection that was answered in a flood is reset when it is turned down', async (t) => {
  const { native, request } = await requested(false)
  request.unreachable('host')
  await settle()
  t.deepEqual(
    native.fallen.map(({ kind }) => kind),
    ['reset'],
  )
})

test('what a peer sends before a late accept() is not lost', async (t) => {
  const { native, request } = await requested(false)
  native.raise('data', 3, Buffer.from('early '))
  native.raise('data', 3, Buffer.from('bird'))
  native.raise('end', 3)
  await settle()
  const stream = request.accept()
  const read: string[] = []
  stream.on('data', (chunk) => read.push(String(chunk)))
  stream.on('end', () => read.push('.'))
  await settle()
  t.is(read.join(''), 'early bird.')
  t.deepEqual(native.commands('accept'), [], 'it was answered before')
})

test('a peer that has given up throws nothing into the program', async (t) => {
  for (const held of [true, false]) {
    const { native, request } = await requested(held)
    native.raise('reset', 3, word(REASONS.byPeer))
    await settle()
    let stream: WireGuardStream | undefined
    t.notThrows(() => {
      stream = request.accept()
    }, 'the program has asked somebody meanwhile, and does not know')
    const codes: (string | undefined)[] = []
    stream?.on('error', (error: NodeJS.ErrnoException) => codes.push(error.code))
    await delay(5)
    t.deepEqual(codes, ['ECONNRESET'])
    t.deepEqual(native.fallen, [])
    t.notThrows(() => request.refuse())
  }
})

test('a request whose peer has given up says nothing when it is turned down: its number may be another connection', async (t) => {
  for (const held of [true, false]) {
    const { native, request } = await requested(held)
    native.raise('reset', 3, word(REASONS.byPeer))
    await settle()
    request.refuse()
    request.unreachable('host')
    await settle()
    t.deepEqual(native.fallen, [])
  }
})

test('a request that is open when the server closes ends with it', async (t) => {
  for (const held of [true, false]) {
    const { server, native, request } = await requested(held)
    await server.close()
    const codes: (string | undefined)[] = []
    request.accept().on('error', (error: NodeJS.ErrnoException) => codes.push(error.code))
    await delay(5)
    t.deepEqual(codes, ['ERR_SERVER_CLOSED'])
    t.deepEqual(native.fallen, [])
  }
})

test('accepting twice is a mistake of the program, and is said', async (t) => {
  const { request } = await requested()
  request.accept()
  t.throws(() => request.accept())
})

test('without a handler a connection is reset', async (t) => {
  const { native } = await startFake()
  native.opened(3)
  await settle()
  t.true(native.fallen.some(({ kind }) => kind === 'reset' || kind === 'refuse'))
})
