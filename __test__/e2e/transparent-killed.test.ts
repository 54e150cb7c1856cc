// kill -9 of a transparent midwire leaves nothing that `down` and `cleanup` do not remove, and the next `up` starts clean.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { networkState, pathWithoutNft, tablesState } from './support/firewall.js'
import { Midwire } from './support/midwire.js'
import type { Namespace } from './support/netns.js'
import { run } from './support/processes.js'
import { midwireCommand } from './support/skip.js'
import { suite } from './support/suite.js'

const test = suite(['midwire', 'nft', 'curl'], async (world) => {
  const gateway = world.server
  const device = world.client()
  const { server } = device.cable
  device.namespace.ip('route', 'add', 'default', 'via', server.v4)
  device.namespace.ip('-6', 'route', 'add', 'default', 'via', server.v6)
  return { gateway, device, arriving: ['--interface', device.cable.serverDevice] }
})

interface Place {
  readonly gateway: Namespace
  readonly device: { readonly namespace: Namespace }
  readonly arriving: readonly string[]
}

/** Whether midwire answers in place of a server that nobody is, for packets of the device or of the gateway's own users. */
async function isRedirected({ gateway, device }: Place, up: readonly string[], host: string): Promise<boolean> {
  const from = up.includes('--uid') ? gateway : device.namespace
  const words = ['setpriv', '--reuid=1', '--clear-groups', 'curl', '-sS', '--max-time', '10', `http://${host}/`]
  const { stdout } = await run('ip', from.command(...words))
  return stdout.toString().includes('nobody is here')
}

async function killed(
  t: ExecutionContext,
  place: Place,
  up: readonly string[],
  state: (namespace: Namespace) => string[],
  path?: string,
): Promise<void> {
  const { gateway } = place
  const confdir = mkdtempSync(join(tmpdir(), 'midwire-killed-'))
  t.teardown(() => rmSync(confdir, { recursive: true, force: true }))
  const env = path === undefined ? {} : { env: { PATH: path } }
  const command = async (...words: string[]) => {
    const done = await run('ip', gateway.command(process.execPath, midwireCommand, ...words), env)
    t.is(done.code, 0, `${words}: ${done.stderr}`)
    return done.stdout.toString()
  }
  const mode = up.includes('--tproxy') ? 'transparent:tproxy@8080' : 'transparent@8080'
  const args = ['-m', mode, '--no-block-global', '--connection-strategy', 'lazy', '-s', script(t)]
  const before = state(gateway)
  let once: string[] | undefined
  for (const remove of [
    ['transparent', 'down'],
    ['cleanup', '--confdir', confdir],
    ['transparent', 'up', ...up],
  ]) {
    await command('transparent', 'up', ...up)
    once ??= state(gateway)
    t.notDeepEqual(once, before)
    // Nothing that the killed midwire had keeps the next one from its port, or its rules from their place.
    t.deepEqual(state(gateway), once)
    const midwire = await Midwire.start(gateway, confdir, args)
    t.deepEqual(state(gateway), once, 'the proxy itself changes nothing')
    for (const host of ['192.0.2.80', '[2001:db8:ffff::80]']) t.true(await isRedirected(place, up, host), host)
    await midwire.stop('SIGKILL')
    t.deepEqual(state(gateway), once)
    await command(...remove)
    t.deepEqual(state(gateway), remove.includes('up') ? once : before, remove.join(' '))
  }
  const said = await command('cleanup', '--confdir', confdir)
  t.deepEqual(state(gateway), before)
  t.is(await command('cleanup', '--confdir', confdir), said)
  t.deepEqual(state(gateway), before)
  t.true(existsSync(join(confdir, 'midwire-ca.pem')))
}

/** An addon that answers all requests. */
function script(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-script-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'answer.mjs')
  writeFileSync(
    path,
    "import { HttpResponse } from 'midwire'\nexport const request = (flow) => {\n  flow.response = new HttpResponse({ status: 200, content: 'nobody is here' })\n}\n",
  )
  return path
}

/** This machine's own packets have a way to the addresses that nobody has. */
function addRoutes(gateway: Namespace): void {
  gateway.must(
    'sh',
    '-c',
    'ip route replace 192.0.2.0/24 dev server0; ip -6 route replace 2001:db8:ffff::/48 dev server0',
  )
}

for (const [name, up] of [
  ['REDIRECT of a device', []],
  ["REDIRECT of this machine's users", ['--uid', '0']],
  ['TPROXY of a device', ['--tproxy']],
  ["TPROXY of this machine's users", ['--tproxy', '--uid', '0']],
] as const) {
  test(`nft: ${name}`, async (t, place) => {
    addRoutes(place.gateway)
    await killed(t, place, up.some((word) => word === '--uid') ? up : [...up, ...place.arriving], networkState)
  })
}

for (const [name, up] of [
  ['REDIRECT of a device', []],
  ["TPROXY of this machine's users", ['--tproxy', '--uid', '0']],
] as const) {
  const body = async (t: ExecutionContext, place: Place) => {
    addRoutes(place.gateway)
    const path = pathWithoutNft(t)
    const wanted = up.length > 0 ? up : place.arriving
    // The first rules make iptables' own tables, which stay, and are empty.
    for (const words of [['up', ...wanted], ['down']]) {
      const command = [process.execPath, midwireCommand, 'transparent', ...words]
      await run('ip', place.gateway.command(...command), { env: { PATH: path } })
    }
    await killed(t, place, wanted, tablesState, path)
  }
  test(`iptables: ${name}`, body, ['iptables'])
}
