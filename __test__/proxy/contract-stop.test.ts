// The contract of modes at their end: a proxy that is stopped in the midst of transfers, handshakes and connects lets go of all.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { captured } from '../support/client-hellos.js'
import { type Entered, enter, GET } from '../support/contract.js'
import { ContractTable } from '../support/contract-table.js'
import { DIRECT, OUTS } from '../support/outs.js'
import type { Running } from '../support/proxy.js'
import { deafPort, dial, listen, type Talk } from '../support/talk.js'
import { ownAddress, WAYS } from '../support/ways.js'

const table = new ContractTable({
  dns: '__test__/proxy/contract-dns.test.ts',
  ...(ownAddress === undefined && { wireguard: '__test__/e2e/edge.test.ts' }),
})

/** More than all buffers on the way hold, so that the transfers cannot end by themselves. */
const FLOOD = Buffer.alloc(32 * 1024 * 1024, 1)

/** What a client of a proxy may have said a part of. */
const BEGINNINGS = [
  Buffer.from('CONNECT localhost:1 HTTP/1.1\r\nHost: localhost:1\r\n'),
  Buffer.of(5, 1),
  Buffer.of(4, 1, 0),
  captured('openssl').subarray(0, 50),
]

for (const way of WAYS) {
  const out = way.needsProxy ? (OUTS[1] ?? DIRECT) : DIRECT
  test.serial(`stop while busy: ${way.name}, out by ${out.name}`, async (t) => {
    t.timeout(30_000)
    const entered = await enter(t, way, out)
    if (way.speaks.includes('raw')) await stopConnections(t, entered)
    else if (way.speaks.includes('udp')) await stopDatagrams(t, entered)
    else await stopRequests(t, entered)
    entered.assertNoFaults()
    table.held(way, out.name, 'stop while busy')
  })
}

test.serial('the table of what was run has every mode', (t) => {
  t.log(`\n${table}`)
  t.deepEqual(table.missing, [])
})

/** Every client's connection ends, and every server's. */
async function stopConnections(t: ExecutionContext, { way, begin, proxyTo }: Entered): Promise<void> {
  const busy = await listen(
    t,
    ({ socket }) => {
      socket.pause()
      socket.write(FLOOD)
    },
    way.host.listen,
  )
  const silent = await listen(t, () => {}, way.host.listen)
  const runnings = new Set<Running>()
  const clients: Talk<Duplex>[] = []
  const add = async (port: number) => {
    const { talk, running } = await begin(port, 'raw')
    runnings.add(running)
    clients.push(talk)
    return talk
  }
  // Transfers both ways, to a client and a server that do not read.
  const deaf = await add(busy.port)
  deaf.socket.pause()
  deaf.says(FLOOD)
  await busy.talk(0)
  // TLS with a server that does not answer, and clients that have said a part of what they have to say.
  const hello = await add(silent.port)
  hello.says(captured('openssl'))
  const first = await silent.talk(0)
  // A mode that leads to one server does TLS by itself, where the server has none.
  if (!way.leadsToOne) await first.hears(Buffer.of(0x16, 3, 1))
  const half = await add(silent.port)
  half.says(captured('openssl').subarray(0, 50))
  if (!way.withoutSocket) {
    const { port } = await proxyTo(silent.port, 'raw')
    for (const beginning of BEGINNINGS) {
      const talk = await dial(t, port)
      talk.says(beginning)
      clients.push(talk)
    }
  }
  // A connection to a server that does not answer the SYN.
  const deafTo = await deafPort(t, way.host.listen)
  runnings.add(await proxyTo(deafTo, 'raw'))
  const opening = begin(deafTo, 'raw').then(
    ({ talk }) => talk.hearsAll(),
    () => undefined,
  )
  // In a tunnel, what comes after the SYN shows that midwire has that.
  if (way.withoutSocket) await add(silent.port)
  await Promise.all([...runnings].map(({ proxy }) => proxy.close()))
  await opening
  deaf.socket.resume()
  for (const { socket } of busy.talks) socket.resume()
  // What a proxy on the way does with its own connections is its own business.
  const servers = way.needsProxy ? [] : [...busy.talks, ...silent.talks]
  for (const talk of [...clients, ...servers]) await talk.hearsAll()
  for (const { proxy } of runnings) t.deepEqual(proxy.listeners, [])
}

async function stopDatagrams(t: ExecutionContext, { way, beginUdp }: Entered): Promise<void> {
  const silent = createSocket('udp4').bind(0, way.host.listen)
  t.teardown(() => silent.close())
  await once(silent, 'listening')
  const { talk, running } = await beginUdp(silent.address().port)
  const heard = once(silent, 'message')
  talk.says(Buffer.of(0, 1))
  await heard
  await running.proxy.close()
  t.deepEqual(running.proxy.listeners, [])
}

/** A request whose answer has not come, and one that is not there in full. */
async function stopRequests(t: ExecutionContext, { way, begin }: Entered): Promise<void> {
  const silent = await listen(t, () => {}, way.host.listen)
  const { talk, running } = await begin(silent.port, 'http')
  talk.says(GET)
  const server = await silent.talk(0)
  await server.hears('\r\n\r\n')
  const half = await begin(silent.port, 'http')
  half.talk.says(GET.slice(0, 9))
  await running.proxy.close()
  for (const one of [talk, half.talk, server]) await one.hearsAll()
  t.deepEqual(running.proxy.listeners, [])
}
