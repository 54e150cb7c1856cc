// One spelling of an address: however it is written, zone or not, mapped or not.
import test from 'ava'
import { addressOf, hostPort, plainAddress } from '../src/addresses.js'

test('an address has one spelling, and what is none has none', (t) => {
  for (const [given, expected] of [
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:c000:0201%eth0', '192.0.2.1'],
    ['::ffff:0:0', '0.0.0.0'],
    ['::192.0.2.1', '::c000:201'],
    ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
    ['fe80::1%eth0', 'fe80::1'],
    ['fe80::1%a%b', 'fe80::1'],
    ['::', '::'],
    ['[::1]', undefined],
    ['1.2.3', undefined],
    ['', undefined],
    ['%eth0', undefined],
    ['example.org', undefined],
  ] as const) {
    t.is(plainAddress(given), expected, given)
  }
})

test('the end of a connection has the family of its plain address', (t) => {
  t.deepEqual(addressOf('::ffff:192.0.2.1', 80), { address: '192.0.2.1', port: 80, family: 4 })
  t.deepEqual(addressOf('fe80::1%eth0', 53), { address: 'fe80::1', port: 53, family: 6 })
})

test('a host stands before a port in brackets where it has colons itself', (t) => {
  t.is(hostPort('192.0.2.1', 80), '192.0.2.1:80')
  t.is(hostPort('example.org.', 443), 'example.org.:443')
  t.is(hostPort('2001:db8::1', 443), '[2001:db8::1]:443')
  t.is(hostPort('fe80::1%eth0', 53), '[fe80::1%eth0]:53')
})
