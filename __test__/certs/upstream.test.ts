// What is copied of a server's certificate, however odd it is.
import { randomBytes } from 'node:crypto'
import test from 'ava'
import { der, implicit, sequence, TAG, tagged, utf8String } from '../../src/certs/der.js'
import { upstreamNames } from '../../src/certs/upstream.js'
import { certificate, extensionOf, nameOf } from '../support/certificates.js'

const crl = (...urls: string[]) =>
  extensionOf(
    '2.5.29.31',
    false,
    sequence(...urls.map((url) => sequence(tagged(0, tagged(0, implicit(6, Buffer.from(url))))))),
  )

test('names, organisation and revocation list', (t) => {
  const made = certificate({
    commonName: 'Www.Example.org',
    organization: 'Bücher & Söhne',
    names: ['*.example.org', 'www.example.org', '192.0.2.1', '2001:db8::1'],
    extensions: [crl('ldap://x/y', 'http://crl.example.org/a.crl')],
  })
  t.deepEqual(upstreamNames(made.der), {
    names: ['www.example.org', '*.example.org', '192.0.2.1', '2001:db8::1'],
    organization: 'Bücher & Söhne',
    crl: 'http://crl.example.org/a.crl',
  })
  t.is(upstreamNames(made.der), upstreamNames(Buffer.from(made.der)), 'read once')
})

test('what is no name of a host is left out', (t) => {
  const names = ['a\0b.org', '*', '*.org', 'a,DNS:evil.org', '"quoted".org', '../x', 'ok.example', 'x'.repeat(300)]
  const made = certificate({ commonName: 'Example Ltd', organization: `a\r\n${'x'.repeat(100)}`, names })
  const { names: read, organization } = upstreamNames(made.der)
  t.deepEqual(read, ['ok.example'])
  t.is(organization, `a${'x'.repeat(63)}`)
})

test('names of every string type, and more names than are of use', (t) => {
  const bmp = der(TAG.bmpString, Buffer.from('Größe', 'utf16le').swap16())
  const subject = nameOf(['2.5.4.3', der(TAG.printableString, Buffer.from('a.example'))], ['2.5.4.10', bmp])
  t.like(upstreamNames(certificate({ subject }).der), { names: ['a.example'], organization: 'Größe' })
  const twice = nameOf(['2.5.4.3', utf8String('first.example')], ['2.5.4.3', utf8String('second.example')])
  t.deepEqual(upstreamNames(certificate({ subject: twice }).der).names, ['first.example'])
  const many = Array.from({ length: 2000 }, (_, index) => `h${index}.example`)
  t.is(upstreamNames(certificate({ names: many }).der).names.length, 98)
})

test('bytes that are no certificate have no names, and throw nothing', (t) => {
  const { der: whole } = certificate({ names: ['example.org'], extensions: [crl('http://a/b')] })
  for (let round = 0; round < 3000; round++) {
    const bytes = Buffer.from(whole)
    bytes[round % bytes.length] = randomBytes(1)[0] ?? 0
    t.true(Array.isArray(upstreamNames(bytes.subarray(0, bytes.length - (round % 5))).names))
  }
  t.deepEqual(upstreamNames(Buffer.alloc(0)).names, [])
})
