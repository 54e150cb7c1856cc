// PCAPNG byte by byte: blocks, packets with their checksums, and the packets of a connection.
import test from 'ava'
import type { Address } from '../../src/connection.js'
import { interfaceBlock, packetBlock, secretsBlock, sectionBlock } from '../../src/formats/pcapng/blocks.js'
import { Conversation } from '../../src/formats/pcapng/conversation.js'
import { endsOf, tcpPacket, udpPacket } from '../../src/formats/pcapng/packets.js'
import { readPacket, streamsOf } from '../support/pcapng.js'

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
const four = (last: number, port: number): Address => ({ address: `192.0.2.${last}`, port, family: 4 })
const six = (last: number, port: number): Address => ({ address: `2001:db8::${last}`, port, family: 6 })

test('a section begins with its byte order and its program', (t) => {
  t.deepEqual(
    sectionBlock('midwire'),
    hex(
      `0a0d0d0a 2c000000 4d3c2b1a 0100 0000 ffffffffffffffff 0400 0700 ${Buffer.from('midwire').toString('hex')}00 0000 0000 2c000000`,
    ),
  )
})

test('an interface has packets of IP, and times in microseconds', (t) => {
  t.deepEqual(
    interfaceBlock('abc', 'four'),
    hex(
      '01000000 30000000 6500 0000 00000000 0200 0300 61626300 0300 0400 666f7572 0900 0100 06000000 00000000 30000000',
    ),
  )
})

test('secrets are a key log of TLS, with zeros up to the end of the block', (t) => {
  t.deepEqual(
    secretsBlock(Buffer.from('line\n')),
    hex('0a000000 1c000000 4b534c54 05000000 6c696e65 0a000000 1c000000'),
  )
})

test('a packet has its interface, its time in two words and its length', (t) => {
  const time = 0x0006_0b12 * 2 ** 32 + 0xfedc_ba98
  t.deepEqual(
    packetBlock(1, time, Buffer.from([1, 2, 3, 4, 5])),
    hex('06000000 28000000 01000000 120b0600 98badcfe 05000000 05000000 0102030405000000 28000000'),
  )
})

test('a segment of IPv4, with checksums that were reckoned by hand', (t) => {
  const packet = tcpPacket(endsOf(four(1, 0x1234), four(2, 80)), {
    sequence: 0x01020304,
    acknowledgment: 0x05060708,
    flags: 0x18,
    window: 0xffff,
    data: Buffer.from('abc'),
  })
  // IP: 4500 002b 0000 4000 4006 0000 c000 0201 c000 0202 adds up to 24934, so 4936, and its complement is b6c9.
  t.is(packet.subarray(0, 20).toString('hex'), '4500002b000040004006b6c9c0000201c0000202')
  // TCP, with the pseudo-header c000 0201 c000 0202 0006 0017 and a zero behind 61 6263, in the same way.
  t.is(packet.subarray(20).toString('hex'), '1234005001020304050607085018ffff44cb0000616263')
})

test('packets of both families are sound, of odd lengths, too', (t) => {
  for (const place of [four, six]) {
    for (const length of [0, 1, 2, 999]) {
      const data = Buffer.alloc(length, 0xf7)
      const ends = endsOf(place(1, 5000), place(2, 53))
      const udp = readPacket(0, 0, udpPacket(ends, data))
      t.true(udp.isSound)
      t.is(udp.protocol, 17)
      t.deepEqual(udp.data, data)
      const tcp = readPacket(
        0,
        0,
        tcpPacket(ends, { sequence: 2 ** 32 - 1, acknowledgment: 0, flags: 2, window: 1, data }),
      )
      t.true(tcp.isSound)
      t.is(`${tcp.source} ${tcp.destination}`, `${place(1, 0).address} 5000 ${place(2, 0).address} 53`)
      t.deepEqual(tcp.data, data)
    }
  }
})

test('a datagram whose sum is zero has the other zero, and one that is too long is cut', (t) => {
  const ends = endsOf({ address: '0.0.0.0', port: 0, family: 4 }, undefined)
  // The sum of all but these two bytes: the protocol and twice the length, 17 + 10 + 10.
  const packet = udpPacket(ends, Buffer.from([0xff, 0xff - 37]))
  t.is(packet.readUInt16BE(26), 0xffff)
  t.is(udpPacket(ends, Buffer.alloc(70_000)).length, 65_535)
})

test('an address that is unknown, or of the other family, is that of none', (t) => {
  const odd = endsOf(four(1, 7), six(2, 8))
  t.deepEqual([odd.source, odd.sourcePort, odd.destinationPort], [new Uint8Array(16), 7, 8])
  t.deepEqual(endsOf(undefined, { address: 'fe80::1%eth0', port: 9, family: 6 }).destination, new Uint8Array(4))
})

const flagsOf = (packets: Buffer[]) =>
  packets
    .map((packet) => readPacket(0, 0, packet))
    .map(({ source, flags, data }) => `${source.split(' ')[1]} ${flags.toString(16)} ${data.length}`)

test('a connection opens, carries segments of 1460 bytes, and ends on each side', (t) => {
  const talk = new Conversation(four(1, 1000), four(2, 443), [2 ** 32 - 1, 0xffff_fff0])
  const opened = talk.open()
  t.deepEqual(flagsOf(opened), ['1000 2 0', '443 12 0', '1000 10 0'])
  t.is(opened[0]?.subarray(40).toString('hex'), '020405b401030307')
  const data = Buffer.from(Array.from({ length: 3000 }, (_, at) => at & 255))
  const sent = talk.data(true, data)
  t.deepEqual(flagsOf(sent), ['1000 10 1460', '1000 10 1460', '1000 18 80', '443 10 0'])
  const back = talk.data(false, Buffer.alloc(100, 1))
  const ends = [...talk.end(true), ...talk.data(false, Buffer.from('late')), ...talk.end(false)]
  t.deepEqual(flagsOf(ends), ['1000 11 0', '443 10 0', '443 18 4', '1000 10 0', '443 11 0', '1000 10 0'])
  const packets = [...opened, ...sent, ...back, ...ends].map((packet) => readPacket(0, 0, packet))
  t.true(packets.every(({ isSound }) => isSound))
  const streams = streamsOf(packets)
  t.deepEqual(streams.get('192.0.2.1 1000 > 192.0.2.2 443'), data)
  t.deepEqual(streams.get('192.0.2.2 443 > 192.0.2.1 1000')?.length, 104)
  t.is(packets.at(-1)?.acknowledgment, (0xffff_fff0 + 1 + 104 + 1) >>> 0)
  // Nothing follows the end.
  t.deepEqual([...talk.end(true), ...talk.data(true, data), ...talk.reset(true)], [])
})

test('IPv6 has segments of 1440 bytes; nothing follows a reset; no data are no packet', (t) => {
  const talk = new Conversation(six(1, 1), six(2, 2), [0, 0])
  t.is(talk.open()[0]?.subarray(60).toString('hex'), '020405a001030307')
  t.deepEqual(flagsOf(talk.data(false, Buffer.alloc(1441))), ['2 10 1440', '2 18 1', '1 10 0'])
  t.deepEqual(talk.data(true, Buffer.alloc(0)), [])
  t.deepEqual(flagsOf(talk.reset(false)), ['2 14 0'])
  t.deepEqual([...talk.reset(true), ...talk.end(true), ...talk.data(true, Buffer.from('x'))], [])
})
