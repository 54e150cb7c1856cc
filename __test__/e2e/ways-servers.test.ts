// `reverse` in front of nginx.
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { certificate } from '../support/certificates.js'
import { Daemon } from './support/daemon.js'
import { bareDevice } from './support/device.js'
import { patternBytes } from './support/pattern.js'
import { endsWell, prepare, startMidwire } from './support/scene.js'
import { suite } from './support/suite.js'

const at = { http: 8081, https: 8444 } as const
/** Where midwire listens in front of each. */
const front = { http: 9081, https: 9444 } as const

const modes = [
  `reverse:http://127.0.0.1:${at.http}@${front.http}`,
  `reverse:https://localhost:${at.https}@${front.https}`,
]

const check = suite(['midwire', 'curl'], async (world) => {
  const scene = await prepare(world)
  const midwire = await startMidwire(
    scene,
    modes.flatMap((mode) => ['-m', mode]),
  )
  const { curl } = bareDevice(world.server)
  return { ...scene, midwire, curl }
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

endsWell(check)
