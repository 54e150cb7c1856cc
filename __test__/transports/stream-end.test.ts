// How a stream ends on the fake addon: destroyed, reset, lost, timed out; and what becomes of what was under way.
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import type { WireGuardStream } from '../../src/index.js'
import { Clock } from '../support/clock.js'
import { type Faked, settle, startFake } from '../support/fake-server.js'
import { REASONS, word } from '../support/records.js'

type Coded = Error & { code?: string }

async function open(options: Parameters<typeof startFake>[0] = {}): Promise<Faked & { stream: WireGuardStream }> {
  const streams: WireGuardStream[] = []
  const faked = await startFake({ onConnection: (stream) => streams.push(stream), ...options })
  faked.native.opened(7)
  await settle()
  const [stream] = streams
  if (!stream) throw new Error('no stream')
  return { ...faked, stream }
}

test('destroy() lets go, after what was written', async (t) => {
  const { native, stream } = await open()
  stream.write('last words')
  stream.destroy()
  await settle()
  t.deepEqual(
    native.fallen.filter(({ id }) => id === 7).map(({ kind }) => kind),
    ['write', 'close'],
  )
})

test('destroy(error) and resetAndDestroy() reset', async (t) => {
  for (const how of ['destroy', 'resetAndDestroy'] as const) {
    const { native, stream } = await open()
    const errors: Coded[] = []
    stream.on('error', (error) => errors.push(error))
    stream[how](new Error('enough'))
    await settle()
    t.deepEqual(
      native.fallen.filter(({ id }) => id === 7).map(({ kind }) => kind),
      ['reset'],
      how,
    )
    t.is(errors.length, how === 'destroy' ? 1 : 0)
    t.true(stream.closed)
  }
})

test('a connection that is over both ways, or that the addon has ended, is told nothing more: its number may be another', async (t) => {
  const over = await open({ allowHalfOpen: true })
  over.stream.resume().end()
  over.native.raise('end', 7)
  await settle()
  t.deepEqual(
    over.native.fallen.map(({ kind }) => kind),
    ['end'],
  )
  const gone = await open({ allowHalfOpen: true })
  gone.native.raise('data', 7, Buffer.alloc(60_000))
  gone.native.raise('data', 7, Buffer.alloc(60_000))
  gone.native.raise('closed', 7)
  await settle()
  gone.stream.resume()
  gone.stream.end()
  await settle()
  gone.stream.destroy()
  await settle()
  t.deepEqual(gone.native.fallen, [])
})

test('after its end a stream hears nothing more', async (t) => {
  const { native, stream } = await open()
  let heard = 0
  for (const event of ['data', 'end', 'error']) stream.on(event, () => heard++)
  await settle()
  stream.destroy()
  native.raise('data', 7, Buffer.from('late'))
  native.raise('writable', 7, word(100))
  native.raise('end', 7)
  native.raise('reset', 7, word(REASONS.byPeer))
  await settle()
  t.is(heard, 0)
  t.is(native.fallen.filter(({ id }) => id === 7).length, 1)
})

for (const [reason, code] of [
  ['byPeer', 'ECONNRESET'],
  ['timedOut', 'ETIMEDOUT'],
  ['refused', 'ECONNREFUSED'],
  ['unreachable', 'EHOSTUNREACH'],
  ['peerRemoved', 'ECONNABORTED'],
  ['evicted', 'ECONNABORTED'],
] as const) {
  test(`a connection that ends (${reason}) is an ${code}`, async (t) => {
    const { native, stream } = await open()
    const failed = once(stream, 'error') as Promise<Coded[]>
    native.raise('reset', 7, word(REASONS[reason]))
    const [error] = await failed
    t.is(error?.code, code)
    t.regex(error?.message ?? '', new RegExp(code))
    await settle()
    t.true(stream.closed)
    t.deepEqual(native.commands('reset'), [], 'nothing is said to a connection that is gone')
    t.deepEqual(native.commands('close'), [])
  })
}

test('a write that waits fails with the connection, and so does every later one', async (t) => {
  const { native, stream } = await open({ bufferSize: 64 * 1024 })
  const failures: (string | undefined)[] = []
  const note = (error?: Error | null) => failures.push((error as Coded | undefined)?.code)
  stream.on('error', () => {})
  stream.write(Buffer.alloc(80 * 1024), note)
  stream.write('behind it', note)
  await settle()
  t.deepEqual(failures, [])
  native.raise('reset', 7, word(REASONS.byPeer))
  await settle()
  t.deepEqual(failures, ['ECONNRESET', 'ECONNRESET'])
  stream.write('too late', note)
  await settle()
  t.is(failures.length, 3)
  t.truthy(failures[2])
  t.is(native.written(7).length, 64 * 1024)
})

test('timeout: silence is told, and any data begins it anew', async (t) => {
  const { stream } = await open()
  stream.resume()
  const clock = new Clock()
  let fired = 0
  clock.with(() => {
    stream.setTimeout(150, () => fired++)
    t.is(stream.timeout, 150)
    clock.after(100)
    stream.write('.')
    clock.after(100)
    stream.handleData(Buffer.from('.'))
    clock.after(149)
    t.is(fired, 0)
    clock.after(1)
    t.is(fired, 1)
    t.false(stream.destroyed, 'what to do about it is the program’s')
    stream.setTimeout(150)
    stream.setTimeout(1_000)
    t.is(clock.timers, 1, 'one at a time')
    stream.setTimeout(0)
    t.is(clock.timers, 0)
    stream.setTimeout(150)
    stream.destroy()
    t.is(clock.timers, 0, 'and none after the end')
  })
})

test('silence alone keeps no process alive, as with net.Socket', async (t) => {
  const { stream } = await open()
  const { setTimeout } = globalThis
  let timer: NodeJS.Timeout | undefined
  globalThis.setTimeout = ((work: () => void, milliseconds: number) => {
    timer = setTimeout(work, milliseconds)
    return timer
  }) as typeof setTimeout
  stream.setTimeout(150)
  globalThis.setTimeout = setTimeout
  t.false(timer?.hasRef())
  stream.destroy()
})

test('the ends of a connection, as TCP and as net name them', async (t) => {
  const v6 = (tail: string) => `fd6d696477697265${'0'.repeat(16 - tail.length)}${tail}`
  const streams: WireGuardStream[] = []
  const { native, server } = await startFake({ onConnection: (stream) => streams.push(stream) })
  native.opened(1, { source: ['10.0.0.1', 50_123], destination: ['203.0.113.9', 443] })
  native.opened(2, { source: [v6('0001'), 1], destination: ['20010db8000000000001000000000000', 65_535] })
  native.opened(3, { source: [v6('0001'), 2], destination: ['00000000000000000000ffff01020304', 80] })
  await settle()
  const [four, six, mapped] = streams
  t.deepEqual(four?.source, { address: '10.0.0.1', port: 50_123, family: 4 })
  t.deepEqual(four?.destination, { address: '203.0.113.9', port: 443, family: 4 })
  t.is(four?.peer.publicKey, server.peers()[0]?.publicKey)
  t.deepEqual(six?.source, { address: 'fd6d:6964:7769:7265::1', port: 1, family: 6 })
  // RFC 5952, 4.2.3: the longest run of zeros is shortened, the first of two.
  t.deepEqual(six?.destination, { address: '2001:db8:0:0:1::', port: 65_535, family: 6 })
  t.is(mapped?.destination.family, 6)
})

test('a stream names its peer when that is removed, too', async (t) => {
  const { native, server, stream } = await open()
  const { publicKey } = stream.peer
  stream.on('error', () => {})
  t.true(server.removePeer(publicKey))
  native.raise('reset', 7, word(REASONS.peerRemoved))
  await settle()
  t.is(stream.peer.publicKey, publicKey)
})

test('node:http serves on a stream', async (t) => {
  const http = createServer((request, response) => response.end(`you asked for ${request.url}`))
  const { native } = await startFake({ onConnection: (stream) => http.emit('connection', stream) })
  native.opened(9)
  await settle()
  native.raise('data', 9, Buffer.from('GET /path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'))
  await settle()
  await delay(20)
  t.regex(native.written(9).toString(), /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nyou asked for \/path$/)
  t.is(native.commands('end', 9).length, 1)
})

test('node:http asks over a connection of ours', async (t) => {
  const { native, server } = await startFake()
  const answered = new Promise<string>((resolve, reject) => {
    const createConnection = () => server.connect({ host: '10.0.0.1', port: 80 })
    get({ host: '10.0.0.1', createConnection }, (response) => resolve(text(response))).on('error', reject)
  })
  const id = native.nextId - 1
  await settle()
  t.is(native.written(id).length, 0, 'nothing is written before the connection is open')
  native.raise('connected', id)
  await settle()
  t.regex(native.written(id).toString(), /^GET \/ HTTP\/1\.1\r\n/)
  native.raise('data', id, Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'))
  native.raise('end', id)
  t.is(await answered, 'ok')
})
