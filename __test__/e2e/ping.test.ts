// ping: the tunnel's own addresses answer; others only if whoever runs the server says so.
import { type Outcome, run } from './support/processes.js'
import { suite } from './support/suite.js'
import { families, far, type Guest, join, startServer } from './support/tunnel.js'

const own = { v4: '10.0.0.53', v6: 'fd6d:6964:7769:7265::53' }

const check = suite(['wireguard-go', 'ping'], async (world) => {
  const quiet = await startServer(world)
  const loud = await startServer(world, { icmp: true })
  return { quiet, loud, guest: await join(world, quiet), other: await join(world, loud) }
})

function ping(guest: Guest, ...args: string[]): Promise<Outcome> {
  return run('ip', guest.namespace.command('ping', '-n', '-i', '0.05', ...args))
}

for (const family of families) {
  check(`${family}: the tunnel's own address answers`, async (t, { quiet, guest }) => {
    const before = (await quiet.remote.call('counters')).echoReplies ?? 0
    const { code, stdout } = await ping(guest, '-c', '5', '-W', '2', own[family])
    t.is(code, 0, String(stdout))
    t.regex(String(stdout), /5 packets transmitted, 5 received/)
    t.is(((await quiet.remote.call('counters')).echoReplies ?? 0) - before, 5)
  })

  check(`${family}: it answers a ping in fragments`, async (t, { guest }) => {
    const { code, stdout } = await ping(guest, '-c', '2', '-W', '2', '-s', '8000', own[family])
    t.is(code, 0, String(stdout))
    t.regex(String(stdout), /2 packets transmitted, 2 received/)
  })

  check(`${family}: no other address pretends to be there`, async (t, { quiet, guest }) => {
    const before = (await quiet.remote.call('counters')).icmpDropped ?? 0
    const { code, stdout } = await ping(guest, '-c', '2', '-W', '1', far[family])
    t.is(code, 1, String(stdout))
    t.regex(String(stdout), /2 packets transmitted, 0 received/)
    t.true(((await quiet.remote.call('counters')).icmpDropped ?? 0) >= before + 2)
  })

  check(`${family}: with onIcmp the user hears of it and may answer`, async (t, { loud, other }) => {
    const { code, stdout } = await ping(other, '-c', '3', '-W', '2', '-s', '3000', far[family])
    t.is(code, 0, String(stdout))
    t.regex(String(stdout), /3 packets transmitted, 3 received/)
    const type = family === 'v4' ? 8 : 128
    const isOurs = (message: { type: number }) => message.type === type
    t.deepEqual(await loud.remote.event('icmp', 1000, isOurs), {
      type,
      source: other[family],
      destination: far[family],
    })
    const mine = await ping(other, '-c', '1', '-W', '2', own[family])
    t.is(mine.code, 0, String(mine.stdout))
  })
}
