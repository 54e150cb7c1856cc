// What the ways in cost: connections that pass ignored beside Node's own tunnel, and SOCKS5 beside HTTP's CONNECT. No root.
//
//   node benchmark/ways.mjs [seconds a run, 2] [rounds, 3]
//
// The proxy runs on the first core, the load and the servers on the second, where `taskset` is there. Rounds alternate between the
// two that are compared. Each line has the medians, and the median of the rounds' ratios, of throughput and of the proxy's CPU time.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [seconds = 2, rounds = 3] = process.argv.slice(2).map(Number)
const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const pinned = availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0
if (pinned) spawnSync('taskset', ['-p', '-c', '1', String(process.pid)])

const confdir = mkdtempSync(join(tmpdir(), 'midwire-benchmark-'))
const children = []
const ticks = Number(spawnSync('getconf', ['CLK_TCK']).stdout)

/** Starts a program, and waits until it listens on a port. */
async function start(args, port) {
  const [command, ...rest] = [...(pinned ? ['taskset', '-c', '0'] : []), process.execPath, ...args]
  const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'inherit'] })
  children.push(child)
  for (let tries = 0; tries < 100; tries += 1) {
    try {
      ;(await open(port)).destroy()
      return child
    } catch {
      await new Promise((later) => setTimeout(later, 100))
    }
  }
  throw new Error(`nothing listens on port ${port}`)
}

/** Seconds of CPU time that a process has used. */
function cpu({ pid }) {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
    .slice(11, 13)
  return (Number(user) + Number(system)) / ticks
}

const bytes = Buffer.alloc(64 << 10)
const RESPONSE = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n${'x'.repeat(100)}`)

/** The first byte says what a client wants: an echo, a download without an end, or HTTP. */
const upstream = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {})
  socket.once('data', (first) => {
    if (first[0] === 'D'.charCodeAt(0)) {
      const more = () => {
        while (socket.write(bytes));
      }
      socket.on('drain', more)
      more()
      return
    }
    const answer = first[0] === 'G'.charCodeAt(0) ? () => socket.write(RESPONSE) : (data) => socket.write(data)
    answer(first)
    socket.on('data', answer)
  })
})
upstream.listen(0, '127.0.0.1')
await once(upstream, 'listening')
const to = upstream.address().port

async function read(socket, length) {
  let have = 0
  while (have < length) {
    const [chunk] = await once(socket, 'data')
    have += chunk.length
  }
}

async function open(port) {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  return socket
}

/** The ways to a server through a proxy. */
const byConnect = (port) => async () => {
  const socket = await open(port)
  socket.write(`CONNECT 127.0.0.1:${to} HTTP/1.1\r\nHost: 127.0.0.1:${to}\r\n\r\n`)
  let head = ''
  while (!head.endsWith('\r\n\r\n')) head += (await once(socket, 'data'))[0].toString('latin1')
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(head)
  return socket
}

const bySocks5 = (port) => async () => {
  const socket = await open(port)
  socket.write(Buffer.from([5, 1, 0]))
  await read(socket, 2)
  socket.write(Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, to >> 8, to & 255]))
  await read(socket, 10)
  return socket
}

const GET = Buffer.from(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${to}\r\n\r\n`)
const MESSAGE = Buffer.alloc(100, 'E')

/** Runs `work` in some loops at once until the time is over; the answer is what they did per second. */
async function during(parallel, work) {
  const end = performance.now() + seconds * 1000
  const begin = performance.now()
  let done = 0
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      const loop = await work()
      while (performance.now() < end) {
        const more = await loop()
        done += more
      }
      loop.end?.()
    }),
  )
  return done / ((performance.now() - begin) / 1000)
}

const exchanges = (way, request, length) =>
  during(64, async () => {
    const socket = await way()
    const loop = async () => {
      socket.write(request)
      await read(socket, length)
      return 1
    }
    loop.end = () => socket.destroy()
    return loop
  })

const connections = (way, request, length) =>
  during(32, async () => async () => {
    const socket = await way()
    socket.write(request)
    await read(socket, length)
    socket.destroy()
    return 1
  })

const download = (way) =>
  during(1, async () => {
    const socket = await way()
    socket.write('D')
    const loop = async () => (await once(socket, 'data'))[0].length / 1e6
    loop.end = () => socket.destroy()
    return loop
  })

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]

/** Compares two programs: each is [process, way]. */
async function compare(title, unit, work, ours, peer) {
  const figures = [[], []]
  // The first round is to warm up: JavaScript is compiled in it.
  for (let round = -1; round < rounds; round += 1) {
    for (const [index, [child, way]] of [ours, peer].entries()) {
      const before = cpu(child)
      const rate = await work(way)
      if (round < 0) continue
      figures[index].push({ rate, each: ((cpu(child) - before) / (rate * seconds)) * 1e6 })
    }
  }
  const [mine, theirs] = figures
  const of = (list, name) => median(list.map((one) => one[name]))
  const ratio = (name) => median(mine.map((one, index) => one[name] / theirs[index][name])).toFixed(2)
  const text = (list) => `${of(list, 'rate').toFixed(0)} ${unit} (${of(list, 'each').toFixed(1)} us)`
  console.log(`| ${title} | ${text(mine)} | ${text(theirs)} | ${ratio('rate')} | ${ratio('each')} |`)
}

try {
  const [regular, socks, plain, bare] = [18180, 18181, 18182, 18183]
  const midwire = (port, ...args) =>
    start([here('../dist/cli/main.js'), '--confdir', confdir, '--quiet', ...args], port)
  const [proxy, ignoring, relay] = [
    await midwire(socks, '--mode', `regular@127.0.0.1:${regular}`, '--mode', `socks5@127.0.0.1:${socks}`),
    await midwire(plain, '--mode', `regular@127.0.0.1:${plain}`, '--ignore-hosts', '.'),
    await start([here('servers/relay.mjs'), String(bare)], bare),
  ]
  console.log('| work | midwire | peer | throughput | CPU |\n|---|---|---|---|---|')
  const tunnels = [
    [ignoring, byConnect(plain)],
    [relay, byConnect(bare)],
  ]
  await compare(
    'ignored: messages of 100 bytes, 64 connections',
    '/s',
    (way) => exchanges(way, MESSAGE, 100),
    ...tunnels,
  )
  await compare('ignored: a connection for each message', '/s', (way) => connections(way, MESSAGE, 100), ...tunnels)
  await compare('ignored: download', 'MB/s', download, ...tunnels)
  const ways = [
    [proxy, bySocks5(socks)],
    [proxy, byConnect(regular)],
  ]
  await compare(
    'socks5 beside regular: HTTP, 64 connections',
    '/s',
    (way) => exchanges(way, GET, RESPONSE.length),
    ...ways,
  )
  await compare(
    'socks5 beside regular: a connection each',
    '/s',
    (way) => connections(way, GET, RESPONSE.length),
    ...ways,
  )
} finally {
  for (const child of children) child.kill()
  upstream.close()
  rmSync(confdir, { recursive: true, force: true })
}
process.exit()
