// The mode `transparent` in a router between a device and its servers: REDIRECT and TPROXY, IPv4 and IPv6, HTTP, HTTPS and UDP.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { Midwire } from './support/midwire.js'
import type { Namespace } from './support/netns.js'
import { run, start } from './support/processes.js'
import { Remote } from './support/remote.js'
import { midwireCommand } from './support/skip.js'
import { suite } from './support/suite.js'

type Program = typeof import('./programs/transparent.js')

/** HTTP, HTTPS with a certificate of its own, and an echo of datagrams. Says `ready` when it listens. */
const SERVER = `
import http from 'node:http'
import https from 'node:https'
import dgram from 'node:dgram'
import { execFileSync } from 'node:child_process'
const made = execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=web.test',
  '-addext', 'subjectAltName=DNS:web.test', '-keyout', '-', '-out', '-'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString()
const answer = (request, response) => response.end('served ' + request.socket.remoteAddress + ' ' + request.headers.host)
http.createServer(answer).listen(80, '::')
https.createServer({ key: made, cert: made }, answer).listen(443, '::')
const udp = dgram.createSocket('udp6')
udp.on('message', (data, from) => udp.send('echo ' + data, from.port, from.address))
udp.bind(7777, '::', () => console.log('ready'))
`

const test = suite(['midwire', 'nft', 'curl'], async (world) => {
  const gateway = world.server
  const device = world.client()
  const web = world.client()
  for (const { namespace, cable } of [device, web]) {
    namespace.ip('route', 'add', 'default', 'via', cable.server.v4)
    namespace.ip('-6', 'route', 'add', 'default', 'via', cable.server.v6)
  }
  const command = web.namespace.command(process.execPath, '--input-type=module', '-e', SERVER)
  const server = start('ip', command, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((ready) => server.stdout?.once('data', ready))
  const client = await Remote.start<Program>(device.namespace, 'transparent')
  return { gateway, device, web, client }
})

interface Place {
  gateway: Namespace
  device: { namespace: Namespace; cable: { serverDevice: string } }
}

/** Runs `body` with midwire in the router, and its rules. */
async function routed(
  t: ExecutionContext,
  place: Place,
  mode: string,
  up: string[],
  body: (midwire: Midwire) => Promise<void>,
) {
  const { gateway, device } = place
  const confdir = mkdtempSync(join(tmpdir(), 'midwire-transparent-'))
  const midwire = await Midwire.start(gateway, confdir, ['-m', mode, '-k', '--set', 'block_global=false'])
  const rules = (...args: string[]) =>
    run('ip', gateway.command(process.execPath, midwireCommand, 'transparent', ...args))
  const { code, stderr } = await rules('up', '--interface', device.cable.serverDevice, ...up)
  try {
    t.is(code, 0, stderr)
    await body(midwire)
    t.deepEqual(midwire.faults, [])
  } finally {
    t.log(midwire.stderr)
    await rules('down')
    await midwire.stop()
    rmSync(confdir, { recursive: true, force: true })
  }
}

const hostOf = (address: string) => (address.includes(':') ? `[${address}]` : address)

async function curl({ namespace }: Place['device'], ...args: string[]): Promise<string> {
  const { stdout, stderr } = await run('ip', namespace.command('curl', '-sS', '--max-time', '10', ...args))
  return stdout.toString() || stderr
}

for (const [name, mode, up] of [
  ['REDIRECT', 'transparent@8080', []],
  ['TPROXY', 'transparent:tproxy@8080', ['--tproxy']],
] as const) {
  test(`${name}: HTTP and HTTPS of a device, by both families`, async (t, { web, ...place }) => {
    await routed(t, place, mode, [...up], async (midwire) => {
      for (const address of [web.cable.client.v4, web.cable.client.v6]) {
        t.regex(await curl(place.device, `http://${hostOf(address)}/`), /^served /)
        const flow = await midwire.httpFlow(`http://${hostOf(address)}/`)
        t.is(flow.server?.host, address)
        const secure = ['--cacert', midwire.authority, '--connect-to', `web.test:443:${hostOf(address)}:443`]
        t.regex(await curl(place.device, ...secure, 'https://web.test/secret'), /^served .* web\.test$/)
        t.is((await midwire.httpFlow('https://web.test/secret')).server?.host, address)
      }
    })
  })
}

test('TPROXY: datagrams are answered from where they were sent to', async (t, { web, client, ...place }) => {
  await routed(t, place, 'transparent:tproxy@8080', ['--tproxy', '--ports', '7777'], async (midwire) => {
    for (const address of [web.cable.client.v4, web.cable.client.v6]) {
      t.is(await client.call('askUdp', address, 7777, 'hello'), `echo hello from ${address} 7777`)
    }
    await midwire.stop()
  })
})

test('a client that comes by itself is refused, and that is said', async (t, { device, ...place }) => {
  await routed(t, { ...place, device }, 'transparent@8080', [], async (midwire) => {
    const { cable } = device
    t.regex(await curl(device, `http://${cable.server.v4}:8080/`), /reset|Empty reply/)
    await midwire.logged(/no original destination: was it redirected\?/)
  })
})
