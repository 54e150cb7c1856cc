// The scene of a program's day: midwire as `regular` proxy, servers behind it, and programs on the same machine, each with what its user sets.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { startDepot } from './depot.js'
import { bareDevice } from './device.js'
import type { FlowLine, Midwire } from './midwire.js'
import type { World } from './netns.js'
import type { Outcome } from './processes.js'
import { prepare, type Scene, startMidwire, web } from './scene.js'

export interface Day extends Scene {
  midwire: Midwire
  /** `http://127.0.0.1:PORT`. */
  proxy: string
  /** What names the proxy to most programs. */
  proxied: { http_proxy: string; https_proxy: string }
  /** The file in all packages of the depot. */
  payload: Buffer
  /** A folder for what a client makes. */
  folderFor(name: string): string
  /** Runs a program with this environment and an empty home. */
  run(command: readonly string[], env?: NodeJS.ProcessEnv): Promise<Outcome>
}

export async function startDay(world: World): Promise<Day> {
  const scene = await prepare(world)
  const payload = await startDepot(scene)
  const midwire = await startMidwire(scene, ['-m', 'regular@0'])
  const proxy = `http://127.0.0.1:${midwire.ready.listeners[0]?.port}`
  const folderFor = (name: string) => {
    const path = join(scene.folder, name)
    mkdirSync(path, { recursive: true })
    return path
  }
  const home = folderFor('home')
  const { run } = bareDevice(world.server)
  return {
    ...scene,
    ...{ midwire, proxy, payload, folderFor, proxied: { http_proxy: proxy, https_proxy: proxy } },
    run: (command, env) => run(command, { env: { HOME: home, ...env }, timeout: 60_000 }),
  }
}

/** The flow with this end of its URL, which must be an answered one of the proxy's, read under TLS. */
export async function readFlow(t: ExecutionContext, { midwire }: Day, end: string): Promise<FlowLine> {
  const flow = await midwire.httpFlow(end)
  t.is(flow.error, null, end)
  t.is(flow.response?.status, 200, end)
  t.is(flow.client.mode, 'regular@0', end)
  t.is(flow.client.tls?.sni, web.name, end)
  return flow
}
