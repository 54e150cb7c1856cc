// Which destinations are midwire's own listeners: by every spelling of an address, and by every address of a wildcard.
import { networkInterfaces } from 'node:os'
import test from 'ava'
import { Sockets } from '../../src/proxy/exits/sockets.js'
import { Resolver } from '../../src/proxy/resolver.js'

const own = (host: string, address: string, more: { port?: number; transport?: 'tcp' | 'udp' } = {}) =>
  new Sockets(new Resolver({ useHostsFile: false }), {
    listeners: () => [{ host, port: 8080, transport: 'tcp' }],
    mark: () => undefined,
  }).isOwn({ address, port: 8080, transport: 'tcp', ...more })

test('one address, in every spelling', (t) => {
  for (const [host, address] of [
    ['192.0.2.8', '192.0.2.8'],
    ['192.0.2.8', '::ffff:192.0.2.8'],
    ['::ffff:192.0.2.8', '192.0.2.8'],
    ['::ffff:192.0.2.8', '::ffff:c000:208'],
    ['2001:db8::8', '2001:DB8:0:0::8'],
    ['fe80::8%eth0', 'fe80::8%eth0'],
  ] as const) {
    t.true(own(host, address), `${host} ${address}`)
    t.false(own(host, address, { port: 8081 }))
    t.false(own(host, address, { transport: 'udp' }))
  }
  t.false(own('192.0.2.8', '192.0.2.9'))
  t.false(own('2001:db8::8', '::ffff:192.0.2.8'))
})

test('a wildcard is every address of this machine, and of no other', (t) => {
  const all = Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? [])
  const local = [...all, '127.0.0.1', '127.1.2.3', '::ffff:127.0.0.1', '::1', '0.0.0.0', '::']
  for (const host of ['0.0.0.0', '::', '::ffff:0.0.0.0']) {
    for (const address of local) t.true(own(host, address), `${host} ${address}`)
    for (const address of ['192.0.2.8', '2001:db8::8', '::ffff:192.0.2.8']) t.false(own(host, address), address)
  }
  for (const address of all.filter((one) => one.startsWith('fe80'))) t.true(own('::', `${address}%eth0`))
})
