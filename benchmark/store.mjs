// Two hours of traffic in ten minutes, into a store: `node benchmark/store.mjs [--flows N] [--kills N] [--memory MIB] [--disk MIB]`.
// Bodies are 40 KiB in the mean, so 500,000 flows are 20 GB. Told are flows/s, the largest RSS, the time that record() takes, and what was found after
// each kill -9. In the middle the disk is full for a while. Needs dist/ (npm run build).
import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { HttpHeaders } from '../dist/flow/headers.js'
import { HttpFlow, HttpRequest, HttpResponse } from '../dist/flow/http.js'
import { nodeFiles } from '../dist/store/files.js'
import { StoreReader } from '../dist/store/reader.js'
import { FlowStore } from '../dist/store/store.js'

const number = (fallback) => ({ type: 'string', default: `${fallback}` })
const { values } = parseArgs({
  options: {
    flows: number(500_000),
    kills: number(10),
    memory: number(64),
    disk: number(1024),
    folder: { type: 'string' },
    full: number(0),
  },
})
const [flows, kills, memory, disk, full] = ['flows', 'kills', 'memory', 'disk', 'full'].map((name) =>
  Number(values[name]),
)

const MiB = 1024 * 1024

/** Lengths of bodies as a browser's: most are small, a few are long. The mean is 40 KiB. */
const LENGTHS = [0, 1024, 1024, 4096, 4096, 16_384, 32_768, 65_536, 102_400, 181_248]

const client = {
  ...{ id: 'c', transport: 'tcp', mode: 'regular', explicit: true },
  remote: { address: '127.0.0.1', port: 50_000, family: 4 },
  local: { address: '127.0.0.1', port: 8080, family: 4 },
}
const server = { ...client, id: 's', host: 'example.com', port: 443, tls: { sni: 'example.com', alpn: 'http/1.1' } }

function made(at) {
  const now = Date.now()
  const parts = {
    method: 'GET',
    path: `/some/path/${at}`,
    scheme: 'https',
    host: 'example.com',
    port: 443,
    version: '1.1',
  }
  const headers = () =>
    new HttpHeaders(['Host', 'example.com', 'User-Agent', 'soak', 'Accept', '*/*', 'X-Number', `${at}`])
  const request = new HttpRequest({ ...parts, headers: headers() }, MiB, now)
  const flow = new HttpFlow({ world: { newId: randomUUID, now: () => now, act() {} }, client, server, now }, request)
  flow.response = new HttpResponse({ status: 200, headers: headers() }, MiB, now)
  const length = LENGTHS[at % LENGTHS.length]
  if (length > 0) flow.response.body.append(Buffer.alloc(length, at))
  flow.endedAt = now + 1
  return flow
}

/** Records flows, as the proxy does: some in each turn of the event loop, and no more than the disk takes. */
async function write(folder) {
  let isFull = false
  const files = {
    ...nodeFiles,
    write(descriptor, buffers, position, done) {
      if (isFull) done(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }), 0)
      else nodeFiles.write(descriptor, buffers, position, done)
    },
  }
  const store = new FlowStore({
    memory: memory * MiB,
    files,
    log: (level, text) => process.send({ log: `${level}: ${text}` }),
  })
  store.openDisk(folder, disk * MiB)
  let [rss, spent] = [0, 0]
  const begun = performance.now()
  for (let at = 0; at < flows; at++) {
    if (full) isFull = at > flows * 0.5 && at < flows * 0.55
    const flow = made(at)
    const before = performance.now()
    store.record(flow)
    spent += performance.now() - before
    if (at % 20 !== 0) continue
    await new Promise((later) => setImmediate(later))
    // More than that does not wait in a proxy: it would have to be read from sockets first.
    if (at % 400 === 0 && !isFull) await store.flush()
    if (at % 1000 !== 0) continue
    rss = Math.max(rss, process.memoryUsage().rss)
    process.send({ at })
  }
  await store.flush()
  const seconds = (performance.now() - begun) / 1000
  const told = {
    rate: Math.round(flows / seconds),
    us: (spent * 1000) / flows,
    rss: Math.round(rss / 1e6),
    ...store.info,
  }
  await store.closeDisk()
  process.send({ told })
}

async function watch() {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-soak-'))
  const run = (count, isFull) => {
    const argv = ['--flows', count, '--memory', memory, '--disk', disk, '--folder', folder, '--full', isFull ? 1 : 0]
    return fork(new URL(import.meta.url), argv.map(String))
  }
  try {
    for (let kill = 0; kill < kills; kill++) {
      const child = run(flows, false)
      child.on('message', ({ at }) => at >= (flows / 100) * (kill + 1) && child.kill('SIGKILL'))
      await once(child, 'close')
      const begun = performance.now()
      let count = 0
      for await (const _ of new StoreReader(folder).flows()) count += 1
      console.log(`kill ${kill + 1}: ${count} flows read in ${Math.round(performance.now() - begun)} ms`)
    }
    const child = run(flows, true)
    child.on('message', ({ log, told }) => {
      if (log) console.log(log)
      if (told) console.log(told)
    })
    await once(child, 'close')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (values.folder === undefined) await watch()
else await write(values.folder)
