// The addresses in the tunnel.
import test from 'ava'
import { freePair, parseSubnets } from '../../src/modes/subnet.js'

test('the default', (t) => {
  const subnet = parseSubnets([])
  t.deepEqual(subnet.resolver, ['10.0.0.53', 'fd6d:6964:7769:7265::53'])
  t.deepEqual(subnet.pair(1), ['10.0.0.1/32', 'fd6d:6964:7769:7265::1/128'])
  t.deepEqual(subnet.pair(254), ['10.0.0.254/32', 'fd6d:6964:7769:7265::254/128'])
  for (const n of [0, 53, 255]) t.is(subnet.pair(n), undefined, `${n}`)
})

test('a family that is not given keeps its default, and bits behind the prefix do not count', (t) => {
  const four = parseSubnets(['192.168.77.9/26'])
  t.deepEqual(four.resolver, ['192.168.77.53', 'fd6d:6964:7769:7265::53'])
  t.deepEqual(four.pair(62)?.[0], '192.168.77.62/32')
  t.is(four.pair(63), undefined)
  const six = parseSubnets(['fd00:1::/64'])
  t.deepEqual(six.resolver, ['10.0.0.53', 'fd00:1::53'])
  const both = parseSubnets(['fd00::1:0/112', '172.16.0.0/12'])
  t.deepEqual(both.resolver, ['172.16.0.53', 'fd00::1:53'])
  t.deepEqual(both.pair(1000), ['172.16.3.232/32', 'fd00::1:1000/128'])
})

test('the next pair is the first that nobody has a part of, and never the resolver', (t) => {
  const subnet = parseSubnets([])
  const taken = new Set(['10.0.0.1/32', 'fd6d:6964:7769:7265::2/128'])
  t.deepEqual(freePair(subnet, taken), ['10.0.0.3/32', 'fd6d:6964:7769:7265::3/128'])
  for (let n = 1; n <= 52; n++) taken.add(`10.0.0.${n}/32`)
  t.is(freePair(subnet, taken)[0], '10.0.0.54/32')
  for (let n = 1; n <= 254; n++) taken.add(`10.0.0.${n}/32`)
  t.throws(() => freePair(subnet, taken), { code: 'ERR_PEER_ADDRESSES' })
})

test('what is no subnet', (t) => {
  const wrong = [
    ['10.0.0.0'],
    ['10.0.0.0/27'],
    ['10.0.0.0/7'],
    ['10.0.0.0/24/1'],
    ['10.0.0.0/a'],
    ['fd00::/120'],
    ['fd00::%1/64'],
    ['x/24'],
    [''],
    ['10.0.0.0/24', '10.1.0.0/24'],
    ['fd00::/64', 'fd01::/64'],
  ]
  for (const texts of wrong) {
    t.throws(() => parseSubnets(texts), { code: 'ERR_ARGUMENT', message: /wireguard_subnet/ }, texts.join())
  }
})
