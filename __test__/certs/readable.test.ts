// Certificates as plain data: what stands in them, and bytes that are none.
import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import test from 'ava'
import { readCertificates } from '../../src/index.js'
import { certificate } from '../support/certificates.js'

const derOf = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')

test('a certificate with its names, its validity, its key and its fingerprint', (t) => {
  const made = certificate({ names: ['a.test', '*.b.test', '192.0.2.1'] })
  const der = derOf(made.pem)
  const [info] = readCertificates([der])
  const node = new X509Certificate(der)
  t.deepEqual(info?.names, node.subjectAltName?.split(', '))
  t.true((info?.names.length ?? 0) >= 2)
  t.is(info?.fingerprint, node.fingerprint256)
  t.is(info?.validTo, Date.parse(node.validTo))
  t.true((info?.validFrom ?? 0) < (info?.validTo ?? 0))
  t.is(info?.serialNumber, node.serialNumber)
  t.regex(info?.key ?? '', /^(ec \w+|rsa \d+)$/)
  t.is(derOf(info?.pem ?? '').toString('hex'), der.toString('hex'))
  t.is(info?.error, undefined)
})

test('the kinds of keys of public authorities, and their names', (t) => {
  const infos = readCertificates(rootCertificates.map(derOf))
  t.true(infos.every(({ isAuthority, error, subject, issuer }) => isAuthority && !error && subject === issuer))
  const keys = new Set(infos.map(({ key }) => key))
  t.true(keys.has('rsa 4096') && keys.has('ec secp384r1'), [...keys].join())
})

test('bytes that are no certificate are told, and the others are read', (t) => {
  const good = derOf(certificate({ names: ['a.test'] }).pem)
  const infos = readCertificates([Buffer.from('nonsense'), good, Buffer.alloc(0), good.subarray(0, 100)])
  t.deepEqual(
    infos.map(({ error }) => error === undefined),
    [false, true, false, false],
  )
  t.is(infos[0]?.subject, '')
})
