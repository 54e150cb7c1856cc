// What DNS keeps between messages: which queries are open, under which names they were sent, and what they are known by.
import test from 'ava'
import { parseDns, writeDns } from '../../src/flow/dns-message.js'
import { dnsQuery, dnsReply } from '../../src/flow/dns-reply.js'
import { frameDns } from '../../src/layers/dns-framing.js'
import { answer, flows, query, sent, tcp, udp, virtual } from '../support/dns-playbook.js'

test('what is no DNS after a query is refused, and not relayed as something else', (t) => {
  const play = tcp()
  play.data(play.client, frameDns(query('a.example'), true))
  const server = play.opened()
  play.data(server, frameDns(answer(query('a.example')), true)).said()
  play.data(play.client, 'SSH-2.0-OpenSSH_9.2\r\n')
  t.deepEqual(sent(play.said()), { client: [], server: [], rest: ['close server', 'close client'] })
  t.regex(play.finished[1]?.error?.message ?? '', /not DNS/)
})

test('a query that is repeated in a stream waits for its one answer: nothing is lost there', (t) => {
  const play = tcp()
  const bytes = frameDns(query('a.example'), true)
  play.data(play.client, bytes)
  const server = play.opened()
  play.said()
  play.data(play.client, bytes)
  t.deepEqual(play.said(), [])
  play.data(server, frameDns(answer(query('a.example')), true))
  t.is(sent(play.said()).client.length, 1)
})

test("an addon's answer has the client's id, whatever the addon has written", (t) => {
  const play = udp({
    ...virtual,
    hooks: {
      dns_request: (flow) => {
        flow.response = { ...dnsReply(flow.request), id: 99 }
      },
    },
  })
  play.data(play.client, query('a.example', 7))
  t.is(parseDns(sent(play.said()).client[0] as Buffer).id, 7)
})

test('two queries that addons have made the same: the second fails, and the first keeps its answer', (t) => {
  const play = udp({
    hooks: {
      dns_request: ({ request: { questions } }) => {
        for (const question of questions) question.name = 'same.example'
      },
    },
  })
  play.data(play.client, query('a.example')).data(play.client, query('b.example'))
  const server = play.opened()
  t.deepEqual(sent(play.said()).server.length, 1)
  play.data(server, answer(query('same.example'), '192.0.2.9'))
  t.deepEqual(
    flows(play).map(({ answered, error }) => answered ?? error),
    ['another query with the same id and question waits for its answer', '192.0.2.9'],
  )
})

test('a query that fails at its response takes nothing away from the next one that was sent under its name', (t) => {
  const play = udp({ hooks: 'wait' })
  play.data(play.client, query('a.example')).hooked('dns_request', () => {})
  const server = play.opened()
  play.data(server, answer(query('a.example')))
  // While an addon thinks about the response, another one makes the next query the same.
  play.data(play.client, query('b.example')).hooked('dns_request', ({ request: { questions } }) => {
    for (const question of questions) question.name = 'a.example'
  })
  play.hooked('dns_response', (flow) => flow.kill()).hooked('dns_error', () => {})
  play.data(server, answer(query('a.example'))).hooked('dns_response', () => {})
  t.deepEqual(
    flows(play).map(({ answered, error }) => error ?? answered),
    ['killed', '192.0.2.1'],
  )
})

test('a query that failed while its server was being opened is not sent any more', (t) => {
  const play = udp()
  play.data(play.client, query('a.example'))
  play.after(4_000).data(play.client, query('b.example', 8))
  play.after(10_000)
  t.deepEqual(
    flows(play).map(({ asked }) => asked),
    ['b.example'],
  )
  play.said()
  play.opened()
  t.deepEqual(sent(play.said()).server, [query('a.example')])
})

test('a refusal without its question is for the one query with its id, or for none', (t) => {
  const play = udp()
  play.data(play.client, query('a.example', 7)).data(play.client, query('b.example', 7))
  const server = play.opened()
  play.said()
  const refusal = writeDns(dnsReply(dnsQuery('.', 0, 7, { questions: [] }), { rcode: 5 }))
  play.data(server, refusal)
  t.deepEqual(play.said(), [])
  play.data(server, answer(query('a.example', 7))).data(server, refusal)
  t.deepEqual(
    sent(play.said()).client.map((bytes) => parseDns(bytes).rcode),
    [0, 5],
  )
})
