// 5,000 connections open at once through wireguard-go: each is used, and all is freed afterwards.
import { port } from './programs/services.js'
import { suite } from './support/suite.js'
import { far, join, startServer } from './support/tunnel.js'
import { timed, until } from './support/wait.js'

const count = 5000

const check = suite(['wireguard-go'], async (world) => {
  const server = await startServer(world)
  return { server, guest: await join(world, server) }
})

check('5,000 connections are open at once, each echoes, and nothing of them stays', async (t, { server, guest }) => {
  const { remote } = server
  // The first connections pay for what the process needs anyway.
  await guest.tcp.call('many', far.v4, port.echo, 100, 50)
  await guest.tcp.call('release')
  await until(10_000, 'the first streams to close', async () => (await remote.call('open')) === 0)
  await remote.call('collect')
  const before = remote.resident()

  const [opening, held] = await timed(() => guest.tcp.callFor(60_000, 'many', far.v4, port.echo, count, 200))
  t.is(held, count)
  t.is(await remote.call('open'), count)
  const [echoing] = await timed(() => guest.tcp.call('again', 'all of you'))
  await remote.call('collect')
  const during = remote.resident()
  const [, alone] = await guest.tcp.call('ask', far.v6, port.echo, 'one more')

  const [closing] = await timed(() => guest.tcp.call('release'))
  await until(10_000, 'every stream to close', async () => (await remote.call('open')) === 0)
  // The client ended first, so it is the one that has TIME-WAIT: the server's flows go at once.
  await until(10_000, 'every flow to go', async () => (await remote.call('counters')).flows === 0)
  await remote.call('collect')
  const after = remote.resident()

  const counters = await remote.call('counters')
  t.is(counters.synsDropped, 0)
  t.is(counters.halfOpenEvicted, 0)
  t.is(remote.pending('stream error'), 0)
  t.true(alone < 1000, `one more connection took ${alone} ms`)
  const kib = (bytes: number) => Math.round(bytes / 1024)
  t.log(`opened in ${opening.toFixed()} ms, all echoed in ${echoing.toFixed()} ms, closed in ${closing.toFixed()} ms`)
  t.log(`resident: ${kib(before)} KiB before, ${kib(during)} with all open, ${kib(after)} after`)
  t.log(`${((during - before) / 1024 / count).toFixed(1)} KiB a connection`)
  t.true(during - before < count * 32 * 1024, 'a connection that was used once costs 32 KiB and more')
})
