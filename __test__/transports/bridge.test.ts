// The doorbell and the drain on the fake addon: order, fullness, a handler that throws, a server that dies.
import { execFile } from 'node:child_process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import test from 'ava'
import type { MidwireError, WireGuardStream } from '../../src/index.js'
import { settle, startFake } from '../support/fake-server.js'
import { word } from '../support/records.js'

const run = promisify(execFile)

/** Runs a program on the fake addon in a process of its own; it may die of what a handler throws. */
async function program(body: string): Promise<string> {
  const support = new URL('../support/fake-server.js', import.meta.url)
  const source = `const { settle, startFake } = await import(${JSON.stringify(support.href)})\n${body}`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', source], { timeout: 20_000 })
  return stdout.trim()
}

test('events come in their order, however many slabs they fill', async (t) => {
  const seen: number[] = []
  const { native } = await startFake({ onDatagramFlowEnd: (flow) => seen.push(flow), onConnection: (s) => s.resume() })
  native.opened(5)
  await settle()
  for (let flow = 0; flow < 300; flow++) {
    native.raise('datagramExpired', flow)
    native.raise('data', 5, Buffer.alloc(5000 + (flow % 4)))
  }
  await settle()
  t.deepEqual(
    seen,
    Array.from({ length: 300 }, (_, flow) => flow),
  )
  t.true(native.exchanges.length > 5)
})

test('commands that fill their slab inside a handler fall at once, and no event is lost', async (t) => {
  const streams: WireGuardStream[] = []
  const flows: number[] = []
  const chunk = Buffer.alloc(48 * 1024, 'x')
  const { native } = await startFake({
    bufferSize: 4 << 20,
    onConnection: (stream) => streams.push(stream),
    onDatagramFlowEnd(flow) {
      flows.push(flow)
      for (let piece = 0; piece < 40; piece++) streams[0]?.write(chunk)
    },
  })
  native.opened(5)
  native.raise('writable', 5, word(4 << 20))
  await settle()
  for (const flow of [1, 2]) native.raise('datagramExpired', flow)
  await settle()
  t.deepEqual(flows, [1, 2])
  t.is(native.written(5).length, 80 * chunk.length)
  t.true(native.exchanges.some(({ room, down }) => room === 0 && down > 0))
})

test('one turn of events has an end: timers and other sockets get theirs', async (t) => {
  const { native } = await startFake({ onConnection: (stream) => stream.resume(), onDatagramFlowEnd: () => raise() })
  // As fast as Node looks, there is more: a sender that is faster than the program.
  let raised = 0
  const raise = () => {
    if (++raised > 3000) return
    for (let piece = 0; piece < 3; piece++) native.raise('data', 5, Buffer.alloc(60_000))
    native.raise('datagramExpired', 1)
  }
  native.opened(5)
  await settle()
  raise()
  let turns = 0
  while (raised <= 3000) {
    await nextTurn()
    if (++turns > 10_000) return t.fail('the events stopped')
  }
  t.true(turns > 50, `the program had ${turns} turns in ${raised} slabs`)
})

test('what a handler throws is the program’s uncaught exception, and no other event’s', async (t) => {
  const out = await program(`
    const caught = [], seen = []
    process.on('uncaughtException', (error) => caught.push(error.message))
    const { native } = await startFake({
      onConnection(stream) {
        stream.on('data', (chunk) => { if (String(chunk) === 'bad') throw new Error('thrown'); seen.push(String(chunk)); stream.write(chunk) })
        if (stream.source.port === 4002) throw new Error('in onConnection')
      },
    })
    native.opened(1); native.opened(2); native.opened(3)
    await settle()
    for (const [id, text] of [[1, 'a'], [2, 'bad'], [3, 'c'], [2, 'd']]) native.raise('data', id, Buffer.from(text))
    await settle()
    console.log(JSON.stringify({ caught, seen, echoed: [1, 2, 3].map((id) => native.written(id).toString()) }))
  `)
  t.deepEqual(JSON.parse(out), {
    caught: ['in onConnection', 'thrown'],
    seen: ['a', 'c', 'd'],
    echoed: ['a', 'd', 'c'],
  })
})

test('a panic in a task is one error for the server, and for every stream', async (t) => {
  const errors: MidwireError[] = []
  const streamErrors: (string | undefined)[] = []
  const { server, native } = await startFake({
    onConnection: (stream) => stream.on('error', (error: NodeJS.ErrnoException) => streamErrors.push(error.code)),
    onError: (error) => errors.push(error),
  })
  native.opened(1)
  native.opened(2)
  await settle()
  native.raise('died', 0, Buffer.from('index out of bounds'))
  native.raise('stopped')
  const failure = await t.throwsAsync<MidwireError>(server.closed)
  t.is(failure?.code, 'ERR_NATIVE_PANIC')
  t.regex(failure?.message ?? '', /index out of bounds/)
  t.deepEqual(errors, [failure])
  t.deepEqual(streamErrors, ['ERR_NATIVE_PANIC', 'ERR_NATIVE_PANIC'])
  t.throws(() => server.sendDatagram(Buffer.alloc(1), { address: '::1', port: 1 }, { address: '::1', port: 1 }), {
    code: 'ERR_SERVER_CLOSED',
  })
})

test('a panic in an exchange is the same', async (t) => {
  const errors: MidwireError[] = []
  const { server, native } = await startFake({
    onConnection: (stream) => stream.on('error', () => {}),
    onError: (error) => errors.push(error),
  })
  native.opened(1)
  await settle()
  native.failure = Object.assign(new Error('panicked'), { code: 'PANIC' })
  native.raise('data', 1, Buffer.from('x'))
  const failure = await t.throwsAsync<MidwireError>(server.closed)
  t.is(failure?.code, 'ERR_NATIVE_PANIC')
  t.is(errors.length, 1)
})

test('a panic while a program writes does not come out of its write', async (t) => {
  const streams: WireGuardStream[] = []
  const { server, native } = await startFake({ bufferSize: 4 << 20, onConnection: (stream) => streams.push(stream) })
  native.opened(1)
  await settle()
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => streams[0]?.on('error', resolve))
  native.failure = Object.assign(new Error('panicked'), { code: 'PANIC' })
  // More than the slab of commands holds, so that some of it falls at once.
  t.notThrows(() => streams[0]?.write(Buffer.alloc(1 << 20)))
  t.is((await failed).code, 'ERR_NATIVE_PANIC')
  await t.throwsAsync(server.closed, { code: 'ERR_NATIVE_PANIC' })
})

test('an unheeded failure of the server is no unhandled rejection', async (t) => {
  const out = await program(`
    const { native } = await startFake()
    native.raise('died', 0, Buffer.from('why'))
    native.raise('stopped')
    await settle()
    console.log('alive')
  `)
  t.is(out, 'alive')
})

test('log lines reach the hook with their level, target and text', async (t) => {
  const lines: unknown[] = []
  const { native } = await startFake({ onLog: (line) => lines.push(line), logLevel: 'trace' })
  t.is(native.options.logLevel, 5)
  native.log(2, 'boringtun::noise', 'naïve → handshake')
  native.log(5, '', '')
  await settle()
  t.deepEqual(lines, [
    { level: 'warn', target: 'boringtun::noise', message: 'naïve → handshake' },
    { level: 'trace', target: '', message: '' },
  ])
})

test('close() is fulfilled when the addon has stopped, and ends what is open', async (t) => {
  const streams: WireGuardStream[] = []
  const { server, native } = await startFake({ onConnection: (stream) => streams.push(stream) })
  for (const id of [1, 2]) native.opened(id)
  await settle()
  for (const stream of streams) stream.on('error', () => {})
  await server.close()
  await server.closed
  await server.close()
  t.true(native.closing)
  t.true(streams.length === 2 && streams.every((stream) => stream.destroyed))
  const before = native.exchanges.length
  streams[0]?.write('nobody is there')
  await settle()
  t.is(native.exchanges.length, before)
})
