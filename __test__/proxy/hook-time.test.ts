// The time of a hook: it ends, it rests while the flow is intercepted, and its timers are gone when the addon has answered.
import test from 'ava'
import { HookTime } from '../../src/proxy/hook-time.js'
import { Clock } from '../support/clock.js'

/** Waits for a promise that never settles; `play` moves the clock. */
async function outcome(play: (clock: Clock, flow: { intercepted: boolean }) => void, milliseconds = 30_000) {
  const [clock, flow, time] = [new Clock(), { intercepted: false }, new HookTime()]
  time.milliseconds = milliseconds
  let said = 'waits'
  let begun: Promise<unknown> | undefined
  clock.with(() => {
    begun = time.within(new Promise(() => {}), flow).catch((error: Error) => {
      said = error.message
    })
    play(clock, flow)
  })
  await Promise.race([begun, new Promise((later) => setImmediate(later))])
  return { said, timers: clock.timers }
}

test('it is over when the time is over, and not before', async (t) => {
  t.is((await outcome((clock) => clock.after(29_999))).said, 'waits')
  t.deepEqual(await outcome((clock) => clock.after(30_001)), {
    said: 'it has not answered within 30 s',
    timers: 0,
  })
  t.is((await outcome((clock) => clock.after(500), 1_000)).said, 'waits')
  t.is((await outcome((clock) => clock.after(1_001), 1_000)).said, 'it has not answered within 1 s')
})

test('it rests while the flow is intercepted', async (t) => {
  const held = (after: number) => (clock: Clock, flow: { intercepted: boolean }) => {
    clock.after(10_000)
    flow.intercepted = true
    clock.after(1_000_000)
    flow.intercepted = false
    clock.after(after)
  }
  t.is((await outcome(held(19_000))).said, 'waits')
  t.regex((await outcome(held(21_000))).said, /not answered/)
})

test('0 is without a limit', async (t) => {
  t.deepEqual(await outcome((clock) => clock.after(1e9), 0), { said: 'waits', timers: 0 })
})

test('what answers leaves no timer behind', async (t) => {
  const clock = new Clock()
  const time = new HookTime()
  const real = globalThis.clearTimeout
  const ended: unknown[] = []
  globalThis.clearTimeout = ((timer: NodeJS.Timeout) => {
    ended.push(timer)
    real(timer)
  }) as typeof clearTimeout
  try {
    t.is(await time.within(Promise.resolve('done')), 'done')
    await t.throwsAsync(time.within(Promise.reject(new Error('no'))), { message: 'no' })
  } finally {
    globalThis.clearTimeout = real
  }
  t.is(clock.timers, 0)
  t.is(ended.length, 2)
})
