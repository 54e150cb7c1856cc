// What addons cost that have nothing to do: `node benchmark/hooks.mjs [seconds a run, 2] [rounds, 7] [ways, none,built-in,twenty] [work, http,https]`.
// Compared with a proxy without options: one with all built-in addons, whose filters match nothing, and one with twenty addons on every hook. No root.
//
// The proxies run on the first core, the load and the server on the second, where `taskset` is there. Rounds go through all of them, each one
// in another order. Told are medians, and the medians of the rounds' ratios. PROXY_FLAGS has flags of Node for the proxies: --cpu-prof.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { fileURLToPath } from 'node:url'

const [seconds = 2, rounds = 7] = process.argv.slice(2, 4).map(Number)
const [wayNames = 'none,built-in,twenty', workNames = 'http,https'] = process.argv.slice(4)
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const pinned = availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0
if (pinned) spawnSync('taskset', ['-p', '-c', '1', String(process.pid)])
const ticks = Number(spawnSync('getconf', ['CLK_TCK']).stdout)
const folder = mkdtempSync(join(tmpdir(), 'midwire-benchmark-'))
const children = []

/** Each built-in addon that an option brings, and none of them has a flow to do something with. */
function builtIn() {
  const never = '~d never.invalid'
  const files = { 'empty.proto': 'syntax = "proto3"; message Empty {}', flows: '' }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const set = {
    block_list: `|${never}|404`,
    throttle: `|${never}|3g`,
    anticache: true,
    anticomp: true,
    modify_headers: `|${never}|X-Never|1`,
    map_remote: `|${never}|^http:|https:`,
    map_local: `|${never}|^http:|${folder}`,
    modify_body: `|${never}|never|ever`,
    stickyauth: never,
    stickycookie: never,
    protobuf_definitions: join(folder, 'empty.proto'),
    save_stream_file: join(folder, 'saved'),
    save_stream_filter: never,
    server_replay: join(folder, 'flows'),
    intercept: never,
    intercept_active: true,
  }
  return Object.entries(set).flatMap(([name, value]) => ['--set', `${name}=${value}`])
}

const ARGUMENTS = {
  none: () => [],
  'built-in': builtIn,
  twenty: () => ['--scripts', here('servers/idle-hooks.mjs')],
}

async function open(port) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  return socket
}

/** Starts a proxy, and waits until it listens. */
async function start(name, port) {
  const confdir = join(folder, name)
  mkdirSync(confdir)
  const flags = process.env.PROXY_FLAGS?.split(' ') ?? []
  const proxy = [here('../dist/cli/main.js'), '--mode', `regular@127.0.0.1:${port}`, '--confdir', confdir]
  const settings = ['--ssl-insecure', '--quiet', ...ARGUMENTS[name]()]
  const [command, ...rest] = [
    ...(pinned ? ['taskset', '-c', '0'] : []),
    ...[process.execPath, ...flags, ...proxy, ...settings],
  ]
  const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'inherit'] })
  children.push(child)
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      ;(await open(port)).destroy()
      return { child, port }
    } catch {
      await new Promise((later) => setTimeout(later, 100))
    }
  }
  throw new Error(`the proxy "${name}" does not listen`)
}

/** Seconds of CPU time that a process has used. */
function cpu({ pid }) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /, '')
  const [user, system] = stat.split(' ').slice(11, 13)
  return (Number(user) + Number(system)) / ticks
}

const RESPONSE = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n${'x'.repeat(1024)}`,
)

const answer = (socket) => {
  socket.on('error', () => {})
  socket.on('data', () => socket.write(RESPONSE))
}

async function listen(server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server.address().port
}

function selfSigned() {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
  const { status, stderr } = spawnSync('openssl', [
    'req',
    '-x509',
    ...curve,
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
    ...names,
  ])
  if (status !== 0) throw new Error(String(stderr))
  return { key: readFileSync(key), cert: readFileSync(cert) }
}

const plain = await listen(createServer({ noDelay: true }, answer))
const secure = await listen(createTlsServer({ ...selfSigned(), noDelay: true }, answer))

async function secured(port) {
  const socket = await open(port)
  socket.write(`CONNECT 127.0.0.1:${secure} HTTP/1.1\r\nHost: 127.0.0.1:${secure}\r\n\r\n`)
  let head = ''
  while (!head.endsWith('\r\n\r\n')) head += (await once(socket, 'data'))[0].toString('latin1')
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(head)
  const tls = connectTls({ socket, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  await once(tls, 'secureConnect')
  return tls
}

const FIELDS = 'User-Agent: load\r\nAccept: */*\r\nAccept-Encoding: identity\r\n\r\n'
const WORK = {
  http: { open, request: `GET http://127.0.0.1:${plain}/some/path HTTP/1.1\r\nHost: 127.0.0.1:${plain}\r\n${FIELDS}` },
  https: { open: secured, request: `GET /some/path HTTP/1.1\r\nHost: 127.0.0.1:${secure}\r\n${FIELDS}` },
}

/** Asks on 64 connections for as long as a run is. The answer is how many requests were answered in a second, and the CPU time of each. */
async function run({ open, request }, { child, port }) {
  const sockets = await Promise.all(Array.from({ length: 64 }, () => open(port)))
  let done = 0
  let failed
  for (const socket of sockets) {
    let missing = RESPONSE.length
    socket.on('data', (chunk) => {
      missing -= chunk.length
      if (missing > 0) return
      if (missing < 0) failed = new Error(chunk.toString('latin1').slice(0, 200))
      missing = RESPONSE.length
      done += 1
      socket.write(request)
    })
    socket.on('error', (error) => (failed = error))
    socket.write(request)
  }
  const [before, begun] = [cpu(child), performance.now()]
  done = 0
  await new Promise((later) => setTimeout(later, seconds * 1000))
  const [used, took] = [cpu(child) - before, (performance.now() - begun) / 1000]
  const figures = { rate: done / took, each: (used / done) * 1e6, core: used / took }
  for (const socket of sockets) socket.destroy()
  if (failed) throw failed
  return figures
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

async function compare(title, work, proxies) {
  const names = Object.keys(proxies)
  const figures = Object.fromEntries(names.map((name) => [name, []]))
  // The first two rounds are to warm up: JavaScript is compiled in them.
  for (let round = -2; round < rounds; round += 1) {
    const turn = (round + 2) % names.length
    for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
      const one = await run(work, proxies[name])
      if (round >= 0) figures[name].push(one)
    }
  }
  const [first] = names
  for (const name of names) {
    const of = (field) => median(figures[name].map((one) => one[field]))
    const ratios = (field) => figures[name].map((one, index) => one[field] / figures[first][index][field])
    const spread = (field) => {
      const all = ratios(field).toSorted((a, b) => a - b)
      return `${median(all).toFixed(3)} (${all[0].toFixed(2)} to ${all.at(-1).toFixed(2)})`
    }
    const cells = [title, name, `${of('rate').toFixed(0)}/s`, `${of('each').toFixed(1)} us`, of('core').toFixed(2)]
    console.log(`| ${[...cells, spread('rate'), spread('each')].join(' | ')} |`)
  }
}

try {
  const proxies = {}
  for (const [index, name] of wayNames.split(',').entries()) proxies[name] = await start(name, 18_190 + index)
  console.log('| work | addons | requests/s | CPU each | cores | requests/s of none | CPU of none |')
  console.log('|---|---|---|---|---|---|---|')
  for (const name of workNames.split(',')) await compare(name, WORK[name], proxies)
} finally {
  for (const child of children) child.kill('SIGTERM')
  await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')))
  rmSync(folder, { recursive: true, force: true })
}
process.exit()
