// Names that clients ask for: what is none is never in a certificate, and every request has one.
import test from 'ava'
import { plainAddress } from '../../src/addresses.js'
import { leafNames } from '../../src/certs/leaf.js'
import { addressBytes, addressText, covers, dnsName } from '../../src/certs/names.js'

/** A name of so many bytes, in labels of 63 at most. */
const long = (length: number): string => `${`${'a'.repeat(62)}.`.repeat(5).slice(0, length - 2)}bb`

test('what is a DNS name, and how it is spelled', (t) => {
  for (const [given, expected] of [
    ['Example.ORG', 'example.org'],
    ['example.org.', 'example.org'],
    ['a_b.example', 'a_b.example'],
    ['localhost', 'localhost'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['日本語.jp', 'xn--wgv71a119e.jp'],
    [long(255), long(255)],
    [long(256), undefined],
    [`${'a'.repeat(64)}.org`, undefined],
    ['', undefined],
    ['.', undefined],
    ['a..b', undefined],
    ['.example.org', undefined],
    ['-a.org', undefined],
    ['a b.org', undefined],
    ['a\0.org', undefined],
    ['example.org\0.evil.org', undefined],
    ['../../etc/passwd', undefined],
    ['..\\windows', undefined],
    ['a/b', undefined],
    ['http://a', undefined],
    ['ü/../x', undefined],
    ['user@bücher.example', undefined],
    ['a,DNS:b', undefined],
    ['*.example.org', undefined],
    ['*', undefined],
    ['1.2.3.4', undefined],
    ['12345', undefined],
    ['a\r\nb', undefined],
  ] as const) {
    t.is(dnsName(given), expected, JSON.stringify(given))
  }
  t.is(dnsName('*.Example.org', true), '*.example.org')
  for (const bad of ['*', '*.org', 'a.*.org', 'f*.example.org', '*.*.org']) t.is(dnsName(bad, true), undefined, bad)
})

test('addresses have one spelling each', (t) => {
  for (const [given, expected] of [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::', '::'],
    ['[::1]', undefined],
    ['1.2.3', undefined],
    ['example.org', undefined],
  ] as const) {
    t.is(plainAddress(given), expected)
    if (expected) t.is(addressText(addressBytes(expected)), expected)
  }
  t.is(addressText(Buffer.alloc(5)), undefined)
})

test('the order: what the server is called, what the client asked for, where it connects to; each once', (t) => {
  const upstream = { names: ['www.example.org', 'example.org'], organization: undefined, crl: undefined }
  t.deepEqual(leafNames({ upstream, sni: 'Other.example', address: '192.0.2.1' }), [
    'www.example.org',
    'example.org',
    'other.example',
    '192.0.2.1',
  ])
  t.deepEqual(leafNames({ upstream, sni: 'EXAMPLE.org', address: 'example.org.' }), upstream.names)
  t.deepEqual(leafNames({ address: '::ffff:192.0.2.1' }), ['192.0.2.1'])
  t.deepEqual(leafNames({ sni: 'a\0b', address: '192.0.2.1' }), ['192.0.2.1'])
  t.deepEqual(leafNames({ sni: '192.0.2.7' }), ['192.0.2.7'])
  t.is(leafNames({ sni: '../..' }).length, 1)
})

test("under a server's wildcard every name has the same leaf", (t) => {
  const upstream = { names: ['*.example.org'], organization: undefined, crl: undefined }
  t.deepEqual(leafNames({ upstream, sni: 'a.example.org' }), leafNames({ upstream, sni: 'b.example.org' }))
  t.deepEqual(leafNames({ upstream, sni: 'a.b.example.org' }), ['*.example.org', 'a.b.example.org'])
  t.deepEqual(leafNames({ upstream, sni: 'example.org' }), ['*.example.org', 'example.org'])
  t.false(covers('*.0.2.1', '192.0.2.1'))
})

test('names are bounded, and the own ones of the client are among them', (t) => {
  const many = Array.from({ length: 500 }, (_, index) => `h${index}.example.org`)
  const names = leafNames({
    upstream: { names: many, organization: undefined, crl: undefined },
    sni: 'me.example',
    address: '192.0.2.1',
  })
  t.is(names.length, 100)
  t.deepEqual(names.slice(-2), ['me.example', '192.0.2.1'])
})
