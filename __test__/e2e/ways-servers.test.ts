// `reverse` in front of the servers that Debian has: nginx, redis and dnsmasq.
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { certificate } from '../support/certificates.js'
import { Daemon } from './support/daemon.js'
import { bareDevice } from './support/device.js'
import { patternBytes } from './support/pattern.js'
import { endsWell, prepare, startMidwire } from './support/scene.js'
import { suite } from './support/suite.js'

const at = { http: 8081, https: 8444, redis: 6390, dns: 5353 } as const
/** Where midwire listens in front of each. */
const front = { http: 9081, https: 9444, redis: 9390, dns: 9353 } as const

const modes = [
  `reverse:http://127.0.0.1:${at.http}@${front.http}`,
  `reverse:https://localhost:${at.https}@${front.https}`,
  `reverse:tcp://127.0.0.1:${at.redis}@${front.redis}`,
  `reverse:dns://127.0.0.1:${at.dns}@${front.dns}`,
]

const check = suite(['midwire', 'curl'], async (world) => {
  const scene = await prepare(world)
  const midwire = await startMidwire(
    scene,
    modes.flatMap((mode) => ['-m', mode]),
  )
  const { run, curl } = bareDevice(world.server)
  return { ...scene, midwire, run, curl }
})

check(
  'reverse:http and reverse:https in front of nginx',
  async (t, { world, folder, root, midwire, curl }) => {
    const own = certificate({ commonName: 'localhost', names: ['localhost'], issuer: root })
    const path = (name: string) => join(folder, name)
    chmodSync(folder, 0o755)
    writeFileSync(path('nginx.crt'), own.pem)
    writeFileSync(path('nginx.key'), own.keyPem)
    writeFileSync(path('bytes'), patternBytes(1_000_003))
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${path(name)};`,
    )
    // One process: a worker would outlive the end of its master by SIGKILL.
    const config = `daemon off; master_process off; user root; pid ${path('nginx.pid')}; error_log stderr; events {}
      http { access_log off; root ${folder}; ${temporary.join(' ')}
      server { listen 127.0.0.1:${at.http}; listen 127.0.0.1:${at.https} ssl;
      ssl_certificate ${path('nginx.crt')}; ssl_certificate_key ${path('nginx.key')}; } }`
    writeFileSync(path('nginx.conf'), config)
    await Daemon.start(world.server, ['nginx', '-c', path('nginx.conf'), '-e', 'stderr'], { port: at.https })
    for (const scheme of ['http', 'https'] as const) {
      const url = `${scheme}://localhost:${front[scheme]}/bytes?${scheme}`
      const { code, stdout, stderr } = await curl('-4', '--cacert', midwire.authority, url)
      t.is(code, 0, stderr)
      t.true(stdout.equals(patternBytes(1_000_003)))
      const flow = await midwire.httpFlow(`/bytes?${scheme}`)
      t.deepEqual([flow.response?.status, flow.server?.port, flow.error], [200, at[scheme], null])
    }
  },
  ['nginx'],
)

check(
  'reverse:tcp in front of redis',
  async (t, { world, folder, midwire, run }) => {
    const options = ['--port', String(at.redis), '--bind', '127.0.0.1', '--save', '', '--dir', folder]
    await Daemon.start(world.server, ['redis-server', ...options], { port: at.redis })
    const client = ['redis-cli', '-p', String(front.redis)]
    t.is((await run([...client, 'PING'])).stdout.toString(), 'PONG\n')
    t.is((await run([...client, 'SET', 'name', 'x'.repeat(100_000)])).stdout.toString(), 'OK\n')
    t.is((await run([...client, 'STRLEN', 'name'])).stdout.toString(), '100000\n')
    const flow = await midwire.flow('the large value', ({ bytesFromClient = 0 }) => bytesFromClient > 100_000)
    t.deepEqual([flow.type, flow.server?.port, flow.error], ['tcp', at.redis, null])
  },
  ['redis'],
)

check(
  'reverse:dns in front of dnsmasq, by UDP and TCP',
  async (t, { world, folder, midwire, run }) => {
    const options = [
      ...['-k', '-C', '/dev/null', '-p', String(at.dns), '-a', '127.0.0.1', '-z', '-R', '-h', '-u', 'root'],
      ...['-x', join(folder, 'dnsmasq.pid'), '--address=/mask.test/192.0.2.7'],
    ]
    await Daemon.start(world.server, ['dnsmasq', ...options], { port: at.dns })
    for (const transport of ['+notcp', '+tcp']) {
      const name = `${transport.slice(1)}.mask.test`
      const dig = ['dig', '@127.0.0.1', '-p', String(front.dns), '+short', '+time=5', '+tries=1', transport, name]
      t.is((await run(dig)).stdout.toString(), '192.0.2.7\n')
      const flow = await midwire.flow(name, ({ request }) => request?.questions?.[0]?.name === name)
      t.deepEqual([flow.type, flow.server?.port, flow.error], ['dns', at.dns, null])
    }
  },
  ['dnsmasq', 'dig'],
)

endsWell(check)
