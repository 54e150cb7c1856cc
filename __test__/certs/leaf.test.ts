// Leaves by the addon and by TypeScript: the same certificate but for its signature, whatever the authority is.
import { execFile } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import type { Authority } from '../../src/certs/authority.js'
import { readAuthority } from '../../src/certs/authority-file.js'
import { readCertificate } from '../../src/certs/certificate.js'
import { der, octetString, oid, readAll, readDer, sequence, set, TAG, utf8String } from '../../src/certs/der.js'
import { addonMinter, type LeafRequest, leafMinter, leafNames, planLeaf } from '../../src/certs/leaf.js'
import { leafWriter } from '../../src/certs/leaf-writer.js'
import { certificate, ecKey, extensionOf, type Made, rsaKey } from '../support/certificates.js'

const run = promisify(execFile)

function authority({ pem, keyPem, der }: Made): Authority {
  const file = readAuthority('test.pem', keyPem + pem)
  const never = () => Buffer.alloc(0)
  const shown = { pem, der, fingerprint: file.certificate.fingerprint256, p12: never, crl: never, crlPath: '/x.crl' }
  return { ...file, ...shown, created: false, path: 'test.pem', certificatePath: undefined }
}

const skid = extensionOf('2.5.29.14', false, octetString(Buffer.from('0123456789abcdef', 'hex')))
const root = (key: KeyObject, rest = {}) => authority(certificate({ commonName: 'root', ca: true, key, ...rest }))

/** Several values of one type, several types in one set, and encodings that nobody uses any more. */
const oddName = sequence(
  set(sequence(oid('2.5.4.11'), der(TAG.teletexString, Buffer.from('Stra\xdfe', 'latin1')))),
  set(sequence(oid('2.5.4.11'), der(TAG.bmpString, Buffer.from('\0O\0U', 'latin1')))),
  set(sequence(oid('2.5.4.3'), utf8String('odd')), sequence(oid('2.5.4.10'), utf8String('O'))),
  set(sequence(oid('1.2.3.4.5.6'), utf8String('whatever'))),
)

const authorities: Record<string, Authority> = {
  'P-256': root(ecKey(), { extensions: [skid] }),
  'P-256 without a key identifier': root(ecKey()),
  'P-256 with an odd name': root(ecKey(), { subject: oddName }),
}

const requests: Record<string, LeafRequest> = {
  'a name and an address': { sni: 'www.example.org', address: '192.0.2.1' },
  'an IPv6 address': { address: '2001:db8::1' },
  'a long name': { sni: `${'a'.repeat(60)}.example.org` },
  'many names of a server': {
    sni: 'www.example.org',
    upstream: {
      names: Array.from({ length: 98 }, (_, index) => `h${index}.example.org`),
      organization: 'Größe & Söhne',
      crl: 'http://crl.example.org/some/list.crl?x=1',
    },
  },
}

const key = ecKey()
const publicKey = createPublicKey(key)

for (const [kind, by] of Object.entries(authorities)) {
  test(`addon and TypeScript write the same leaf for an authority of ${kind}`, (t) => {
    const minters = [addonMinter(by, publicKey), leafWriter(by, publicKey)]
    for (const [what, request] of Object.entries(requests)) {
      const names = leafNames(request)
      const leaf = planLeaf(names, request, by)
      const [one, other] = minters.map((mint) => {
        if (!mint) throw new Error('the addon refuses the authority')
        const whole = mint(leaf)
        const certificate = new X509Certificate(whole)
        t.true(certificate.verify(by.certificate.publicKey), what)
        t.true(certificate.checkIssued(by.certificate))
        t.true(certificate.checkPrivateKey(key))
        t.false(certificate.ca)
        t.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'])
        t.true(readCertificate(whole).issuer.equals(by.subject))
        for (const name of names) {
          const matches = /^[\d.]+$|:/.test(name) ? certificate.checkIP(name) : certificate.checkHost(name)
          t.truthy(matches, `${what}: ${name}`)
        }
        return whole
      })
      if (!one || !other) throw new Error('no leaf')
      const [mine = one, theirs = other] = [one, other].map((whole) => readAll(readDer(whole).content)[0]?.whole)
      t.deepEqual(fields(mine), fields(theirs), what)
    }
  })
}

/** A TBSCertificate as lines, its extensions by name: their order says nothing. */
function fields(toBeSigned: Buffer): string[] {
  const values = readAll(readDer(toBeSigned).content)
  const extensions = values.pop()
  const list = extensions ? readAll(readDer(extensions.content).content) : []
  const hex = ({ whole }: { whole: Buffer }) => whole.toString('hex')
  return [...values.map(hex), ...list.map(hex).sort()]
}

test('other keys are signed with by TypeScript', (t) => {
  for (const by of [
    root(rsaKey()),
    root(rsaKey(1024)),
    root(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey),
  ]) {
    t.is(addonMinter(by, publicKey), undefined)
    const leaf = leafMinter(by, publicKey)(planLeaf(['example.org'], {}, by))
    t.true(new X509Certificate(leaf).verify(by.certificate.publicKey))
  }
})

test('what a leaf says of itself', (t) => {
  const by = authorities['P-256']
  if (!by) throw new Error('no authority')
  const request = requests['many names of a server'] ?? {}
  const leaf = planLeaf(leafNames(request), request, by)
  t.is(leaf.commonName, 'h0.example.org')
  t.is(leaf.crlUrl, 'http://crl.example.org/x.crl')
  t.is(leaf.serial.length, 18)
  t.true((leaf.serial[0] ?? 255) < 128)
  t.not(leaf.serial.toString('hex'), planLeaf(['x'], {}, by).serial.toString('hex'))
  const now = Date.now() / 1000
  t.true(Math.abs(now - leaf.notBefore - 2 * 86_400) < 5)
  t.true(leaf.notAfter - leaf.notBefore < 199 * 86_400)
  // The authority of this test has 30 days.
  t.is(leaf.notAfter, Math.floor(Date.parse(by.certificate.validTo) / 1000))
  const long = root(ecKey(), { until: 3000 })
  const year = planLeaf(['x'], {}, long)
  t.is(year.notAfter - year.notBefore, 199 * 86_400 - 1)
  t.is(planLeaf([`${'a'.repeat(63)}`], {}, by).commonName, 'a'.repeat(63))
  t.is(planLeaf([`${'a'.repeat(60)}.org`], {}, by).commonName, undefined)
})

test('OpenSSL reads the leaves and accepts them, strictly', async (t) => {
  try {
    await run('openssl', ['version'])
  } catch {
    t.pass('there is no openssl')
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'midwire-leaf-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const usage = extensionOf('2.5.29.15', true, Buffer.from('03020106', 'hex'))
  const of = (key: KeyObject) => root(key, { extensions: [skid, usage], until: 3000 })
  const [p256, rsa] = [of(ecKey()), of(rsaKey())]
  for (const [by, mint] of [
    [p256, addonMinter(p256, publicKey)],
    [p256, leafWriter(p256, publicKey)],
    [rsa, leafWriter(rsa, publicKey)],
  ] as const) {
    writeFileSync(join(folder, 'ca.pem'), by.pem)
    const request = { ...requests['many names of a server'], sni: `${'a'.repeat(60)}.example.org`, address: '::1' }
    for (const names of [leafNames(request), [`${'a'.repeat(60)}.example.org`]]) {
      const whole = mint?.(planLeaf(names, request, by)) ?? Buffer.alloc(0)
      writeFileSync(join(folder, 'leaf.pem'), new X509Certificate(whole).toString())
      const verified = await run(
        'openssl',
        ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', 'ca.pem', 'leaf.pem'],
        { cwd: folder },
      )
      t.regex(verified.stdout, /leaf\.pem: OK/)
      const { stdout } = await run('openssl', ['x509', '-in', 'leaf.pem', '-noout', '-text'], { cwd: folder })
      t.regex(stdout, by === rsa ? /Algorithm: sha256WithRSAEncryption/ : /Algorithm: ecdsa-with-SHA256/)
      t.regex(stdout, /Authority Key Identifier: \s*(keyid:)?01:23:45:67:89:AB:CD:EF/)
      t.regex(stdout, /X509v3 Key Usage: critical\s+Digital Signature\n/)
      t.regex(stdout, /URI:http:\/\/crl\.example\.org\/x\.crl\n/)
      t.notRegex(stdout, /Subject Key Identifier|Basic Constraints/)
      if (names.length === 1) {
        t.regex(stdout, /Subject: O = /)
        t.regex(stdout, /Subject Alternative Name: critical/)
      } else t.regex(stdout, /Subject: CN = h0\.example\.org, O = /)
    }
  }
})

test('a key on P-384 whose end looks like a point of P-256 is not for the addon', (t) => {
  const by = root(ecKey())
  const make = () => createPublicKey(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey)
  let key = make()
  while (key.export({ type: 'spki', format: 'der' }).at(-65) !== 4) key = make()
  t.is(addonMinter(by, key), undefined)
  const leaf = new X509Certificate(leafMinter(by, key)(planLeaf(['a.example'], {}, by)))
  t.is(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'secp384r1')
})
