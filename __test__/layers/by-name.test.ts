// `transparent_by_name`: a connection that nothing has redirected goes where its first bytes say, if the user allows it.
import test from 'ava'
import { clientHello, serverName } from '../support/client-hellos.js'
import { Playbook, type PlaybookOptions } from '../support/playbook.js'

const own = { host: '192.0.2.8', port: 8080, transport: 'tcp' } as const
const begin = (more: PlaybookOptions = {}) =>
  new Playbook('by-name', { destination: own, ...more, options: { transparent_by_name: true, ...more.options } })
const request = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`

test('without the option such a connection is refused, and the log says why', (t) => {
  const play = begin({ options: { transparent_by_name: false } })
  t.deepEqual(play.said(), ['refuse refused'])
  t.regex(play.logs[0]?.message ?? '', /no original destination: was it redirected\?/)
  t.false(play.machine.busy)
})

test('HTTP goes to its Host field, with its port or to 80', (t) => {
  for (const [host, to] of [
    ['a.test', 'a.test:80'],
    ['A.test.:8000', 'a.test:8000'],
    ['a.test:', 'a.test:80'],
    ['192.0.2.9', '192.0.2.9:80'],
    ['[2001:db8::9]:81', '2001:db8::9:81'],
  ] as const) {
    const play = begin()
    play.data(play.client, request(host))
    t.deepEqual(play.said(), ['accept', `open tcp ${to}`], host)
    play.opened()
    t.regex(play.said().join(), /^send server "GET \/ /)
  }
})

test('TLS goes to the name in its ClientHello, to port 443, whatever its pieces are', (t) => {
  const hello = clientHello({ extensions: [[0, serverName('b.test')]] })
  const play = begin()
  play.data(play.client, hello.subarray(0, 3))
  play.data(play.client, hello.subarray(3, 60))
  t.deepEqual(play.said(), ['accept'])
  play.data(play.client, hello.subarray(60))
  t.deepEqual(play.said(), ['open tcp b.test:443'])
  play.opened()
  t.regex(play.said().join(), /^open tcp b\.test:443 tls:b\.test: pooled-only/)
})

test('what names no server is closed, and that is said', (t) => {
  for (const [bytes, why] of [
    ['GET / HTTP/1.1\r\nAccept: */*\r\n\r\n', /names none: it is TLS without SNI, HTTP without Host, or/],
    ['SSH-2.0-x\r\n', /names none/],
    [clientHello(), /names none/],
    [Buffer.from([0x16, 3, 1, 0, 4, 9, 9, 9, 9]), /names none/],
    [request('a.test:99999'), /"a\.test:99999" is no place to connect to/],
    [request('a.test:0'), /is no place/],
    [request('a test'), /is no place/],
    [request('a/../b'), /is no place/],
    [request(''), /names none/],
  ] as const) {
    const play = begin()
    play.data(play.client, bytes)
    t.deepEqual(play.said(), ['accept', 'close client'], String(bytes))
    t.regex(play.logs.at(-1)?.message ?? '', why)
    t.false(play.machine.busy)
  }
})

test('a client has 30 s for it in all, and may leave before', (t) => {
  const slow = begin()
  for (let at = 0; at < 29; at++) {
    slow.data(slow.client, 'GET / HTTP/1.1\r\nX: y\r\n'.slice(at, at + 1) || 'z')
    slow.after(1_000)
  }
  t.deepEqual(slow.said(), ['accept'])
  slow.after(1_000)
  t.deepEqual(slow.said(), ['close client'])
  t.regex(slow.logs.at(-1)?.message ?? '', /names none within 30 s/)
  const left = begin()
  left.data(left.client, 'GET').end(left.client)
  t.deepEqual(left.said(), ['accept', 'close client'])
  t.regex(left.logs.at(-1)?.message ?? '', /ends before it names one/)
})

test('a head is no longer than any other may be', (t) => {
  const play = begin()
  play.data(play.client, `GET / HTTP/1.1\r\nX: ${'y'.repeat(70_000)}`)
  t.deepEqual(play.said().slice(0, 2), ['accept', 'close client'])
})

test('a server that cannot be reached, or that is midwire itself, is said in the answer', (t) => {
  const play = begin()
  play.data(play.client, request('a.test'))
  play.said()
  play.openFailed('LOOP', 'a.test:80 is midwire itself: the request would go round in circles')
  t.regex(play.said().join(), /^send client "HTTP\/1\.1 502 .*is midwire itself/)
})

test("the client is none that uses a proxy, and the onboarding page is midwire's own", (t) => {
  const play = begin()
  play.data(play.client, request('mitm.it'))
  t.notRegex(play.said().join(), /open tcp/)
  t.true(play.context.inside)
  const lazy = begin({ options: { connection_strategy: 'lazy' } })
  lazy.data(lazy.client, request('a.test'))
  t.deepEqual(lazy.said(), ['accept', 'open tcp a.test:80 pooled'])
})
