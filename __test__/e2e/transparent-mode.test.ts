// The mode `transparent` in a router between a device and its servers: REDIRECT and TPROXY, IPv4 and IPv6, HTTP, HTTPS and UDP.
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { Midwire, runMidwire } from './support/midwire.js'
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
udp.on('message', (data, from) => udp.send('echo ' + data + ' of ' + from.address, from.port, from.address))
const names = dgram.createSocket('udp4')
names.on('message', (data, from) => {
  data[2] = 0x81
  data[3] = 0x80
  names.send(data, from.port, from.address)
})
names.bind(53)
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
  gateway.etc('hosts', `${web.cable.client.v4} web.test\n`)
  const client = await Remote.start<Program>(device.namespace, 'transparent')
  const local = await Remote.start<Program>(gateway, 'transparent')
  return { gateway, device, web, client, local, inside: world.inside }
})

const nobody = 65_534

/** The words in front of a command that runs it as a user, without any right of root's. */
const asUser = (uid: number) => ['setpriv', `--reuid=${uid}`, '--clear-groups']

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
  more: readonly string[] = [],
  as: readonly string[] = [],
) {
  const { gateway, device } = place
  const confdir = mkdtempSync(join(tmpdir(), 'midwire-transparent-'))
  if (as.length > 0) chownSync(confdir, nobody, nobody)
  const args = ['-m', mode, '-k', '--set', 'block_global=false', ...more]
  const midwire = await Midwire.start(gateway, confdir, args, as)
  const rules = (...args: string[]) =>
    run('ip', gateway.command(process.execPath, midwireCommand, 'transparent', ...args))
  const which = up.includes('--uid') ? [] : ['--interface', device.cable.serverDevice]
  const { code, stderr } = await rules('up', ...which, ...up)
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
      const own = address.includes(':') ? web.cable.server.v6 : `::ffff:${web.cable.server.v4}`
      t.is(await client.call('askUdp', address, 7777, 'hello'), `echo hello of ${own} from ${address} 7777`)
    }
    await midwire.stop()
  })
})

const KEEPING = ['--set', 'spoof_source_address=true']

test('spoof_source_address: servers see the client, by TCP and UDP, of both families; answers come back', async (t, place) => {
  const { web, client, device } = place
  const own = device.cable
  device.namespace.ip('addr', 'add', `${own.other.v4}/24`, 'dev', own.clientDevice)
  device.namespace.ip('addr', 'add', `${own.other.v6}/64`, 'dev', own.clientDevice, 'nodad')
  const up = ['--tproxy', '--ports', '80,443,7777']
  const body = async (midwire: Midwire) => {
    for (const [address, ...sources] of [
      [web.cable.client.v4, own.client.v4, own.other.v4],
      [web.cable.client.v6, own.client.v6, own.other.v6],
    ] as const) {
      const host = hostOf(address)
      const secure = ['--cacert', midwire.authority, '--connect-to', `web.test:443:${host}:443`]
      // The second round has connections of the first in the pool, and none of another client is taken.
      for (const source of [...sources, ...sources]) {
        const seen = source.includes(':') ? source : `::ffff:${source}`
        t.is(await curl(device, '--interface', source, `http://${host}/`), `served ${seen} ${host}`)
        t.is(await curl(device, '--interface', source, ...secure, 'https://web.test/'), `served ${seen} web.test`)
      }
      const [source] = sources
      const seen = source.includes(':') ? source : `::ffff:${source}`
      const answer = await client.call('askUdp', address, 7777, 'hello')
      t.true(
        [seen, `::ffff:${own.other.v4}`, own.other.v6].some(
          (one) => answer === `echo hello of ${one} from ${address} 7777`,
        ),
        answer,
      )
    }
  }
  await routed(t, place, 'transparent:tproxy@8080', up, body, KEEPING)
})

test('spoof_source_address: proxies see midwire, and other modes refuse the option', async (t, place) => {
  const { web, device, gateway } = place
  const { v4 } = web.cable.client
  const via = ['--via', `http://${v4}:80`, ...KEEPING]
  await routed(
    t,
    place,
    'transparent:tproxy@8080',
    ['--tproxy'],
    async () => {
      t.is(await curl(device, `http://${v4}/`), `served ::ffff:${web.cable.server.v4} ${v4}`)
    },
    via,
  )
  const { code, stderr } = await runMidwire(gateway, tmpdir(), ['-m', 'transparent', ...KEEPING])
  t.is(code, 2)
  t.regex(stderr, /^midwire: spoof_source_address: only mode transparent:tproxy can/)
})

test('without root transparent:tproxy is refused at the start', async (t, { gateway }) => {
  const confdir = mkdtempSync(join(tmpdir(), 'midwire-transparent-'))
  t.teardown(() => rmSync(confdir, { recursive: true, force: true }))
  chownSync(confdir, nobody, nobody)
  const { code, stderr } = await runMidwire(gateway, confdir, ['-m', 'transparent:tproxy', ...KEEPING], asUser(nobody))
  t.is(code, 1)
  t.regex(stderr, /^midwire: listening on TCP .*: this needs root, or the capability CAP_NET_ADMIN$/m)
})

for (const [who, as] of [
  ['by the mark, as root', []],
  ['by the user, without any right', asUser(nobody)],
] as const) {
  test(`programs of this machine (--uid); its own connections are left alone ${who}`, async (t, place) => {
    const { web, gateway } = place
    const body = async (midwire: Midwire) => {
      for (const address of [web.cable.client.v4, web.cable.client.v6]) {
        const host = hostOf(address)
        const program = (...args: string[]) =>
          run('ip', gateway.command(...asUser(1), 'curl', '-sS', '--max-time', '10', ...args))
        const plain = await program(`http://${host}/`)
        t.regex(plain.stdout.toString(), /^served /, plain.stderr)
        t.is((await midwire.httpFlow(`http://${host}/`)).server?.host, address)
        const secure = await program('-k', '--connect-to', `web.test:443:${host}:443`, 'https://web.test/own')
        t.regex(secure.stdout.toString(), /^served .* web\.test$/, secure.stderr)
        t.is((await midwire.httpFlow('https://web.test/own')).server?.host, address)
      }
    }
    await routed(t, place, 'transparent@8080', ['--uid', String(nobody)], body, [], as)
  })
}

test('a client that comes by itself is refused, and that is said', async (t, { device, ...place }) => {
  await routed(t, { ...place, device }, 'transparent@8080', [], async (midwire) => {
    const { cable } = device
    t.regex(await curl(device, `http://${cable.server.v4}:8080/`), /reset|Empty reply/)
    await midwire.logged(/no original destination: was it redirected\?/)
  })
})

/** curl learns of the reset before or after its connection is open to it. */
const REFUSED = /reset|Empty reply|Couldn't connect/

const BY_NAME = ['--set', 'transparent_by_name=true']

test('transparent_by_name: what nothing has redirected goes to the name in TLS or Host', async (t, place) => {
  const { device, web } = place
  for (const mode of ['transparent@8080', 'transparent:tproxy@8080']) {
    const body = async (midwire: Midwire) => {
      for (const gateway of [device.cable.server.v4, device.cable.server.v6]) {
        const host = hostOf(gateway)
        const plain = ['--connect-to', `web.test:80:${host}:8080`]
        t.regex(await curl(device, ...plain, 'http://web.test/named'), /^served .* web\.test$/)
        const flow = await midwire.httpFlow('http://web.test/named')
        t.like(flow, { server: { host: 'web.test', port: 80, address: web.cable.client.v4 } })
        const secure = ['--cacert', midwire.authority, '--connect-to', `web.test:443:${host}:8080`]
        t.regex(await curl(device, ...secure, 'https://web.test/named'), /^served .* web\.test$/)
        t.regex(await curl(device, `http://${host}:8080/`), /is midwire itself/)
      }
      const mapped = ['-H', `Host: [::ffff:${device.cable.server.v4}]:8080`]
      t.regex(await curl(device, ...mapped, `http://${device.cable.server.v4}:8080/`), /is midwire itself/)
      t.regex(await curl(device, '-H', 'Host:', `http://${device.cable.server.v4}:8080/`), /Empty reply|reset/)
      await midwire.logged(/no original destination, and names none/)
    }
    await routed(t, place, mode, mode.includes('tproxy') ? ['--tproxy'] : [], body, BY_NAME)
  }
})

test('a destination that is a listener of midwire is refused, whichever of its addresses it has', async (t, place) => {
  const { device, web, inside } = place
  const own = [inside, web.cable.server.v4, web.cable.server.v6]
  await routed(t, place, 'transparent@8080', ['--ports', '8080'], async (midwire) => {
    for (const address of own) {
      t.regex(await curl(device, `http://${hostOf(address)}:8080/`), REFUSED)
      await midwire.logged(new RegExp(`${address}\\]?:8080 is midwire itself`))
    }
  })
  const other = ['-m', 'regular@0.0.0.0:9090', '-m', 'regular@[::]:9090']
  const body = async (midwire: Midwire) => {
    for (const address of [...own, device.cable.server.v4, device.cable.server.v6]) {
      t.regex(await curl(device, `http://${hostOf(address)}:9090/`), REFUSED)
      await midwire.logged(new RegExp(`${address}\\]?:9090 is midwire itself`))
    }
  }
  await routed(t, place, 'transparent:tproxy@8080', ['--tproxy', '--ports', '9090'], body, other.slice(0, 2))
  await routed(t, place, 'transparent:tproxy@8080', ['--tproxy', '--ports', '9090'], body, other.slice(2))
})

test('queries of midwire have the mark, too', async (t, place) => {
  const { web, local } = place
  const more = ['-m', 'dns@127.0.0.1:5353', '--set', `dns_name_servers=${web.cable.client.v4}`]
  const up = ['--tproxy', '--uid', String(nobody), '--ports', '53']
  const body = async (midwire: Midwire) => {
    // TXT of x.test, which midwire forwards as it is.
    const query = '\x01\x01\x01\0\0\x01\0\0\0\0\0\0\x01x\x04test\0\0\x10\0\x01'
    t.regex(await local.call('askUdp', '127.0.0.1', 5353, query), /x.test/)
    const { client } = await midwire.flow('the query', ({ type }) => type === 'dns')
    t.is(client.mode, 'dns@127.0.0.1:5353')
  }
  await routed(t, place, 'transparent:tproxy@8080', up, body, more)
})
