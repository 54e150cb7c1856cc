// The contract of modes under load: a thousand clients at once by each way in, and by each way out; and clients that are slow.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { type Begun, type Entered, enter, GET, pairs, secure } from '../support/contract.js'
import { ContractTable } from '../support/contract-table.js'
import { DIRECT, OUTS } from '../support/outs.js'
import { ok, tlsServer } from '../support/proxy.js'
import { bind, listen, type Talk } from '../support/talk.js'
import { answered, echo } from '../support/udp-talk.js'
import { ownAddress, WAYS } from '../support/ways.js'

const CLIENTS = 1_000

/** Servers among which they are divided: each place has room for 256 connections. */
const SERVERS = 4

const table = new ContractTable({
  dns: '__test__/proxy/contract-dns.test.ts',
  ...(ownAddress === undefined && { wireguard: '__test__/e2e/connections.test.ts' }),
})

/** The way in by which each way out is tried. */
const TYPICAL = 'socks5'

const NO_PROXY = WAYS.filter(({ needsProxy }) => !needsProxy).map((way) => ({ way, out: DIRECT }))
const PROXIES = pairs(OUTS).filter(
  ({ way, out }) => (way.name === TYPICAL || way.needsProxy) && out !== DIRECT && !out.narrow,
)

for (const { way, out } of [...NO_PROXY, ...PROXIES.filter(({ way, out }) => !way.needsProxy || out.name === 'http')]) {
  test.serial(`${CLIENTS} clients at once: ${way.name}, out by ${out.name}`, async (t) => {
    t.timeout(60_000)
    const entered = await enter(t, way, out)
    if (!way.speaks.includes('raw')) await (way.speaks.includes('udp') ? datagrams(t, entered) : requests(t, entered))
    else await connections(t, entered)
    entered.assertNoFaults()
    table.held(way, out.name, `${CLIENTS} clients`)
  })
}

for (const way of WAYS.filter(({ speaks }) => speaks.includes('https'))) {
  const out = way.needsProxy ? (OUTS[1] ?? DIRECT) : DIRECT
  test.serial(`one byte at a time: ${way.name}, out by ${out.name}`, async (t) => {
    t.timeout(30_000)
    const entered = await enter(t, way, out)
    for (const speaks of ['http', 'https'] as const) {
      const begun = await beginSlowly(t, entered, await serverOf(t, entered, speaks), speaks)
      const talk = speaks === 'https' ? await secure(begun) : begun.talk
      await slowly(talk, GET)
      t.regex(await talk.hears('answer'), /^HTTP\/1\.1 200 /)
    }
    entered.assertNoFaults()
    table.held(way, out.name, 'a slow client')
  })
}

test.serial('the table of what was run has every mode', (t) => {
  t.log(`\n${table}`)
  t.deepEqual(table.missing, [])
})

const clients = <T>(begin: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: CLIENTS }, (_, index) => begin(index)))

/** All are open together, and each has what it has said; where one server is all that there is, each makes room for another. */
async function connections(t: ExecutionContext, { way, begin }: Entered): Promise<void> {
  const servers = await Promise.all(
    Array.from({ length: way.leadsToOne ? 1 : SERVERS }, () =>
      listen(
        t,
        (talk) => {
          talk.says('220 ready\r\n')
          talk.socket.pipe(talk.socket)
        },
        way.host.listen,
      ),
    ),
  )
  const talks = await clients(async (index) => {
    const { talk } = await begin(servers[index % servers.length]?.port ?? 0, 'raw')
    await talk.hears('220 ready\r\n')
    talk.says(`client ${index}\r\n`)
    await talk.hears(`client ${index}\r\n`)
    if (way.leadsToOne) talk.socket.end()
    return talk
  })
  t.is(servers.flatMap((server) => server.talks).length, CLIENTS)
  for (const { socket } of talks) socket.end()
  t.deepEqual([...new Set(await Promise.all(talks.map((talk) => talk.hearsAll())))], [''])
}

async function requests(t: ExecutionContext, entered: Entered): Promise<void> {
  const port = await serverOf(t, entered, 'http')
  const answers = await clients(async () => {
    const { talk } = await entered.begin(port, 'http')
    talk.says(GET)
    const answer = await talk.hears('answer')
    talk.socket.end()
    return answer.slice(0, 15)
  })
  t.deepEqual([...new Set(answers)], ['HTTP/1.1 200 OK'])
}

async function datagrams(t: ExecutionContext, { way, beginUdp }: Entered): Promise<void> {
  const { port } = await echo(t, way.host.listen)
  const answers = await clients(async (index) => {
    const { talk } = await beginUdp(port)
    return `${await answered(talk, Buffer.from(`client ${index}`))}`
  })
  t.is(new Set(answers).size, CLIENTS)
}

async function serverOf(t: ExecutionContext, { way }: Entered, speaks: 'http' | 'https'): Promise<number> {
  if (speaks === 'https') return tlsServer(t, way.host.listen)
  const answer = ({ socket }: Talk) => socket.on('data', () => socket.write(ok('answer'))).on('end', () => socket.end())
  return (await listen(t, answer, way.host.listen)).port
}

async function slowly(talk: Talk<Duplex>, text: string): Promise<void> {
  for (const octet of Buffer.from(text)) {
    talk.says(Buffer.of(octet))
    await setImmediate()
  }
}

/** A client behind a line that carries one byte in each turn of the event loop, handshakes with proxies and TLS among them. */
async function beginSlowly(
  t: ExecutionContext,
  { way, begin, proxyTo }: Entered,
  port: number,
  speaks: 'http' | 'https',
): Promise<Begun<Talk<Duplex>>> {
  if (way.withoutSocket) return begin(port, speaks)
  const running = await proxyTo(port, speaks)
  const line = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const onward = connect({ port: running.port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    onward.pipe(socket)
    void (async () => {
      for await (const data of socket) for (const octet of data as Buffer) await step(onward, octet)
    })().catch(() => onward.destroy())
    t.teardown(() => onward.destroy())
    t.teardown(() => socket.destroy())
  })
  const slow = { ...running, port: await bind(t, line) }
  return { running, talk: await way.begin(t, slow, way.host.name, port) }
}

async function step(onward: Duplex, octet: number): Promise<void> {
  if (!onward.write(Buffer.of(octet))) await once(onward, 'drain')
  await setImmediate()
}
