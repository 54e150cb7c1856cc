// The room for connections at one place: counted, waited for in order, and given up after a while.
import test from 'ava'
import type { ServerConnection } from '../../src/connection.js'
import { Crowded, MAX_CONNECTIONS, MAX_WAITING, Places, WAIT_MILLISECONDS } from '../../src/proxy/places.js'
import { Clock } from '../support/clock.js'

const connection = () => ({ id: 'x' }) as ServerConnection

/** A full place, with its connections. */
function full(): { places: Places; connections: ServerConnection[] } {
  const places = new Places()
  const connections: ServerConnection[] = []
  while (places.enter('a')) {
    connections.push(connection())
    places.opened('a', connections.at(-1) as ServerConnection)
  }
  return { places, connections }
}

const never = () => new AbortController().signal

test('a place takes 256 connections; another place has room of its own', (t) => {
  const { places, connections } = full()
  t.is(connections.length, MAX_CONNECTIONS)
  t.true(places.enter('b'))
  t.false(places.enter('a'))
})

test('a connection makes room when it ends, however often that is said, and when it has failed', (t) => {
  const { places, connections } = full()
  const [first] = connections as [ServerConnection]
  places.gone(first)
  places.gone(first)
  places.gone(connection())
  t.true(places.enter('a'))
  t.false(places.enter('a'))
  places.leave('a')
  t.true(places.enter('a'))
  t.false(places.enter('a'))
})

test('those that wait are let in in their order, each when there is room for it', async (t) => {
  const { places, connections } = full()
  const order: number[] = []
  const waits = [1, 2, 3].map(async (number) => {
    const crowded = await places.wait('a', () => places.enter('a'), never())
    t.is(crowded, undefined)
    order.push(number)
  })
  places.changed('a')
  await Promise.resolve()
  t.deepEqual(order, [])
  places.gone(connections[0] as ServerConnection)
  t.false(places.enter('a'), 'the room is taken already')
  await waits[0]
  t.deepEqual(order, [1])
  places.leave('a')
  places.leave('a')
  await Promise.all(waits)
  t.deepEqual(order, [1, 2, 3])
  t.false(places.enter('a'))
})

test('an attempt that makes room itself, such as by closing an idle connection, does not let in the next', async (t) => {
  const { places, connections } = full()
  let turns = 0
  let calls = 0
  const first = places.wait(
    'a',
    () => {
      calls += 1
      places.gone(connections[0] as ServerConnection)
      return places.enter('a')
    },
    never(),
  )
  const given = new AbortController()
  const second = places.wait(
    'a',
    () => {
      turns += 1
      return places.enter('a')
    },
    given.signal,
  )
  places.changed('a')
  t.is(await first, undefined)
  t.is(calls, 1, 'and is not asked again while it is being asked')
  t.is(turns, 1, 'asked once, after the first')
  t.false(places.enter('a'))
  given.abort()
  t.truthy(await second)
})

test('a wait ends after 30 s, when it is aborted, and at once where too many wait', async (t) => {
  const clock = new Clock()
  const { places, connections } = full()
  const aborted = new AbortController()
  const results: Promise<Crowded | undefined>[] = []
  clock.with(() => {
    results.push(places.wait('a', () => places.enter('a'), aborted.signal))
    aborted.abort()
    results.push(places.wait('a', () => places.enter('a'), never()))
    clock.after(WAIT_MILLISECONDS)
    t.is(clock.timers, 0)
    for (let waiting = 0; waiting < MAX_WAITING; waiting += 1) void places.wait('a', () => places.enter('a'), never())
    results.push(places.wait('a', () => places.enter('a'), never()))
    for (const one of connections) places.gone(one)
    t.is(clock.timers, MAX_WAITING - MAX_CONNECTIONS)
  })
  t.deepEqual(await Promise.all(results), [
    new Crowded('the attempt was given up'),
    new Crowded('256 connections to it are open, and none of them has ended for 30 s'),
    new Crowded('256 connections to it are open, and 1024 wait for one of them to end'),
  ])
})
