// `midwire transparent` and the sockets behind it: REDIRECT and TPROXY, of devices and of this machine's users; and nothing stays behind.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { networkState, pathWithoutNft, tablesState } from './support/firewall.js'
import type { Cable, Namespace } from './support/netns.js'
import { run } from './support/processes.js'
import { Remote } from './support/remote.js'
import { midwireCommand } from './support/skip.js'
import { suite } from './support/suite.js'

type Program = typeof import('./programs/transparent.js')

/** Addresses that no machine here has. */
const far = ['192.0.2.80', '2001:db8:ffff::80'] as const
const nobody = 65_534
const port = { redirected: 8080, tproxied: 8081, service: 443 } as const

const test = suite(['midwire', 'nft'], async (world) => {
  const gateway = world.server
  const device = world.client()
  const other = world.client()
  for (const { namespace, cable } of [device, other]) {
    namespace.ip('route', 'add', 'default', 'via', cable.server.v4)
    namespace.ip('-6', 'route', 'add', 'default', 'via', cable.server.v6)
  }
  // This machine's own packets have a way to the addresses that nobody has.
  gateway.ip('route', 'add', '192.0.2.0/24', 'via', other.cable.client.v4)
  gateway.ip('-6', 'route', 'add', '2001:db8:ffff::/48', 'via', other.cable.client.v6)
  const start = (namespace: Namespace) => Remote.start<Program>(namespace, 'transparent')
  const [proxy, user, client, server] = await Promise.all(
    [gateway, gateway, device.namespace, other.namespace].map(start),
  )
  await proxy?.call('redirected', port.redirected)
  await proxy?.call('tproxied', port.tproxied)
  await server?.call('serve', port.service)
  await user?.call('become', nobody)
  if (!proxy || !user || !client) throw new Error('a program is missing')
  return { gateway, cable: device.cable, other: other.cable, proxy, user, client }
})

interface Context {
  gateway: Namespace
  cable: Cable
  other: Cable
}

async function midwire(namespace: Namespace, args: readonly string[], env?: NodeJS.ProcessEnv) {
  return run('ip', namespace.command(process.execPath, midwireCommand, 'transparent', ...args), env ? { env } : {})
}

/** Runs `body` between `up`, which is repeated, and `down`. */
async function between(
  t: ExecutionContext,
  { gateway }: Context,
  args: readonly string[],
  body: () => Promise<void>,
): Promise<void> {
  const before = networkState(gateway)
  const up = await midwire(gateway, ['up', ...args])
  t.is(up.code, 0, up.stderr)
  const once = networkState(gateway)
  t.notDeepEqual(once, before)
  try {
    t.is((await midwire(gateway, ['up', ...args])).code, 0)
    t.deepEqual(networkState(gateway), once)
    await body()
  } finally {
    const down = await midwire(gateway, ['down'])
    t.is(down.code, 0, down.stderr)
  }
  t.deepEqual(networkState(gateway), before)
  t.is((await midwire(gateway, ['down'])).code, 0)
  t.deepEqual(networkState(gateway), before)
}

test('REDIRECT: what a device sends comes with its original destination, IPv4 and IPv6', async (t, context) => {
  await between(t, context, ['--interface', context.cable.serverDevice], async () => {
    for (const host of far) {
      for (const to of [80, 443]) t.is(await context.client.call('ask', host, to), `redirected ${host} ${to}`)
    }
    // This machine's own users are not redirected.
    const direct = context.other.client.v4
    t.is(await context.user.call('ask', direct, port.service), `served ::ffff:${context.other.server.v4}`)
  })
})

test('a connection that nothing has redirected has its own address', async (t, { cable, client }) => {
  for (const host of [cable.server.v4, cable.server.v6]) {
    const said = await client.call('ask', host, port.redirected)
    // Without connection tracking the kernel knows of none.
    t.true([`redirected ${host} ${port.redirected}`, 'redirected none'].includes(said), said)
  }
})

test('REDIRECT of all users but one; the mark excludes, too', async (t, context) => {
  const { user, proxy, other } = context
  await between(t, context, ['--uid', '0'], async () => {
    for (const host of far) t.is(await user.call('ask', host, 443), `redirected ${host} 443`)
    for (const [host, from] of [
      [other.client.v4, `::ffff:${other.server.v4}`],
      [other.client.v6, other.server.v6],
    ] as const) {
      t.is(await proxy.call('askAs', host, port.service), `served ${from}`)
    }
  })
  await between(t, context, ['--uid', String(nobody)], async () => {
    for (const host of [other.client.v4, other.client.v6]) {
      t.is(await proxy.call('askAs', host, port.service), `redirected ${host} ${port.service}`)
      t.regex(await proxy.call('askAs', host, port.service, { mark: true }), /^served /)
    }
  })
})

test('TPROXY: TCP and UDP of a device, answered from where they were sent to', async (t, context) => {
  const args = [
    '--tproxy',
    '--interface',
    context.cable.serverDevice,
    '--port',
    String(port.tproxied),
    '--ports',
    '53,440-450',
  ]
  await between(t, context, args, async () => {
    for (const host of far) {
      t.is(await context.client.call('ask', host, 443), `tproxied ${host} 443`)
      for (const to of [53, 443]) {
        const answer = await context.client.call('askUdp', host, to, 'hello')
        t.is(answer, `tproxied ${host} ${to} hello from ${host} ${to}`)
      }
    }
  })
})

test('TPROXY of all users but one', async (t, context) => {
  await between(t, context, ['--tproxy', '--uid', '0', '--port', String(port.tproxied)], async () => {
    for (const host of far) {
      t.is(await context.user.call('ask', host, 443), `tproxied ${host} 443`)
      const answer = await context.user.call('askUdp', host, 443, 'hello')
      t.is(answer, `tproxied ${host} 443 hello from ${host} 443`)
    }
    const { other, proxy } = context
    t.regex(await proxy.call('askUdpAs', other.client.v4, port.service), /^served /)
  })
})

test("connections to servers come from a client's address", async (t, context) => {
  const { cable, other, proxy } = context
  const args = ['--tproxy', '--interface', cable.serverDevice, '--port', String(port.tproxied)]
  await between(t, context, args, async () => {
    for (const [host, source, from] of [
      [other.client.v4, cable.client.v4, `::ffff:${cable.client.v4}`],
      [other.client.v6, cable.client.v6, cable.client.v6],
    ] as const) {
      t.is(await proxy.call('askAs', host, port.service, { source, mark: true }), `served ${from}`)
      t.is(await proxy.call('askUdpAs', host, port.service, source), `served ${from}`)
    }
  })
})

test('datagrams of any length, many at once, and the end of a listener', async (t, { proxy }) => {
  const { own, last, count, dropped } = await proxy.call('local', 0, 20, 1000)
  const destination = `127.0.0.1 ${own}`
  t.deepEqual(last, [
    { length: 0, destination },
    { length: 65_507, destination },
  ])
  t.deepEqual([count, dropped], [22, 0])
})

test('what waits for Node is bounded, and the listener goes on', async (t, { proxy }) => {
  // The addon's 4 MiB of records, each with a head of 56 bytes, and what the kernel has kept meanwhile.
  for (const [count, bytes] of [
    [300, 60_000],
    [150_000, 0],
  ] as const) {
    const { waited, dropped } = await proxy.call('flood', count, bytes)
    t.log({ waited, dropped })
    t.true(waited * (bytes + 56) > 1 << 20)
    t.true(waited * (bytes + 56) < 9 << 20)
    t.true(dropped > 0)
  }
})

test('a marked connection fails as any other', async (t, { proxy, cable }) => {
  t.deepEqual(await proxy.call('failures', cable.client.v4, 9, far[0]), ['ECONNREFUSED', 'ECANCELED'])
  t.deepEqual(await proxy.call('failures', cable.client.v6, 9, far[1]), ['ECONNREFUSED', 'ECANCELED'])
})

test('without the right to it each socket says what it needs', async (t, { user }) => {
  const [listeners, connections] = await Promise.all([
    user.call('refusedListeners', '0.0.0.0', 8099),
    user.call('refusedConnections', '127.0.0.1', 8099),
  ])
  t.deepEqual(listeners, { tcp: 'ERR_ROOT', udp: 'ERR_ROOT' })
  t.deepEqual(connections, { source: 'ERR_ROOT', mark: 'ERR_ROOT' })
})

test('a port that is taken is said to be', async (t, { proxy }) => {
  const codes = { tcp: 'ERR_ADDRESS_IN_USE', udp: 'ERR_ADDRESS_IN_USE' }
  t.deepEqual(await proxy.call('refusedListeners', '0.0.0.0', port.tproxied), codes)
  t.deepEqual(await proxy.call('refusedListeners', '::', port.tproxied), codes)
})

test('an error of nft is shown with the command, and nothing stays', async (t, { gateway }) => {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-path-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  // It removes the table, but sets none.
  const script = '#!/bin/sh\nif grep -q chain; then echo "Error: no such thing" >&2; exit 1; fi\n'
  writeFileSync(join(folder, 'nft'), script, { mode: 0o755 })
  const before = networkState(gateway)
  const { code, stdout, stderr } = await midwire(gateway, ['up', '--tproxy'], { PATH: `${folder}:${process.env.PATH}` })
  t.is(code, 1)
  t.regex(stderr, /^midwire: nft -f -: Error: no such thing$/m)
  t.regex(stdout.toString(), /^ip -6 rule add /m)
  t.deepEqual(networkState(gateway), before)
})

test('a user without root is told so in one line, and may use --dry-run', async (t, { gateway }) => {
  const as = (...args: string[]) => {
    const command = ['setpriv', `--reuid=${nobody}`, '--clear-groups', process.execPath, midwireCommand, 'transparent']
    return run('ip', gateway.command(...command, ...args))
  }
  const { code, stdout, stderr } = await as('up')
  t.is(code, 1)
  t.is(stdout.toString(), '')
  t.is(stderr, 'midwire: midwire transparent up: this needs root, or the capability CAP_NET_ADMIN\n')
  const dry = await as('up', '--dry-run')
  t.is(dry.code, 0, dry.stderr)
  t.regex(dry.stdout.toString(), /tcp dport \{ 80, 443 \} redirect to :8080/)
})

test('--dry-run is a shell script that does the same, and changes nothing itself', async (t, { gateway }) => {
  const args = ['--tproxy', '--uid', '0', '--interface', 'eth9']
  const before = networkState(gateway)
  const dry = async (...words: string[]) => (await midwire(gateway, [...words, '--dry-run'])).stdout.toString()
  const [up, down] = [await dry('up', ...args), await dry('down')]
  t.deepEqual(networkState(gateway), before)
  gateway.must('sh', '-ec', up)
  const bySh = networkState(gateway)
  gateway.must('sh', '-ec', down)
  t.deepEqual(networkState(gateway), before)
  await midwire(gateway, ['up', ...args])
  t.deepEqual(networkState(gateway), bySh)
  await midwire(gateway, ['down'])
})

test(
  'where nft is missing iptables and ip6tables do the same',
  async (t, context) => {
    const env = { PATH: pathWithoutNft(t) }
    const { gateway, client, user, cable } = context
    // The first run makes the tables, which are empty after the last.
    for (const round of [0, 1]) {
      const before = tablesState(gateway)
      for (const times of [1, 2]) {
        const up = await midwire(gateway, ['up', '--interface', cable.serverDevice, '--uid', '0'], env)
        t.is(up.code, 0, `${times}: ${up.stderr}`)
      }
      for (const host of far) {
        t.is(await client.call('ask', host, 443), `redirected ${host} 443`)
        t.is(await user.call('ask', host, 443), `redirected ${host} 443`)
      }
      const tproxy = [
        'up',
        '--tproxy',
        '--interface',
        cable.serverDevice,
        '--uid',
        '0',
        '--port',
        String(port.tproxied),
      ]
      const up = await midwire(gateway, tproxy, env)
      t.is(up.code, 0, up.stderr)
      for (const host of far) {
        for (const one of [client, user]) {
          t.is(await one.call('ask', host, 443), `tproxied ${host} 443`)
          t.is(await one.call('askUdp', host, 443, 'hello'), `tproxied ${host} 443 hello from ${host} 443`)
        }
      }
      t.is((await midwire(gateway, ['down'], env)).code, 0)
      if (round > 0) t.deepEqual(tablesState(gateway), before)
    }
  },
  ['iptables'],
)
