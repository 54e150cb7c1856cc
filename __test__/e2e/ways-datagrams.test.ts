// Datagrams in and out by SOCKS5: PySocks as the client, dante as the proxy on the way, and dig by it.
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import type { Daemon } from './support/daemon.js'
import { bareDevice } from './support/device.js'
import type { FlowLine, Midwire } from './support/midwire.js'
import { at, startDante } from './support/proxies.js'
import { endsWell, port, prepare, type Scene, startMidwire, web } from './support/scene.js'
import { missing, pythonWithClients } from './support/skip.js'
import { suite } from './support/suite.js'

const dantes = `socks5://127.0.0.1:${at.dante}`

const specs = {
  socks5: 'socks5@0',
  regular: 'regular@0',
  dante: `socks5@0 via ${dantes}`,
  twice: `socks5@0 via ${dantes},${dantes}`,
  dns: `reverse:dns://198.51.100.53@0 via ${dantes}`,
} as const

type Name = keyof typeof specs

interface Ways extends Scene {
  midwire: Midwire
  /** Started where the machine has it. */
  dante: Daemon | undefined
  run: ReturnType<typeof bareDevice>['run']
  port(name: Name): number
}

const check = suite<Ways>(['midwire'], async (world) => {
  const scene = await prepare(world)
  const { server } = world
  for (const address of [web.v4, web.v6]) await scene.upstream.call('serveEcho', address, port.echo)
  const dante = missing(['danted']) ? undefined : await startDante(server, scene.folder)
  const midwire = await startMidwire(
    scene,
    Object.values(specs).flatMap((spec) => ['-m', spec]),
  )
  return {
    ...{ ...scene, midwire, dante },
    run: bareDevice(server).run,
    port: (name) => midwire.ready.listeners.find(({ spec }) => spec === specs[name])?.port ?? 0,
  }
})

const PYTHON = fileURLToPath(new URL('../../../__test__/e2e/programs/datagrams.py', import.meta.url))
const LENGTHS = [0, 1, 512, 1400, 9000, 60_000]

/** Datagrams of all lengths there and back, by one association. */
async function ask(t: ExecutionContext, ways: Ways, name: Name, host: string): Promise<void> {
  const numbers = [ways.port(name), host, port.echo, ...LENGTHS].map(String)
  const { code, stdout, stderr } = await ways.run([pythonWithClients, PYTHON, ...numbers])
  t.is(code, 0, stderr)
  const expected = LENGTHS.map(() => ({ same: true, host, port: port.echo }))
  t.deepEqual(JSON.parse(stdout.toString()), expected, `${name} ${host}`)
}

/** The flow of those datagrams, which ends with the client's connection. */
async function flowTo(t: ExecutionContext, { midwire }: Ways, name: Name, host: string): Promise<FlowLine> {
  const flow = await midwire.flow(`${name} to ${host}`, ({ type, client, server }) => {
    return type === 'udp' && client.mode === specs[name] && server?.host === host
  })
  t.deepEqual([flow.error, flow.messages], [null, 2 * LENGTHS.length])
  return flow
}

for (const name of ['socks5', 'regular'] as const) {
  for (const host of [web.v4, web.v6, web.name]) {
    check(
      `${name}: datagrams to ${host}`,
      async (t, ways) => {
        await ask(t, ways, name, host)
        await flowTo(t, ways, name, host)
      },
      ['pysocks'],
    )
  }
}

for (const host of [web.v4, web.name]) {
  check(
    `socks5 via dante: datagrams to ${host}`,
    async (t, ways) => {
      await ask(t, ways, 'dante', host)
      await flowTo(t, ways, 'dante', host)
      await ways.dante?.logged(/udp\/udpassociate|udp\/udp/)
    },
    ['danted', 'pysocks'],
  )
}

check(
  'via two proxies no datagram passes, and the flow says why',
  async (t, ways) => {
    const { code } = await ways.run([pythonWithClients, PYTHON, String(ways.port('twice')), web.v4, '7', '5'])
    t.is(code, 1)
    const flow = await ways.midwire.flow('twice', ({ client }) => client.mode === specs.twice)
    t.regex(flow.error ?? '', /^datagrams cannot pass through socks5:\/\/127\.0\.0\.1:1080 to socks5:/)
  },
  ['pysocks'],
)

check(
  'dig: a name server behind dante',
  async (t, ways) => {
    const { code, stdout, stderr } = await ways.run([
      'dig',
      '+short',
      '+tries=1',
      '@127.0.0.1',
      '-p',
      String(ways.port('dns')),
      web.zone,
    ])
    t.is(code, 0, stderr)
    t.is(stdout.toString().trim(), web.v4)
    const flow = await ways.midwire.flow('dns', ({ type, client }) => type === 'dns' && client.mode === specs.dns)
    t.is(flow.error, null)
  },
  ['danted', 'dig'],
)

endsWell(check)
