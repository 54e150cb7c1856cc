// The machine: tasks, waits, timers, faults, and what a client that goes away means to each.
import test from 'ava'
import { DIRECT } from '../../src/flow/via.js'
import { Channel } from '../../src/layers/channel.js'
import type { Operation } from '../../src/layers/commands.js'
import {
  type Context,
  hook,
  join,
  type Layer,
  more,
  receive,
  receiveWithin,
  type Step,
  send,
  sleep,
} from '../../src/layers/layer.js'
import { ClientGone, Faulted, Idle } from '../../src/layers/task.js'
import { TIMEOUT } from '../../src/layers/world.js'
import { Playbook } from '../support/playbook.js'

/** Waits for a connection: what any operation of the world does to a task. */
const open = (transport: 'tcp' | 'udp'): Operation => ({
  type: 'open',
  route: { to: { host: 'x', port: 1, transport }, via: DIRECT, tls: undefined },
  pooled: false,
})

const layer = (steps: (context: Context) => Step<unknown>): Layer =>
  function* (context) {
    yield* steps(context)
    return undefined
  }

test('a layer hands over to the layer that it names', (t) => {
  const play = new Playbook(function* (context) {
    yield* receive(context.client)
    return 'raw'
  })
  t.deepEqual(play.said(), [])
  play.data(play.client, 'x')
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80'])
})

test('what comes while nobody asks waits, and is counted; too much stops the reading', (t) => {
  const taken: string[] = []
  const play = new Playbook(
    layer(function* ({ client }) {
      yield open('tcp')
      for (let data = yield* receive(client); data; data = yield* receive(client)) taken.push(String(data.length))
    }),
  )
  play.data(play.client, Buffer.alloc(40_000)).data(play.client, Buffer.alloc(40_000))
  t.deepEqual(play.said(), ['open tcp x:1', 'pause client'])
  t.is(play.client.buffered, 80_000)
  play.opened()
  t.deepEqual(taken, ['40000', '40000'])
  t.deepEqual(play.said(), ['resume client'])
})

test('datagrams without bytes are too many at some point, too', (t) => {
  const play = new Playbook(
    layer(function* () {
      yield open('udp')
    }),
    { transport: 'udp' },
  )
  t.deepEqual(play.said(), ['open udp x:1'])
  for (let count = 1; count < 1024; count += 1) play.data(play.client, '')
  t.deepEqual(play.said(), [])
  play.data(play.client, '')
  t.deepEqual(play.said(), ['pause client'])
})

test('who leaves what has come, and waits for more, gets it, however much it is', (t) => {
  const seen: number[] = []
  const play = new Playbook(
    layer(function* ({ client }) {
      while (yield* more(client, 0)) seen.push(client.buffered)
      yield open('tcp')
    }),
  )
  play.data(play.client, Buffer.alloc(70_000)).data(play.client, Buffer.alloc(70_000))
  t.deepEqual(play.said(), [])
  t.deepEqual(seen, [70_000, 140_000])
  play.end(play.client).data(play.client, Buffer.alloc(1))
  t.deepEqual(play.said(), ['open tcp x:1', 'pause client'])
})

test('tasks run beside each other, and one can wait for the other', (t) => {
  const order: string[] = []
  const play = new Playbook(
    layer(function* ({ machine, scope, client }) {
      const task = machine.fork(
        (function* (): Step<void> {
          yield* receive(client)
          order.push('forked')
        })(),
        scope,
      )
      order.push('first')
      yield* join(task)
      order.push('joined')
    }),
  )
  t.deepEqual(order, ['first'])
  play.data(play.client, 'x')
  t.deepEqual(order, ['first', 'forked', 'joined'])
})

test('a wait can take too long, and its timer is gone when it does not', (t) => {
  const seen: unknown[] = []
  const play = new Playbook(
    layer(function* ({ client }) {
      seen.push(yield* receiveWithin(client, 100))
      seen.push(yield* receiveWithin(client, 100))
      yield* sleep(50)
      seen.push('slept')
      yield* receive(client)
    }),
  )
  play.data(play.client, 'x').after(99)
  t.deepEqual(seen, [Buffer.from('x')])
  play.after(1)
  t.is(seen[1], TIMEOUT)
  play.after(50)
  t.is(seen[2], 'slept')
  play.after(10_000)
  t.true(play.machine.busy)
})

test('a send waits while its channel is full, and fails when it is gone', (t) => {
  const results: boolean[] = []
  const play = new Playbook(
    layer(function* ({ client, server }) {
      if (!server) return
      yield* receive(client)
      results.push(yield* send(server, Buffer.from('a')))
      results.push(yield* send(server, Buffer.from('b')))
    }),
    { connected: true },
  )
  const [server] = play.servers
  if (!server) return t.fail()
  server.full = true
  play.data(play.client, 'x')
  t.deepEqual(results, [])
  play.drain(server)
  t.deepEqual(results, [true, true])
})

test('a client that goes away interrupts every wait but a hook', (t) => {
  const seen: string[] = []
  const play = new Playbook(
    layer(function* (context) {
      const other = context.machine.fork(
        (function* (): Step<void> {
          try {
            yield open('tcp')
          } catch (error) {
            seen.push(error instanceof ClientGone ? `open: ${error.message}` : 'wrong')
            throw error
          }
        })(),
        context.scope,
      )
      try {
        yield* hook(context, 'client_connected', context.client.connection)
        seen.push('the hook was waited for')
        yield* join(other)
        yield* receive(context.client)
        seen.push('the end is no surprise')
        yield* sleep(1)
      } catch (error) {
        seen.push(error instanceof ClientGone ? 'told' : 'wrong')
        yield* hook(context, 'client_disconnected', context.client.connection)
        seen.push('tidied up')
      }
    }),
    { hooks: 'wait' },
  )
  play.close(play.client, 'reset')
  t.deepEqual(seen, ['open: reset'])
  play.reply('hook')
  t.deepEqual(seen.slice(1), ['the hook was waited for', 'the end is no surprise', 'told'])
  play.reply('hook')
  t.is(seen.at(-1), 'tidied up')
  t.false(play.machine.busy)
})

test('without progress either way for tcp_timeout a connection is over, whatever its tasks wait for', (t) => {
  const seen: string[] = []
  const play = new Playbook(
    layer(function* (context) {
      try {
        yield* send(context.client, Buffer.from('a'))
      } catch (error) {
        seen.push(error instanceof Idle ? error.message : 'wrong')
        seen.push(String(yield* receive(context.client)))
        yield* send(context.client, Buffer.from('b'))
        yield* sleep(1_000_000)
        seen.push('a task that has been told waits for neither side')
      }
    }),
    { options: { tcp_timeout: 10 }, connected: true, full: true },
  )
  const [server] = play.servers
  if (!server) return t.fail()
  play.after(9_999).data(server, 'x').after(9_999)
  t.deepEqual(seen, [], 'what the server says is progress')
  play.after(1)
  t.deepEqual(seen, ['no data has passed for 10 s', 'undefined', 'a task that has been told waits for neither side'])
  t.false(play.machine.busy)
  t.is(play.timers, 0, 'its timer is cancelled')
})

test('the watchdog rests while something runs that has a clock of its own', (t) => {
  const play = new Playbook(
    layer(function* (context) {
      yield* hook(context, 'client_connected', context.client.connection)
      yield open('tcp')
      yield* sleep(25_000)
      yield* receive(context.client)
    }),
    { options: { tcp_timeout: 10 }, hooks: 'wait' },
  )
  play.after(10_000).after(10_000).after(9_999).reply('hook')
  play.after(10_000).after(9_999).opened()
  play.after(10_000).after(10_000).after(5_000).after(5_000)
  t.true(play.machine.busy, 'the task has waited for the client for less than 10 s')
  play.after(5_000)
  t.false(play.machine.busy)
})

test('a fault in one task ends the others of its connection, too', (t) => {
  const seen: string[] = []
  const play = new Playbook(
    layer(function* (context) {
      context.machine.fork(
        (function* (): Step<void> {
          yield* receive(context.client)
          throw new TypeError('oops')
        })(),
        context.scope,
      )
      try {
        yield open('tcp')
      } catch (error) {
        seen.push(error instanceof Faulted ? error.message : 'wrong')
      }
    }),
  )
  play.said()
  play.data(play.client, 'x')
  t.deepEqual(play.said(), ['reset client'])
  t.deepEqual(seen, ['midwire has failed: oops'])
  t.false(play.machine.busy)
})

test('a connection that was opened for nobody is closed', (t) => {
  const play = new Playbook(
    layer(function* () {
      yield open('tcp')
    }),
  )
  play.close(play.client)
  t.false(play.machine.busy)
  t.true(play.opened() instanceof Channel)
  t.deepEqual(play.said(), ['open tcp x:1', 'close server'])
})

test('a fault of a layer ends its connection, is said, and nothing else happens', (t) => {
  const play = new Playbook(
    layer(function* ({ client }) {
      yield* receive(client)
      throw new TypeError('oops')
    }),
  )
  play.data(play.client, 'x')
  t.deepEqual(play.said(), ['reset client'])
  t.regex(play.logs[0]?.message ?? '', /^a layer has failed: TypeError: oops/)
  t.false(play.machine.busy)
  t.notThrows(() => play.data(play.client, 'more').end(play.client).close(play.client))
})

test('a task that is cancelled tidies up, and hears nothing more', (t) => {
  const seen: string[] = []
  const play = new Playbook(
    layer(function* ({ machine, scope, client }) {
      const task = machine.fork(
        (function* (): Step<void> {
          try {
            yield* sleep(10)
            seen.push('wrong')
          } finally {
            seen.push('tidy')
          }
        })(),
        scope,
      )
      yield* receive(client)
      machine.cancel(task)
      yield* receive(client)
    }),
  )
  play.data(play.client, 'x').after(100)
  t.deepEqual(seen, ['tidy'])
})
