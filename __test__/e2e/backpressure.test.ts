// Readers that stop in the middle of 600 MB, on either end: they cost little memory, and the others go on at speed.
import { port, stallAfter } from './programs/services.js'
import { patternHash } from './support/pattern.js'
import { suite } from './support/suite.js'
import { far, type Guest, join, type Server, startServer } from './support/tunnel.js'
import { timed, until } from './support/wait.js'

const readers = 8
const whole = 600 * 1024 * 1024
const mebibyte = 1024 * 1024
/** For all of them together, with what V8 has not collected yet: 25 to 35 MiB at rest, 80 beside a busy compiler. Without back-pressure: GiB. */
const bound = 128 * mebibyte
const body = 50 * mebibyte

const check = suite(['wireguard-go'], async (world) => {
  const server = await startServer(world)
  const guest = await join(world, server)
  // What a process needs anyway is not counted: it has worked before.
  await others(guest)
  await server.remote.call('collect')
  return { server, guest, before: server.remote.resident() }
})

/** Ordinary traffic, whole and unharmed; gives the seconds. */
async function others({ tcp }: Guest): Promise<number> {
  const work = () =>
    Promise.all([tcp.call('download', far.v4, port.source, body), tcp.call('upload', far.v6, port.discard, body)])
  const [ms, results] = await timed(work)
  for (const { bytes, sha256 } of results) {
    if (bytes !== body || sha256 !== patternHash(body)) throw new Error(`${bytes} bytes, SHA-256 ${sha256}`)
  }
  return ms / 1000
}

/** The memory over `before`; the highest of some looks. */
async function growth({ remote }: Server, before: number): Promise<number> {
  let most = 0
  for (let look = 0; look < 3; look++) {
    most = Math.max(most, remote.resident() - before)
    await remote.call('collect')
  }
  return most
}

check('eight uploads that the server stops reading', async (t, { server, guest, before }) => {
  const fills = Array.from({ length: readers }, () => guest.tcp.call('fill', far.v4, port.stalling, whole, 1000))
  for (const sent of await Promise.all(fills)) {
    // The kernel's own buffers, the window, and what Node holds: no more than that has left the writer.
    t.true(sent >= stallAfter && sent < stallAfter + 16 * mebibyte, `${sent} bytes were taken`)
  }
  for (let at = 0; at < readers; at++) await server.remote.event('stalled', 5000)
  const cost = await growth(server, before)
  const seconds = await others(guest)
  const later = await growth(server, before)
  t.true(Math.max(cost, later) < bound, `${cost} bytes, then ${later}`)
  t.true(seconds < 10, `the others took ${seconds} s`)
  t.log(`${(cost / mebibyte).toFixed(1)} MiB; the others: 2 times 50 MiB in ${seconds.toFixed(1)} s`)

  await server.remote.call('resume')
  await guest.tcp.call('release')
  await until(20_000, 'the streams to close', async () => (await server.remote.call('open')) === 0)
})

check('eight downloads that the clients stop reading', async (t, { server, guest, before }) => {
  const stops = Array.from({ length: readers }, () =>
    guest.tcp.call('stopReading', far.v4, port.source, whole, stallAfter),
  )
  await Promise.all(stops)
  const cost = await growth(server, before)
  const seconds = await others(guest)
  const later = await growth(server, before)
  t.true(Math.max(cost, later) < bound, `${cost} bytes, then ${later}`)
  t.true(seconds < 10, `the others took ${seconds} s`)
  t.log(`${(cost / mebibyte).toFixed(1)} MiB; the others: 2 times 50 MiB in ${seconds.toFixed(1)} s`)

  await guest.tcp.call('abandon')
  await until(20_000, 'the streams to close', async () => (await server.remote.call('open')) === 0)
  await until(20_000, 'the flows to go', async () => (await server.remote.call('counters')).flows === 0)
})
