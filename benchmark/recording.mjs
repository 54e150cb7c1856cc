// What recording costs: CPU microseconds a request, and the time of the slowest hundredth, with flows recorded nowhere, in memory, and in memory and on disk. No root.
//
//   node benchmark/recording.mjs FOLDER [seconds a run, 2] [rounds, 7]
//
// FOLDER has the programs `load` and `upstream` of the HTTP harness (`bench/http`: `cargo build --release --bin load --bin upstream`), and `certs/server.*`
// beside it. The proxies run all the time, on the first core; load and upstream have the second. Each round loads them one after the other, so that
// the noise of the machine is about the same for all; told are medians, and the medians of the rounds' ratios.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const [folder = '.', seconds = '2', rounds = '7'] = process.argv.slice(2)
const tools = resolve(folder)
const confdir = mkdtempSync(join(tmpdir(), 'midwire-benchmark-'))
const ticks = Number(spawnSync('getconf', ['CLK_TCK']).stdout)
const children = []

const MODES = {
  none: ['store_memory=0', 'store_disk=0'],
  memory: ['store_disk=0'],
  disk: [],
}
const LOADS = {
  HTTP: ['--mode', 'plain', '--target', '127.0.0.1:18080'],
  HTTPS: ['--mode', 'tls', '--target', '127.0.0.1:18443'],
}

function run(core, command, args) {
  const env = { ...process.env, CERT_DIR: join(tools, '..', 'certs') }
  const stdio = ['ignore', 'pipe', 'inherit']
  return spawn('taskset', ['-c', core, command, ...args], { stdio, env })
}

async function start(core, command, args, port) {
  const child = run(core, command, args)
  child.stdout.resume()
  children.push(child)
  for (let tries = 0; tries < 200; tries += 1) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise((told) =>
      socket.once('connect', () => told(true)).once('error', () => told(false)),
    )
    socket.destroy()
    if (isOpen) return child
    await new Promise((later) => setTimeout(later, 50))
  }
  throw new Error(`nothing listens on port ${port}`)
}

/** Seconds of CPU time that a process has used, with all its threads. */
function cpu({ pid }) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticks
}

async function loaded({ child, port }, args, time) {
  const before = cpu(child)
  const load = run('1', join(tools, 'load'), [
    ...args,
    '--proxy',
    `127.0.0.1:${port}`,
    '-c',
    '64',
    '-w',
    '0',
    '-d',
    time,
  ])
  let text = ''
  load.stdout.on('data', (bytes) => {
    text += bytes
  })
  await once(load, 'close')
  const { ok, err, p99 } = JSON.parse(text)
  if (ok === 0 || err > 0) throw new Error(text)
  return { us: ((cpu(child) - before) * 1e6) / ok, p99 }
}

const median = (numbers) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)]
const rounded = (number, digits) => number.toFixed(digits)

try {
  await start('1', join(tools, 'upstream'), [], 18080)
  const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
  const proxies = {}
  for (const [at, [name, options]] of Object.entries(MODES).entries()) {
    const port = 19_300 + at
    const set = options.flatMap((option) => ['--set', option])
    const own = ['--confdir', join(confdir, name), '--ssl-insecure', '--quiet']
    const args = [...process.execArgv, main, '--mode', `regular@127.0.0.1:${port}`, ...set, ...own]
    proxies[name] = { child: await start('0', process.execPath, args, port), port }
  }
  for (const [work, args] of Object.entries(LOADS)) {
    const found = Object.fromEntries(Object.keys(MODES).map((name) => [name, []]))
    for (const name of Object.keys(MODES)) await loaded(proxies[name], args, '3')
    for (let round = 0; round < Number(rounds); round += 1) {
      for (const name of Object.keys(MODES)) found[name].push(await loaded(proxies[name], args, seconds))
    }
    for (const [name, runs] of Object.entries(found)) {
      const numbers = runs.map(({ us }) => us)
      const slowest = median(runs.map(({ p99 }) => p99))
      const ratios = numbers.map((number, round) => number / found.none[round].us)
      const all = ratios.map((ratio) => rounded(ratio, 2)).join(' ')
      const cost = `${rounded(median(numbers), 1)} us, ${rounded(median(ratios), 3)} of none (${all})`
      console.log(`${work} ${name}: ${cost}; p99 ${rounded(slowest, 1)} ms`)
    }
  }
  for (const [name, { child }] of Object.entries(proxies)) {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'latin1')) ?? []
    console.log(`${name}: ${Math.round(Number(kilobytes) / 1024)} MiB resident`)
  }
} finally {
  for (const child of children) child.kill('SIGTERM')
  await Promise.all(children.map((child) => child.exitCode ?? once(child, 'close')))
  rmSync(confdir, { recursive: true, force: true })
}
