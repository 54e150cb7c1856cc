// Datagrams by a proxy's relay: the header on and off, whose datagrams count, and the end of one with the end of the other.
import test from 'ava'
import type { SocksPlace } from '../../src/layers/socks/address.js'
import { socksHeader } from '../../src/layers/socks/datagram.js'
import { Relayed } from '../../src/proxy/relayed.js'
import { FakeTransport } from '../support/fake-transport.js'

const header = (place: SocksPlace) => socksHeader(place) ?? Buffer.alloc(0)

function setUp(host: string, port = 7) {
  const [control, datagrams] = [new FakeTransport(), new FakeTransport()]
  const relayed = new Relayed(control, datagrams, { host, port }, header({ host, port }))
  const heard: string[] = []
  let dropped = 0
  relayed.receiver = {
    handleData: (data) => heard.push(`${data}`),
    handleEnd: () => heard.push('end'),
    handleDrain: () => {},
    handleDropped: (total) => {
      dropped = total
    },
    handleClose: (error) => heard.push(`gone: ${error?.message}`),
  }
  const come = (from: string, text: string, number = port) =>
    datagrams.receiver.handleData(Buffer.concat([header({ host: from, port: number }), Buffer.from(text)]))
  return { control, datagrams, relayed, heard, come, dropped: () => dropped }
}

test('the header is on what leaves, and off what comes; empty datagrams are some', (t) => {
  const { datagrams, relayed, heard, come } = setUp('example.org')
  relayed.write(Buffer.from('a'))
  relayed.write(Buffer.alloc(0))
  const head = '\0\0\0\x03\x0bexample.org\0\x07'
  t.deepEqual(datagrams.did, [`wrote ${head}a`, `wrote ${head}`])
  come('192.0.2.7', 'b')
  come('example.org', '')
  t.deepEqual(heard, ['b', ''])
})

test('datagrams of others, fragments and garbage are dropped and counted, with those of the socket', (t) => {
  const { datagrams, heard, come, dropped } = setUp('192.0.2.7')
  come('192.0.2.8', 'another host')
  come('192.0.2.7', 'another port', 8)
  datagrams.receiver.handleData(Buffer.from('garbage'))
  datagrams.receiver.handleData(Buffer.from([0, 0, 1, 1, 192, 0, 2, 7, 0, 7, 65]))
  t.deepEqual([heard, dropped()], [[], 4])
  datagrams.receiver.handleDropped?.(3)
  t.is(dropped(), 7)
  come('0.0.0.0', 'a proxy that writes zeros', 0)
  come('192.0.2.7', 'the server')
  t.deepEqual(heard, ['a proxy that writes zeros', 'the server'])
})

test('an IPv6 server is known in every spelling', (t) => {
  const { heard, come } = setUp('2001:DB8:0::7')
  come('2001:db8::7', 'a')
  come('2001:db8::8', 'b')
  t.deepEqual(heard, ['a'])
})

for (const [what, end, said] of [
  ['the connection with the proxy ends', (all) => all.control.receiver.handleEnd(), 'it has ended the relaying'],
  [
    'the connection with the proxy is lost',
    (all) => all.control.receiver.handleClose(new Error('read ECONNRESET')),
    'it has ended the relaying: read ECONNRESET',
  ],
  [
    'the relay refuses',
    (all) => all.datagrams.receiver.handleClose(Object.assign(new Error('ECONNREFUSED'), { code: 'ECONNREFUSED' })),
    'ECONNREFUSED',
  ],
] as [string, (all: ReturnType<typeof setUp>) => void, string][]) {
  test(`both are closed, and that is said once, when ${what}`, (t) => {
    const all = setUp('example.org')
    end(all)
    t.deepEqual(all.heard, [`gone: ${said}`])
    all.control.receiver.handleClose(undefined)
    all.datagrams.receiver.handleClose(undefined)
    all.come('example.org', 'late')
    t.deepEqual(all.heard, [`gone: ${said}`])
    t.deepEqual([all.control.did, all.datagrams.did], [['closed'], ['closed']])
  })
}

test('closed by us, both are, and nobody is told', (t) => {
  for (const how of ['close', 'reset'] as const) {
    const { control, datagrams, relayed, heard } = setUp('example.org')
    relayed[how]()
    control.receiver.handleClose(undefined)
    t.deepEqual([control.did, datagrams.did, heard], [['closed'], ['closed'], []])
  }
})
