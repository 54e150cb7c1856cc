// The contract of modes: by every way in and every way out, each kind of server is reached in the same way.
import test, { type ExecutionContext } from 'ava'
import { parseDns } from '../../src/flow/dns-message.js'
import { DNS_RCODE } from '../../src/flow/dns-names.js'
import { DEAD_NAME, type Entered, enter, GET, pairs, secure } from '../support/contract.js'
import { ContractTable } from '../support/contract-table.js'
import { queryFor } from '../support/dns-client.js'
import { ok, tlsServer } from '../support/proxy.js'
import { seeded } from '../support/seeded.js'
import { freePort, listen } from '../support/talk.js'
import { answered, echo, freeUdpPort } from '../support/udp-talk.js'
import { ownAddress, type Speech } from '../support/ways.js'

const table = new ContractTable({
  dns: '__test__/proxy/contract-dns.test.ts',
  ...(ownAddress === undefined && { wireguard: '__test__/e2e/proxy-raw.test.ts' }),
})

/** The message of a client that is refused, by each protocol. */
const REFUSED = /refused|unreachable|reset|502|reply [1-8]|answer 9[1-3]|ECONNREFUSED|EHOSTUNREACH|the end came/

/** Not the port of plain HTTP, which HTTP proxies forward: nothing of it is tried before there is a request. */
const DEAD_PORT = 4_000

/** The resolver of a tunnel. */
const TUNNEL_RESOLVER = '10.0.0.53'

interface Part {
  readonly name: string
  readonly speaks: Speech
  /** Where it is to be run; everywhere unless it is said. */
  among?(entered: Entered): boolean
  run(t: ExecutionContext, entered: Entered): Promise<void>
}

const PARTS: readonly Part[] = [
  { name: 'HTTP, kept for a second request', speaks: 'http', run: http },
  { name: 'HTTPS', speaks: 'https', run: https },
  { name: 'raw TCP', speaks: 'raw', run: raw },
  { name: 'a server that speaks first, and half-close', speaks: 'raw', run: serverFirst },
  { name: 'a server that refuses', speaks: 'raw', run: refusal },
  { name: 'a name that does not exist', speaks: 'raw', run: deadName },
  {
    name: 'a server of HTTP that refuses, and a name that does not exist',
    speaks: 'http',
    among: answersItself,
    run: noHttp,
  },
  { name: 'UDP', speaks: 'udp', among: ({ out }) => out.udp === true, run: udp },
  { name: 'UDP that cannot leave, and says so', speaks: 'udp', among: ({ out }) => !out.udp, run: noUdp },
]

for (const { way, out } of pairs()) {
  test.serial(`${way.name}, out by ${out.name}`, async (t) => {
    t.timeout(30_000)
    const entered = await enter(t, way, out)
    for (const { name, speaks, among = () => true, run } of PARTS) {
      if (!way.speaks.includes(speaks) || !among(entered)) continue
      await t.notThrowsAsync(run(t, entered), name)
      table.held(way, out.name, name)
    }
    entered.assertNoFaults()
  })
}

test.serial('the table of what was run has every mode', (t) => {
  t.log(`\n${table}`)
  t.deepEqual(table.missing, [])
})

async function http(t: ExecutionContext, { way, begin }: Entered): Promise<void> {
  const server = await listen(
    t,
    ({ socket }) => {
      socket.on('data', () => socket.write(ok('ok')))
      socket.on('end', () => socket.end())
    },
    way.host.listen,
  )
  const { talk, running } = await begin(server.port, 'http')
  for (let count = 0; count < 2; count += 1) {
    talk.says(GET)
    t.regex(await talk.hears('ok'), /^HTTP\/1\.1 200 OK/)
  }
  t.is(server.talks.length, 1)
  talk.socket.end()
  await talk.hearsAll()
  t.true(running.flows.length > 0)
}

async function https(t: ExecutionContext, { way, begin }: Entered): Promise<void> {
  const begun = await begin(await tlsServer(t, way.host.listen), 'https')
  const inside = await secure(begun)
  inside.says(GET)
  t.regex(await inside.hears('answer'), /200/)
}

/** Bytes that are no protocol, both ways at once. */
async function raw(t: ExecutionContext, { way, begin }: Entered): Promise<void> {
  const chance = seeded(4)
  const bytes = () => Buffer.from(Array.from({ length: 100_000 }, () => chance() * 256))
  const [up, down] = [Buffer.concat([Buffer.of(0, 1, 2), bytes()]), bytes()]
  const server = await listen(t, (talk) => talk.says(down), way.host.listen)
  const { talk } = await begin(server.port, 'raw')
  talk.says(up)
  talk.socket.end()
  const other = await server.talk(0)
  t.true((await other.hearsAll()) === up.toString('latin1'))
  other.socket.end()
  t.true((await talk.hearsAll()) === down.toString('latin1'))
}

async function serverFirst(t: ExecutionContext, { way, begin }: Entered): Promise<void> {
  const server = await listen(t, (talk) => talk.says('220 ready\r\n'), way.host.listen)
  const { talk } = await begin(server.port, 'raw')
  t.is(await talk.hears('\r\n'), '220 ready\r\n')
  talk.says('BYE\r\n')
  talk.socket.end()
  const other = await server.talk(0)
  t.is(await other.hearsAll(), 'BYE\r\n')
  other.says('late\r\n')
  other.socket.end()
  t.is(await talk.hearsAll(), 'late\r\n')
}

/** The client is told, by an answer or a reset, and other servers are reached as before. */
async function refusal(t: ExecutionContext, entered: Entered): Promise<void> {
  const { way, begin } = entered
  const refused = begin(await freePort(), 'raw')
  if (way.leadsToOne) t.is(await (await refused).talk.hearsAll(), '')
  else await t.throwsAsync(refused, { message: REFUSED })
  await isReached(t, entered)
}

/** The client is told here, too. One that looks names up itself is told by the tunnel's resolver. */
async function deadName(t: ExecutionContext, entered: Entered): Promise<void> {
  const { way, begin, beginUdp } = entered
  if (way.byAddress) {
    const { talk } = await beginUdp(53, TUNNEL_RESOLVER)
    t.is(parseDns(await answered(talk, queryFor(DEAD_NAME))).rcode, DNS_RCODE.NXDOMAIN)
    return
  }
  const dead = begin(DEAD_PORT, 'raw', DEAD_NAME)
  if (way.leadsToOne) t.is(await (await dead).talk.hearsAll(), '')
  else await t.throwsAsync(dead, { message: REFUSED })
  await isReached(t, entered)
}

async function isReached(t: ExecutionContext, { way, begin }: Entered): Promise<void> {
  const other = await listen(t, (talk) => talk.says('220 ready\r\n'), way.host.listen)
  t.is(await (await begin(other.port, 'raw')).talk.hears('\r\n'), '220 ready\r\n')
}

/** A request is answered there, and not the connection. */
function answersItself({ way }: Entered): boolean {
  return !way.speaks.includes('raw')
}

/** The answer says what is wrong. */
async function noHttp(t: ExecutionContext, { begin }: Entered): Promise<void> {
  for (const [port, host, why] of [
    [await freePort(), undefined, /refused/],
    [DEAD_PORT, DEAD_NAME, /dead\.invalid/],
  ] as const) {
    const { talk } = await begin(port, 'http', host)
    talk.says(GET)
    t.regex(await talk.hears('\r\n\r\n'), /^HTTP\/1\.1 502 /)
    t.regex(await talk.hears('\n'), why)
  }
}

/** Datagrams of several sizes come back, also after a destination at which there is nobody. */
async function udp(t: ExecutionContext, { way, beginUdp }: Entered): Promise<void> {
  const nobody = await beginUdp(await freeUdpPort(way.host.listen))
  nobody.talk.says(Buffer.of(0, 1))
  const { talk } = await beginUdp((await echo(t, way.host.listen)).port)
  for (const length of [1, 1_200, 9_000]) {
    const data = Buffer.alloc(length, length)
    t.deepEqual(await answered(talk, data), data)
  }
}

async function noUdp(t: ExecutionContext, { way, beginUdp }: Entered): Promise<void> {
  const begun = beginUdp((await echo(t, way.host.listen)).port)
  // A mode of datagrams alone does not even start.
  if (way.leadsToOne) {
    await t.throwsAsync(begun, { code: 'ERR_MODE', message: /datagrams cannot pass through/ })
    return
  }
  const { talk, running } = await begun
  talk.says(Buffer.of(0, 1))
  t.regex((await running.flow('udp')).error?.message ?? '', /datagrams cannot pass through/)
}
