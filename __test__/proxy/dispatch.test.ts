// Hooks: their order, waiting, and what an addon that fails can do, which is little.
import test from 'ava'
import { Flow, type FlowOrigin } from '../../src/flow/flow.js'
import type { TcpFlow } from '../../src/flow/messages.js'
import type { Addon, ConfigureHook } from '../../src/hooks.js'
import { Dispatcher } from '../../src/proxy/dispatch.js'
import { Clock } from '../support/clock.js'

class SomeFlow extends Flow {
  readonly size = 0
  readonly type = 'tcp'
}

function setUp(...addons: Addon[]) {
  const logs: string[] = []
  const dispatcher = new Dispatcher((level, message) => logs.push(`${level}: ${message}`))
  for (const addon of addons) dispatcher.add(addon)
  const flow = new SomeFlow({ now: 1 } as FlowOrigin) as unknown as TcpFlow
  return { dispatcher, logs, flow }
}

test('methods run in the order of their addons, and those that are plain functions at once', async (t) => {
  const order: string[] = []
  const { dispatcher, flow } = setUp(
    { tcp_start: () => void order.push('a') },
    {
      async tcp_start() {
        await Promise.resolve()
        order.push('b')
      },
    },
    { tcp_start: () => void order.push('c'), tcp_end: () => void order.push('end') },
  )
  t.is(dispatcher.run('tcp_end', flow), undefined)
  t.deepEqual(order, ['end'])
  await dispatcher.run('tcp_start', flow)
  t.deepEqual(order, ['end', 'a', 'b', 'c'])
})

test('an addon may be an object of a class; `this` is the addon', async (t) => {
  class Counting {
    count = 0
    tcp_start() {
      this.count += 1
    }
  }
  const addon = new Counting()
  const { dispatcher, flow } = setUp(addon)
  t.true(dispatcher.wants('tcp_start'))
  t.false(dispatcher.wants('tcp_end'))
  dispatcher.run('tcp_start', flow)
  t.is(addon.count, 1)
  dispatcher.remove(addon)
  t.false(dispatcher.wants('tcp_start'))
})

test("what an addon throws or rejects is its flow's error, named, and the others still run", async (t) => {
  const order: string[] = []
  const { dispatcher, logs, flow } = setUp(
    {
      name: 'bad',
      tcp_start() {
        throw new Error('thrown')
      },
      async tcp_end() {
        throw new Error('rejected')
      },
    },
    { tcp_start: () => void order.push('start'), tcp_end: () => void order.push('end') },
  )
  dispatcher.run('tcp_start', flow)
  t.is(flow.error?.message, 'addon bad has failed in tcp_start: thrown')
  await dispatcher.run('tcp_end', flow)
  t.deepEqual(order, ['start', 'end'])
  t.regex(logs.join('\n'), /error: addon bad has failed in tcp_start: thrown.*\n.*tcp_end: rejected/)
})

test('of several faults of addons the first is the error of the flow, and one that is over has no error any more', async (t) => {
  const bad = (name: string): Addon => ({
    name,
    tcp_start() {
      throw new Error('thrown')
    },
  })
  const { dispatcher, logs, flow } = setUp(bad('one'), bad('two'))
  dispatcher.run('tcp_start', flow)
  t.regex(flow.error?.message ?? '', /^addon one /)
  const over = setUp(bad('one'))
  over.flow.endedAt = 2
  over.dispatcher.run('tcp_start', over.flow)
  t.is(over.flow.error, undefined)
  t.deepEqual([logs.length, over.logs.length], [2, 1], 'each is said')
})

test('an addon that is removed takes no other one with it, and one that is added is configured alone', (t) => {
  const order: string[] = []
  const addon = (name: string): Addon => ({
    name,
    tcp_start: () => void order.push(name),
    configure: () => void order.push(`${name} configured`),
  })
  const [first, second] = [addon('first'), addon('second')]
  const { dispatcher, flow } = setUp(first, second)
  dispatcher.configure({ options: {}, changed: new Set() } as unknown as ConfigureHook, second)
  dispatcher.remove(first)
  dispatcher.run('tcp_start', flow)
  t.deepEqual(order, ['second configured', 'second'])
})

test('the addon that throws in load is refused, and a promise of it is not waited for', (t) => {
  const seen: unknown[] = []
  const first: Addon = { name: 'first', load: (proxy) => void seen.push(proxy) }
  const bad: Addon = {
    name: 'bad',
    load() {
      throw new Error('no')
    },
  }
  const { dispatcher } = setUp(first, bad)
  const proxy = {} as never
  dispatcher.load(proxy, first)
  t.deepEqual(seen, [proxy])
  t.throws(() => dispatcher.load(proxy, bad), { code: 'ERR_HOOK', message: 'addon bad has failed in load: no' })
  t.notThrows(() => dispatcher.load(proxy, {}))
})

test('a hook has the time of the option: an addon that never answers fails its flow, and the next flow is served', async (t) => {
  const clock = new Clock()
  const { dispatcher, logs, flow } = setUp({
    name: 'slow',
    tcp_start: ({ comment }) => (comment === 'stuck' ? new Promise(() => {}) : undefined),
  })
  dispatcher.time.milliseconds = 60_000
  flow.comment = 'stuck'
  let running: Promise<void> | undefined
  clock.with(() => {
    running = dispatcher.run('tcp_start', flow)
    clock.after(59_999)
    clock.after(2)
  })
  await running
  t.is(flow.error?.message, 'addon slow has failed in tcp_start: it has not answered within 60 s')
  t.is(logs.length, 1)
  t.is(setUp().dispatcher.run('tcp_start', setUp().flow), undefined)
})

test('an addon that fails in a hook for a message fails the flow of the message', (t) => {
  const { dispatcher, logs, flow } = setUp({
    name: 'mine',
    http_message() {
      throw new Error('boom')
    },
  })
  dispatcher.run('http_message', { flow, message: {} } as never)
  t.is(flow.error?.message, 'addon mine has failed in http_message: boom')
  t.is(logs.length, 1)
})
