// What `strip_ech` and `http3=block` take from the records of services: Encrypted ClientHello, HTTP/3, and nothing else.
import test from 'ava'
import { type DnsRecord, parseDns, writeDns } from '../../src/flow/dns-message.js'
import { DNS_TYPE } from '../../src/flow/dns-names.js'
import { aRecord, dnsQuery, dnsReply } from '../../src/flow/dns-reply.js'
import { stripServices } from '../../src/flow/dns-svcb.js'
import { recordText } from '../../src/flow/dns-text.js'

const record = (hex: string, type: number = DNS_TYPE.HTTPS): DnsRecord => ({
  ...{ name: 'example.org', type, class: 1, ttl: 300 },
  data: Buffer.from(hex.replace(/\s/g, ''), 'hex'),
})

const BOTH = { ech: true, http3: true }
const ECH = '0005 0004 00fe0d00'
const HINT = '0004 0004 c0000201'
const H3_H2 = '0001 0006 026833 026832'
const H2 = '0001 0003 026832'
const H3 = '0001 0003 026833'
const NO_DEFAULT = '0002 0000'
const MANDATORY = (...keys: number[]) => `0000 000${keys.length * 2} ${keys.map((key) => `000${key}`).join('')}`
const head = '0001 00'

const reply = (...answers: DnsRecord[]) =>
  dnsReply(dnsQuery('example.org', DNS_TYPE.HTTPS, 7), { answers, authenticData: true })

/** The records as they are left, as text. */
function left(...answers: DnsRecord[]): string[] {
  const message = reply(...answers)
  stripServices(message, BOTH)
  return message.answers.map(recordText)
}

test('ech and h3 are taken away, from HTTPS and SVCB records alike', (t) => {
  for (const type of [DNS_TYPE.HTTPS, DNS_TYPE.SVCB]) {
    t.deepEqual(left(record(`${head} ${H3_H2} ${HINT} ${ECH}`, type)), ['1 . alpn="h2" ipv4hint=192.0.2.1'])
  }
  t.deepEqual(left(record(`${head} 0001 000c 05 68332d3239 026832 026833`)), ['1 . alpn="h2"'])
  t.deepEqual(left(record(`${head} ${ECH}`)), ['1 .'])
  // The name of a protocol that only begins like it stays.
  t.deepEqual(left(record(`${head} 0001 0004 03 683378`)), ['1 . alpn="h3x"'])
})

test('a service that has only HTTP/3 besides its default has the default; one without a default is left out', (t) => {
  t.deepEqual(left(record(`${head} ${H3} ${HINT}`)), ['1 . ipv4hint=192.0.2.1'])
  t.deepEqual(left(record(`${head} ${H3} ${NO_DEFAULT}`), record(`${head} ${H2} ${NO_DEFAULT}`)), [
    '1 . alpn="h2" no-default-alpn',
  ])
})

test('`mandatory` names no key that was taken away', (t) => {
  t.deepEqual(left(record(`${head} ${MANDATORY(1, 5)} ${H3_H2} ${ECH}`)), ['1 . mandatory=alpn alpn="h2"'])
  t.deepEqual(left(record(`${head} ${MANDATORY(1, 5)} ${H3} ${ECH}`)), ['1 .'])
  t.deepEqual(left(record(`${head} ${MANDATORY(5)} ${ECH}`)), ['1 .'])
})

test('an answer with nothing to take away stays the same to the byte, and a changed one is not authentic', (t) => {
  const plain = parseDns(writeDns(reply(record(`${head} ${H2} ${HINT}`), aRecord('example.org', '192.0.2.1'))))
  stripServices(plain, BOTH)
  t.true(writeDns(plain) === plain.raw)
  t.true(plain.authenticData)
  const changed = parseDns(writeDns(reply(record(`${head} ${H2} ${ECH}`))))
  stripServices(changed, BOTH)
  t.false(changed.authenticData)
  t.deepEqual(parseDns(writeDns(changed)).answers.map(recordText), ['1 . alpn="h2"'])
})

test('records beside the answer count, too', (t) => {
  const message = { ...reply(aRecord('example.org', '192.0.2.1')), additionals: [record(`${head} ${ECH}`)] }
  stripServices(message, BOTH)
  t.deepEqual(message.additionals.map(recordText), ['1 .'])
})

test('malformed records go on as they came, and no bytes break it', (t) => {
  for (const data of ['', '00', head.slice(0, 4), `${head} 0005`, `${head} ${ECH} ${H2}`, `${head} 0001 0003 096833`]) {
    const one = record(data)
    const message = reply(one)
    stripServices(message, BOTH)
    t.is(message.answers[0], one, data)
  }
  for (const data of [`${head} 0001 0000`, `${head} 0000 0000`]) {
    const one = record(data)
    const message = reply(one)
    stripServices(message, BOTH)
    t.is(message.answers[0], one, data)
  }
})
