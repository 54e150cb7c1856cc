// DNS as conversations: datagrams and streams, the tunnel's resolver and other people's servers, addons, and what is no DNS.
import test from 'ava'
import type { DnsFlow } from '../../src/flow/dns.js'
import { type DnsMessage, type DnsRecord, parseDns, writeDns } from '../../src/flow/dns-message.js'
import { DNS_TYPE } from '../../src/flow/dns-names.js'
import { aRecord, dnsQuery, dnsReply } from '../../src/flow/dns-reply.js'
import { recordText } from '../../src/flow/dns-text.js'
import { dnsLayer } from '../../src/layers/dns.js'
import { frameDns } from '../../src/layers/dns-framing.js'
import { Playbook, type PlaybookOptions } from '../support/playbook.js'

const A = DNS_TYPE.A

const udp = (more: PlaybookOptions = {}) =>
  new Playbook(dnsLayer, { transport: 'udp', destination: { host: '192.0.2.53', port: 53, transport: 'udp' }, ...more })

const tcp = (more: PlaybookOptions = {}) =>
  new Playbook(dnsLayer, { transport: 'tcp', destination: { host: '192.0.2.53', port: 53, transport: 'tcp' }, ...more })

const virtual = { virtualResolver: true }

const query = (name: string, id = 7, more: Partial<DnsMessage> = {}) => writeDns(dnsQuery(name, A, id, more))

/** An answer in bytes that our own writer would not choose: nothing is compressed. */
function answer(request: Buffer, address = '192.0.2.1'): Buffer {
  const { questions } = parseDns(request)
  const head = Buffer.from(request)
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(1, 6)
  const record = writeDns(
    dnsReply(dnsQuery('.', 0, 0, { questions: [] }), { answers: [aRecord(questions[0]?.name ?? '.', address)] }),
  )
  return Buffer.concat([head, record.subarray(12)])
}

/** What was sent to a side, as bytes; everything else as it is. */
function sent(lines: string[]): { client: Buffer[]; server: Buffer[]; rest: string[] } {
  const result = { client: [] as Buffer[], server: [] as Buffer[], rest: [] as string[] }
  for (const line of lines) {
    const [, side, text] = /^send (client|server)\d* (".*")$/.exec(line) ?? []
    if (text) result[side as 'client' | 'server'].push(Buffer.from(JSON.parse(text) as string, 'latin1'))
    else result.rest.push(line)
  }
  return result
}

const flows = (play: Playbook) =>
  (play.finished as DnsFlow[]).map((flow) => ({
    asked: flow.request.questions[0]?.name,
    answered: flow.response?.answers.map(recordText).join(),
    error: flow.error?.message,
  }))

test('a query is relayed to the server that the client chose, and its answer back, byte for byte', (t) => {
  const play = udp()
  play.data(play.client, query('wWw.Example.org'))
  t.deepEqual(play.said(), ['open udp 192.0.2.53:53'])
  const server = play.opened()
  t.deepEqual(sent(play.said()), { client: [], server: [query('wWw.Example.org')], rest: [] })
  play.data(server, answer(query('wWw.Example.org')))
  t.deepEqual(sent(play.said()), { client: [answer(query('wWw.Example.org'))], server: [], rest: [] })
  t.deepEqual(flows(play), [{ asked: 'wWw.Example.org', answered: '192.0.2.1', error: undefined }])
  t.is((play.finished[0] as DnsFlow).server, server.connection)
  play.after(5_000)
  t.deepEqual(play.said(), ['close server', 'close client'])
  t.false(play.machine.busy)
})

test("the tunnel's resolver is asked, and no server is opened", (t) => {
  const play = udp(virtual)
  play.data(play.client, query('example.org'))
  t.deepEqual(play.said(), ['resolve'])
  play.reply('resolve', answer(query('example.org')))
  t.deepEqual(sent(play.said()).client, [answer(query('example.org'))])
  play.data(play.client, query('broken.example'))
  play.reply('resolve', new Error('no name server is known'))
  const { client } = sent(play.said())
  t.like(parseDns(client[0] as Buffer), { id: 7, rcode: 2, response: true })
  t.is(parseDns(client[0] as Buffer).questions[0]?.name, 'broken.example')
  t.is(flows(play)[1]?.error, 'no name server is known')
})

test('queries are answered in any order, each with its own answer, and no answer twice', (t) => {
  const play = udp()
  // Two questions with one id on one socket, and one more.
  for (const name of ['a.example', 'b.example', 'c.example'])
    play.data(play.client, query(name, name.startsWith('c') ? 8 : 7))
  t.deepEqual(play.said(), ['open udp 192.0.2.53:53'])
  const server = play.opened()
  t.is(sent(play.said()).server.length, 3)
  const say = (name: string, id: number, address: string) => play.data(server, answer(query(name, id), address))
  say('c.example', 8, '192.0.2.3')
  say('b.example', 7, '192.0.2.2')
  say('b.example', 7, '192.0.2.66')
  say('evil.example', 7, '192.0.2.66')
  say('a.example', 9, '192.0.2.66')
  play.data(server, query('a.example'))
  say('A.EXAMPLE', 7, '192.0.2.1')
  const said = sent(play.said())
  t.deepEqual(
    said.client.map((bytes) => parseDns(bytes).answers.map(recordText).join()),
    ['192.0.2.3', '192.0.2.2', '192.0.2.1'],
  )
  // The id may be used again, and is a question of its own.
  play.data(play.client, query('b.example', 7))
  say('b.example', 7, '192.0.2.22')
  t.is(flows(play).at(-1)?.answered, '192.0.2.22')
  t.is(play.finished.length, 4)
})

test('a query that is repeated goes out again and stays one flow', (t) => {
  const play = udp()
  play.data(play.client, query('a.example'))
  play.data(play.client, query('a.example'))
  const server = play.opened()
  play.said()
  play.data(play.client, query('a.example'))
  t.deepEqual(sent(play.said()).server, [query('a.example')])
  play.data(server, answer(query('a.example'))).data(server, answer(query('a.example')))
  t.is(sent(play.said()).client.length, 1)
  t.is(play.finished.length, 1)
})

test('an addon answers, changes or kills a query', (t) => {
  const play = udp({
    ...virtual,
    hooks: {
      dns_request: (flow) => {
        const [question] = flow.request.questions
        if (question?.name === 'answered.example') {
          flow.response = dnsReply(flow.request, { answers: [aRecord('answered.example', '192.0.2.9')] })
        } else if (question?.name === 'killed.example') {
          flow.kill()
        } else if (question) {
          question.name = 'changed.example'
          flow.request.id = 99
        }
      },
      dns_response: () => {},
      dns_error: () => {},
    },
  })
  play.data(play.client, query('answered.example'))
  const [bytes] = sent(play.said()).client
  t.deepEqual(parseDns(bytes as Buffer).answers.map(recordText), ['192.0.2.9'])
  play.data(play.client, query('killed.example'))
  t.deepEqual(play.said(), [])
  play.data(play.client, query('asked.example'))
  t.deepEqual(play.said(), ['resolve'])
  play.reply('resolve', answer(query('changed.example', 99)))
  const reply = parseDns(sent(play.said()).client[0] as Buffer)
  t.is(reply.id, 7)
  t.is(reply.questions[0]?.name, 'asked.example')
  t.deepEqual(play.hooks, ['dns_request', 'dns_response', 'dns_request', 'dns_error', 'dns_request', 'dns_response'])
  t.deepEqual(
    flows(play).map(({ error }) => error),
    [undefined, 'killed', undefined],
  )
})

test('an addon changes an answer, and what cannot be written is an error', (t) => {
  const play = udp({
    hooks: {
      dns_response: ({ response }) => {
        const record = response?.answers[0]
        if (record?.name === 'good.example') record.data = Buffer.of(10, 9, 8, 7)
        else if (record) record.name = 'a..b'
      },
    },
  })
  play.data(play.client, query('good.example')).data(play.client, query('bad.example'))
  const server = play.opened()
  play.said()
  play.data(server, answer(query('good.example'))).data(server, answer(query('bad.example')))
  const [good, bad] = sent(play.said()).client.map((bytes) => parseDns(bytes))
  t.deepEqual(good?.answers.map(recordText), ['10.9.8.7'])
  t.is(bad?.rcode, 2)
  t.regex(flows(play)[1]?.error ?? '', /empty label/)
})

test("who waits for an addon is not lost: the client's next query is asked meanwhile", (t) => {
  const play = udp({ ...virtual, hooks: 'wait' })
  play.data(play.client, query('a.example')).data(play.client, query('b.example')).data(play.client, query('a.example'))
  t.deepEqual(play.hooks, ['dns_request', 'dns_request'])
  play.reply('hook').reply('hook')
  t.deepEqual(play.said(), ['resolve', 'resolve'])
})

const many = (request: Buffer, count: number): Buffer => {
  const answers: DnsRecord[] = Array.from({ length: count }, (_, last) => aRecord('a.example', `192.0.2.${last}`))
  return writeDns(dnsReply(parseDns(request), { answers }))
}

test('an answer of the resolver that is too large for UDP is cut, and TC set; by TCP it is whole', (t) => {
  const opt = { name: '.', type: DNS_TYPE.OPT, class: 1400, ttl: 0, data: Buffer.alloc(0) }
  const play = udp(virtual)
  const cut = (request: Buffer) => {
    play.data(play.client, request).reply('resolve', many(request, 100))
    return sent(play.said()).client[0] as Buffer
  }
  const small = cut(query('a.example', 1))
  t.true(small.length <= 512 && small.length > 490)
  t.true(parseDns(small).truncated)
  const larger = cut(query('a.example', 2, { additionals: [opt] }))
  t.true(larger.length <= 1400 && larger.length > 1370)
  t.is(parseDns(larger).additionals.length, 1)
  const stream = tcp(virtual)
  stream.data(stream.client, frameDns(query('a.example'), true)).reply('resolve', many(query('a.example'), 100))
  t.deepEqual(sent(stream.said()).client, [frameDns(many(query('a.example'), 100), true)])
  // What a server has sent by UDP is not cut, whatever its size.
  const relayed = udp()
  relayed.data(relayed.client, query('a.example'))
  relayed.data(relayed.opened(), many(query('a.example'), 100))
  t.deepEqual(sent(relayed.said()).client, [many(query('a.example'), 100)])
})

test('messages of a stream may be together or in pieces, both ways', (t) => {
  const play = tcp()
  const names = ['a.example', 'b.example', 'c.example']
  const stream = Buffer.concat(names.map((name) => frameDns(query(name), true)))
  for (const cut of [stream.length, 1, 3, 40]) {
    for (let at = 0; at < stream.length; at += cut) play.data(play.client, stream.subarray(at, at + cut))
    const server = play.servers[0] ?? play.opened()
    t.deepEqual(
      sent(play.said()).server,
      names.map((name) => frameDns(query(name), true)),
      `cut at ${cut}`,
    )
    const answers = Buffer.concat(names.map((name) => frameDns(answer(query(name)), true)))
    for (let at = 0; at < answers.length; at += cut) play.data(server, answers.subarray(at, at + cut))
    t.deepEqual(
      sent(play.said()).client,
      names.map((name) => frameDns(answer(query(name)), true)),
      `cut at ${cut}`,
    )
  }
  play.end(play.client)
  t.deepEqual(play.said(), ['close server', 'close client'])
  t.false(play.machine.busy)
})

test('a client that has asked and closed its side is answered still', (t) => {
  const play = tcp(virtual)
  play.data(play.client, frameDns(query('a.example'), true)).end(play.client)
  t.deepEqual(play.said(), ['resolve'])
  play.reply('resolve', answer(query('a.example')))
  t.deepEqual(sent(play.said()), {
    client: [frameDns(answer(query('a.example')), true)],
    server: [],
    rest: ['close client'],
  })
})

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
  play.data(play.client, query('d.example')).close(server, 'ECONNREFUSED')
  t.deepEqual(
    flows(play).map(({ error }) => error),
    ['refused', 'refused', 'the server has not answered within 10 s', 'the server was lost: ECONNREFUSED'],
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
