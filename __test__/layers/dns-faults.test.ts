// DNS where something is wrong: servers and clients that are lost, too many queries, garbage, and what is no DNS.
import test from 'ava'
import type { DnsFlow } from '../../src/flow/dns.js'
import { parseDns, writeDns } from '../../src/flow/dns-message.js'
import { DNS_TYPE } from '../../src/flow/dns-names.js'
import { dnsQuery, dnsReply } from '../../src/flow/dns-reply.js'
import { frameDns } from '../../src/layers/dns-framing.js'
import { answer, flows, query, sent, tcp, udp, virtual } from '../support/dns-playbook.js'

test('a server that closes is opened again by the next query, and who waited is told', (t) => {
  const play = tcp()
  play.data(play.client, frameDns(query('a.example'), true))
  const server = play.opened()
  play.data(server, frameDns(answer(query('a.example')), true)).data(play.client, frameDns(query('b.example'), true))
  play.said()
  play.end(server)
  const { client, rest } = sent(play.said())
  t.deepEqual(rest, ['close server'])
  t.is(parseDns(client[0]?.subarray(2) as Buffer).rcode, 2)
  play.data(play.client, frameDns(query('c.example'), true))
  t.deepEqual(play.said(), ['open tcp 192.0.2.53:53'])
  play.data(play.opened(), frameDns(answer(query('c.example')), true))
  t.deepEqual(
    flows(play).map(({ error }) => error),
    [undefined, 'the server has closed the connection', undefined],
  )
})

test('a server that cannot be reached, is silent or is lost: the client is told, the flow says why', (t) => {
  const play = udp()
  play.data(play.client, query('a.example')).data(play.client, query('b.example')).openFailed('ECONNREFUSED', 'refused')
  t.deepEqual(
    sent(play.said()).client.map((bytes) => parseDns(bytes).rcode),
    [2, 2],
  )
  play.data(play.client, query('c.example'))
  const server = play.opened()
  play.after(10_000)
  play.data(server, answer(query('c.example')))
  play.data(play.client, query('d.example')).close(server, 'the server refuses')
  t.deepEqual(
    flows(play).map(({ error }) => error),
    ['refused', 'refused', 'the server has not answered within 10 s', 'the server refuses'],
  )
  t.is(play.machine.busy, true)
  play.after(5_000)
  t.is(play.machine.busy, false)
})

test('a client that has gone leaves flows that say so, and nothing else', (t) => {
  for (const more of [virtual, {}]) {
    const play = tcp({ ...more, hooks: { dns_error: () => {} } })
    play.data(play.client, frameDns(query('a.example'), true)).close(play.client, 'ECONNRESET')
    t.deepEqual(
      flows(play).map(({ error }) => error),
      ['ECONNRESET'],
    )
    t.false(play.machine.busy)
    t.deepEqual(play.hooks, ['dns_error'])
  }
})

test('a killed query of a stream resets it', (t) => {
  const play = tcp({ ...virtual, hooks: { dns_request: (flow) => flow.kill() } })
  play.data(play.client, frameDns(query('a.example'), true))
  t.is(play.said()[0], 'reset client')
  t.false(play.machine.busy)
  const closed = tcp({ ...virtual, hooks: { dns_request: (flow) => flow.kill('close') } })
  closed.data(closed.client, frameDns(query('a.example'), true))
  t.is(closed.said()[0], 'close client')
})

test('a thousand queries are open at most', (t) => {
  const play = udp(virtual)
  for (let id = 0; id < 1_002; id += 1) play.data(play.client, query('a.example', id))
  const { client, rest } = sent(play.said())
  t.is(rest.length, 1_000)
  t.deepEqual(
    client.map((bytes) => parseDns(bytes).rcode),
    [2, 2],
  )
  t.is(play.logs.filter(({ level }) => level === 'warn').length, 1)
  play.reply('resolve', answer(query('a.example', 0)))
  play.data(play.client, query('a.example', 2_000))
  t.true(sent(play.said()).rest.includes('resolve'))
})

const NO_DNS = 'nothing that anybody would call DNS'

test('what is no DNS is relayed as it is, where there is a server', (t) => {
  const play = udp()
  play.data(play.client, NO_DNS)
  t.deepEqual(play.said(), ['open udp 192.0.2.53:53'])
  play.opened()
  t.deepEqual(sent(play.said()).server, [Buffer.from(NO_DNS)])
  for (const first of [
    'SSH-2.0-OpenSSH_9.2\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdefgh',
    '\x00\x00abc',
  ]) {
    const stream = tcp()
    // In pieces, so that the head is judged as soon as it is there.
    for (const char of first) stream.data(stream.client, char)
    t.deepEqual(stream.said(), ['open tcp 192.0.2.53:53'], first)
    stream.opened()
    t.is(Buffer.concat(sent(stream.said()).server).toString('latin1'), first)
  }
  const transfer = frameDns(writeDns(dnsQuery('example.org', DNS_TYPE.AXFR, 7)), true)
  const zone = tcp()
  zone.data(zone.client, Buffer.concat([transfer, transfer]))
  zone.opened()
  t.deepEqual(Buffer.concat(sent(zone.said()).server), Buffer.concat([transfer, transfer]))
})

test('what is no DNS is refused by the resolver, and a flow says so', (t) => {
  const play = udp({ ...virtual, hooks: { udp_error: () => {} } })
  const loop = Buffer.from('00070100000100000000 0000 c00c 0001 0001'.replaceAll(' ', ''), 'hex')
  for (const bytes of [loop, NO_DNS, '', answer(query('a.example'))]) play.data(play.client, bytes)
  const { client } = sent(play.said())
  t.is(client.length, 2)
  t.like(parseDns(client[0] as Buffer), { id: 7, rcode: 1, response: true, questions: [] })
  t.is(play.finished.length, 4)
  t.regex(play.finished[0]?.error?.message ?? '', /not DNS: the pointer at 12 leads forward/)
  t.is(play.hooks.length, 4)
  // It goes on.
  play.data(play.client, query('a.example'))
  t.deepEqual(play.said(), ['resolve'])
  for (const bytes of ['\x00\x00', '\x00\x05abcde', frameDns(loop, true)]) {
    const stream = tcp(virtual)
    stream.data(stream.client, bytes)
    t.is(stream.said().at(-1), 'close client')
    t.is(stream.finished.length, 1)
  }
})

test('a server that answers with garbage fails the query, and nothing else', (t) => {
  const play = udp()
  play.data(play.client, query('a.example', 1)).data(play.client, query('b.example', 2))
  const server = play.opened()
  const cut = answer(query('a.example', 1)).subarray(0, -1)
  play
    .data(server, '')
    .data(server, NO_DNS)
    .data(server, cut)
    .data(server, answer(query('b.example', 2)))
  t.deepEqual(
    flows(play).map(({ asked, error }) => [asked, error !== undefined]),
    [
      ['a.example', true],
      ['b.example', false],
    ],
  )
  // A refusal without the question.
  play.data(play.client, query('c.example', 3))
  play.data(server, writeDns(dnsReply(dnsQuery('.', 0, 3, { questions: [] }), { rcode: 5 })))
  t.is((play.finished[2] as DnsFlow).response?.rcode, 5)
  const stream = tcp()
  stream.data(stream.client, frameDns(query('a.example'), true))
  stream.data(stream.opened(), 'HTTP/1.1 400 Bad Request\r\n\r\n')
  t.regex(flows(stream)[0]?.error ?? '', /does not speak DNS/)
  t.true(stream.said().includes('close server'))
})

test('who takes no answers is asked for nothing more', (t) => {
  const play = tcp(virtual)
  play.data(play.client, frameDns(query('a.example', 1), true))
  play.client.full = true
  play.data(play.client, frameDns(query('a.example', 2), true)).data(play.client, frameDns(query('a.example', 3), true))
  t.is(play.said().length, 2)
  play.drain(play.client)
  t.deepEqual(play.said(), ['resolve'])
})

test('random and damaged bytes from both sides leave nothing behind and break nothing', (t) => {
  let seed = 11
  const any = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
    return (seed >>> 8) % below
  }
  for (let round = 0; round < 600; round += 1) {
    const stream = round % 2 === 1
    const play = (stream ? tcp : udp)(round % 3 ? virtual : {})
    for (let step = 0; step < 6; step += 1) {
      const good = any(2) ? query(`a${any(3)}.example`, any(3)) : answer(query(`a${any(3)}.example`, any(3)))
      const bytes = Buffer.from(frameDns(good, stream))
      if (any(2)) bytes[any(bytes.length)] = any(256)
      const part = any(3) ? bytes : bytes.subarray(0, any(bytes.length))
      try {
        play.opened()
      } catch {
        // Nobody waits for a server.
      }
      const side = any(2) ? play.client : (play.servers[0] ?? play.client)
      play.data(side, part)
    }
    play.close(play.client)
    for (const server of play.servers) play.close(server)
    play.after(20_000)
    t.deepEqual(
      play.logs.filter(({ level }) => level === 'error'),
      [],
    )
    if (play.machine.busy) t.fail(`round ${round}`)
  }
})

test('an empty datagram where DNS was expected goes on as it is', (t) => {
  const play = udp()
  play.data(play.client, '')
  t.deepEqual(play.said(), ['open udp 192.0.2.53:53'])
  play.opened()
  t.deepEqual(play.said(), ['send server ""'])
})
