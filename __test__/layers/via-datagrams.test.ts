// Datagrams by a SOCKS5 proxy on the way: what the proxy is asked, what its relay is, and the ways that carry none.
import test from 'ava'
import { parseVia } from '../../src/flow/via.js'
import { OpenFailure } from '../../src/layers/commands.js'
import { sent } from '../support/http1-play.js'
import { Playbook } from '../support/playbook.js'

const bytes = (...parts: (number | string)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from([part]))))
const line = (...parts: (number | string)[]) => `send server ${JSON.stringify(bytes(...parts).toString('latin1'))}`

const destination = { host: 'example.org', port: 7, transport: 'udp' } as const
const udp = (via: string) => new Playbook('raw', { transport: 'udp', destination, entrance: { via: parseVia(via) } })
const errorOf = (play: Playbook) => `${play.finished[0]?.error?.message}`
const ASK = line(5, 3, 0, 1, 0, 0, 0, 0, 0, 0)

test('the proxy is asked for a relay, and the datagrams go by it', (t) => {
  const play = udp('socks5://me:secret@proxy')
  t.deepEqual(play.said(), ['open udp example.org:7 via socks5://me@proxy:1080'])
  const server = play.opened()
  t.deepEqual(play.said(), [line(5, 2, 0, 2)])
  play.data(server, bytes(5, 2))
  t.deepEqual(play.said(), [line(1, 2, 'me', 6, 'secret')])
  play.data(server, bytes(1, 0))
  t.deepEqual(play.said(), [ASK])
  play.data(server, bytes(5, 0, 0, 1, 192, 0, 2, 9, 1))
  t.deepEqual(play.said(), [])
  play.data(server, bytes(2))
  t.deepEqual(play.said(), ['relay 192.0.2.9:258 to example.org:7'])
  play.data(play.client, 'early').reply('relay')
  t.deepEqual(play.said(), [`send server ${sent('early')}`])
  play.data(server, 'answer')
  t.deepEqual(play.said(), [`send client ${sent('answer')}`])
  play.close(server, 'the proxy was lost')
  t.is(errorOf(play), 'the proxy was lost')
})

test('relays of IPv6, and with a name', (t) => {
  for (const [address, place] of [
    [[4, 0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 7, 1, 2], '2001:db8::7:258'],
    [[3, 5, 'relay', 1, 2], 'relay:258'],
    [[1, 0, 0, 0, 0, 1, 2], '0.0.0.0:258'],
  ] as const) {
    const play = udp('socks5://proxy')
    play.data(play.opened(), bytes(5, 0, 5, 0, 0, ...address))
    t.deepEqual(play.said().slice(-1), [`relay ${place} to example.org:7`])
  }
})

test('what the proxy answers otherwise is the flow’s error, and the connection with it is closed', (t) => {
  for (const [answer, expected] of [
    [[5, 0, 5, 7, 0, 1, 0, 0, 0, 0, 0, 0], /proxy socks5:\/\/proxy:1080 relays no datagrams: .*UDP ASSOCIATE/],
    [[5, 0, 5, 2, 0, 1, 0, 0, 0, 0, 0, 0], /its rules do not allow/],
    [[5, 2], /wants a user name and a password/],
    [[5, 0, 5, 0, 0, 1, 192, 0, 2, 9, 0, 0], /does not say where its relay is/],
    [[5, 0, 5, 0, 0, 3, 0, 1, 2], /does not say where its relay is/],
    [[5, 0, 5, 0, 0, 3, 2, 'a\n', 1, 2], /does not say where its relay is/],
    [[5, 0, 5, 0, 0, 9, 1, 2, 3, 4, 1, 2], /does not say where its relay is/],
    [['HTTP/1.1 400\r\n'], /does not speak SOCKS5/],
  ] as [(number | string)[], RegExp][]) {
    const play = udp('socks5://proxy')
    play.data(play.opened(), bytes(...answer))
    t.deepEqual(play.said().slice(-2), ['close server', 'reset client'])
    t.regex(errorOf(play), expected)
  }
  const silent = udp('socks5://proxy')
  silent.opened()
  silent.after(30_000)
  t.regex(errorOf(silent), /has not answered within 30 s/)
})

test('a relay that cannot be reached is the flow’s error, too', (t) => {
  const play = udp('socks5://proxy')
  const server = play.opened()
  play.data(server, bytes(5, 0, 5, 0, 0, 1, 192, 0, 2, 9, 1, 2))
  play.reply('relay', new OpenFailure(server.connection, 'LOOP', 'the relay is midwire itself'))
  t.deepEqual(play.said().slice(-2), ['close server', 'reset client'])
  t.regex(errorOf(play), /the relay is midwire itself/)
})

test('ways that carry no datagrams are not begun, and the proxy that does not is named', (t) => {
  for (const [way, expected] of [
    ['http://a:3128', /^datagrams cannot pass through http:\/\/a:3128: of all proxies only SOCKS5 has datagrams$/],
    ['https://me:secret@a', /^datagrams cannot pass through https:\/\/me@a:443: /],
    ['socks4a://a', /^datagrams cannot pass through socks4a:\/\/a:1080: /],
    ['socks5://a,http://b', /^datagrams cannot pass through http:\/\/b:80: /],
    ['http://b,socks5://a', /^datagrams cannot pass through http:\/\/b:80: /],
    ['socks5://a,socks5://b', /through socks5:\/\/a:1080 to socks5:\/\/b:1080: they go by one SOCKS5 proxy/],
    ['wireguard:a.conf,http://b', /through http:\/\/b:80: /],
  ] as const) {
    const play = udp(way)
    t.deepEqual(play.said(), ['reset client'], way)
    t.regex(errorOf(play), expected)
  }
  t.regex(
    udp('wireguard:a.conf,socks5://b').said().join(),
    /^open udp example\.org:7 via wireguard:a\.conf socks5:\/\/b:1080$/,
  )
})
