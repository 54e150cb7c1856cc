// Idle connections to servers: found by destination and TLS, lost when they say anything or grow old.
import test from 'ava'
import type { ClientConnection } from '../../src/connection.js'
import { DIRECT } from '../../src/flow/via.js'
import type { Route } from '../../src/layers/route.js'
import type { Dialled } from '../../src/proxy/dial.js'
import { Pool } from '../../src/proxy/pool.js'
import { noReceiver, type Receiver, type Transport } from '../../src/transports/transport.js'
import { Clock } from '../support/clock.js'

class Fake implements Transport {
  local = undefined
  remote = undefined
  receiver: Receiver = noReceiver
  closed = false
  write() {
    return true
  }
  end() {}
  close() {
    this.closed = true
  }
  reset() {
    this.closed = true
  }
  pause() {}
  resume() {}
}

const to = { host: 'a.test', port: 443, transport: 'tcp' as const }
const client = { id: 'c' } as ClientConnection
const tls = { sni: 'a.test', alpn: ['http/1.1'] }
const route: Route = { to, via: DIRECT, tls }
const plain: Route = { ...route, tls: undefined }

function dialled(): Dialled & { transport: Fake } {
  return { transport: new Fake(), connection: { id: 'x', ...to } }
}

test('a connection is found by its destination and TLS settings alone, the last one first', (t) => {
  const pool = new Pool(() => {})
  const [first, second] = [dialled(), dialled()]
  pool.put(first, route, client)
  pool.put(second, route, client)
  t.true(pool.has(route))
  t.false(pool.has({ ...route, to: { ...to, port: 80 } }))
  t.is(pool.take(plain), undefined)
  t.is(pool.take({ ...route, to: { ...to, transport: 'udp' } }), undefined)
  t.is(pool.take({ ...route, tls: { ...tls, sni: 'b.test' } }), undefined)
  t.is(pool.take({ ...route, tls: { ...tls, alpn: [] } }), undefined)
  t.is(pool.take(route)?.transport, second.transport)
  t.is(pool.take(route)?.transport, first.transport)
  t.is(pool.take(route), undefined)
  t.false(pool.has(route))
  pool.put(first, route, client)
  t.true(pool.has({ ...route, to: { ...to, host: 'A.Test.' } }))
  t.is(
    pool.take({ ...route, to: { ...to, host: 'A.Test.' }, tls: { ...tls, sni: 'A.test' } })?.transport,
    first.transport,
  )
})

test('what speaks, ends or is lost while idle is used no more', (t) => {
  const gone: unknown[] = []
  const pool = new Pool((_, connection) => gone.push(connection))
  for (const happen of [
    (receiver: Receiver) => receiver.handleData(Buffer.from('HTTP/1.1 200 OK\r\n\r\n')),
    (receiver: Receiver) => receiver.handleEnd(),
    (receiver: Receiver) => receiver.handleClose(undefined),
  ]) {
    const one = dialled()
    pool.put(one, route, client)
    happen(one.transport.receiver)
    t.true(one.transport.closed)
    t.is(pool.take(route), undefined)
    t.false(pool.has(route))
  }
  t.is(gone.length, 3)
})

test('a place is known as long as one connection to it lies here, whatever its TLS', (t) => {
  const pool = new Pool(() => {})
  pool.put(dialled(), route, client)
  pool.put(dialled(), plain, client)
  pool.put(dialled(), route, client)
  for (const settings of [tls, undefined, tls]) {
    t.true(pool.has(route))
    t.truthy(pool.take({ ...route, tls: settings }))
  }
  t.false(pool.has(route))
})

test('what is taken or has gone makes room: only what lies here is counted', (t) => {
  const pool = new Pool(() => {})
  const first = dialled()
  pool.put(first, route, client)
  for (let time = 0; time < 2_000; time += 1) {
    pool.put(dialled(), plain, client)
    pool.take(plain)
  }
  t.false(first.transport.closed)
})

test('a connection that is closed here is told of once, though its transport says so, too', (t) => {
  const gone: unknown[] = []
  const pool = new Pool((_, connection) => gone.push(connection))
  const one = dialled()
  pool.put(one, route, client)
  const heard = one.transport.receiver
  heard.handleEnd()
  one.transport.receiver.handleClose(undefined)
  t.is(gone.length, 1)
})

test('after the end nothing is kept: what is put here is closed, and told of', (t) => {
  const gone: [ClientConnection, unknown][] = []
  const pool = new Pool((whose, connection) => gone.push([whose, connection]))
  pool.close()
  const late = dialled()
  pool.put(late, route, client)
  t.true(late.transport.closed)
  t.deepEqual(gone, [[client, late.connection]])
  t.false(pool.has(route))
})

test('the sweeper runs while something lies here, and begins again with the next', (t) => {
  const clock = new Clock()
  clock.with(() => {
    const pool = new Pool(() => {})
    for (let round = 0; round < 2; round += 1) {
      const one = dialled()
      pool.put(one, route, client)
      clock.after(9_000)
      t.false(one.transport.closed)
      clock.after(2_000)
      t.true(one.transport.closed)
      t.is(clock.timers, 0)
    }
    pool.put(dialled(), route, client)
    pool.close()
    t.is(clock.timers, 0)
  })
})

test('there are at most 1,024, and the oldest go', (t) => {
  const pool = new Pool(() => {})
  const all = Array.from({ length: 1_100 }, dialled)
  const now = Date.now
  let clock = now()
  Date.now = () => (clock += 1)
  for (const one of all) pool.put(one, route, client)
  Date.now = now
  t.is(all.filter(({ transport }) => !transport.closed).length, 1_024)
  t.true(all[0]?.transport.closed)
  pool.close()
  t.true(all.every(({ transport }) => transport.closed))
})

test('a place gives up the connection that was idle for longest, whatever its TLS; another place keeps its own', (t) => {
  const pool = new Pool(() => {})
  const [first, second, other] = [dialled(), dialled(), dialled()]
  const elsewhere: Route = { ...plain, to: { ...to, port: 80 } }
  const clock = new Clock()
  clock.with(() => {
    for (const [one, way] of [
      [other, elsewhere],
      [first, plain],
      [second, route],
    ] as const) {
      pool.put(one, way, client)
      clock.after(1)
    }
    t.true(pool.closeOne(route))
    t.deepEqual(
      [first, second, other].map(({ transport }) => transport.closed),
      [true, false, false],
    )
    t.true(pool.closeOne(route))
    t.true(second.transport.closed)
    t.false(pool.closeOne(route))
    t.false(other.transport.closed)
    pool.close()
  })
})
