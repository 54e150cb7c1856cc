// The timers of tasks: one a task, which begins anew with each wait and goes off for the last one alone.
import test from 'ava'
import type { Timed } from '../../src/layers/world.js'
import { Timers } from '../../src/proxy/timers.js'
import { Clock } from '../support/clock.js'

/** Runs `say` with timers that note when each goes off. */
function noted(say: (timers: Timers, clock: Clock) => void): { expired: [Timed, number][]; left: number } {
  const clock = new Clock()
  const begin = clock.now
  const expired: [Timed, number][] = []
  clock.with(() => {
    say(new Timers((of) => expired.push([of, clock.now - begin])), clock)
    clock.after(1_000)
  })
  return { expired, left: clock.timers }
}

const task = (): Timed => ({ timer: undefined })

test('a wait that is as long as the last begins anew', (t) => {
  const one = task()
  const { expired } = noted((timers, clock) => {
    timers.start(one, 100)
    clock.after(60)
    timers.start(one, 100)
    clock.after(60)
    t.is(clock.timers, 1, 'one timer for both')
  })
  t.deepEqual(expired, [[one, 160]])
})

test('a wait of another length ends the timer of the last', (t) => {
  const one = task()
  const { expired } = noted((timers, clock) => {
    timers.start(one, 100)
    clock.after(10)
    timers.start(one, 50)
    t.is(clock.timers, 1)
  })
  t.deepEqual(expired, [[one, 60]])
})

test('a timer that is cancelled does not go off, and leaves those of others alone', (t) => {
  const [one, other] = [task(), task()]
  const { expired, left } = noted((timers) => {
    timers.start(one, 100)
    timers.start(other, 100)
    timers.cancel(one)
    timers.cancel(task())
  })
  t.deepEqual(expired, [[other, 100]])
  t.is(left, 0)
})

test('a timer that has gone off or was cancelled can be started again', (t) => {
  const one = task()
  const { expired } = noted((timers, clock) => {
    timers.start(one, 100)
    clock.after(100)
    timers.start(one, 100)
    timers.cancel(one)
    timers.start(one, 100)
  })
  t.deepEqual(expired, [
    [one, 100],
    [one, 200],
  ])
})
