// Scopes and streams: what events open, what ends with it, and what the user does to one flow among several.
import test from 'ava'
import { connectRequest, HttpFlow } from '../../src/flow/http.js'
import { type AnyChannel, type Carrier, Channel } from '../../src/layers/channel.js'
import type { ChannelDeed } from '../../src/layers/commands.js'
import { type Context, hook, type Layer, origin, receive, type Step, send, sleep } from '../../src/layers/layer.js'
import { Scope } from '../../src/layers/scope.js'
import { ClientGone, Gone, Killed } from '../../src/layers/task.js'
import { Playbook } from '../support/playbook.js'

const flowOf = (context: Context) =>
  new HttpFlow(origin(context, undefined), connectRequest('example.org', 443, context.machine.world.now()))

/** Opens a stream, and waits in it for data until the stream ends; `seen` has what happened. */
function openStream(
  context: Context,
  name: string,
  seen: string[],
  carrier?: Carrier,
): { scope: Scope; flow: HttpFlow } {
  const channel = new Channel(context.client.connection)
  Object.assign(channel, { carrier })
  const scope = new Scope(channel, context.scope)
  const flow = flowOf(context)
  scope.subject = flow
  context.machine.handle({ type: 'stream', scope, steps: stream(name, channel, seen) })
  return { scope, flow }
}

function* stream(name: string, channel: AnyChannel, seen: string[]): Step<void> {
  try {
    for (let data = yield* receive(channel); data; data = yield* receive(channel)) seen.push(`${name} ${data}`)
    seen.push(`${name} ended`)
  } catch (error) {
    if (!(error instanceof Gone)) throw error
    seen.push(`${name} ${error instanceof Killed ? 'killed' : error instanceof ClientGone ? 'gone' : 'idle'}`)
  }
}

/** A layer that waits for the end of its connection, with streams beside it. */
function streams(seen: string[], opened: ReturnType<typeof openStream>[], carrier?: Carrier): Layer {
  return function* (context) {
    for (const name of ['a', 'b']) opened.push(openStream(context, name, seen, carrier))
    seen.push('opened')
    yield* receive(context.client)
    return undefined
  }
}

test('a stream begins when the task that has opened it waits, and its channel is read like any other', (t) => {
  const seen: string[] = []
  const opened: ReturnType<typeof openStream>[] = []
  const play = new Playbook(streams(seen, opened))
  const [a, b] = opened
  if (!a || !b) return t.fail()
  play.data(b.scope.root, 'one').data(a.scope.root, 'two').end(a.scope.root)
  t.deepEqual(seen, ['opened', 'b one', 'a two', 'a ended'])
  t.deepEqual([...play.context.scope.all()].slice(1), [b.scope], 'a stream that is over is forgotten')
})

test('the loss of a stream ends its tasks and no others; the loss of the connection ends all', (t) => {
  const seen: string[] = []
  const opened: ReturnType<typeof openStream>[] = []
  const play = new Playbook(streams(seen, opened))
  const [a, b] = opened
  if (!a || !b) return t.fail()
  play.close(a.scope.root, 'reset').data(b.scope.root, 'one')
  t.deepEqual(seen.slice(1), ['a ended', 'b one'])
  play.close(play.client, 'lost')
  t.deepEqual(seen.slice(3), ['b gone'])
  t.false(play.machine.busy)
  t.is(play.timers, 0)
})

test('killing the flow of one stream ends that stream', (t) => {
  const seen: string[] = []
  const opened: ReturnType<typeof openStream>[] = []
  const play = new Playbook(streams(seen, opened))
  const [a, b] = opened
  if (!a || !b) return t.fail()
  b.flow.kill()
  play.data(a.scope.root, 'one')
  t.deepEqual(seen.slice(1), ['b killed', 'a one'])
  t.true(play.machine.busy)
})

test('a fault in one stream resets that stream, and the others go on', (t) => {
  const done: string[] = []
  const carrier: Carrier = { perform: (deed: ChannelDeed) => done.push(deed.type), flush() {} }
  const seen: string[] = []
  let broken: Scope | undefined
  const play = new Playbook(function* (context) {
    const channel = new Channel(context.client.connection)
    Object.assign(channel, { carrier })
    broken = new Scope(channel, context.scope)
    const steps = (function* (): Step<void> {
      yield* receive(channel)
      throw new TypeError('oops')
    })()
    context.machine.handle({ type: 'stream', scope: broken, steps })
    openStream(context, 'b', seen)
    yield* receive(context.client)
    return undefined
  })
  if (!broken) return t.fail()
  play.data(broken.root, 'x')
  t.deepEqual(done, ['reset'])
  t.deepEqual(play.said(), [])
  t.regex(play.logs[0]?.message ?? '', /a layer has failed.*oops/)
  t.true(play.machine.busy)
})

test('what is done to a stream is done by its engine, which sends once at the end of a turn', (t) => {
  const done: string[] = []
  let play: Playbook
  const carrier: Carrier = {
    perform(deed) {
      done.push(deed.type === 'send' ? `send ${deed.data}` : deed.type)
      play.machine.flushLater(carrier)
    },
    flush: () => done.push('flush'),
  }
  const steps = function* (channel: AnyChannel): Step<void> {
    yield* receive(channel)
    yield* send(channel, Buffer.from('one'))
    yield* send(channel, Buffer.from('two'))
    yield { type: 'end', channel }
  }
  const channel = new Channel({ id: 'x', transport: 'tcp' })
  Object.assign(channel, { carrier })
  play = new Playbook(function* (context) {
    const scope = new Scope(channel, context.scope)
    context.machine.handle({ type: 'stream', scope, steps: steps(channel) })
    yield* receive(context.client)
    return undefined
  })
  play.data(channel, 'x')
  t.deepEqual(done, ['send one', 'send two', 'end', 'flush'])
  t.deepEqual(play.said(), [])
})

test('a flow that a hook has intercepted waits for resume(), however long, and for nothing else', (t) => {
  const seen: string[] = []
  let flow: HttpFlow | undefined
  const play = new Playbook(
    function* (context) {
      flow = flowOf(context)
      context.scope.subject = flow
      yield* hook(context, 'request', flow)
      seen.push('on')
      yield* receive(context.client)
      return undefined
    },
    { hooks: { request: (one) => one.intercept() } },
  )
  if (!flow) return t.fail()
  t.true(flow.intercepted)
  play.after(10_000_000).data(play.client, 'x')
  t.deepEqual(seen, [])
  flow.resume()
  t.deepEqual(seen, ['on'])
  t.false(flow.intercepted)
  flow.resume()
  t.false(play.machine.busy)
})

test('a flow that is intercepted can be killed, and ends with its client', (t) => {
  for (const kill of [true, false]) {
    let gone: unknown
    let flow: HttpFlow | undefined
    const play = new Playbook(
      function* (context) {
        flow = flowOf(context)
        context.scope.subject = flow
        try {
          yield* hook(context, 'request', flow)
        } catch (error) {
          gone = error
        }
        return undefined
      },
      { hooks: { request: (one) => one.intercept() } },
    )
    if (kill) flow?.kill()
    else play.close(play.client)
    t.true(gone instanceof (kill ? Killed : ClientGone))
    t.false(play.machine.busy)
  }
})

test('what the user injects reaches the layer of that flow', (t) => {
  const seen: string[] = []
  const opened: ReturnType<typeof openStream>[] = []
  const play = new Playbook(streams(seen, opened))
  const [a, b] = opened
  if (!a || !b) return t.fail()
  b.scope.inject = (injection) => seen.push(`b ${injection.content}`)
  const injection = { toClient: true, content: Buffer.from('hello'), kind: 'text' } as const
  play.act(a.flow, { act: 'inject', injection })
  play.act(b.flow, { act: 'inject', injection })
  t.deepEqual(seen.slice(1), ['b hello'])
})

test('a task that waits on and on, though it was told of the end, is a fault and not the end of the process', (t) => {
  const play = new Playbook(function* ({ client }) {
    try {
      yield* sleep(0)
    } catch {
      for (;;) yield { type: 'receive', channel: client, milliseconds: 0 }
    }
    return undefined
  })
  play.close(play.client)
  t.false(play.machine.busy)
  t.regex(play.logs[0]?.message ?? '', /goes on waiting/)
})
