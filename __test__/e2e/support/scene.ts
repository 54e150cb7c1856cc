// The usual scene of the command's tests: servers with addresses and names behind midwire, midwire, and a device in its tunnel.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { certificate, type Made } from '../../support/certificates.js'
import type * as NameServerProgram from '../programs/name-server.js'
import type * as UpstreamProgram from '../programs/upstream.js'
import { type Device, joinProxy } from './device.js'
import { Midwire } from './midwire.js'
import type { World } from './netns.js'
import { Remote } from './remote.js'
import type { suite } from './suite.js'

/** Addresses and names that exist in the server's namespace only. `web` is in its hosts file, `zone` is its name server's. */
export const web = { v4: '198.51.100.10', v6: '2001:db8:51::10', name: 'web.test', zone: 'www.zone.test' } as const
export const bad = { expired: '198.51.100.21', selfSigned: '198.51.100.22', wrong: '198.51.100.23' } as const
const nameServer = '198.51.100.53'

/** Ports of `web` besides 80 and 443. */
export const port = { banner: 22, echo: 7, discard: 9, refused: 81 } as const

export interface Scene {
  world: World
  /** Removed with the test process. */
  folder: string
  /** Whom midwire trusts upstream, and with whom it makes the servers' certificates. */
  root: Made
  upstream: Remote<typeof UpstreamProgram>
  names: Remote<typeof NameServerProgram>
}

export interface Stage extends Scene {
  midwire: Midwire
  device: Device
}

/** Servers and names, without midwire. */
export async function prepare(world: World): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  const { server } = world
  for (const address of [web.v4, nameServer, ...Object.values(bad)]) {
    server.ip('addr', 'add', `${address}/32`, 'dev', 'lo')
  }
  server.ip('addr', 'add', `${web.v6}/128`, 'dev', 'lo', 'nodad')
  const hosts = Object.entries(bad).map(([name, address]) => `${address} ${name.toLowerCase()}.test\n`)
  server.etc('hosts', `127.0.0.1 localhost\n${web.v4} ${web.name}\n${web.v6} ${web.name}\n${hosts.join('')}`)
  server.etc('resolv.conf', `nameserver ${nameServer}\n`)
  const root = certificate({ commonName: 'Test Root', ca: true, until: 300 })
  writeFileSync(join(folder, 'root.pem'), root.pem)
  mkdirSync(join(folder, 'conf'), { mode: 0o700 })
  const own = certificate({ commonName: web.name, names: [web.name, web.zone, web.v4, web.v6], issuer: root })
  const names = await Remote.start<typeof NameServerProgram>(server, 'name-server')
  await names.call('start', nameServer)
  const upstream = await Remote.start<typeof UpstreamProgram>(server, 'upstream')
  for (const address of [web.v4, web.v6]) await upstream.call('serveWeb', address, tlsOf(own))
  return { world, folder, root, upstream, names }
}

export const tlsOf = ({ pem, keyPem }: Made) => ({ cert: pem, key: keyPem })

/** `--set ssl_verify_upstream_trusted_ca=` and the root of the scene. */
export const trusting = ({ folder }: Scene) => ['--set', `ssl_verify_upstream_trusted_ca=${join(folder, 'root.pem')}`]

export const tunnel = ['--mode', 'wireguard@51820']

export function startMidwire(scene: Scene, args: readonly string[], conf = 'conf'): Promise<Midwire> {
  return Midwire.start(scene.world.server, join(scene.folder, conf), [...trusting(scene), ...args])
}

/** Everything: midwire with a tunnel, and a device in it. */
export async function stage(world: World, args: readonly string[] = []): Promise<Stage> {
  const scene = await prepare(world)
  const midwire = await startMidwire(scene, [...tunnel, ...args])
  return { ...scene, midwire, device: await joinProxy(world, midwire) }
}

/** The last test of a file: whatever the others did, midwire still runs, has no fault to tell of, and ends as it should. */
export function endsWell<Context extends { midwire: Midwire }>(check: ReturnType<typeof suite<Context>>): void {
  check(
    'it still runs, nothing of its own went wrong, and SIGTERM ends it with exit code 0',
    async (t, { midwire }) => {
      t.true(midwire.running)
      const { code } = await midwire.stop()
      t.is(code, 0, midwire.stderr.slice(-2000))
      t.deepEqual(midwire.faults, [])
    },
  )
}
