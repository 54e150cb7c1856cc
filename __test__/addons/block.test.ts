// Who may be a client: block_global and block_private (features 4.5, promise 43).
import test from 'ava'
import { block, reach } from '../../src/addons/block.js'
import { plainAddress } from '../../src/addresses.js'
import type { ClientConnection, Peer } from '../../src/connection.js'
import type { OptionSnapshot } from '../../src/options/definitions.js'
import { readOptions } from '../../src/options/read.js'

function asked(address: string, options = { block_global: true, block_private: false }, peer?: Peer) {
  const end = { address, port: 1234, family: 4 } as const
  const client: ClientConnection = {
    id: '1',
    transport: 'tcp',
    remote: end,
    local: end,
    mode: 'regular',
    explicit: true,
    peer,
  }
  const addon = block()
  addon.configure?.({ options: readOptions(options) as OptionSnapshot, changed: new Set() })
  void addon.client_connected?.(client)
  return client.error
}

test('where addresses are from', (t) => {
  const known = {
    loopback: ['127.0.0.1', '127.255.0.9', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1'],
    private: [
      '10.0.0.1',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '100.64.0.1',
      '100.127.255.255',
      '169.254.1.1',
      '::ffff:192.168.1.1',
      '::FFFF:c0a8:0101',
      'fe80::1',
      'fe80::1%eth0',
      'fd6d:6964:7769:7265::1',
      'fc00::1',
    ],
    public: [
      '203.0.113.5',
      '8.8.8.8',
      '172.15.0.1',
      '172.32.0.1',
      '100.63.255.255',
      '100.128.0.1',
      '192.169.0.1',
      '11.0.0.1',
      '0.0.0.0',
      '::ffff:203.0.113.5',
      '::ffff:cb00:7105',
      '0:0:0:0:0:ffff:8.8.8.8%eth0',
      '2001:db8::1',
      '2a00::1%eth0',
      '::',
      '::2',
      // These have a private address in them, but come from anywhere.
      '::192.168.1.1',
      '64:ff9b::10.0.0.1',
      '2002:c0a8:101::1',
      '',
      'localhost',
    ],
  }
  for (const [kind, addresses] of Object.entries(known)) {
    for (const address of addresses)
      t.is(reach(plainAddress(address) ?? address), kind as ReturnType<typeof reach>, address)
  }
})

test('public clients are refused, private ones where that is wished, loopback never', (t) => {
  t.regex(asked('203.0.113.5') ?? '', /^203\.0\.113\.5 is a public address, and block_global is on$/)
  t.is(asked('192.168.1.1'), undefined)
  t.is(asked('127.0.0.1'), undefined)
  const all = { block_global: true, block_private: true }
  t.regex(asked('192.168.1.1', all) ?? '', /is a private address, and block_private is on/)
  t.is(asked('127.0.0.1', all), undefined)
  t.is(asked('203.0.113.5', { block_global: false, block_private: true }), undefined)
})

test('who comes by a tunnel has proved who it is', (t) => {
  t.is(asked('203.0.113.5', { block_global: true, block_private: true }, { publicKey: 'key' }), undefined)
})
