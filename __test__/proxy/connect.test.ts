// Connections to hosts by name, over real sockets: which of a name's addresses they lead to, from where, and why they fail.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { DNS_TYPE } from '../../src/flow/dns-names.js'
import { connectTo } from '../../src/proxy/connect.js'
import type { Endpoint, Exit } from '../../src/proxy/exits/exit.js'
import { Sockets } from '../../src/proxy/exits/sockets.js'
import { Resolver, type ResolverOptions } from '../../src/proxy/resolver.js'
import { Clock } from '../support/clock.js'
import { hosts, nameServer, type Script } from '../support/name-server.js'
import { deafPort, freePort } from '../support/talk.js'

const hasV6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'))
const testV6 = hasV6 ? test : test.skip

/** Whether a socket of this process waits for its connection. */
/** The sockets that are being connected to a port: those in state SYN_SENT. Linux alone says so. */
function connectingTo(port: number): number {
  const end = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n')
  return lines.map((line) => line.trim().split(/ +/)).filter(([, , to, state]) => to?.endsWith(end) && state === '02')
    .length
}

/** A port that answers no SYN, and how many sockets wait for it beside those that keep it deaf. */
async function deaf(t: ExecutionContext) {
  const port = await deafPort(t)
  const before = connectingTo(port)
  return { port, waiting: () => connectingTo(port) - before }
}

interface SetUp {
  readonly server: Awaited<ReturnType<typeof nameServer>>
  /** Connects to a name; the answer is the two ends. */
  reach(host: string, port: number, more?: More): Promise<string>
}

interface More {
  from?: string
  isForeign?: boolean
  transport?: 'tcp' | 'udp'
  signal?: AbortSignal
  isOwn?: Exit['isOwn']
}

async function setUp(t: ExecutionContext, script: Script, options: Partial<ResolverOptions> = {}): Promise<SetUp> {
  const server = await nameServer(t, script)
  const resolver = new Resolver({
    useHostsFile: false,
    hostsFile: '/nonexistent',
    nameServers: [server.text],
    ...options,
  })
  t.teardown(() => resolver.close())
  return {
    server,
    async reach(
      host,
      port,
      { from, isForeign = false, transport = 'tcp', signal = new AbortController().signal, isOwn } = {},
    ) {
      const exit = new Sockets(resolver, { listeners: () => [], mark: () => undefined })
      if (isOwn) exit.isOwn = isOwn
      const made = await connectTo(
        exit,
        { host, port, transport },
        from === undefined ? undefined : { address: from, isForeign },
        signal,
      )
      t.teardown(() => made.reset())
      return `${made.local?.address} ${made.remote?.address}`
    },
  }
}

/** Listens on each of these addresses, on one port; the answer is the port, and how many connections each address got. */
async function listening(t: ExecutionContext, addresses: readonly string[], port = 0) {
  const counts = new Map<string, number>()
  let used = port
  for (const address of addresses) {
    const server = createServer((socket) => {
      counts.set(address, (counts.get(address) ?? 0) + 1)
      socket.on('error', () => {})
      t.teardown(() => socket.destroy())
    }).listen(used, address)
    await once(server, 'listening')
    t.teardown(() => server.close())
    used = (server.address() as AddressInfo).port
  }
  return { port: used, counts }
}

testV6('of a name with both families IPv6 is taken, and the other address is left alone', async (t) => {
  const { port, counts } = await listening(t, ['127.0.0.1', '::1'])
  const { reach } = await setUp(t, hosts({ 'a.test': ['127.0.0.1', '::1'] }))
  t.is(await reach('a.test', port), '::1 ::1')
  while (counts.size === 0) await new Promise((later) => setImmediate(later))
  t.deepEqual([...counts.keys()], ['::1'])
})

testV6('an address that refuses is followed by the other at once', async (t) => {
  const { port } = await listening(t, ['127.0.0.1'])
  const { reach } = await setUp(t, hosts({ 'a.test': ['127.0.0.1', '::1'] }))
  t.is(await reach('a.test', port), '127.0.0.1 127.0.0.1')
})

test.serial(
  'an address that is silent is followed by the next, and its attempt ends when that has succeeded',
  async (t) => {
    const { port, waiting } = await deaf(t)
    await listening(t, ['127.0.0.2'], port)
    const { reach } = await setUp(t, hosts({ 'a.test': ['127.0.0.1', '127.0.0.2'] }))
    t.regex(await reach('a.test', port), / 127\.0\.0\.2$/)
    while (waiting() > 0) await new Promise((later) => setImmediate(later))
  },
)

test('a name server that is silent about IPv6 holds up nothing', async (t) => {
  const { port } = await listening(t, ['127.0.0.1'])
  const { udp } = hosts({ 'a.test': ['127.0.0.1'] })
  const { reach } = await setUp(t, {
    udp: (query, say, from) => query.questions[0]?.type === DNS_TYPE.A && udp(query, say, from),
  })
  t.is(await reach('a.test', port), '127.0.0.1 127.0.0.1')
})

test('the error that tells most is the answer', async (t) => {
  const port = await freePort()
  const names = hosts({
    'refused.test': ['255.255.255.255', '127.0.0.1', '127.0.0.2'],
    'far.test': ['255.255.255.255'],
    'empty.test': [],
  })
  const { reach } = await setUp(t, {
    udp: (query, say, from) =>
      query.questions[0]?.name === 'broken.test'
        ? say(Buffer.concat([refusal(query.id)]))
        : names.udp(query, say, from),
  })
  await t.throwsAsync(reach('refused.test', port), { code: 'ECONNREFUSED' })
  await t.throwsAsync(reach('far.test', port), { code: 'ENETUNREACH' })
  await t.throwsAsync(reach('missing.test', port), { code: 'ENOTFOUND' })
  await t.throwsAsync(reach('broken.test', port), { code: 'EAI_AGAIN' })
  await t.throwsAsync(reach('empty.test', port), { message: 'the name has no address' })
  await t.throwsAsync(reach('no name at all', port), { code: 'ENOTFOUND' })
  await t.throwsAsync(reach('127.0.0.1', port), { code: 'ECONNREFUSED' })
  await t.throwsAsync(reach('255.255.255.255', 9, { transport: 'udp' }), { code: 'EACCES' })
})

/** An answer of rcode REFUSED, without the question. */
function refusal(id: number): Buffer {
  const bytes = Buffer.from('000081850000000000000000', 'hex')
  bytes.writeUInt16BE(id)
  return bytes
}

test('a name server that is not there has not refused in the name of the server', async (t) => {
  const { reach } = await setUp(t, hosts({}), { nameServers: [`127.0.0.1:${await freePort()}`] })
  await t.throwsAsync(reach('a.test', 1), { code: 'EAI_AGAIN' })
})

test.serial('an attempt that is given up ends, whether a name or an address is waited for', async (t) => {
  t.timeout(10_000, 'the attempt goes on')
  const { port, waiting } = await deaf(t)
  const { reach, server } = await setUp(t, { udp: () => {} })
  for (const host of ['a.test', '127.0.0.1']) {
    const attempt = new AbortController()
    const failed = t.throwsAsync(reach(host, port, { signal: attempt.signal }), { code: 'ECANCELED' })
    if (host === 'a.test') while (server.queries.length < 2) await new Promise((later) => setImmediate(later))
    else await new Promise((later) => setImmediate(later))
    t.is(waiting(), host === 'a.test' ? 0 : 1)
    attempt.abort()
    await failed
  }
  await t.throwsAsync(reach('127.0.0.1', port, { signal: AbortSignal.abort() }), { code: 'ECANCELED' })
  while (waiting() > 0) await new Promise((later) => setImmediate(later))
})

test('after 30 s an attempt is over', async (t) => {
  const clock = new Clock()
  const { reach } = await setUp(t, { udp: () => {} })
  let failed: Promise<unknown> = Promise.resolve()
  let over = false
  clock.with(() => {
    failed = reach('127.0.0.1', 9).catch((error) => {
      over = true
      return error
    })
    clock.after(29_999)
    t.false(over)
    clock.after(1)
    t.is(clock.timers, 0)
  })
  t.like(await failed, { code: 'ETIMEDOUT' })
})

test('connect_addr: connections come from there, and only addresses of its family are asked for and tried', async (t) => {
  const { port } = await listening(t, ['127.0.0.1', ...(hasV6 ? ['::1'] : [])])
  const { reach, server } = await setUp(t, hosts({ 'a.test': ['::1', '127.0.0.1'], 'six.test': ['::1'] }))
  t.is(await reach('a.test', port, { from: '127.0.0.5' }), '127.0.0.5 127.0.0.1')
  t.deepEqual(
    server.queries.map(({ questions }) => questions[0]?.type),
    [DNS_TYPE.A],
  )
  const message = 'it has no IPv4 address, and connect_addr is one: 127.0.0.5'
  for (const host of ['six.test', '::1']) {
    await t.throwsAsync(reach(host, port, { from: '127.0.0.5' }), { message })
  }
  const foreign = "it has no IPv4 address, and the client's, which spoof_source_address keeps, is one: 192.0.2.1"
  await t.throwsAsync(reach('::1', port, { from: '192.0.2.1', isForeign: true }), { message: foreign })
  await t.throwsAsync(reach('127.0.0.1', port, { from: '192.0.2.1' }), {
    code: 'EADDRNOTAVAIL',
    message: /^bind/,
  })
  await t.throwsAsync(reach('127.0.0.1', port, { from: '192.0.2.1', transport: 'udp' }), { message: /^bind/ })
})

test('datagrams go to an address of the name, and from connect_addr', async (t) => {
  const socket: Socket = createSocket('udp4').bind(0, '127.0.0.1')
  t.teardown(() => socket.close())
  await once(socket, 'listening')
  const { reach } = await setUp(t, hosts({ 'a.test': ['127.0.0.1'] }))
  const { port } = socket.address()
  t.is(await reach('a.test', port, { transport: 'udp' }), '127.0.0.1 127.0.0.1')
  t.is(await reach('a.test', port, { transport: 'udp', from: '127.0.0.5' }), '127.0.0.5 127.0.0.1')
})

test('an address of midwire itself is never tried; where no other one answers, that is the error', async (t) => {
  const { port, counts } = await listening(t, ['127.0.0.1', '127.0.0.2'])
  const { reach } = await setUp(
    t,
    hosts({ 'a.test': ['127.0.0.1', '127.0.0.2'], 'b.test': ['127.0.0.1', '127.0.0.3'] }),
  )
  const isOwn = ({ address }: Endpoint) => address === '127.0.0.1'
  t.regex(await reach('a.test', port, { isOwn }), / 127\.0\.0\.2$/)
  for (const host of ['b.test', '127.0.0.1', '::ffff:127.0.0.1']) {
    await t.throwsAsync(reach(host, port, { isOwn }), { code: 'LOOP' }, host)
    await t.throwsAsync(reach(host, port, { isOwn, transport: 'udp' }).then(refuseOther(host)), { code: 'LOOP' }, host)
  }
  while (counts.size === 0) await new Promise((later) => setImmediate(later))
  t.deepEqual([...counts.keys()], ['127.0.0.2'])
  // The kernel leads from here to 127.0.0.1.
  await t.throwsAsync(reach('0.0.0.0', port, { isOwn }), { code: 'LOOP' })
})

/** Datagrams find out nothing about an address, so that one that is not midwire's is as good as any. */
const refuseOther = (host: string) => () => {
  if (host === 'b.test') throw Object.assign(new Error('another address'), { code: 'LOOP' })
}

test('with name servers of its own midwire still knows localhost, and the hosts file where that is allowed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'midwire-connect-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const hostsFile = join(folder, 'hosts')
  await writeFile(hostsFile, '127.0.0.2 a.test\n')
  const { port } = await listening(t, ['127.0.0.1', '127.0.0.2'])
  const script = hosts({ 'a.test': ['127.0.0.1'] })
  const allowed = await setUp(t, script, { useHostsFile: true, hostsFile })
  t.regex(await allowed.reach('A.test', port), / 127\.0\.0\.2$/)
  for (const name of ['localhost', 'LocalHost.', 'b.localhost']) {
    t.regex(await allowed.reach(name, port), / 127\.0\.0\.1$/)
  }
  t.is(allowed.server.queries.length, 0)
  const forbidden = await setUp(t, script, { useHostsFile: false, hostsFile })
  t.regex(await forbidden.reach('a.test', port), / 127\.0\.0\.1$/)
})

test("without name servers the system's resolver is asked, and no name server of ours", async (t) => {
  const { port } = await listening(t, ['127.0.0.1'])
  const { reach, server } = await setUp(t, hosts({}), { nameServers: [] })
  t.regex(await reach('localhost', port), / 127\.0\.0\.1$/)
  t.regex(await reach('2130706433', port), / 127\.0\.0\.1$/)
  t.is(server.queries.length, 0)
})
