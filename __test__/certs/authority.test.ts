// The authority of a conf dir: made once, whoever starts; mitmproxy's as it is; and what is wrong said with what to do.
import { execFile } from 'node:child_process'
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { loadAuthority } from '../../src/certs/authority.js'
import { leafMinter, planLeaf } from '../../src/certs/leaf.js'
import { certificate, ecKey, extensionOf, rsaKey } from '../support/certificates.js'

const run = promisify(execFile)
const windows = process.platform === 'win32'

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'midwire-authority-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('a new authority, and what clients install of it', async (t) => {
  const confdir = join(folder(t), 'a', 'b')
  const made = await loadAuthority(confdir)
  t.true(made.created)
  t.deepEqual(made.warnings, [])
  t.is(made.path, join(confdir, 'midwire-ca.pem'))
  t.deepEqual(readdirSync(confdir).sort(), [
    'midwire-ca-cert.cer',
    'midwire-ca-cert.p12',
    'midwire-ca-cert.pem',
    'midwire-ca.pem',
  ])
  if (!windows) {
    t.is(statSync(confdir).mode & 0o777, 0o700)
    t.is(statSync(made.path).mode & 0o777, 0o600)
  }
  const text = readFileSync(made.path, 'utf8')
  t.true(text.startsWith('-----BEGIN PRIVATE KEY-----\n'))
  t.true(text.endsWith(made.pem))
  for (const ending of ['pem', 'cer']) t.is(readFileSync(join(confdir, `midwire-ca-cert.${ending}`), 'utf8'), made.pem)
  t.true(made.p12().equals(readFileSync(join(confdir, 'midwire-ca-cert.p12'))))

  const { certificate } = made
  t.is(certificate.subject, 'CN=midwire\nO=midwire')
  t.is(certificate.issuer, certificate.subject)
  t.true(certificate.verify(certificate.publicKey))
  t.true(certificate.ca)
  t.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'])
  t.regex(certificate.serialNumber, /^[4-7][0-9A-F]{35}$/)
  t.is(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
  const point = certificate.publicKey.export({ type: 'spki', format: 'der' }).subarray(-65)
  t.deepEqual(made.keyIdentifier, createHash('sha1').update(point).digest())
  const days = (text: string) => (Date.parse(text) - Date.now()) / 86_400_000
  t.true(Math.abs(days(certificate.validFrom) + 2) < 0.01)
  t.true(Math.abs(days(certificate.validTo) - 3648) < 0.01)

  const again = await loadAuthority(confdir)
  t.false(again.created)
  t.is(again.fingerprint, made.fingerprint)
  t.true(readFileSync(join(confdir, 'midwire-ca-cert.p12')).equals(made.p12()), 'not written again')
})

test('openssl reads the files', async (t) => {
  const confdir = folder(t)
  const { fingerprint } = await loadAuthority(confdir)
  try {
    await run('openssl', ['version'])
  } catch {
    t.pass('there is no openssl')
    return
  }
  const openssl = async (...args: string[]) => (await run('openssl', args, { cwd: confdir })).stdout
  const text = await openssl('x509', '-in', 'midwire-ca-cert.cer', '-noout', '-text')
  t.regex(text, /Basic Constraints: critical\s+CA:TRUE\n/)
  t.regex(text, /Key Usage: critical\s+Certificate Sign, CRL Sign\n/)
  t.regex(text, /Subject Key Identifier:/)
  const strict = ['-x509_strict', '-check_ss_sig', '-CAfile', 'midwire-ca-cert.pem', 'midwire-ca-cert.pem']
  t.regex(await openssl('verify', ...strict), /OK/)
  const shown = await openssl('pkcs12', '-in', 'midwire-ca-cert.p12', '-passin', 'pass:', '-nokeys')
  t.is(new X509Certificate(shown.slice(shown.indexOf('-----BEGIN'))).fingerprint256, fingerprint)
  t.regex(shown, /friendlyName: midwire/)
  await t.throwsAsync(openssl('pkcs12', '-in', 'midwire-ca-cert.p12', '-passin', 'pass:wrong', '-nokeys'))
})

test('the revocation list is empty and signed', async (t) => {
  const confdir = folder(t)
  const authority = await loadAuthority(confdir)
  writeFileSync(join(confdir, 'list.crl'), authority.crl())
  t.regex(authority.crlPath, /^\/midwire-[0-9a-f]{36}\.crl$/)
  try {
    const args = ['crl', '-inform', 'DER', '-in', 'list.crl', '-noout', '-text', '-CAfile', 'midwire-ca-cert.pem']
    const { stdout, stderr } = await run('openssl', args, { cwd: confdir })
    t.regex(stdout, /No Revoked Certificates/)
    t.regex(stderr, /verify OK/)
  } catch (error) {
    t.is((error as NodeJS.ErrnoException).code, 'ENOENT')
  }
})

for (const [kind, key, format] of [
  ['RSA in PKCS#1, as mitmproxy writes it', rsaKey(), 'pkcs1'],
  ['RSA in PKCS#8', rsaKey(), 'pkcs8'],
  ['EC in SEC1', ecKey(), 'sec1'],
] as const) {
  test(`a conf dir of mitmproxy is used as it is: ${kind}`, async (t) => {
    const confdir = folder(t)
    const by = certificate({ commonName: 'mitmproxy', organization: 'mitmproxy', ca: true, key, until: 3000 })
    const text = `${key.export({ type: format as 'pkcs8', format: 'pem' })}${by.pem}`
    writeFileSync(join(confdir, 'mitmproxy-ca.pem'), text, { mode: 0o600 })
    writeFileSync(join(confdir, 'mitmproxy-ca-cert.pem'), by.pem)
    const authority = await loadAuthority(confdir)
    t.false(authority.created)
    t.deepEqual(authority.warnings, [])
    t.is(authority.commonName, 'mitmproxy')
    t.is(authority.pem, by.pem)
    t.deepEqual(authority.chain, [])
    t.is(readFileSync(join(confdir, 'mitmproxy-ca.pem'), 'utf8'), text)
    t.deepEqual(readdirSync(confdir).sort(), ['mitmproxy-ca-cert.pem', 'mitmproxy-ca.pem'])
    t.is(authority.certificatePath, join(confdir, 'mitmproxy-ca-cert.pem'))
    const leafKey = ecKey()
    const leaf = new X509Certificate(leafMinter(authority, publicOf(leafKey))(planLeaf(['a.example'], {}, authority)))
    t.true(leaf.verify(authority.certificate.publicKey))
    t.false(leaf.checkPrivateKey(authority.key))
  })
}

const publicOf = (key: KeyObject): KeyObject => new X509Certificate(certificate({ key }).der).publicKey

test('an authority that is no root has the chain above it sent along, without the root', async (t) => {
  const confdir = folder(t)
  const root = certificate({ commonName: 'root', ca: true })
  const middle = certificate({ commonName: 'middle', ca: true, issuer: root })
  const own = certificate({ commonName: 'own', ca: true, issuer: middle })
  writeFileSync(join(confdir, 'mitmproxy-ca.pem'), own.keyPem + own.pem + middle.pem + root.pem, { mode: 0o600 })
  const { chain, warnings } = await loadAuthority(confdir)
  t.deepEqual(chain, [own.pem, middle.pem])
  t.is(warnings.length, 1)
  t.regex(warnings[0] ?? '', /expires on/)
})

test('where mitmproxy has left no file with the certificate alone, or that of another, there is one of ours', async (t) => {
  const [by, other] = [certificate({ ca: true, until: 3000 }), certificate({ ca: true, until: 3000 })]
  for (const wrong of [undefined, '', 'no certificate', other.pem, by.pem + by.keyPem]) {
    const confdir = folder(t)
    writeFileSync(join(confdir, 'mitmproxy-ca.pem'), by.keyPem + by.pem, { mode: 0o600 })
    const theirs = join(confdir, 'mitmproxy-ca-cert.pem')
    if (wrong !== undefined) writeFileSync(theirs, wrong)
    const { certificatePath = '', warnings } = await loadAuthority(confdir)
    t.is(certificatePath, join(confdir, 'midwire-ca-cert.pem'))
    t.is(readFileSync(certificatePath, 'utf8'), by.pem)
    if (wrong !== undefined) t.is(readFileSync(theirs, 'utf8'), wrong, 'mitmproxy keeps what it has')
    t.deepEqual(warnings, [])
  }
})

test('a certificate that cannot be written is no reason to name the file with the key', async (t) => {
  const confdir = folder(t)
  const by = certificate({ ca: true, until: 3000 })
  writeFileSync(join(confdir, 'mitmproxy-ca.pem'), by.keyPem + by.pem, { mode: 0o600 })
  mkdirSync(join(confdir, 'midwire-ca-cert.pem'))
  const { certificatePath, warnings } = await loadAuthority(confdir)
  t.is(certificatePath, undefined)
  t.regex(warnings.join(), /midwire-ca-cert\.pem cannot be written/)
})

test('ours comes before that of mitmproxy', async (t) => {
  const confdir = folder(t)
  const { fingerprint } = await loadAuthority(confdir)
  const other = certificate({ ca: true, until: 3000 })
  writeFileSync(join(confdir, 'mitmproxy-ca.pem'), other.keyPem + other.pem, { mode: 0o600 })
  t.is((await loadAuthority(confdir)).fingerprint, fingerprint)
})

test('files that are missing or wrong are written again', async (t) => {
  const confdir = folder(t)
  const { pem, fingerprint } = await loadAuthority(confdir)
  rmSync(join(confdir, 'midwire-ca-cert.pem'))
  writeFileSync(join(confdir, 'midwire-ca-cert.cer'), 'torn')
  writeFileSync(join(confdir, 'midwire-ca-cert.p12'), '')
  t.is((await loadAuthority(confdir)).fingerprint, fingerprint)
  t.is(readFileSync(join(confdir, 'midwire-ca-cert.pem'), 'utf8'), pem)
  t.is(readFileSync(join(confdir, 'midwire-ca-cert.cer'), 'utf8'), pem)
  t.true(statSync(join(confdir, 'midwire-ca-cert.p12')).size > 400)
})

test('what a killed process left is taken away, what another one is writing is not', async (t) => {
  const confdir = folder(t)
  const old = join(confdir, '.midwire-ca.pem.1.abc.tmp')
  const young = join(confdir, '.midwire-ca.pem.2.abc.tmp')
  for (const path of [old, young]) writeFileSync(path, 'half a key', { mode: 0o600 })
  utimesSync(old, 0, 0)
  await loadAuthority(confdir)
  t.false(existsSync(old))
  t.true(existsSync(young))
})

;(windows ? test.skip : test)('a key that others can read is warned of', async (t) => {
  const confdir = folder(t)
  const { path } = await loadAuthority(confdir)
  chmodSync(path, 0o640)
  const { warnings } = await loadAuthority(confdir)
  t.is(warnings.length, 1)
  t.regex(warnings[0] ?? '', /midwire-ca\.pem.*chmod 600/)
})

const good = certificate({ ca: true, until: 3000 })
const usage = extensionOf('2.5.29.15', true, Buffer.from('03020780', 'hex'))

for (const [what, text, says] of [
  ['an empty file', '', /no private key/],
  ['garbage', '\0\xff'.repeat(1000), /no private key/],
  ['a certificate alone', good.pem, /no private key/],
  ['a key alone', good.keyPem, /no certificate/],
  [
    'a key that is cut short',
    `${good.keyPem.slice(0, 80)}\n-----END PRIVATE KEY-----\n${good.pem}`,
    /key cannot be read/,
  ],
  [
    'a certificate that is cut short',
    `${good.keyPem}${good.pem.slice(0, 200)}\n-----END CERTIFICATE-----\n`,
    /certificate cannot be read/,
  ],
  ['the key of another', certificate({}).keyPem + good.pem, /do not belong together/],
  ['a leaf', pair(certificate({})), /basicConstraints/],
  ['an authority that may not sign', pair(certificate({ ca: true, extensions: [usage] })), /keyCertSign/],
  ['an expired one', pair(certificate({ ca: true, from: -20, until: -1 })), /has expired on/],
  ['a key with a passphrase', encrypted(good.key) + good.pem, /passphrase/],
] as const) {
  test(`refused, by name and with what to do: ${what}`, async (t) => {
    const confdir = folder(t)
    for (const name of ['midwire-ca.pem', 'mitmproxy-ca.pem']) {
      rmSync(confdir, { recursive: true })
      mkdirSync(confdir)
      writeFileSync(join(confdir, name), text, { mode: 0o600 })
      const error = await t.throwsAsync(loadAuthority(confdir), { name: 'MidwireError', code: 'ERR_AUTHORITY' })
      t.true(error?.message.startsWith(`${join(confdir, name)}: `), error?.message)
      t.regex(error?.message ?? '', says)
      t.regex(error?.message ?? '', /move the file away|passphrase/)
      t.deepEqual(readdirSync(confdir), [name], 'nothing is written')
    }
  })
}

function pair({ keyPem, pem }: { keyPem: string; pem: string }): string {
  return keyPem + pem
}

function encrypted(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }).toString()
}

test('a conf dir that cannot be', async (t) => {
  const path = join(folder(t), 'file')
  writeFileSync(path, '')
  const error = await t.throwsAsync(loadAuthority(path), { code: 'ERR_CONFDIR' })
  t.regex(error?.message ?? '', /--confdir/)
})

const module = fileURLToPath(new URL('../../src/certs/authority.js', import.meta.url))

/** A process that loads the authority and prints its fingerprint. */
function start(confdir: string): { printed: Promise<string>; kill: () => void } {
  const program = `const { loadAuthority } = await import(${JSON.stringify(module)})
    console.log((await loadAuthority(${JSON.stringify(confdir)})).fingerprint)`
  const started = run(process.execPath, ['--input-type=module', '-e', program])
  return { printed: started.then(({ stdout }) => stdout.trim()), kill: () => started.child.kill('SIGKILL') }
}

test('processes that start at once have one authority', async (t) => {
  const confdir = folder(t)
  const printed = await Promise.all(Array.from({ length: 6 }, () => start(confdir).printed))
  t.is(new Set(printed).size, 1)
  const key = createPrivateKey(readFileSync(join(confdir, 'midwire-ca.pem')))
  t.true(new X509Certificate(readFileSync(join(confdir, 'midwire-ca-cert.pem'))).checkPrivateKey(key))
  t.is(readdirSync(confdir).length, 4, 'no temporary file is left')
})

test('killed at any time in the first start, the next one finds a whole authority or none', async (t) => {
  let cut = 0
  for (let round = 0; round < 12; round++) {
    const confdir = folder(t)
    const first = start(confdir)
    first.printed.catch(() => cut++)
    await new Promise((resolve) => setTimeout(resolve, 80 + round * 40))
    first.kill()
    await first.printed.catch(() => undefined)
    const left = existsSync(join(confdir, 'midwire-ca.pem')) && (await loadAuthority(confdir)).fingerprint
    const { fingerprint, created } = await loadAuthority(confdir)
    t.is(created, left === false)
    if (left) t.is(fingerprint, left)
    t.is((await loadAuthority(confdir)).fingerprint, fingerprint)
  }
  t.true(cut > 0)
})
