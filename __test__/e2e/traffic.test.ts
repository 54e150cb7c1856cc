// Ordinary traffic of real clients: curl over IPv4 and IPv6, and 100 MB each way with equal hashes.

import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { port } from './programs/services.js'
import { pattern, patternHash } from './support/pattern.js'
import { type Outcome, run } from './support/processes.js'
import { suite } from './support/suite.js'
import { families, far, type Guest, join, type Server, startServer } from './support/tunnel.js'
import { until } from './support/wait.js'

const megabytes = 100 * 1024 * 1024

const check = suite(['wireguard-go', 'curl'], async (world) => {
  const server = await startServer(world)
  return { world, server }
})

const url = (family: 'v4' | 'v6', path: string | number) =>
  family === 'v4' ? `http://${far.v4}/${path}` : `http://[${far.v6}]/${path}`

async function curl(guest: Guest, ...args: string[]): Promise<Outcome> {
  return run('ip', guest.namespace.command('curl', '-sS', '--max-time', '60', ...args), { timeout: 70_000 })
}

const guests = new Map<string, Promise<Guest>>()

function guestOf(world: Parameters<typeof join>[0], server: Server, kind: 'wireguard-go' | 'boringtun-cli') {
  const guest = guests.get(kind) ?? join(world, server, { kind })
  guests.set(kind, guest)
  return guest
}

for (const kind of ['wireguard-go', 'boringtun-cli'] as const) {
  const needs = kind === 'boringtun-cli' ? (['boringtun'] as const) : []
  for (const family of families) {
    check(
      `${kind}, ${family}: curl gets and posts`,
      async (t, { world, server }) => {
        const guest = await guestOf(world, server, kind)
        const got = await curl(guest, url(family, 10_000))
        t.is(got.stderr, '')
        t.is(createHash('sha256').update(got.stdout).digest('hex'), patternHash(10_000))
        const posted = await curl(guest, '--data-binary', 'some words', url(family, 'words'))
        t.is(posted.stderr, '')
        const sha256 = createHash('sha256').update('some words').digest('hex')
        t.deepEqual(JSON.parse(posted.stdout.toString()), { bytes: 10, sha256 })
      },
      needs,
    )

    check(
      `${kind}, ${family}: 100 MB down and 100 MB up have equal hashes`,
      async (t, { world, server }) => {
        const guest = await guestOf(world, server, kind)
        const folder = mkdtempSync(joinPath(tmpdir(), 'midwire-'))
        try {
          const down = await curl(guest, url(family, megabytes))
          t.is(down.stderr, '')
          t.is(down.stdout.length, megabytes)
          t.is(createHash('sha256').update(down.stdout).digest('hex'), patternHash(megabytes))
          const file = joinPath(folder, 'up')
          writeFileSync(file, '')
          for (const chunk of pattern(megabytes)) writeFileSync(file, chunk, { flag: 'a' })
          const up = await curl(guest, '--expect100-timeout', '0.001', '-T', file, url(family, 'up'))
          t.is(up.stderr, '')
          t.deepEqual(JSON.parse(up.stdout.toString()), { bytes: megabytes, sha256: patternHash(megabytes) })
          t.log(`down ${rate(down)} MB/s, up ${rate(up)} MB/s`)
        } finally {
          rmSync(folder, { recursive: true })
        }
      },
      needs,
    )
  }
}

for (const kind of ['wireguard-go', 'boringtun-cli'] as const) {
  check(
    `${kind}: 8 MB both ways at once, 50 times`,
    async (t, { world, server }) => {
      const guest = await guestOf(world, server, kind)
      const [bytes, times] = [8 * 1024 * 1024, 25]
      const begin = performance.now()
      for (const family of families) {
        const hashes = await guest.tcp.callFor(120_000, 'echoes', far[family], port.echo, bytes, times)
        t.deepEqual(new Set(hashes), new Set([patternHash(bytes)]))
        t.is(hashes.length, times)
      }
      t.log(`${Math.round((2 * 2 * times * bytes) / 1000 / (performance.now() - begin))} MB/s, both ways together`)
    },
    kind === 'boringtun-cli' ? ['boringtun'] : [],
  )
}

const rate = ({ ms }: Outcome) => Math.round(megabytes / 1000 / ms)

check('when all is read and ended no stream and no flow is left', async (t, { server }) => {
  await until(5000, 'the last stream to close', async () => (await server.remote.call('open')) === 0)
  await until(5000, 'the last flow to go', async () => (await server.remote.call('counters')).flows === 0)
  t.is(server.remote.pending('stream error'), 0)
})
