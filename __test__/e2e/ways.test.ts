// The ways in, as curl and Chromium know them, and the ways out by the proxies that Debian has: squid, tinyproxy and dante.

import type { ExecutionContext } from 'ava'
import { shownSpec } from '../../src/modes/quoted.js'
import type * as BrowserProgram from './programs/browser.js'
import type { Echo } from './programs/upstream.js'
import { browserHome } from './support/browser-home.js'
import type { Daemon } from './support/daemon.js'
import { bareDevice } from './support/device.js'
import { type FlowLine, type Midwire, plainEnvironment } from './support/midwire.js'
import { patternHash } from './support/pattern.js'
import type { Outcome } from './support/processes.js'
import { at, forbidden, startDante, startSquid, startTinyproxy, user } from './support/proxies.js'
import { Remote } from './support/remote.js'
import { bad, endsWell, prepare, type Scene, startMidwire, web } from './support/scene.js'
import { chromium, missing } from './support/skip.js'
import { suite } from './support/suite.js'

const withUser = `${user.name}:${encodeURIComponent(user.password)}@`

/** The specs of one midwire. Those that lead out by a proxy, and what each test calls them. */
const specs = {
  regular: 'regular@0',
  socks5: 'socks5@0',
  squid: `regular@0 via http://127.0.0.1:${at.squid}`,
  squidAsUser: `regular@0 via http://${withUser}127.0.0.1:${at.squidForUsers}`,
  squidAsStranger: `regular@0 via http://mallory:x@127.0.0.1:${at.squidForUsers}`,
  tinyproxy: `regular@0 via http://${withUser}127.0.0.1:${at.tinyproxy}`,
  upstreamSquid: `upstream:http://127.0.0.1:${at.squid}@0`,
  upstreamSquidAsUser: `upstream:http://127.0.0.1:${at.squidForUsers}@0`,
  upstreamTinyproxy: `upstream:http://127.0.0.1:${at.tinyproxy}@0`,
  dante: `socks5@0 via socks5://127.0.0.1:${at.dante}`,
  danteThenSquid: `regular@0 via socks5://127.0.0.1:${at.dante},http://127.0.0.1:${at.squid}`,
  nothing: `regular@0 via http://127.0.0.1:${at.nothing}`,
} as const

type Name = keyof typeof specs

interface Ways extends Scene {
  midwire: Midwire
  /** Started where the machine has them; the tests of the others are skipped. */
  squid: Daemon | undefined
  tinyproxy: Daemon | undefined
  dante: Daemon | undefined
  /** The URL of a listener of midwire's, for curl's `-x`. */
  proxy(name: Name, scheme?: string): string
  curl(...args: string[]): Promise<Outcome>
}

const check = suite<Ways>(['midwire', 'curl'], async (world) => {
  const scene = await prepare(world)
  const { server } = world
  const hosts = server.must('cat', '/etc/hosts')
  server.etc('hosts', `${hosts}${bad.selfSigned} ${forbidden}\n`)
  const squid = missing(['squid', 'openssl']) ? undefined : await startSquid(server, scene.folder)
  const tinyproxy = missing(['tinyproxy']) ? undefined : await startTinyproxy(server, scene.folder)
  const dante = missing(['danted']) ? undefined : await startDante(server, scene.folder)
  const modes = Object.values(specs).flatMap((spec) => ['-m', spec])
  const midwire = await startMidwire(scene, [...modes, '--set', `upstream_auth=${user.name}:${user.password}`])
  const { curl } = bareDevice(server)
  return {
    ...scene,
    ...{ midwire, squid, tinyproxy, dante },
    proxy: (name, scheme = 'http') => {
      const { port } = midwire.ready.listeners.find(({ spec }) => spec === shownSpec(specs[name])) ?? {}
      return `${scheme}://127.0.0.1:${port}`
    },
    curl: (...args) => curl('--cacert', midwire.authority, ...args),
  }
})

/** A flow by its URL, which must have come in by this mode. */
async function flowOf(t: ExecutionContext, { midwire }: Ways, name: Name, url: string): Promise<FlowLine> {
  const flow = await midwire.httpFlow(url)
  t.is(flow.client.mode, shownSpec(specs[name]), url)
  return flow
}

/** HTTP and HTTPS, a body up and bytes down, by curl; each of them a flow. */
async function exchanges(t: ExecutionContext, ways: Ways, name: Name, ...way: string[]): Promise<void> {
  for (const scheme of ['http', 'https']) {
    const up = `${scheme}://${web.name}/echo?${name}-${way[0]}`
    const { code, stdout, stderr } = await ways.curl(...way, '--data-binary', 'some text', up)
    t.is(code, 0, stderr)
    const echo: Echo = JSON.parse(stdout.toString())
    t.deepEqual([echo.method, echo.bytes, echo.secure], ['POST', 9, scheme === 'https'], up)
    t.false(echo.headers.join().toLowerCase().includes('proxy-'), echo.headers.join())
    const flow = await flowOf(t, ways, name, up)
    t.deepEqual([flow.response?.status, flow.request?.bodyLength, flow.error], [200, 9, null], up)

    const size = 1_000_003
    const down = `${scheme}://${web.name}/bytes/${size}?${name}-${way[0]}`
    const file = `${ways.folder}/bytes`
    const fetched = await ways.curl(...way, '-o', file, down)
    t.is(fetched.code, 0, fetched.stderr)
    t.is(ways.world.server.must('sha256sum', file).split(' ')[0], patternHash(size))
    t.is((await flowOf(t, ways, name, down)).response?.bodyLength, size)
  }
}

for (const [title, name, option, scheme] of [
  ['regular: -x https://, TLS to the proxy', 'regular', '-x', 'https'],
  ['regular: --socks5-hostname on the same port', 'regular', '--socks5-hostname', 'socks5h'],
  ['socks5: --socks5-hostname', 'socks5', '--socks5-hostname', 'socks5h'],
  ['socks5: --socks5, the client looks the name up', 'socks5', '--socks5', 'socks5'],
  ['socks5: --socks4a', 'socks5', '--socks4a', 'socks4a'],
] as const) {
  check(`curl, ${title}`, async (t, ways) => {
    const proxy = ways.proxy(name, scheme)
    const way = scheme === 'https' ? [option, proxy, '--proxy-cacert', ways.midwire.authority] : [option, proxy]
    await exchanges(t, ways, name, ...(scheme === 'https' ? way : [option, new URL(proxy).host]))
  })
}

check(
  'Chromium: --proxy-server=socks5://',
  async (t, ways) => {
    const { world, folder, midwire } = ways
    const env = plainEnvironment({ HOME: browserHome(folder, midwire.authority) })
    const browser = await Remote.start<typeof BrowserProgram>(world.server, 'browser', env)
    try {
      await browser.call('start', chromium ?? '', [`--proxy-server=${ways.proxy('socks5', 'socks5')}`])
      const page = await browser.call('open', `https://${web.name}/page`, "document.title.startsWith('loaded')")
      t.is(page.title, 'loaded 13 rgb(1, 2, 3)')
      for (const path of ['/page', '/style.css', '/echo']) {
        const flow = await flowOf(t, ways, 'socks5', `https://${web.name}${path}`)
        t.is(flow.response?.status, 200)
      }
    } finally {
      await browser.call('close')
      await browser.stop()
    }
  },
  ['chromium', 'certutil'],
)

for (const [title, name, program] of [
  ['regular via squid', 'squid', 'squid'],
  ['regular via squid, with a user', 'squidAsUser', 'squid'],
  ['upstream: squid', 'upstreamSquid', 'squid'],
  ['upstream: squid, with a user in upstream_auth', 'upstreamSquidAsUser', 'squid'],
  ['regular via tinyproxy', 'tinyproxy', 'tinyproxy'],
  ['upstream: tinyproxy', 'upstreamTinyproxy', 'tinyproxy'],
] as const) {
  check(
    title,
    async (t, ways) => {
      await exchanges(t, ways, name, '-x', ways.proxy(name))
      // HTTP is given to the proxy as a request of its own, HTTPS is a tunnel through it.
      const [plain, tunnel] = [`POST http://${web.name}/echo?${name}-`, `CONNECT ${web.name}:443`]
      for (const line of [plain, tunnel]) await ways[program]?.logged(line)
    },
    program === 'squid' ? ['squid', 'openssl'] : ['tinyproxy'],
  )
}

check(
  'socks5 via dante',
  async (t, ways) => {
    await exchanges(t, ways, 'dante', '--socks5-hostname', new URL(ways.proxy('dante')).host)
    for (const port of [80, 443]) await ways.dante?.logged(new RegExp(`tcp/connect.*\\b${port}\\b`))
  },
  ['danted'],
)

check(
  'regular via dante and from there via squid',
  async (t, ways) => {
    await exchanges(t, ways, 'danteThenSquid', '-x', ways.proxy('danteThenSquid'))
    await ways.dante?.logged(new RegExp(`tcp/connect.*\\b${at.squid}\\b`))
  },
  ['danted', 'squid', 'openssl'],
)

/** curl tells the number in the answer to its CONNECT. What asks for an upgrade is a tunnel, too, and has the reason as a page. */
async function tunnelRefused(t: ExecutionContext, ways: Ways, name: Name, host: string, reason: RegExp): Promise<void> {
  const { code, stderr } = await ways.curl('-x', ways.proxy(name), `https://${host}/echo?${name}`)
  t.is(code, 56, stderr)
  t.regex(stderr, /502/)
  const url = `http://${host}/echo?upgrade-${name}`
  const upgrade = ['-H', 'Connection: Upgrade', '-H', 'Upgrade: websocket']
  const page = await ways.curl('-x', ways.proxy(name), ...upgrade, '-w', '%{stderr}%{http_code}', url)
  t.is(page.stderr, '502')
  t.regex(page.stdout.toString(), reason)
  t.regex((await flowOf(t, ways, name, url)).error ?? '', reason)
}

for (const [title, name, host, status] of [
  ["what squid's rules forbid: via", 'squid', forbidden, 403],
  ["what squid's rules forbid: upstream", 'upstreamSquid', forbidden, 403],
  ['a password that squid does not take', 'squidAsStranger', web.name, 407],
] as const) {
  check(
    `${title}: a tunnel is a 502 that names the proxy, and for HTTP the client is told by squid itself, unless it is a 407`,
    async (t, ways) => {
      const port = name === 'squidAsStranger' ? at.squidForUsers : at.squid
      await tunnelRefused(t, ways, name, host, new RegExp(`127\\.0\\.0\\.1:${port}.*${status}`))
      const url = `http://${host}/echo?${name}`
      const { stdout, stderr } = await ways.curl('-x', ways.proxy(name), '-w', '%{stderr}%{http_code}', url)
      // A client that is told 407 would give its own password for midwire to squid, or ask for one.
      const told = status === 407 ? 502 : status
      t.is(stderr, String(told))
      t.regex(stdout.toString(), status === 407 ? new RegExp(`127\\.0\\.0\\.1:${port}`) : /squid\.test/)
      const { response, error } = await flowOf(t, ways, name, url)
      t.is(response?.status, status === 407 ? undefined : status)
      if (status === 407) t.regex(error ?? '', /407/)
      t.false(ways.midwire.stderr.includes('mallory:x'), ways.midwire.stderr)
    },
    ['squid', 'openssl'],
  )
}

check('a proxy that is not there is a 502 that names it', async (t, ways) => {
  const reason = new RegExp(`127\\.0\\.0\\.1:${at.nothing}.*refused`)
  await tunnelRefused(t, ways, 'nothing', web.name, reason)
  const url = `http://${web.name}/echo?nothing`
  const { stdout, stderr } = await ways.curl('-x', ways.proxy('nothing'), '-w', '%{stderr}%{http_code}', url)
  t.is(stderr, '502')
  t.regex(stdout.toString(), reason)
  t.regex((await flowOf(t, ways, 'nothing', url)).error ?? '', reason)
})

check(
  "what dante's rules forbid is refused by socks5, too",
  async (t, ways) => {
    const proxy = new URL(ways.proxy('dante')).host
    const { code, stderr } = await ways.curl('--socks5-hostname', proxy, `https://${forbidden}/`)
    t.is(code, 97, stderr)
    await ways.midwire.logged(new RegExp(`127\\.0\\.0\\.1:${at.dante}`))
  },
  ['danted'],
)

endsWell(check)
