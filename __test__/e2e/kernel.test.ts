// The stack against Linux: bulk both ways on one connection, over good and bad links, with pauses and a kernel that lacks features.

import type { ExecutionContext } from 'ava'
import { far, Host, near, prepare, type Settings, service, setKernel } from './support/host.js'
import type { Namespace, World } from './support/netns.js'
import { Remote } from './support/remote.js'
import { suite } from './support/suite.js'
import { families } from './support/tunnel.js'
import { timed } from './support/wait.js'

type Kernel = Remote<typeof import('./programs/kernel.js')>

interface Place {
  namespace: Namespace
  kernel: Kernel
}

async function place(world: World): Promise<Place> {
  const namespace = world.alone()
  prepare(namespace)
  return { namespace, kernel: await Remote.start(namespace, 'kernel') }
}

const check = suite(['tun'], async (world) => ({ world, ...(await place(world)) }))

/** Runs the work with a host that is there for it alone; gives what the host has counted. */
async function withHost(
  { namespace }: Place,
  settings: Settings,
  work: () => Promise<void>,
): Promise<Record<string, number>> {
  const host = await Host.start(namespace, settings)
  try {
    await work()
  } catch (error) {
    await host.stop()
    throw error
  }
  return host.stop()
}

interface Options {
  to?: string
  port?: number
  /** The kernel's side reads nothing for so many milliseconds when it has half. */
  pause?: number
  limit?: number
  what?: string
}

/** So many bytes each way at once on one connection: what both sides heard is what was said. */
async function exchange(
  t: ExecutionContext,
  { kernel }: Place,
  bytes: number,
  { to = far.v4, port = service.bothWays, pause = 0, limit = 20_000, what = '' }: Options = {},
): Promise<void> {
  const [ms, [sent, received]] = await timed(() => kernel.callFor(limit, 'bothWays', to, port, bytes, pause))
  t.is(received, sent, what)
  t.log(`${what || to}: ${((bytes * 8) / ms / 1000).toFixed()} Mbit/s each way`)
}

for (const family of families) {
  check(`100 MB both ways at once, ${family}`, async (t, here) => {
    const counters = await withHost(here, {}, () => exchange(t, here, 100_000_000, { to: far[family], limit: 60_000 }))
    t.is(counters.lost, 0)
  })
}

// All at the same time, each in a namespace of its own: such a link is slow, and leaves the machine idle.
const weathers: Settings[] = [
  { seed: 1, lose: 10 },
  { seed: 2, reorder: 200, 'delay-ms': 5 },
  { seed: 3, lose: 5, double: 50, 'delay-ms': 5 },
  { seed: 4, lose: 5, double: 5, corrupt: 5, reorder: 20, 'delay-ms': 5 },
  { seed: 5, lose: 15, double: 5, corrupt: 1, reorder: 20, 'delay-ms': 1 },
  { seed: 6, lose: 2, double: 20, corrupt: 2, reorder: 20, 'delay-ms': 8 },
]

check('10 MB both ways at once on bad links', async (t, { world }) => {
  const ways = await Promise.allSettled(
    weathers.map(async (weather, at) => {
      const here = await place(world)
      const to = far[families[at % 2] ?? 'v4']
      const options = { to, limit: 90_000, what: JSON.stringify(weather) }
      const { lost = 0 } = await withHost(here, weather, () => exchange(t, here, 10_000_000, options))
      t.is(lost > 0, weather.lose !== undefined, options.what)
      await here.kernel.stop()
    }),
  )
  const reasons = ways.map((way, at) => (way.status === 'rejected' ? `seed ${at + 1}: ${way.reason}` : ''))
  t.deepEqual(reasons.filter(Boolean), [])
})

const pauses: [string, Options][] = [
  ['the kernel', { pause: 1000 }],
  ['the stack', { port: service.bothWaysWithPause }],
  ['each side', { port: service.bothWaysWithPause, pause: 700 }],
]

for (const [who, options] of pauses) {
  check(`${who} pauses in the middle of bulk both ways`, async (t, here) => {
    await withHost(here, {}, () => exchange(t, here, 30_000_000, options))
    await withHost(here, { buffer: 65_536, lose: 5, seed: 9 }, () => exchange(t, here, 2_000_000, options))
  })
}

for (const feature of ['tcp_sack', 'tcp_timestamps', 'tcp_window_scaling']) {
  check(`5 MB both ways with a kernel without ${feature}`, async (t, here) => {
    setKernel(here.namespace, feature, 0)
    try {
      await withHost(here, {}, () => exchange(t, here, 5_000_000))
      await withHost(here, { lose: 5, seed: 4 }, () => exchange(t, here, 5_000_000, { to: far.v6 }))
    } finally {
      setKernel(here.namespace, feature, 1)
    }
  })
}

check('the stack connects to the kernel', async (t, here) => {
  await withHost(here, {}, async () => {
    for (const family of families) {
      const ask = (listening: boolean) =>
        here.kernel.call('connectBack', far[family], service.connectBack, near[family], listening)
      t.deepEqual(await ask(true), ['connected\n', 'hello'])
      t.deepEqual(await ask(false), ['reset Refused\n', ''])
    }
  })
})

check('datagrams of every kind of length come back', async (t, here) => {
  const udp = await Remote.start<typeof import('./programs/udp.js')>(here.namespace, 'udp')
  await withHost(here, {}, async () => {
    for (const family of families) {
      for (const bytes of [0, 1, 1392, 1393, 20_000]) {
        const answer = await udp.call('ask', far[family], service.datagramEcho, bytes)
        t.deepEqual(answer, { same: true, bytes, address: far[family], port: service.datagramEcho })
      }
    }
  })
  await udp.stop()
})
