// The header of SOCKS5 before datagrams, as a table: the forms of addresses, truncated ones, fragments and garbage.
import test from 'ava'
import { isPlace, readSocksAddress, socksAddress } from '../../src/layers/socks/address.js'
import { parseSocksDatagram, socksHeader } from '../../src/layers/socks/datagram.js'
import { seeded } from '../support/seeded.js'

const bytes = (...parts: (number | string)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from([part]))))

const PLACES: [host: string, ...address: (number | string)[]][] = [
  ['192.0.2.7', 1, 192, 0, 2, 7],
  ['2001:db8::7', 4, 0x20, 1, 0xd, 0xb8, ...new Array<number>(11).fill(0), 7],
  ['example.org', 3, 11, 'example.org'],
  ['x'.repeat(255), 3, 255, 'x'.repeat(255)],
]

test('places of each form are written and read, with data behind them or none', (t) => {
  for (const [host, ...address] of PLACES) {
    const header = bytes(0, 0, 0, ...address, 1, 187)
    t.deepEqual(socksHeader({ host, port: 443 }), header)
    for (const data of ['', 'data']) {
      const expected = { place: { host, port: 443 }, header, data: Buffer.from(data) }
      t.deepEqual(parseSocksDatagram(Buffer.concat([header, Buffer.from(data)])), expected)
    }
    for (let length = 0; length < header.length; length += 1) {
      t.is(parseSocksDatagram(header.subarray(0, length)), 'its header is not one of SOCKS5', `${length} bytes`)
    }
  }
})

test('what makes no sense is said to make none', (t) => {
  const wrong: [what: string, bytes: Buffer, why: RegExp][] = [
    ['a fragment', bytes(0, 0, 1, 1, 192, 0, 2, 7, 0, 7, 'a'), /fragment/],
    ['the last fragment', bytes(0, 0, 0x80, 1, 192, 0, 2, 7, 0, 7, 'a'), /fragment/],
    ['a type of nobody', bytes(0, 0, 0, 2, 192, 0, 2, 7, 0, 7, 'a'), /header/],
    ['a name that is cut short', bytes(0, 0, 0, 3, 200, 'example.org', 0, 7), /header/],
  ]
  for (const [what, datagram, why] of wrong) t.regex(`${parseSocksDatagram(datagram)}`, why, what)
  t.is(socksAddress({ host: 'x'.repeat(256), port: 7 }), undefined)
  t.is(socksHeader({ host: '', port: 7 }), undefined)
})

test('a mapped IPv4 address is an IPv4 address', (t) => {
  const mapped = bytes(4, ...new Array<number>(10).fill(0), 255, 255, 192, 0, 2, 7, 0, 80)
  t.deepEqual(readSocksAddress(mapped, 0), { place: { host: '192.0.2.7', port: 80 }, end: 19 })
})

test('what is no place to send to: no port, and names with bytes of nobody’s', (t) => {
  for (const host of ['', 'a b', 'a\r\n', 'a/b', 'a\0', 'ä.example']) t.false(isPlace({ host, port: 1 }), host)
  t.false(isPlace({ host: 'example.org', port: 0 }))
  for (const [host] of PLACES) t.true(isPlace({ host, port: 1 }))
})

test('any bytes have an answer', (t) => {
  const random = seeded(7)
  for (let round = 0; round < 5_000; round += 1) {
    const datagram = Buffer.from(Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256)))
    if (datagram.length > 3 && round % 2) datagram.set([0, 0, 0, [1, 3, 4][round % 3] ?? 1])
    const read = parseSocksDatagram(datagram)
    if (typeof read === 'string') t.regex(read, /^it/)
    else t.deepEqual(Buffer.concat([read.header, read.data]), datagram)
  }
})
