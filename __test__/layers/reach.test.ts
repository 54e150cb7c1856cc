// The SYN's answer waits for the server; who speaks first is heard; what speaks is handed to its layer.
import test from 'ava'
import { Playbook } from '../support/playbook.js'

test('the SYN is answered when the server has answered', (t) => {
  const play = new Playbook('reach')
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80'])
  play.opened()
  t.deepEqual(play.said(), ['accept'])
})

test('refused is refused, and unreachable unreachable', (t) => {
  for (const [code, said] of [
    ['ECONNREFUSED', 'refuse refused'],
    ['EHOSTUNREACH', 'refuse unreachable'],
    ['ETIMEDOUT', 'refuse unreachable'],
    ['LOOP', 'refuse prohibited'],
  ] as const) {
    const play = new Playbook('reach')
    play.said()
    play.openFailed(code)
    t.deepEqual(play.said(), [said])
    t.false(play.machine.busy)
  }
})

test('a server that leaves without a word: the client is told at once', (t) => {
  const play = new Playbook('reach')
  const server = play.opened()
  play.said()
  play.end(server)
  t.deepEqual(play.said(), ['end client'])
  play.close(play.client)
  t.is(play.finished.length, 1)
})

test('where a connection to the server lies idle, nobody is asked, nor where it goes inside', (t) => {
  const known = new Playbook('reach', { known: true })
  t.deepEqual(known.said(), ['accept'])
  const lazy = new Playbook('reach', { options: { connection_strategy: 'lazy' } })
  t.deepEqual(lazy.said(), ['accept'])
  const inside = new Playbook('reach', { virtualResolver: true })
  t.deepEqual(inside.said(), ['accept'])
})

test("the tunnel's own address has DNS and the page with the certificate: nothing else, and nothing leaves for it", (t) => {
  for (const transport of ['tcp', 'udp'] as const) {
    const destination = { host: '10.0.0.53', port: 81, transport }
    const play = new Playbook('reach', { virtualResolver: true, transport, destination })
    t.deepEqual(play.said(), ['refuse refused'])
    t.false(play.machine.busy)
  }
  const raw = new Playbook('reach', { virtualResolver: true, hooks: { tcp_error() {} } })
  raw.data(raw.client, '\0\x01\x02')
  t.deepEqual(raw.said(), ['accept', 'reset client'])
  t.regex(raw.finished[0]?.error?.message ?? '', /answered by midwire itself/)
  t.deepEqual(raw.hooks, ['tcp_error'])
})

test('a server that speaks first is heard at once', (t) => {
  const play = new Playbook('next', { connected: true })
  const [server] = play.servers
  if (server) play.data(server, 'SSH-2.0-x\r\n')
  t.deepEqual(play.said(), ['send client "SSH-2.0-x\\r\\n"'])
})

test('a client that is silent makes us ask the server after 500 ms, and may still speak first', (t) => {
  const play = new Playbook('next')
  play.after(499)
  t.deepEqual(play.said(), [])
  play.after(1)
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80'])
  play.opened()
  play.after(60_000)
  play.data(play.client, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  t.deepEqual(play.said(), ['send server "GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"'])
})

test('a server that cannot be reached is asked once, and the client is waited for all the same', (t) => {
  const play = new Playbook('next')
  play.after(500).openFailed('ECONNREFUSED', 'refused').said()
  play.after(500).after(60_000)
  t.deepEqual(play.said(), [])
  play.data(play.client, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  t.regex(play.said().join(), /^send client "HTTP\/1\.1 502 .*refused/)
})

test('what the client has begun and does not end is raw after 500 ms', (t) => {
  const play = new Playbook('next', { connected: true })
  play.data(play.client, 'GE')
  t.deepEqual(play.said(), [])
  play.after(500)
  t.deepEqual(play.said(), ['send server "GE"'])
})

test('connect_addr is the local address of every connection to a server', (t) => {
  const options = { connect_addr: { address: '192.0.2.9', isForeign: false } }
  t.deepEqual(new Playbook('reach', { options }).said(), ['open tcp 192.0.2.1:80 from 192.0.2.9'])
  const play = new Playbook('http-proxy', { mode: 'regular', options })
  play.data(play.client, 'GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n')
  t.deepEqual(play.said(), ['open tcp a.test:80 pooled from 192.0.2.9'])
})
