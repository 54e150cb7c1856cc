// The contract of the modes that speak DNS: each transport, each way out, and what a name server may answer.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { DNS_RCODE } from '../../src/flow/dns-names.js'
import { recordText } from '../../src/flow/dns-text.js'
import { assertNoFaults, DEAD_NAME } from '../support/contract.js'
import { ContractTable } from '../support/contract-table.js'
import { dnsClient, dnsPort, queryFor, type Transport } from '../support/dns-client.js'
import { hosts, nameServer, type Script } from '../support/name-server.js'
import { DIRECT, OUTS } from '../support/outs.js'
import { type Running, startProxy } from '../support/proxy.js'
import { seeded } from '../support/seeded.js'
import { dial, freePort } from '../support/talk.js'
import { udpTalk } from '../support/udp-talk.js'

/** Clients at once. */
const CLIENTS = 1_000

/** Queries at once. */
const AT_ONCE = 100

const NAME = 'Name.test'

// midwire's own resolver asks in small letters.
const { udp: answer } = hosts({ [NAME]: ['192.0.2.7'], [NAME.toLowerCase()]: ['192.0.2.7'] })
const script: Script = {
  udp: answer,
  tcp: (query, say) => answer(query, say, { address: '', port: 0, family: 'IPv4', size: 0 }),
}

interface Way {
  readonly name: string
  readonly mode: string
  /** A proxy whose queries go to this name server. */
  start(t: ExecutionContext, server: string, via: string): Promise<Running>
}

const dns: Way = {
  name: 'dns',
  mode: 'dns',
  start: (t, server) => startProxy(t, { modes: ['dns@0'], options: { dns_name_servers: [server] } }),
}

const reverse: Way = {
  name: 'reverse:dns',
  mode: 'reverse',
  start: (t, server, via) => startProxy(t, { modes: [`reverse:dns://${server}@0 via ${via}`] }),
}

const ELSEWHERE = '__test__/proxy/contract.test.ts'
const table = new ContractTable({ regular: ELSEWHERE, socks5: ELSEWHERE, upstream: ELSEWHERE, wireguard: ELSEWHERE })

const BOTH: readonly Transport[] = ['udp', 'tcp']

const rowsOf = (way: Way, by: Transport) => ({ mode: way.mode, name: `${way.name}, ${by}` })

for (const [way, out] of [[dns, DIRECT] as const, ...OUTS.map((one) => [reverse, one] as const)]) {
  for (const by of BOTH) {
    test.serial(`${way.name} by ${by}, out by ${out.name}`, async (t) => {
      t.timeout(20_000)
      const { text } = await nameServer(t, script)
      const server = out.place ? text.replace('127.0.0.1', out.place.address) : text
      const running = await way.start(t, server, await out.via(t, text, '127.0.0.1'))
      const client = await dnsClient(t, running, by)
      const held = (part: string) => table.held(rowsOf(way, by), out.name, part)
      if (by === 'udp' && !out.udp) {
        t.is((await client.asks(queryFor(NAME))).rcode, DNS_RCODE.SERVFAIL)
        t.regex((await running.flow('dns')).error?.message ?? '', /datagrams cannot pass through/)
        return held('datagrams that cannot leave are SERVFAIL')
      }
      const { rcode, answers, questions } = await client.asks(queryFor(NAME))
      t.deepEqual([rcode, ...answers.map(recordText)], [DNS_RCODE.NOERROR, '192.0.2.7'])
      t.is(questions[0]?.name, NAME, 'the case of the question is kept')
      held('an answer')
      t.is((await client.asks(queryFor(DEAD_NAME))).rcode, DNS_RCODE.NXDOMAIN)
      held('a name that does not exist')
      return assertNoFaults(t, [running])
    })
  }
}

for (const way of [dns, reverse]) {
  test.serial(`${way.name}: a name server that is not there`, async (t) => {
    t.timeout(20_000)
    const running = await way.start(t, `127.0.0.1:${await freePort()}`, 'direct')
    for (const by of BOTH) {
      const client = await dnsClient(t, running, by)
      t.is((await client.asks(queryFor(NAME))).rcode, DNS_RCODE.SERVFAIL, by)
      table.held(rowsOf(way, by), DIRECT.name, 'a name server that refuses')
    }
    assertNoFaults(t, [running])
  })

  test.serial(`${way.name}: ${CLIENTS} clients at once`, async (t) => {
    t.timeout(30_000)
    const { text } = await nameServer(t, script)
    const running = await way.start(t, text, 'direct')
    for (const by of BOTH) {
      const clients = await Promise.all(Array.from({ length: CLIENTS }, () => dnsClient(t, running, by)))
      // A socket of the system holds some hundred datagrams, and all programs are one process here: more would be lost.
      for (let first = 0; first < CLIENTS; first += AT_ONCE) {
        const group = clients.slice(first, first + AT_ONCE)
        const replies = await Promise.all(group.map((client) => client.asks(queryFor(NAME))))
        t.deepEqual([...new Set(replies.map(({ rcode }) => rcode))], [DNS_RCODE.NOERROR])
        // Not all of them may have a connection to one server at once: the others wait for these.
        for (const client of group) client.ends()
      }
      table.held(rowsOf(way, by), DIRECT.name, '1,000 clients')
    }
    assertNoFaults(t, [running])
  })

  test.serial(`${way.name}: garbage, and a slow client`, async (t) => {
    t.timeout(20_000)
    const { text } = await nameServer(t, script)
    const running = await way.start(t, text, 'direct')
    const chance = seeded(11)
    const garbage = () => Buffer.from(Array.from({ length: 1 + chance() * 600 }, () => chance() * 256))
    const socket = createSocket('udp4')
    t.teardown(() => socket.close())
    for (let count = 0; count < 50; count += 1) {
      socket.send(garbage(), dnsPort(running, 'udp'), '127.0.0.1')
      const talk = await dial(t, dnsPort(running, 'tcp'))
      // A query, and then bytes in the middle of the next one's length.
      if (count % 2 === 0) talk.says(Buffer.of(0, garbage().length % 200))
      talk.says(garbage())
      talk.socket.end()
      await talk.hearsAll()
      await setImmediate()
    }
    for (const by of BOTH) {
      const client = await dnsClient(t, running, by, true)
      t.is((await client.asks(queryFor(NAME))).rcode, DNS_RCODE.NOERROR, by)
      table.held(rowsOf(way, by), DIRECT.name, by === 'tcp' ? 'garbage, and a slow client' : 'garbage')
    }
    assertNoFaults(t, [running])
  })

  test.serial(`${way.name}: stop while busy`, async (t) => {
    t.timeout(20_000)
    const silent = createSocket('udp4').bind(0, '127.0.0.1')
    t.teardown(() => silent.close())
    await once(silent, 'listening')
    const asked = once(silent, 'message')
    const running = await way.start(t, `127.0.0.1:${silent.address().port}`, 'direct')
    const client = await udpTalk(t, dnsPort(running, 'udp'))
    client.says(queryFor(NAME))
    await asked
    const half = await dial(t, dnsPort(running, 'tcp'))
    half.says(Buffer.of(0, 40, 1))
    await running.proxy.close()
    await half.gone()
    await t.throwsAsync(dial(t, dnsPort(running, 'tcp')))
    for (const by of BOTH) table.held(rowsOf(way, by), DIRECT.name, 'stop while busy')
    assertNoFaults(t, [running])
  })
}

test.serial('the table of what was run has every mode', (t) => {
  t.log(`\n${table}`)
  t.deepEqual(table.missing, [])
})
