// DNS records as people see them, replies as addons make them, and replies that are too large.
import test from 'ava'
import { type DnsRecord, parseDns, writeDns } from '../../src/flow/dns-message.js'
import { className, DNS_RCODE, DNS_TYPE, typeName } from '../../src/flow/dns-names.js'
import {
  aaaaRecord,
  aRecord,
  cnameRecord,
  dnsQuery,
  dnsReply,
  fitDns,
  optOf,
  queryKey,
  udpSize,
} from '../../src/flow/dns-reply.js'
import { parseSvcb, writeSvcb } from '../../src/flow/dns-svcb.js'
import { messageText, recordLine, recordText } from '../../src/flow/dns-text.js'

const record = (type: number, hex: string, more: Partial<DnsRecord> = {}): DnsRecord => ({
  name: 'example.org',
  type,
  class: 1,
  ttl: 300,
  data: Buffer.from(hex.replace(/\s/g, ''), 'hex'),
  ...more,
})

/** Cloudflare's HTTPS record, with an ECH key cut short. */
const https =
  '0001 00 0001 0006 026833 026832 0004 0004 68100001 0005 0004 00fe0d00 0006 0010 26064700000000000000000068100001'

test('records are shown as in zone files', (t) => {
  t.is(recordText(record(DNS_TYPE.TXT, '03 612262 00 02 ff5c')), '"a\\"b" "" "\\255\\\\"')
  t.is(recordText(record(DNS_TYPE.AAAA, '20010db8 00000000 00000000 00000001')), '2001:db8::1')
  t.is(
    recordText(record(DNS_TYPE.HTTPS, https)),
    '1 . alpn="h3,h2" ipv4hint=104.16.0.1 ech=AP4NAA== ipv6hint=2606:4700::6810:1',
  )
  t.is(recordText(record(DNS_TYPE.SVCB, '0000 03 737663 00')), '0 svc')
  t.is(
    recordText(record(DNS_TYPE.SVCB, '0001 00 0000 0004 0001 0003 0002 0000 0003 0002 01bb ff00 0002 4122')),
    '1 . mandatory=alpn,port no-default-alpn port=443 key65280="A\\""',
  )
  t.is(
    recordText(record(DNS_TYPE.OPT, '000a 0008 0102030405060708 000c 0000', { class: 1232, ttl: 0x8000 })),
    'udp=1232 version=0 do COOKIE=0102030405060708 PADDING',
  )
  t.is(recordLine(record(65280, '0102')), 'example.org 300 IN TYPE65280 \\# 2 0102')
  t.is(recordLine(record(1, 'c0000201', { class: 42 })), 'example.org 300 CLASS42 A 192.0.2.1')
  t.is(typeName(65), 'HTTPS')
  t.is(className(3), 'CH')
})

test('a record that is not what its type says is shown as octets', (t) => {
  t.is(recordText(record(DNS_TYPE.A, 'c00002')), '\\# 3 c00002')
  t.is(recordText(record(DNS_TYPE.A, 'c000020100')), '\\# 5 c000020100')
  t.is(recordText(record(DNS_TYPE.AAAA, '')), '\\# 0')
  t.is(recordText(record(DNS_TYPE.TXT, '05 61')), '\\# 2 0561')
  t.is(
    recordText(record(DNS_TYPE.HTTPS, '0001 00 0003 0002 01bb 0001 0003 026832')),
    '\\# 16 0001000003000201bb00010003026832',
  )
})

test('service parameters are read, changed and written', (t) => {
  const data = Buffer.from(https.replace(/\s/g, ''), 'hex')
  const svcb = parseSvcb(data)
  t.deepEqual(writeSvcb(svcb), data)
  svcb.params = svcb.params.filter(({ key }) => key !== 5)
  t.is(
    recordText(record(DNS_TYPE.HTTPS, writeSvcb(svcb).toString('hex'))),
    '1 . alpn="h3,h2" ipv4hint=104.16.0.1 ipv6hint=2606:4700::6810:1',
  )
})

test('a whole message as text', (t) => {
  const query = dnsQuery('example.org', DNS_TYPE.A, 7)
  const reply = dnsReply(query, {
    answers: [cnameRecord('example.org', 'a.example.org', 5), aRecord('a.example.org', '192.0.2.1')],
  })
  t.is(messageText(query), 'QUERY id 7 rd\nexample.org IN A')
  t.is(
    messageText(parseDns(writeDns(reply))),
    'QUERY NOERROR id 7 rd ra\nexample.org IN A\nexample.org 5 IN CNAME a.example.org\na.example.org 60 IN A 192.0.2.1',
  )
})

const edns = (size: number, ttl = 0) => ({
  additionals: [{ name: '.', type: DNS_TYPE.OPT, class: size, ttl, data: Buffer.alloc(0) }],
})

test('a reply has the id, the question, RD and an OPT record where the query has them', (t) => {
  const query = dnsQuery('eXample.org', DNS_TYPE.A, 7, edns(4000, 0x8000))
  const reply = parseDns(writeDns(dnsReply(query, { rcode: DNS_RCODE.NXDOMAIN })))
  t.like(reply, { id: 7, response: true, rcode: 3, recursionDesired: true, recursionAvailable: true })
  t.deepEqual(reply.questions, query.questions)
  t.like(optOf(reply), { udpSize: 1232, version: 0, dnssecOk: true })
  t.is(optOf(dnsReply(dnsQuery('a', 1, 1))), undefined)
})

test('how large an answer by UDP may be', (t) => {
  t.is(udpSize(dnsQuery('a', 1, 1)), 512)
  t.is(udpSize(dnsQuery('a', 1, 1, edns(100))), 512)
  t.is(udpSize(dnsQuery('a', 1, 1, edns(1400))), 1400)
  t.is(udpSize(dnsQuery('a', 1, 1, edns(65535))), 4096)
})

test('what is too large loses whole records and says so, and keeps its OPT record', (t) => {
  const query = dnsQuery('example.org', DNS_TYPE.A, 7, edns(512))
  const answers = Array.from({ length: 50 }, (_, last) => aRecord('example.org', `192.0.2.${last}`))
  const reply = dnsReply(query, { answers })
  const bytes = fitDns(reply, 512)
  t.true(bytes.length <= 512 && bytes.length > 512 - 16)
  const read = parseDns(bytes)
  t.true(read.truncated)
  t.deepEqual(read.answers, answers.slice(0, read.answers.length))
  t.truthy(optOf(read))
  t.deepEqual(fitDns(reply, 4096), writeDns(reply))
})

test('additional records are left out without a word', (t) => {
  const query = dnsQuery('example.org', DNS_TYPE.A, 7)
  const additionals = Array.from({ length: 50 }, (_, last) => aaaaRecord('example.org', `2001:db8::${last}`))
  const read = parseDns(fitDns(dnsReply(query, { answers: [aRecord('example.org', '192.0.2.1')], additionals }), 512))
  t.false(read.truncated)
  t.is(read.answers.length, 1)
  t.true(read.additionals.length > 10)
})

test('addresses that are none are refused', (t) => {
  for (const address of ['', '1.2.3', '1.2.3.256', '::1', '1.2.3.0x4'])
    t.throws(() => aRecord('a', address), { name: 'DnsError' })
  for (const address of ['', '1.2.3.4', ':::', '::1]/x[', 'fe80::1%eth0'])
    t.throws(() => aaaaRecord('a', address), { name: 'DnsError' })
  t.deepEqual(aaaaRecord('a', '::ffff:192.0.2.1').data.toString('hex'), '00000000000000000000ffffc0000201')
})

test('answers are matched by id and question, whatever the case', (t) => {
  const key = queryKey(dnsQuery('Example.org', 1, 7))
  t.is(queryKey(dnsQuery('eXAMPLE.org', 1, 7)), key)
  t.not(queryKey(dnsQuery('example.org', 1, 8)), key)
  t.not(queryKey(dnsQuery('example.org', 28, 7)), key)
  t.not(queryKey(dnsQuery('example.com', 1, 7)), key)
})
