// The DNS codec: byte for byte what was not changed, strict in what it reads, and of one mind with dns-packet.
import test from 'ava'
import dnsPacket from 'dns-packet'
import { type DnsMessage, type DnsRecord, parseDns, writeDns } from '../../src/flow/dns-message.js'
import { DNS_TYPE } from '../../src/flow/dns-names.js'
import { aaaaRecord, aRecord, dnsQuery, dnsReply } from '../../src/flow/dns-reply.js'
import { recordText } from '../../src/flow/dns-text.js'
import { FLAGS, octets, packetOf, pick, random } from '../support/dns-packets.js'

const recordsOf = (message: DnsMessage): DnsRecord[] => [
  ...message.answers,
  ...message.authorities,
  ...message.additionals,
]

/** As dns-packet reads it, its class bits and derived fields aside. */
const decode = (bytes: Buffer) => dnsPacket.decode(bytes)

test('it reads and writes thousands of messages as dns-packet does', (t) => {
  const any = random(4)
  for (let round = 0; round < 4000; round += 1) {
    const { packet, texts } = packetOf(any)
    const bytes = dnsPacket.encode(packet)
    const message = parseDns(bytes)
    const { flags = 0 } = packet
    const read = {
      id: message.id,
      response: message.response,
      rcode: message.rcode,
      flags: [
        message.authoritative,
        message.truncated,
        message.recursionDesired,
        message.recursionAvailable,
        message.authenticData,
        message.checkingDisabled,
      ],
      questions: message.questions.map(({ name }) => name),
      records: recordsOf(message).map(({ name, ttl }) => ({ name, ttl })),
    }
    const said = {
      id: packet.id,
      response: packet.type === 'response',
      rcode: flags & 15,
      flags: FLAGS.map((flag) => (flags & flag) !== 0),
      questions: packet.questions?.map(({ name }) => name),
      records: [...(packet.answers ?? []), ...(packet.authorities ?? []), ...(packet.additionals ?? [])].map(
        (record) => ({
          name: record.name,
          ttl: 'ttl' in record ? record.ttl : 0,
        }),
      ),
    }
    // Only of a failure: deepEqual with all its diffs is slow.
    if (JSON.stringify(read) !== JSON.stringify(said)) t.deepEqual(read, said as never, `round ${round}`)
    recordsOf(message).forEach((record, index) => {
      if (texts[index] !== undefined && texts[index] !== recordText(record)) t.is(recordText(record), texts[index])
    })
    if (writeDns(message) !== bytes) t.fail(`round ${round}: what was not changed was written anew`)
    const anew = writeDns({ ...message, raw: undefined })
    if (anew.length > bytes.length) t.fail(`round ${round}: compression has made it longer`)
    const [one, other] = [decode(anew), decode(bytes)].map((decoded) => JSON.stringify(decoded))
    if (one !== other) t.is(one, other, `round ${round}`)
    const again = parseDns(anew)
    if (recordsOf(again).some(({ data }, index) => !data.equals(recordsOf(message)[index]?.data ?? Buffer.alloc(0)))) {
      t.fail(`round ${round}: other data`)
    }
  }
  t.pass()
})

/** Octets from a hex text with spaces. */
const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex')

/** An answer as servers give it: the CNAME's target and the MX's exchange point back into the message. */
const compressed = hex(`
  1234 8180 0001 0002 0000 0001
  03777777 07657861 6d706c65 036f7267 00 0001 0001
  c00c 0005 0001 0000012c 0006 03 63646e c010
  c010 000f 0001 0000012c 0009 000a 04 6d61696c c010
  00 0029 04d0 00000000 0000
`)

test('names in RDATA stand by themselves, so that a changed message points nowhere', (t) => {
  const message = parseDns(compressed)
  t.deepEqual(message.answers.map(recordText), ['cdn.example.org', '10 mail.example.org'])
  t.is(writeDns(message), compressed)
  message.questions = []
  message.answers.reverse()
  const written = writeDns(message)
  t.false(written.equals(compressed))
  t.deepEqual(parseDns(written).answers.map(recordText), ['10 mail.example.org', 'cdn.example.org'])
  t.deepEqual(
    decode(written).answers?.map((answer) => ('data' in answer ? answer.data : undefined)),
    [{ preference: 10, exchange: 'mail.example.org' }, 'cdn.example.org'],
  )
})

test('two names of one RDATA are both expanded, even where the sum of the octets stays the same', (t) => {
  // MINFO: a pointer to the root (2 octets for 1), and one to "x" (2 octets for 3).
  const message = parseDns(
    hex('0001 8000 0001 0001 0000 0000 0178 00 0001 0001 c00c 000e 0001 00000000 0004 c00e c00c'),
  )
  t.deepEqual(message.answers[0]?.data, hex('00 0178 00'))
})

test('a change is written, whichever part it is in', (t) => {
  const changes: ((message: DnsMessage) => void)[] = [
    (message) => (message.id += 1),
    (message) => (message.rcode = 3),
    (message) => (message.truncated = true),
    (message) => (message.opcode = 4),
    (message) => (message.questions = []),
    (message) => Object.assign(message.questions[0] ?? {}, { name: 'Www.example.org' }),
    (message) => Object.assign(message.answers[1] ?? {}, { ttl: 1 }),
    (message) => Object.assign(message.answers[1] ?? {}, { data: Buffer.of(0, 1, 0) }),
    (message) => message.answers.push(aRecord('www.example.org', '192.0.2.1')),
    (message) => message.additionals.pop(),
  ]
  for (const change of changes) {
    const message = parseDns(compressed)
    change(message)
    const written = writeDns(message)
    t.false(written.equals(compressed), change.toString())
  }
})

test('case is kept, and only names of one case are compressed together', (t) => {
  const query = dnsQuery('wWw.ExAmPlE.org', DNS_TYPE.A, 7)
  const reply = dnsReply(query, {
    answers: [aRecord('www.example.org', '192.0.2.1'), aaaaRecord('wWw.ExAmPlE.org', '::1')],
  })
  const read = parseDns(writeDns(reply))
  t.is(read.questions[0]?.name, 'wWw.ExAmPlE.org')
  t.deepEqual(
    read.answers.map(({ name }) => name),
    ['www.example.org', 'wWw.ExAmPlE.org'],
  )
})

test('odd octets of names are escaped, and come back', (t) => {
  const bytes = hex('0000 0000 0001 0000 0000 0000 04 612e5c00 02 20ff 00 0001 0001')
  const message = parseDns(bytes)
  t.is(message.questions[0]?.name, 'a\\.\\\\\\000.\\032\\255')
  t.deepEqual(writeDns({ ...message, raw: undefined }), bytes)
})

test('what is no message is refused with a sentence', (t) => {
  const query = (name: string, rest = '0001 0001') => hex(`0001 0100 0001 0000 0000 0000 ${name} ${rest}`)
  const answer = (name: string, type: string, rdata: string) => {
    const data = hex(rdata)
    return Buffer.concat([
      hex(`0001 8000 0000 0001 0000 0000 ${name} ${type} 0001 00000000`),
      Buffer.of(0, data.length),
      data,
    ])
  }
  const long = `3f${'61'.repeat(63)}`.repeat(4)
  const wrong: [string, Buffer, RegExp][] = [
    ['half a head', hex('0001 0100 0001'), /6 octets are no message/],
    ['a pointer to itself', query('c00c'), /leads forward/],
    ['a pointer to its own label', query('0161 c00c'), /the message ends|leads forward|within a name/],
    ['a pointer forward', query('c010'), /leads forward/],
    ['two pointers in a circle', query('c00e c00c'), /leads forward/],
    ['a label of type 0x40', query('41 61 00'), /unknown type 0x40/],
    ['a label of type 0x80', query('81 61 00'), /unknown type 0x80/],
    ['a name of more than 255 octets', query(`${long} 00`), /longer than 255/],
    ['a name without end', query('0161', ''), /shorter than the counts/],
    ['a name cut in a label', query('0f 6162636465', ''), /within a label/],
    ['a question without class', query('03616263 00', '0001'), /within a field/],
    ['more records than there is room for', hex('0001 8000 0000 ffff 0000 0000'), /shorter than the counts/],
    ['octets behind the end', query('0161 00', '0001 0001 00'), /1 octets follow/],
    ['a CNAME with more than a name', answer('00', '0005', '0161 00 00'), /longer than its type/],
    ['an MX without a name', answer('00', '000f', '000a'), /within a name/],
    ['an SOA that is cut', answer('00', '0006', '00 00 00000001'), /within a field/],
    [
      'RDATA that is longer than the message',
      hex('0001 8000 0000 0001 0000 0000 00 0001 0001 00000000 0005 01'),
      /within a field/,
    ],
  ]
  for (const [what, bytes, message] of wrong) {
    t.throws(() => parseDns(bytes), { name: 'DnsError', message }, what)
  }
})

test('no questions, and a name of 255 octets, are messages still', (t) => {
  t.deepEqual(parseDns(hex('0001 0100 0000 0000 0000 0000')).questions, [])
  const name = [63, 63, 63, 61].map((length) => 'a'.repeat(length)).join('.')
  const bytes = writeDns(dnsQuery(name, 1, 1))
  t.is(parseDns(bytes).questions[0]?.name, name)
  t.throws(() => writeDns(dnsQuery(`${name}a`, 1, 1)), { message: /longer than 255/ })
})

test('a dynamic update with empty records is one (RFC 2136)', (t) => {
  const bytes = hex('0001 2800 0001 0000 0001 0000 0161 00 0006 0001 c00c 000f 00ff 00000000 0000')
  t.is(parseDns(bytes).authorities[0]?.data.length, 0)
})

test('a name is followed through so many pointers, and no more', (t) => {
  // A record whose RDATA is pointers, each to the one before it, the first to the root; and records whose names start there.
  const start = 23
  const chain = Buffer.alloc(16_000)
  for (let at = 0; at < chain.length; at += 2) chain.writeUInt16BE(0xc000 | (at === 0 ? 12 : start + at - 2), at)
  const messageOf = (pointers: number) => {
    const records = (65_535 - start - chain.length) >> 4
    const record = hex('0000 0001 0001 00000000 0004 c0000201')
    record.writeUInt16BE(0xc000 | (start + 2 * (pointers - 2)))
    const head = hex('0001 8000 0000 0000 0000 0000 00 ff00 0001 00000000 3e80')
    head.writeUInt16BE(1 + records, 6)
    return Buffer.concat([head, chain, ...new Array<Buffer>(records).fill(record)])
  }
  const before = process.cpuUsage().user
  t.is(parseDns(messageOf(127)).answers[1]?.name, '.')
  t.throws(() => parseDns(messageOf(128)), { name: 'DnsError', message: /more than 127 pointers/ })
  t.throws(() => parseDns(messageOf(8000)), { name: 'DnsError', message: /more than 127 pointers/ })
  t.true(process.cpuUsage().user - before < 500_000)
})

test('what cannot be written is refused with a sentence', (t) => {
  const question = (name: string) => dnsQuery(name, 1, 1)
  t.throws(() => writeDns(question('a..b')), { name: 'DnsError', message: /empty label/ })
  t.throws(() => writeDns(question('bücher.example')), { name: 'DnsError', message: /Punycode/ })
  t.throws(() => writeDns(question('a'.repeat(64))), { name: 'DnsError', message: /63 octets/ })
  t.throws(() => writeDns(question('a\\')), { name: 'DnsError', message: /wrong escape/ })
  t.throws(() => writeDns(question('\\999')), { name: 'DnsError', message: /wrong escape/ })
  t.throws(() => writeDns({ ...question('a'), id: 65_536 }), { name: 'DnsError', message: /the id is 65536/ })
  t.throws(() => writeDns({ ...question('a'), rcode: 16 }), { name: 'DnsError', message: /response code is 16/ })
  const many = Array.from({ length: 5000 }, () => aRecord('a', '192.0.2.1'))
  t.throws(() => writeDns(dnsReply(question('a'), { answers: many })), { name: 'DnsError', message: /more than 65535/ })
  t.is(parseDns(writeDns(question('example.org.'))).questions[0]?.name, 'example.org')
})

test('random, cut and damaged messages end in a message or a DnsError, and messages survive being written', (t) => {
  const any = random(32)
  const check = (bytes: Buffer) => {
    let message: DnsMessage
    try {
      message = parseDns(bytes)
    } catch (error) {
      if ((error as Error).name !== 'DnsError') throw error
      return
    }
    recordsOf(message).map(recordText)
    const anew = parseDns(writeDns({ ...message, raw: undefined }))
    if (JSON.stringify({ ...anew, raw: 0 }) !== JSON.stringify({ ...message, raw: 0 })) t.fail(bytes.toString('hex'))
  }
  for (let round = 0; round < 4000; round += 1) {
    const bytes = round % 2 ? dnsPacket.encode(packetOf(any).packet) : Buffer.from(compressed)
    for (let left = 1 + any(4); left > 0; left -= 1)
      bytes[any(bytes.length)] = pick(any, [any(256), 0xc0, 0, 0x3f, 0xff])
    check(bytes)
    check(bytes.subarray(0, any(bytes.length)))
    check(octets(any, any(80)))
  }
  for (let length = 0; length < compressed.length; length += 1) {
    t.throws(() => parseDns(compressed.subarray(0, length)), { name: 'DnsError' }, `${length} octets`)
  }
})
