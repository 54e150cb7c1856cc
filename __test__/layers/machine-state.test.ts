// What the machine keeps between events: timers, pauses, the reason of the end, and what counts as progress.
import test from 'ava'
import { DIRECT } from '../../src/flow/via.js'
import type { Operation } from '../../src/layers/commands.js'
import {
  type Context,
  hook,
  type Layer,
  receive,
  receiveWithin,
  type Step,
  send,
  sleep,
} from '../../src/layers/layer.js'
import type { Route } from '../../src/layers/route.js'
import { ClientGone } from '../../src/layers/task.js'
import { Playbook, type PlaybookOptions } from '../support/playbook.js'

const layer = (steps: (context: Context) => Step<unknown>): Layer =>
  function* (context) {
    yield* steps(context)
    return undefined
  }

const ELSEWHERE: Route = { to: { host: 'x', port: 1, transport: 'tcp' }, via: DIRECT, tls: undefined }

/** Waits for a server: a new operation each time, as the machine tells them apart. */
const open = (): Operation => ({ type: 'open', route: ELSEWHERE, pooled: false })

test('no timer is left when its task is done, or when all are', (t) => {
  const play = new Playbook(
    layer(function* ({ machine, scope, client }) {
      machine.fork(receiveWithin(client, 100), scope)
      yield open()
    }),
  )
  t.is(play.timers, 2, 'of the forked task, and the watchdog')
  play.data(play.client, 'x')
  t.is(play.timers, 1)
  play.opened()
  t.is(play.timers, 0)
})

test('a timer that goes off when its task waits for something without a time is of no meaning', (t) => {
  const seen: unknown[] = []
  const play = new Playbook(
    layer(function* ({ client }) {
      seen.push(String(yield* receiveWithin(client, 100)))
      seen.push(yield open())
    }),
  )
  play.data(play.client, 'x').after(100)
  t.deepEqual(seen, ['x'])
  const server = play.opened()
  t.deepEqual(seen, ['x', server])
})

test('a connection that was read again can be paused again', (t) => {
  const play = new Playbook(
    layer(function* ({ client }) {
      for (;;) {
        yield open()
        client.takeAll()
        yield* receive(client)
      }
    }),
  )
  for (let round = 0; round < 2; round += 1) {
    play.said()
    play.data(play.client, Buffer.alloc(70_000))
    t.deepEqual(play.said(), ['pause client'])
    play.opened()
    t.deepEqual(play.said(), ['resume client'])
    play.data(play.client, 'x')
  }
})

test('that we let go of the client ourselves is no loss: the other tasks go on', (t) => {
  const seen: string[] = []
  const play = new Playbook(
    layer(function* ({ machine, scope, client }) {
      machine.fork(
        (function* (): Step<void> {
          yield open()
          seen.push('opened')
        })(),
        scope,
      )
      yield { type: 'close', channel: client }
      yield* sleep(10)
      seen.push('slept')
    }),
  )
  play.after(10).opened()
  t.deepEqual(seen, ['slept', 'opened'])
})

test('the first reason of an end is the one that is told: of a channel, and of the connection', (t) => {
  const seen: string[] = []
  const play = new Playbook(
    layer(function* (context) {
      try {
        yield* hook(context, 'client_connected', context.client.connection)
        yield* receive(context.client)
        yield open()
      } catch (error) {
        seen.push(error instanceof ClientGone ? error.message : 'wrong')
      }
    }),
    { hooks: 'wait', connected: true },
  )
  const [server] = play.servers
  if (!server) return t.fail()
  play.close(server, 'first').close(server, 'second')
  t.is(server.error, 'first')
  play.close(play.client, 'reset')
  // A fault of another task ends what has ended.
  play.machine.fork(
    (function* (): Step<void> {
      yield* receive(play.client)
      throw new TypeError('oops')
    })(),
    play.context.scope,
  )
  play.reply('hook')
  t.deepEqual(seen, ['reset'])
})

test('a task is told once that the connection is over, and may wait for a server after it', (t) => {
  const seen: unknown[] = []
  const play = new Playbook(
    layer(function* (context) {
      try {
        yield* hook(context, 'client_connected', context.client.connection)
        yield open()
      } catch (error) {
        seen.push((error as Error).message)
        seen.push(yield open())
      }
    }),
    { hooks: 'wait' },
  )
  play.close(play.client, 'reset').reply('hook')
  t.deepEqual(seen, ['reset'])
  const server = play.opened()
  t.deepEqual(seen, ['reset', server])
  t.false(play.machine.busy)
})

test('everybody who waits for room is told of it, and of the loss of the channel', (t) => {
  for (const lost of [false, true]) {
    const seen: string[] = []
    const play = new Playbook(
      layer(function* ({ machine, scope, server }) {
        if (!server) return
        server.full = true
        const say = function* (name: string): Step<void> {
          seen.push(`${name} ${yield* send(server, Buffer.from(name))}`)
        }
        for (const name of ['b', 'c']) machine.fork(say(name), scope)
        yield* say('a')
      }),
      { connected: true },
    )
    const [server] = play.servers
    if (!server) return t.fail()
    if (lost) play.close(server)
    else play.drain(server)
    t.deepEqual(
      seen,
      ['b', 'c', 'a'].map((name) => `${name} ${!lost}`),
    )
    t.false(play.machine.busy)
  }
})

/** Waits for the client, without a time of its own. */
const waiting = (settings: PlaybookOptions, steps?: (context: Context) => Step<unknown>) =>
  new Playbook(
    layer(function* (context) {
      if (steps) yield* steps(context)
      for (;;) if (!(yield* receive(context.client))) return
    }),
    { options: { tcp_timeout: 10 }, ...settings },
  )

for (const [what, settings, happen, steps] of [
  ['what the client says', {}, (play: Playbook) => play.data(play.client, 'x'), undefined],
  ['what the client takes', { full: true }, (play: Playbook) => play.drain(play.client), undefined],
  [
    'the end of a hook',
    { hooks: 'wait' },
    (play: Playbook) => play.reply('hook'),
    (context: Context) => hook(context, 'client_connected', context.client.connection) as Step<unknown>,
  ],
] as const) {
  test(`${what} is progress`, (t) => {
    const play = waiting(settings, steps)
    play.after(9_000)
    happen(play)
    play.after(9_000)
    t.true(play.machine.busy)
    play.after(1_000)
    t.false(play.machine.busy)
  })
}

for (const [type, steps] of [
  ['secureServer', { type: 'secureServer', route: { ...ELSEWHERE, tls: { sni: undefined, alpn: [] } }, isHop: false }],
  [
    'secureClient',
    {
      type: 'secureClient',
      tls: { sni: undefined, alpn: undefined, upstream: undefined, key: 'p256', rustlsKeys: ['p256'] },
    },
  ],
  ['resolve', { type: 'resolve', query: Buffer.alloc(0) }],
] as const) {
  test(`the watchdog rests during ${type}, which has a clock of its own`, (t) => {
    const play = waiting({ connected: true }, function* ({ client, server }) {
      if (steps.type === 'secureServer' && server) yield { ...steps, channel: server }
      else if (steps.type === 'secureClient') yield { ...steps, channel: client }
      else if (steps.type === 'resolve') yield steps
    })
    play.after(10_000).after(10_000).reply(type)
    t.true(play.machine.busy)
    play.after(10_000)
    t.false(play.machine.busy)
  })
}

test('a UDP client is forgotten after 60 s, whatever tcp_timeout says', (t) => {
  for (const tcp_timeout of [10, 600]) {
    const play = waiting({ transport: 'udp', options: { tcp_timeout } })
    play.after(59_999)
    t.true(play.machine.busy)
    play.after(1)
    t.false(play.machine.busy)
  }
})
