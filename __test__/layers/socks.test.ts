// A SOCKS proxy as conversations: versions, authentication, addresses and names, and what is refused.
import test from 'ava'
import type { Socks5AuthHook } from '../../src/hooks.js'
import { Playbook, type PlaybookOptions } from '../support/playbook.js'

const bytes = (...parts: (number | string)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from([part]))))
const line = (...parts: (number | string)[]) => `send client ${JSON.stringify(bytes(...parts).toString('latin1'))}`

const start = (options: PlaybookOptions = {}) => new Playbook('next', { mode: 'regular', ...options })
const GRANTED = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]
const refused = (code: number) => [5, code, 0, 1, 0, 0, 0, 0, 0, 0]
const NAME = [5, 1, 0, 3, 11, 'example.org', 0, 80]

test('SOCKS5 keeps the name, and answers when the server is there; what follows is looked at', (t) => {
  const play = start()
  play.data(play.client, bytes(5, 1, 0))
  t.deepEqual(play.said(), [line(5, 0)])
  play.data(play.client, bytes(...NAME))
  t.deepEqual(play.said(), ['open tcp example.org:80'])
  play.opened()
  t.deepEqual(play.said(), [line(...GRANTED)])
  play.data(play.client, 'GET / HTTP/1.1\r\nHost: example.org\r\n\r\n')
  t.is(play.said().at(-1), `send server ${JSON.stringify('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n')}`)
})

test('byte by byte, and all at once with the request behind it', (t) => {
  const slow = start()
  for (const byte of bytes(5, 2, 1, 0, ...NAME)) slow.data(slow.client, Buffer.from([byte]))
  t.deepEqual(slow.said(), [line(5, 0), 'open tcp example.org:80'])
  const fast = start()
  fast.data(fast.client, bytes(5, 1, 0, ...NAME, 'SSH-2.0-x\r\n'))
  fast.opened()
  t.deepEqual(fast.said(), [
    line(5, 0),
    'open tcp example.org:80',
    line(...GRANTED),
    `send server ${JSON.stringify('SSH-2.0-x\r\n')}`,
  ])
})

test('addresses of both families', (t) => {
  const four = start()
  four.data(four.client, bytes(5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 7, 1, 187))
  t.is(four.said().at(-1), 'open tcp 192.0.2.7:443')
  const six = start()
  six.data(six.client, bytes(5, 1, 0, 5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 7, 1, 187))
  t.is(six.said().at(-1), 'open tcp 2001:db8::7:443')
})

test('a server that cannot be reached has the reply that says why', (t) => {
  const codes: [code: string, reply: number][] = [
    ['ECONNREFUSED', 5],
    ['ENETUNREACH', 3],
    ['EHOSTUNREACH', 4],
    ['ENOTFOUND', 4],
    ['ETIMEDOUT', 4],
    ['LOOP', 2],
    ['EMFILE', 1],
  ]
  for (const [code, reply] of codes) {
    const play = start()
    play.data(play.client, bytes(5, 1, 0, ...NAME)).openFailed(code)
    t.deepEqual(play.said().slice(2), [line(...refused(reply)), 'close client'], code)
  }
})

test('lazily, the client is answered at once', (t) => {
  const play = start({ options: { connection_strategy: 'lazy' } })
  play.data(play.client, bytes(5, 1, 0, ...NAME))
  t.deepEqual(play.said(), [line(5, 0), line(...GRANTED)])
})

test('the page with the certificate is inside', (t) => {
  const play = start()
  play.data(play.client, bytes(5, 1, 0, 5, 1, 0, 3, 7, 'mitm.it', 0, 80))
  t.deepEqual(play.said(), [line(5, 0), line(...GRANTED)])
  t.true(play.context.inside)
})

test('a user name and a password are asked for where an addon wants them, and only then', (t) => {
  const seen: string[] = []
  const hooks = {
    socks5_auth(subject: Socks5AuthHook) {
      seen.push(`${subject.username}:${subject.password}`)
      subject.valid = subject.password === 'right'
    },
  }
  const right = start({ hooks })
  right.data(right.client, bytes(5, 2, 0, 2))
  t.deepEqual(right.said(), [line(5, 2)])
  right.data(right.client, bytes(1, 2, 'me', 5, 'right'))
  t.deepEqual(right.said(), [line(1, 0)])
  right.data(right.client, bytes(...NAME))
  t.deepEqual(right.said(), ['open tcp example.org:80'])
  const wrong = start({ hooks })
  wrong.data(wrong.client, bytes(5, 1, 2, 1, 2, 'me', 0))
  t.deepEqual(wrong.said(), [line(5, 2), line(1, 1), 'close client'])
  t.deepEqual(seen, ['me:right', 'me:'])
  const none = start({ hooks })
  none.data(none.client, bytes(5, 1, 0))
  t.deepEqual(none.said(), [line(5, 0xff), 'close client'])
  const four = start({ hooks })
  four.data(four.client, bytes(4, 1, 0, 80, 192, 0, 2, 7, 'me', 0))
  t.deepEqual(four.said(), [line(0, 91, 0, 0, 0, 0, 0, 0), 'close client'])
})

test('SOCKS4 has addresses, and SOCKS4a names', (t) => {
  const four = start()
  four.data(four.client, bytes(4, 1, 0, 80, 192, 0, 2, 7, 'me', 0))
  t.deepEqual(four.said(), ['open tcp 192.0.2.7:80'])
  four.opened()
  t.deepEqual(four.said(), [line(0, 90, 0, 0, 0, 0, 0, 0)])
  const name = start()
  name.data(name.client, bytes(4, 1, 0, 80, 0, 0, 0, 9, 0, 'example.org', 0))
  t.deepEqual(name.said(), ['open tcp example.org:80'])
  name.openFailed('ECONNREFUSED')
  t.deepEqual(name.said(), [line(0, 91, 0, 0, 0, 0, 0, 0), 'close client'])
})

test('what is not there or makes no sense is refused, and the connection ends', (t) => {
  const wrong: [what: string, said: Buffer, answer: number[]][] = [
    ['BIND', bytes(5, 1, 0, 5, 2, 0, 1, 192, 0, 2, 7, 0, 80), refused(7)],
    ['a command of nobody', bytes(5, 1, 0, 5, 9, 0, 1, 192, 0, 2, 7, 0, 80), refused(7)],
    ['a type of address of nobody', bytes(5, 1, 0, 5, 1, 0, 2), refused(8)],
    ['an empty name', bytes(5, 1, 0, 5, 1, 0, 3, 0, 0, 80), refused(8)],
    ['a name with a line end', bytes(5, 1, 0, 5, 1, 0, 3, 3, 'a\r\n', 0, 80), refused(8)],
    ['port 0', bytes(5, 1, 0, 5, 1, 0, 1, 192, 0, 2, 7, 0, 0), refused(8)],
    ['BIND of SOCKS4', bytes(4, 2, 0, 80, 192, 0, 2, 7, 0), [0, 91, 0, 0, 0, 0, 0, 0]],
    ['a long user name of SOCKS4', bytes(4, 1, 0, 80, 192, 0, 2, 7, 'x'.repeat(256)), [0, 91, 0, 0, 0, 0, 0, 0]],
  ]
  for (const [what, said, answer] of wrong) {
    const play = start()
    play.data(play.client, said)
    t.deepEqual(play.said().slice(-2), [line(...answer), 'close client'], what)
  }
})

test('half a greeting ends with the client, and after 30 s', (t) => {
  const gone = start()
  gone.data(gone.client, bytes(5, 3, 0)).end(gone.client)
  t.deepEqual(gone.said(), ['close client'])
  const late = start()
  late.data(late.client, bytes(5, 3, 0)).after(20_000)
  late.data(late.client, bytes(1)).after(10_000)
  t.deepEqual(late.said(), ['close client'])
  t.regex(`${late.logs.at(-1)?.message}`, /has not said within 30 s/)
  t.is(late.timers, 0)
})

const ASSOCIATE = [5, 1, 0, 5, 3, 0, 1, 0, 0, 0, 0]

test('UDP ASSOCIATE: the client is told the relay, which stays while the connection does', (t) => {
  const play = start()
  play.data(play.client, bytes(...ASSOCIATE, 0x1f, 0x90))
  t.deepEqual(play.said(), [line(5, 0), 'associate 8080'])
  play.reply('associate', { address: '192.0.2.9', port: 258, family: 4 })
  t.deepEqual(play.said(), [line(5, 0, 0, 1, 192, 0, 2, 9, 1, 2)])
  play.data(play.client, 'what follows means nothing')
  t.deepEqual(play.said(), [])
  play.end(play.client)
  t.deepEqual(play.said(), ['close client'])
  t.deepEqual([play.timers, play.machine.busy], [0, false])
})

test('a relay of IPv6; one that cannot be; and a client that leaves before it is told', (t) => {
  const six = start()
  six.data(six.client, bytes(...ASSOCIATE, 0, 0)).reply('associate', { address: '2001:db8::7', port: 9, family: 6 })
  t.is(six.said().at(-1), line(5, 0, 0, 4, 0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 7, 0, 9))
  const none = start()
  none.data(none.client, bytes(...ASSOCIATE, 0, 0)).reply('associate', new Error('bind EMFILE'))
  t.deepEqual(none.said().slice(-2), [line(...refused(1)), 'close client'])
  t.regex(`${none.logs.at(-1)?.message}`, /no relay for datagrams: Error: bind EMFILE/)
  const gone = start()
  gone.data(gone.client, bytes(...ASSOCIATE, 0, 0)).close(gone.client)
  t.is(gone.machine.busy, false)
})

test('where a password is wanted, it comes before UDP ASSOCIATE', (t) => {
  const hooks = {
    socks5_auth: (asked: Socks5AuthHook) => {
      asked.valid = asked.password === 'right'
    },
  }
  const none = start({ hooks })
  none.data(none.client, bytes(...ASSOCIATE, 0, 0))
  t.deepEqual(none.said(), [line(5, 0xff), 'close client'])
  const right = start({ hooks })
  right.data(right.client, bytes(5, 1, 2, 1, 2, 'me', 5, 'right', ...ASSOCIATE.slice(3), 0, 0))
  t.deepEqual(right.said(), [line(5, 2), line(1, 0), 'associate 0'])
})

test('the connection may be silent while datagrams pass, and no longer', (t) => {
  const play = start({ options: { tcp_timeout: 600 } })
  play.data(play.client, bytes(...ASSOCIATE, 0, 0)).reply('associate', { address: '192.0.2.9', port: 258, family: 4 })
  play.said()
  for (let minutes = 0; minutes < 30; minutes += 9) {
    play.machine.progress()
    play.after(9 * 60_000)
  }
  t.deepEqual([play.said(), play.machine.busy], [[], true])
  play.after(2 * 60_000)
  t.is(play.machine.busy, false, 'after 600 s without a datagram it ends')
})
