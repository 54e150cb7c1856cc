// Which addresses a client is told to dial.
import type { NetworkInterfaceInfo } from 'node:os'
import test from 'ava'
import { endpoints, localAddresses } from '../../src/transports/client-config.js'

type Interfaces = Record<string, NetworkInterfaceInfo[]>

function interfaces(list: Record<string, string[]>): Interfaces {
  const info = (address: string, internal: boolean) =>
    ({ address, internal, family: address.includes(':') ? 'IPv6' : 'IPv4' }) as NetworkInterfaceInfo
  return Object.fromEntries(
    Object.entries(list).map(([name, addresses]) => [name, addresses.map((one) => info(one, name === 'lo'))]),
  )
}

test('the best address first', (t) => {
  const all = interfaces({
    lo: ['127.0.0.1', '::1'],
    docker0: ['172.17.0.1', 'fd11::1'],
    'br-1a2b': ['172.18.0.1'],
    veth12: ['169.254.1.1', 'fe80::1'],
    wg0: ['10.9.0.1'],
    tailscale0: ['100.101.0.1'],
    wlan0: ['fe80::2', 'fd00::2', '2001:db8::2', '192.168.1.2'],
    enp3s0: ['10.1.1.1', 'febf::9'],
  })
  t.deepEqual(localAddresses(all), ['192.168.1.2', '10.1.1.1', '100.101.0.1', '2001:db8::2', 'fd00::2'])
  t.deepEqual(localAddresses(interfaces({ lo: ['127.0.0.1'], docker0: ['172.17.0.1'] })), ['172.17.0.1'])
  t.deepEqual(localAddresses(interfaces({ lo: ['127.0.0.1', '::1'] })), [])
})

test('endpoints: the wish, then the address that is listened on, then the machine’s', (t) => {
  t.deepEqual(endpoints('vpn.example.org', '192.0.2.1', 5), ['vpn.example.org:5'])
  t.deepEqual(endpoints('2001:db8::1', undefined, 5), ['[2001:db8::1]:5'])
  t.deepEqual(endpoints('[2001:db8::1]', undefined, 5), ['[2001:db8::1]:5'])
  t.deepEqual(endpoints('[2001:db8::1]:7', undefined, 5), ['[2001:db8::1]:7'])
  t.deepEqual(endpoints('192.0.2.9:7', undefined, 0), ['192.0.2.9:7'])
  t.deepEqual(endpoints(undefined, '::1', 5), ['[::1]:5'])
  t.true(endpoints(undefined, undefined, 5).every((one) => one.endsWith(':5')))
  for (const wrong of [
    '',
    'a b',
    'a b:1',
    'a\n:1',
    'a:0',
    'a:65536',
    '[a]:1',
    'x:y:z',
    '::1]:1',
    'fe80::1%eth0',
    'https://a',
  ]) {
    t.throws(() => endpoints(wrong, undefined, 5), { code: 'ERR_ARGUMENT' }, wrong)
  }
})
