// DNS as conversations: datagrams and streams, the tunnel's resolver and other people's servers, and addons.
import test from 'ava'
import type { DnsFlow } from '../../src/flow/dns.js'
import { type DnsRecord, parseDns, writeDns } from '../../src/flow/dns-message.js'
import { DNS_TYPE } from '../../src/flow/dns-names.js'
import { aRecord, dnsQuery, dnsReply } from '../../src/flow/dns-reply.js'
import { recordText } from '../../src/flow/dns-text.js'
import { frameDns } from '../../src/layers/dns-framing.js'
import type { LayerOptions } from '../../src/layers/layer.js'
import { answer, flows, query, sent, tcp, udp, virtual } from '../support/dns-playbook.js'

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

/** Asks for a service, and gives the records that the client, a hook and the finished flow get of an answer with `ech` and `h3`. */
function askForService(options: Partial<LayerOptions>, own: boolean): [client: string, hook: string, flow: string] {
  const question = writeDns(dnsQuery('example.org', DNS_TYPE.HTTPS, 7))
  const data = Buffer.from('0001000001000602683302683200050004 00fe0d00'.replace(' ', ''), 'hex')
  const service = { name: 'example.org', type: DNS_TYPE.HTTPS, class: 1, ttl: 300, data }
  const bytes = writeDns(dnsReply(parseDns(question), { answers: [service] }))
  let seen = ''
  const hooks = {
    dns_response({ response }: DnsFlow) {
      seen = response?.answers.map(recordText).join() ?? ''
    },
  }
  const play = udp({ options, hooks, ...(own && virtual) })
  play.data(play.client, question)
  if (own) play.reply('resolve', bytes)
  else play.data(play.opened(), bytes)
  const [answered] = sent(play.said()).client
  const told = answered && parseDns(answered).answers.map(recordText).join()
  return [told ?? '', seen, flows(play)[0]?.answered ?? '']
}

test('strip_ech and http3: answers of the resolver and of servers lose ech and h3, before hooks see them', (t) => {
  for (const own of [true, false]) {
    for (const [strip_ech, http3, told] of [
      [true, 'block', '1 . alpn="h2"'],
      [false, 'block', '1 . alpn="h2" ech=AP4NAA=='],
      [true, 'pass', '1 . alpn="h3,h2"'],
      [false, 'pass', '1 . alpn="h3,h2" ech=AP4NAA=='],
    ] as const) {
      t.deepEqual(askForService({ strip_ech, http3 }, own), [told, told, told])
    }
  }
})

test('strip_ech: what an addon answers is left as it is', (t) => {
  const data = Buffer.from('000100000500 0400fe0d00'.replace(' ', ''), 'hex')
  const answers = [{ name: 'example.org', type: DNS_TYPE.HTTPS, class: 1, ttl: 300, data }]
  const hooks = {
    dns_request(flow: DnsFlow) {
      flow.response = dnsReply(flow.request, { answers })
    },
  }
  const play = udp({ hooks })
  play.data(play.client, query('example.org'))
  t.deepEqual(parseDns(sent(play.said()).client[0] as Buffer).answers[0]?.data, data)
})
