// Hooks: their order, waiting, and what an addon that fails can do, which is little.
import test from 'ava'
import { Flow, type FlowOrigin } from '../../src/flow/flow.js'
import type { TcpFlow } from '../../src/flow/messages.js'
import type { Addon, ConfigureHook } from '../../src/hooks.js'
import { Dispatcher } from '../../src/proxy/dispatch.js'

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

test.serial('the time of an addon that has answered does not go on', async (t) => {
  const { setTimeout, clearTimeout } = globalThis
  const [begun, ended] = [[] as unknown[], [] as unknown[]]
  globalThis.setTimeout = ((work: () => void, milliseconds: number) => {
    const timer = setTimeout(work, milliseconds)
    if (milliseconds === 30_000) begun.push(timer)
    return timer
  }) as typeof setTimeout
  globalThis.clearTimeout = ((timer: NodeJS.Timeout) => {
    ended.push(timer)
    clearTimeout(timer)
  }) as typeof clearTimeout
  try {
    const { dispatcher, flow } = setUp({ tcp_start: async () => {} })
    await dispatcher.run('tcp_start', flow)
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout })
  }
  t.true(begun.length > 0 && begun.every((timer) => ended.includes(timer)))
})

test.serial('an addon that never answers fails its flow after 30 s', async (t) => {
  t.timeout(5_000)
  const real = globalThis.setTimeout
  const { dispatcher, flow } = setUp({ name: 'slow', tcp_start: () => new Promise(() => {}) })
  globalThis.setTimeout = ((work: () => void, milliseconds: number) =>
    real(work, milliseconds === 30_000 ? 10 : milliseconds)) as typeof setTimeout
  const running = dispatcher.run('tcp_start', flow)
  globalThis.setTimeout = real
  const alive = real(() => {}, 1_000)
  await running
  clearTimeout(alive)
  t.regex(flow.error?.message ?? '', /slow .*not answered within 30 s/)
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
