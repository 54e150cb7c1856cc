// The contract of modes with clients and servers that say anything.
import { createSocket } from 'node:dgram'
import type { Duplex } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { captured } from '../support/client-hellos.js'
import { type Entered, enter, GET } from '../support/contract.js'
import { ContractTable } from '../support/contract-table.js'
import { DIRECT, OUTS } from '../support/outs.js'
import { ok } from '../support/proxy.js'
import { seeded } from '../support/seeded.js'
import { dial, listen, type Talk } from '../support/talk.js'
import { answered, echo } from '../support/udp-talk.js'
import { ownAddress, WAYS } from '../support/ways.js'

const table = new ContractTable({
  dns: '__test__/proxy/contract-dns.test.ts',
  ...(ownAddress === undefined && { wireguard: '__test__/e2e/edge.test.ts' }),
})

/** Clients and servers that say garbage. */
const ROUNDS = 24

/** What every client could begin with; garbage comes after a part of it. */
const BEGINNINGS = [
  Buffer.alloc(0),
  Buffer.from('CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n\r\n'),
  Buffer.from('GET http://localhost:1/ HTTP/1.1\r\nHost: localhost:1\r\nContent-Length: 9\r\n\r\n'),
  Buffer.of(5, 1, 0, 5, 1, 0, 3, 9),
  Buffer.of(4, 1, 0, 80, 0, 0, 0, 1, 0),
  captured('openssl'),
]

const OUT_OF = WAYS.map((way) => ({ way, out: way.needsProxy ? (OUTS[1] ?? DIRECT) : DIRECT }))

for (const { way, out } of OUT_OF) {
  test.serial(`garbage: ${way.name}, out by ${out.name}`, async (t) => {
    t.timeout(30_000)
    const entered = await enter(t, way, out)
    const chance = seeded(42)
    const garbage = () => Buffer.from(Array.from({ length: 1 + chance() * 400 }, () => chance() * 256))
    await (way.speaks.includes('raw') || way.speaks.includes('http')
      ? connections(t, entered, chance, garbage)
      : datagrams(t, entered, garbage))
    entered.assertNoFaults()
    table.held(way, out.name, 'garbage')
  })
}

test.serial('the table of what was run has every mode', (t) => {
  t.log(`\n${table}`)
  t.deepEqual(table.missing, [])
})

/** Garbage in place of a client's first bytes, in the middle of what it says, and from the server. Then a client is served as ever. */
async function connections(
  t: ExecutionContext,
  { way, begin, proxyTo }: Entered,
  chance: () => number,
  garbage: () => Buffer,
): Promise<void> {
  const speaks = way.speaks[0] ?? 'raw'
  const server = await listen(
    t,
    ({ socket }) => {
      socket.on('data', (data) => (data.includes('GET /a ') ? socket.write(ok('answer')) : socket.end(garbage())))
      socket.on('end', () => socket.end())
    },
    way.host.listen,
  )
  const running = await proxyTo(server.port, speaks)
  for (let round = 0; round < ROUNDS; round += 1) {
    const beginning = BEGINNINGS[round % BEGINNINGS.length] ?? garbage()
    const cut = round < BEGINNINGS.length ? beginning.length : Math.floor(chance() * beginning.length)
    if (!way.withoutSocket) await saysAndEnds(await dial(t, running.port), beginning.subarray(0, cut), garbage())
    const { talk } = await begin(server.port, speaks)
    const inside = [Buffer.alloc(0), Buffer.from(GET), captured('openssl').subarray(0, 200)][round % 3] ?? garbage()
    await saysAndEnds(talk, inside, garbage())
  }
  const { talk } = await begin(server.port, speaks)
  talk.says(GET)
  t.regex(await talk.hears('answer'), /^HTTP\/1\.1 200 /)
}

/** The connection ends, in whichever way. */
async function saysAndEnds(talk: Talk<Duplex>, ...all: readonly Buffer[]): Promise<void> {
  for (const data of all) talk.says(data)
  talk.socket.end()
  await talk.hearsAll()
  talk.socket.destroy()
}

async function datagrams(t: ExecutionContext, { way, beginUdp }: Entered, garbage: () => Buffer): Promise<void> {
  const { port } = await echo(t, way.host.listen)
  const { talk, running } = await beginUdp(port)
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  for (let round = 0; round < ROUNDS; round += 1) socket.send(garbage(), running.port, '127.0.0.1')
  t.deepEqual(await answered(talk, Buffer.from('sane')), Buffer.from('sane'))
}
