// TCP tells the truth: closed and unreachable ports look so, half-open connections work both ways, and a reset is seen as one.

import type { Failure } from './programs/server.js'
import { port } from './programs/services.js'
import { patternHash } from './support/pattern.js'
import { run } from './support/processes.js'
import { suite } from './support/suite.js'
import { families, far, join, startServer } from './support/tunnel.js'
import { until } from './support/wait.js'

const check = suite(['wireguard-go'], async (world) => {
  const server = await startServer(world, { requests: true, allowHalfOpen: true })
  const plain = await startServer(world)
  return { server, plain, guest: await join(world, server), plainGuest: await join(world, plain) }
})

const refusals = [
  ['refused', port.refused, 'ECONNREFUSED'],
  ['host unreachable', port.hostUnreachable, 'EHOSTUNREACH'],
  ['network unreachable', port.networkUnreachable, 'ENETUNREACH'],
] as const

for (const family of families) {
  for (const [name, number, code] of refusals) {
    check(`${family}: ${name} is ${code}, at once`, async (t, { server, guest }) => {
      const outcome = await guest.tcp.call('attempt', far[family], number, 5000)
      t.is(outcome.code, code)
      t.true(outcome.ms < 1000, `it took ${outcome.ms} ms`)
      await server.remote.event('request', 1000, (at) => at === number)
    })
  }

  check(`${family}: an administratively prohibited port is an error, at once`, async (t, { guest }) => {
    const outcome = await guest.tcp.call('attempt', far[family], port.prohibited, 5000)
    t.true(['EHOSTUNREACH', 'EACCES', 'ENETUNREACH'].includes(outcome.code), outcome.code)
    t.true(outcome.ms < 1000, `it took ${outcome.ms} ms`)
  })

  check(`${family}: an ignored one is silence`, async (t, { guest }) => {
    t.is((await guest.tcp.call('attempt', far[family], port.ignored, 1500)).code, 'LATE')
  })

  check(`${family}: an accepted one works as without a question`, async (t, { server, guest }) => {
    const bytes = 5_000_000
    t.deepEqual(await guest.tcp.call('upload', far[family], port.discard, bytes), { bytes, sha256: patternHash(bytes) })
    await server.remote.event('request', 1000, (at) => at === port.discard)
  })
}

check(
  'curl says that the connection was refused',
  async (t, { guest }) => {
    const url = `http://${far.v4}:${port.refused}/`
    const { code, ms } = await run('ip', guest.namespace.command('curl', '-sS', '--max-time', '10', url))
    t.is(code, 7)
    t.true(ms < 1000, `it took ${ms} ms`)
  },
  ['curl'],
)

check('the client ends its side first and reads the rest', async (t, { plainGuest, guest }) => {
  // Without allowHalfOpen, too: the end is said after the answer.
  for (const { tcp } of [guest, plainGuest]) {
    const bytes = 3_000_000
    t.deepEqual(await tcp.call('upload', far.v4, port.discard, bytes), { bytes, sha256: patternHash(bytes) })
  }
})

check('the server ends its side first and reads the rest', async (t, { server, guest }) => {
  const bytes = 3_000_000
  t.is(await guest.tcp.call('answerLate', far.v6, port.halfClosing, bytes), 'hello')
  t.deepEqual(await server.remote.event('read after our end', 5000), { bytes, sha256: patternHash(bytes) })
})

check('the client ends its side, and the server sends 20 MB after that', async (t, { guest }) => {
  const bytes = 20_000_000
  const answer = await guest.tcp.call('askAndEnd', far.v4, port.source, bytes)
  t.deepEqual(answer, { bytes, sha256: patternHash(bytes) })
})

check('a reset by the server is ECONNRESET at the client', async (t, { guest, plainGuest }) => {
  t.is(await guest.tcp.call('fate', far.v4, port.resetting), 'ECONNRESET')
  t.is(await plainGuest.tcp.call('fate', far.v6, port.resetting), 'ECONNRESET')
})

check('a reset by the client is ECONNRESET at the server', async (t, { server, plain, guest, plainGuest }) => {
  for (const [{ remote }, { tcp }] of [[server, guest] as const, [plain, plainGuest] as const]) {
    const source = await tcp.call('connectAndReset', far.v4, port.echo, true)
    const failure = await remote.event<Failure>('stream error', 5000, (one) => one.source === source)
    t.deepEqual(failure, { source, destination: port.echo, code: 'ECONNRESET' })
  }
})

check('connections that are reset as soon as they are open are seen, each with one error', async (t, context) => {
  for (const [{ remote }, { tcp }] of [
    [context.plain, context.plainGuest] as const,
    [context.server, context.guest] as const,
  ]) {
    for (let at = 0; at < 50; at++) {
      const source = await tcp.call('connectAndReset', far.v6, port.echo, false)
      const failure = await remote.event<Failure>('stream error', 5000, (one) => one.source === source)
      t.is(failure.code, 'ECONNRESET')
    }
    await until(5000, 'the streams to close', async () => (await remote.call('open')) === 0)
    // One that is in TIME-WAIT may keep its flow for 10 s.
    await until(15_000, 'the flows to go', async () => (await remote.call('counters')).flows === 0)
  }
})

check('a client comes again from the same port at once', async (t, { server, guest }) => {
  for (const family of families) {
    const source = await guest.tcp.call('connectAndReset', far[family], port.echo, true)
    for (let at = 0; at < 5; at++) {
      t.is(await guest.tcp.call('connectAndReset', far[family], port.echo, true, source), source)
    }
    for (let at = 0; at < 6; at++)
      await server.remote.event<Failure>('stream error', 5000, (one) => one.source === source)
  }
})

check('no stream is left', async (t, { server, plain }) => {
  for (const { remote } of [server, plain]) {
    t.is(await remote.call('open'), 0)
    t.is(remote.pending('stream error'), 0)
    t.is(remote.pending('error'), 0)
  }
})
