// Whom we trust, and every reason why we do not, as a sentence that names it.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, createServer, rootCertificates, type TlsOptions } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { implicit, oid, sequence, tagged } from '../../src/certs/der.js'
import { explainCertificate, type TlsFailure } from '../../src/certs/explain.js'
import { trustedRoots } from '../../src/certs/trust.js'
import { certificate, extensionOf, type Made, revocationList, rsaKey } from '../support/certificates.js'

const run = promisify(execFile)
const NAME = 'server.example'

const root = certificate({ commonName: 'Trusted Root', ca: true, until: 300 })
const unknown = certificate({ commonName: 'Unknown Root', ca: true, until: 300 })
const leaf = (rest: Parameters<typeof certificate>[0] = {}) =>
  certificate({ commonName: NAME, names: [NAME], issuer: root, ...rest })
const middle = (rest: Parameters<typeof certificate>[0] = {}) =>
  certificate({ commonName: 'Middle', ca: true, issuer: root, until: 200, ...rest })

/** What a client that verifies says to a server with this certificate. */
function failure(
  chain: readonly Made[],
  client: ConnectionOptions = {},
  server: TlsOptions = {},
): Promise<TlsFailure | undefined> {
  const [own] = chain
  return new Promise((resolve, reject) => {
    const weak = { ciphers: 'DEFAULT@SECLEVEL=0' }
    const served = createServer({
      ...weak,
      cert: chain.map(({ pem }) => pem).join(''),
      key: own?.keyPem ?? '',
      ...server,
    })
    served.on('tlsClientError', () => {}).on('error', reject)
    served.listen(0, '127.0.0.1', () => {
      const { port } = served.address() as AddressInfo
      const socket = connect({ host: '127.0.0.1', port, servername: NAME, ca: root.pem, ...client })
      socket.on('error', (error) => resolve(error)).on('secureConnect', () => resolve(undefined))
      socket.on('secureConnect', () => socket.destroy()).on('close', () => served.close())
    })
  })
}

test('a good server is trusted', async (t) => {
  t.is(await failure([leaf()]), undefined)
  const one = middle()
  t.is(await failure([leaf({ issuer: one }), one]), undefined)
})

const purpose = extensionOf('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.2')))
const permitted = tagged(0, sequence(implicit(2, Buffer.from('other.example'))))
const constraints = extensionOf('2.5.29.30', true, sequence(permitted))
const spoil = (signature: Buffer) => signature.fill(0x11, 8, 20)
const expired = middle({ from: -20, until: -2 })
const noAuthority = certificate({ commonName: 'no authority', issuer: root })
const short = middle({ ca: 0 })
const below = middle({ issuer: short, commonName: 'Below' })
const limited = middle({ extensions: [constraints] })
const sha1 = middle({
  key: rsaKey(),
  hash: 'sha1',
  issuer: certificate({ commonName: 'Trusted Root', ca: true, key: root.key }),
})
const revoked = leaf()

for (const [what, chain, says, client] of [
  ['expired', [leaf({ from: -20, until: -1 })], /has expired/],
  ['not yet valid', [leaf({ from: 2, until: 20 })], /not valid yet.*clock/],
  ['self-signed', [certificate({ commonName: NAME, names: [NAME] })], /self-signed;/],
  ['an unknown root that is sent along', [leaf({ issuer: unknown }), unknown], /root\) is not trusted/],
  ['an unknown issuer', [leaf({ issuer: unknown })], /issued its certificate is unknown/],
  ['a missing intermediate', [leaf({ issuer: middle() })], /no intermediate/],
  ['for another name', [leaf({ names: ['a.example', 'b.example'] })], /is for a\.example, b\.example only; ask for/],
  [
    'for many other names',
    [leaf({ names: [...'abcdefgh'].map((one) => `${one}.example`) })],
    /e\.example and 3 others;/,
  ],
  ['without any name', [certificate({ commonName: 'Printer', issuer: root })], /is for Printer only/],
  ['an expired intermediate', [leaf({ issuer: expired }), expired], /or one above it, has expired/],
  ['issued by no authority', [leaf({ issuer: noAuthority }), noAuthority], /one above it not for issuing certificates/],
  ['too long a path', [leaf({ issuer: below }), below, short], /more authorities .* than they allow/],
  ['not for servers', [leaf({ extensions: [purpose] })], /not meant for servers/],
  ['outside of what its authority may do', [leaf({ issuer: limited }), limited], /may not issue for that name/],
  ['a wrong signature', [leaf({ spoil })], /signature .* is wrong/],
  ['a short key', [leaf({ key: rsaKey(768) })], /key .* is too short/],
  ['a broken hash', [leaf({ issuer: sha1 }), sha1], /hash that is broken/],
  ['revoked', [revoked], /has been revoked/, { crl: revocationList(root, revoked) }],
] as const) {
  test(`a server's certificate is refused with its reason: ${what}`, async (t) => {
    const error = await failure(chain, client ?? {})
    if (!error) throw new Error('it was accepted')
    const sentence = explainCertificate(error, NAME) ?? ''
    t.log(error.code ?? '', sentence)
    t.true(sentence.startsWith(`${NAME} is not trusted: `), `${error.code} ${error.message}: ${sentence}`)
    t.regex(sentence, says)
    t.regex(sentence, /-k \(--ssl-insecure\)$/)
    t.notRegex(sentence, /[^\x20-\x7e]/)
  })
}

test('a handshake that fails without a certificate has its reason, too', async (t) => {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1' } as const
  const error = await failure([leaf()], {}, old)
  t.regex((error && explainCertificate(error, NAME)) ?? '', /versions of TLS that are not safe.*tls_version_server_min/)
  const ciphers = { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' } as const
  const none = await failure(
    [leaf({ key: rsaKey() })],
    { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256', maxVersion: 'TLSv1.2' },
    ciphers,
  )
  t.regex(
    (none && explainCertificate(none, NAME)) ?? '',
    /wants a certificate of the client \(--set client_certs=FILE\), or has no cipher in common/,
  )

  const plain = createTcpServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n').on('error', () => {}))
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
  t.teardown(() => plain.close())
  const { port } = plain.address() as AddressInfo
  const wrong = await new Promise<TlsFailure>((resolve) => connect({ host: '127.0.0.1', port }).on('error', resolve))
  t.regex(explainCertificate(wrong, NAME) ?? '', /no TLS: is it plain HTTP/)

  const silent = createTcpServer((socket) => socket.once('data', () => socket.end()).on('error', () => {}))
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  t.teardown(() => silent.close())
  const at = { host: '127.0.0.1', port: (silent.address() as AddressInfo).port }
  const cut = await new Promise<TlsFailure>((resolve) => connect(at).on('error', resolve))
  t.is(explainCertificate(cut, NAME), `TLS with ${NAME} has failed: it has closed the connection during the handshake`)
})

test("names in a server's certificate cannot write our sentence", (t) => {
  const explain = (subjectaltname: string) =>
    explainCertificate(
      Object.assign(new Error('x'), {
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
        cert: { subjectaltname } as TlsFailure['cert'],
      }),
      NAME,
    )
  t.regex(explain('DNS:"a, DNS:good.example", DNS:b.example') ?? '', /is for "a, DNS:good\.example", b\.example only/)
  t.regex(explain('DNS:a\u001b[31m\n.example') ?? '', /is for a\?\[31m\?\.example only/)
  t.is(explainCertificate(Object.assign(new Error('x'), { code: 'ECONNRESET' }), NAME), undefined)
})

const folder = mkdtempSync(join(tmpdir(), 'midwire-trust-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

test('roots of the options: instead of the system, and besides', (t) => {
  const file = join(folder, 'ca.pem')
  const directory = mkdtempSync(join(folder, 'more-'))
  writeFileSync(file, `# a comment\r\n${root.pem.replace(/\n/g, '\r\n')}`)
  writeFileSync(join(directory, 'one.pem'), unknown.pem)
  writeFileSync(join(directory, 'same.pem'), unknown.pem)
  writeFileSync(join(directory, 'notes.txt'), 'no certificate')
  t.is(trustedRoots({ caFile: file }).length, 1)
  t.is(trustedRoots({ caFile: file, caDirectory: directory }).length, 2)
  const system = trustedRoots().length
  t.true(system > 20)
  t.is(trustedRoots({ caDirectory: directory }).length, system + 1)
  writeFileSync(join(folder, 'empty.pem'), root.keyPem)
  for (const caFile of [join(folder, 'missing.pem'), join(folder, 'empty.pem')]) {
    t.throws(() => trustedRoots({ caFile }), {
      code: 'ERR_ARGUMENT',
      message: /ssl_verify_upstream_trusted_ca: .*\.pem/,
    })
  }
})

test('roots of the environment', async (t) => {
  const file = join(folder, 'environment.pem')
  writeFileSync(file, root.pem)
  const module = fileURLToPath(new URL('../../src/certs/trust.js', import.meta.url))
  const program = `const { trustedRoots } = await import(${JSON.stringify(module)}); console.log(trustedRoots().length)`
  const count = async (env: NodeJS.ProcessEnv) => {
    const { SSL_CERT_FILE: _, SSL_CERT_DIR: __, NODE_EXTRA_CA_CERTS: ___, ...rest } = process.env
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program], { env: { ...rest, ...env } })
    return Number(stdout)
  }
  const system = await count({})
  t.true(system > 20 && system <= rootCertificates.length * 4, `${system}`)
  t.is(await count({ SSL_CERT_FILE: file }), 1)
  const directory = mkdtempSync(join(folder, 'directory-'))
  for (const name of ['a.pem', '0a1b2c3d.0']) writeFileSync(join(directory, name), unknown.pem)
  t.is(await count({ SSL_CERT_DIR: directory }), 1)
  t.is(await count({ NODE_EXTRA_CA_CERTS: file }), system + 1)
  t.is(await count({ SSL_CERT_FILE: '/missing', NODE_EXTRA_CA_CERTS: '/missing' }), system)
})
