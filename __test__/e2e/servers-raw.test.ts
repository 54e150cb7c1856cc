// Servers whose protocols midwire does not know, OpenSSH, PostgreSQL and Redis: behind `reverse:tcp`, and through WireGuard.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bareDevice, type Device, joinProxy } from './support/device.js'
import type { FlowLine } from './support/midwire.js'
import type { Namespace } from './support/netns.js'
import { patternBytes, patternHash } from './support/pattern.js'
import { start, stop } from './support/processes.js'
import { at, postgresPassword, startPostgres, startRedis, startSshd } from './support/raw-servers.js'
import { endsWell, prepare, type Stage, startMidwire, tunnel, web } from './support/scene.js'
import { missing, postgresFolder } from './support/skip.js'
import { suite } from './support/suite.js'
import { until } from './support/wait.js'

type Server = keyof typeof at

/** Where midwire listens in front of each, as a server that it stands in for. */
const front: Record<Server, number> = { ssh: 9022, postgres: 9432, redis: 9379 }

const modes = (['ssh', 'postgres', 'redis'] as const).map(
  (server) => `reverse:tcp://${web.v4}:${at[server]}@${front[server]}`,
)

interface Way {
  title: string
  mode: 'reverse' | 'wireguard'
  /** What clients connect to. */
  host: string
  ports: Record<Server, number>
  /** The address at which midwire finds the server. */
  server: string
}

const ways: Way[] = [
  { title: 'reverse:tcp', mode: 'reverse', host: '127.0.0.1', ports: front, server: web.v4 },
  { title: 'WireGuard, IPv4', mode: 'wireguard', host: web.v4, ports: at, server: web.v4 },
  { title: 'WireGuard, IPv6', mode: 'wireguard', host: web.v6, ports: at, server: web.v6 },
]

interface Context extends Stage {
  /** The options of ssh's programs. */
  ssh: string[]
  /** Where a way's clients run. */
  clients(way: Way): { namespace: Namespace; run: Device['run'] }
  /** The flow of a connection of that way that matches, which has to have ended well. */
  flow(way: Way, server: Server, what: string, matches: (flow: Raw) => boolean): Promise<Raw>
}

type Raw = FlowLine & { messages: number; bytesFromClient: number; bytesFromServer: number }

const check = suite<Context>(['midwire', 'wireguard-go'], async (world) => {
  const scene = await prepare(world)
  const { folder } = scene
  const { server } = world
  // The servers that the machine lacks are not started, and their tests are skipped.
  const ssh = missing(['ssh']) ? [] : (await startSshd(server, folder, web)).options
  if (!missing(['postgres'])) await startPostgres(server, folder, 'postgres.test', web)
  if (!missing(['redis'])) await startRedis(server, folder, web)
  const midwire = await startMidwire(scene, [...tunnel, '-k', ...modes.flatMap((mode) => ['-m', mode])])
  const device = await joinProxy(world, midwire)
  const near = { namespace: server, run: bareDevice(server).run }
  return {
    ...scene,
    midwire,
    device,
    ssh,
    clients: ({ mode }) => (mode === 'reverse' ? near : device),
    async flow(way, name, what, matches) {
      const isRaw = (flow: FlowLine): flow is Raw => flow.type === 'tcp'
      const found = await midwire.flow(`${what} by ${way.title}`, (one) => {
        const { client, server } = one
        const isOfWay = client.mode.startsWith(way.mode) && server?.address === way.server && server.port === at[name]
        return isRaw(one) && isOfWay && client.destination.port === way.ports[name] && matches(one)
      })
      return found as Raw
    },
  }
})

/** Some megabytes, and an odd number of them. */
const BYTES = 4_000_037

/** What a flow of this server's has to say besides its numbers. */
const shown = ({ error, client, server }: Raw) => ({ error, client: client.tls, server: server?.tls })
const PLAIN = { error: null, client: null, server: null }

for (const way of ways) {
  const { host, ports, title } = way
  // scp takes an address of IPv6 in brackets only, ssh without them only.
  const bracketed = host.includes(':') ? `[${host}]` : host

  check(
    `OpenSSH by ${title}: a command with input and output, its exit code, and files there and back by scp`,
    async (t, { clients, ssh, flow, folder }) => {
      const { run } = clients(way)
      const shell = (command: string, input = '') =>
        run(['ssh', ...ssh, '-p', String(ports.ssh), `root@${host}`, command], { input })
      const said = await shell('read name && echo "hello $name" && echo "$SSH_CONNECTION" && exit 7', 'midwire\n')
      const [greeting, connection = ''] = said.stdout.toString().split('\n')
      t.deepEqual([greeting, said.code], ['hello midwire', 7], said.stderr)
      // The server sees midwire as its client.
      t.regex(connection, new RegExp(`^${way.server} \\d+ ${way.server} ${at.ssh}$`))
      const first = await flow(way, 'ssh', 'the command', () => true)
      t.deepEqual(shown(first), PLAIN)
      t.true(first.messages > 8, `${first.messages} messages`)

      const [there, back] = [join(folder, `there ${title}`), join(folder, `back ${title}`)]
      writeFileSync(join(folder, 'sent'), patternBytes(BYTES))
      const scp = (...files: string[]) => run(['scp', '-q', ...ssh, '-P', String(ports.ssh), ...files])
      const remote = `root@${bracketed}:${there}`
      for (const files of [
        [join(folder, 'sent'), remote],
        [remote, back],
      ]) {
        const { code, stderr } = await scp(...files)
        t.is(code, 0, stderr)
      }
      t.true(readFileSync(back).equals(patternBytes(BYTES)))
      const sum = await shell(`sha256sum < '${there}'`)
      t.is(sum.stdout.toString().split(' ')[0], patternHash(BYTES), sum.stderr)
      const up = await flow(way, 'ssh', 'the upload', ({ bytesFromClient }) => bytesFromClient > BYTES)
      const down = await flow(way, 'ssh', 'the download', ({ bytesFromServer }) => bytesFromServer > BYTES)
      t.deepEqual([shown(up), shown(down)], [PLAIN, PLAIN])
      t.true(up.bytesFromServer < BYTES / 10 && down.bytesFromClient < BYTES / 10)
    },
    ['ssh'],
  )

  const psql = (settings: string, ...commands: string[]) => [
    ...[join(postgresFolder ?? '', 'psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1'],
    `host=${host} port=${ports.postgres} user=postgres dbname=postgres connect_timeout=10 ${settings}`,
    ...commands.flatMap((command) => ['-c', command]),
  ]
  const env = { PGPASSWORD: postgresPassword }
  const own = 'select ssl, coalesce(version, $$none$$) from pg_stat_ssl where pid = pg_backend_pid()'

  check(
    `PostgreSQL by ${title}: without TLS, some megabytes in and out, and a wrong password`,
    async (t, { clients, flow }) => {
      const { run } = clients(way)
      const rows = Array.from({ length: 20_000 }, (_, row) => `${row} ${'midwire '.repeat(row % 20)}\n`).join('')
      const commands = [
        'create temp table rows (line text, number serial)',
        'copy rows (line) from stdin',
        'copy (select line from rows order by number) to stdout',
      ]
      const copied = await run(psql('sslmode=disable', own, ...commands), { env, input: rows })
      t.is(copied.code, 0, copied.stderr)
      t.true(copied.stdout.toString() === `f|none\n${rows}`)
      const copy = await flow(way, 'postgres', 'the copy', ({ bytesFromClient }) => bytesFromClient > rows.length)
      t.deepEqual(shown(copy), PLAIN)
      t.true(copy.bytesFromServer > rows.length)
      t.true(copy.messages > 8, `${copy.messages} messages`)
      const refused = await run(psql('sslmode=disable', own), { env: { PGPASSWORD: 'wrong' } })
      t.is(refused.code, 2)
      t.regex(refused.stderr, /password authentication failed for user "postgres"/)
      t.deepEqual(shown(await flow(way, 'postgres', 'the refusal', () => true)), PLAIN)
    },
    ['postgres'],
  )

  check(
    `PostgreSQL by ${title}: TLS that begins inside the connection is decrypted, with a certificate of midwire's`,
    async (t, { clients, flow, midwire }) => {
      // Channel binding (RFC 5929) is there to find out that the client's certificate is not the server's own: it has to be off.
      const modes = ['sslmode=require', `sslmode=verify-ca sslrootcert=${midwire.authority}`]
      for (const settings of modes.map((mode) => `${mode} channel_binding=disable`)) {
        const { code, stdout, stderr } = await clients(way).run(psql(settings, own), { env })
        t.is(code, 0, stderr)
        t.is(stdout.toString(), 't|TLSv1.3\n')
        const secured = await flow(way, 'postgres', settings, () => true)
        // Both say goodbye inside TLS, too, to a side that may be gone by then and answers by a reset, as it would without midwire.
        t.regex(secured.error ?? '', /^$|^the (client|server) reset the connection/)
        t.truthy(secured.client.tls)
        t.truthy(secured.server?.tls)
        t.true(secured.messages > 5, `${secured.messages} messages`)
      }
    },
    ['postgres'],
  )

  check(
    `Redis by ${title}: a large value there and back, and messages that the server sends unasked`,
    async (t, { clients, flow }) => {
      const { namespace, run } = clients(way)
      const redis = ['redis-cli', '-h', host, '-p', String(ports.redis)]
      const value = 'midwire '.repeat(200_000)
      const set = await run([...redis, '-x', 'SET', title], { input: value })
      t.is(set.stdout.toString(), 'OK\n', set.stderr)
      const got = await run([...redis, 'GET', title])
      t.true(got.stdout.toString() === `${value}\n`)
      const large = await flow(way, 'redis', 'SET', ({ bytesFromClient }) => bytesFromClient > value.length)
      t.deepEqual([shown(large), large.bytesFromServer], [PLAIN, '+OK\r\n'.length])
      await flow(way, 'redis', 'GET', ({ bytesFromServer }) => bytesFromServer > value.length)

      const subscriber = start('ip', namespace.command(...redis, 'SUBSCRIBE', 'news'), {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let heard = ''
      subscriber.stdout?.setEncoding('utf8').on('data', (text: string) => {
        heard += text
      })
      await until(5000, 'the subscription', () => heard === 'subscribe\nnews\n1\n')
      for (const news of ['one', 'two']) {
        t.is((await run([...redis, 'PUBLISH', 'news', news])).stdout.toString(), '1\n')
        await until(5000, `the message ${news}`, () => heard.endsWith(`message\nnews\n${news}\n`))
      }
      await stop(subscriber, 'SIGTERM')
      // One message of the client, and after it the answer and the news of the server.
      const news = await flow(way, 'redis', 'SUBSCRIBE', ({ messages }) => messages === 4)
      t.deepEqual(shown(news), PLAIN)
      t.is(news.bytesFromClient, '*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n'.length)
    },
    ['redis'],
  )
}

endsWell(check)
