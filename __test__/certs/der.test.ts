// DER: what OpenSSL would write, and a reader that survives whatever it is given.
import { randomBytes } from 'node:crypto'
import test from 'ava'
import { readCertificate, readName } from '../../src/certs/certificate.js'
import { DerError, integer, octetString, oid, readAll, readDer, sequence, time } from '../../src/certs/der.js'
import { certificate } from '../support/certificates.js'

test('values are written in their shortest form', (t) => {
  t.is(oid('1.2.840.113549.1.1.11').toString('hex'), '06092a864886f70d01010b')
  t.is(oid('2.5.29.17').toString('hex'), '0603551d11')
  t.is(integer(0).toString('hex'), '020100')
  t.is(integer(127).toString('hex'), '02017f')
  t.is(integer(128).toString('hex'), '02020080')
  t.is(integer(2048).toString('hex'), '02020800')
  t.is(integer(Buffer.from('0000ff01', 'hex')).toString('hex'), '020300ff01')
  for (const [length, head] of [
    [0, '0400'],
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65_536, '0483010000'],
  ] as const) {
    const value = octetString(Buffer.alloc(length))
    t.true(value.toString('hex').startsWith(head))
    t.is(readDer(value).content.length, length)
  }
})

test('times are UTCTime until 2049 and GeneralizedTime from then on', (t) => {
  t.is(
    time(Date.UTC(2049, 11, 31, 23, 59, 59) / 1000)
      .subarray(2)
      .toString(),
    '491231235959Z',
  )
  t.is(
    time(Date.UTC(2050, 0, 1) / 1000)
      .subarray(2)
      .toString(),
    '20500101000000Z',
  )
})

test('a reader given anything throws a DerError or answers', (t) => {
  const whole = certificate({ commonName: 'x', names: ['example.org', '::1'], ca: true }).der
  let refused = 0
  for (let round = 0; round < 4000; round++) {
    const bytes = round % 4 === 0 ? randomBytes(round % 300) : Buffer.from(whole)
    if (round % 4 !== 0) bytes[round % bytes.length] = round & 0xff
    const cut = round % 3 === 0 ? bytes.subarray(0, round % (bytes.length + 1)) : bytes
    try {
      const { subject } = readCertificate(cut)
      readName(subject)
    } catch (error) {
      t.true(error instanceof DerError, `${error}`)
      refused++
    }
  }
  t.true(refused > 1000)
  t.throws(() => readAll(Buffer.from('3084ffffffff', 'hex')), { instanceOf: DerError })
  t.is(readAll(sequence(integer(1), integer(2))).length, 1)
})
