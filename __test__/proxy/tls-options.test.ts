// The options of TLS by real handshakes: the user's own certificates, clients' certificates, versions, suites, groups, chains.
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { certificate, rsaKey } from '../support/certificates.js'
import { ok, startProxy, tlsServer, tlsTunnel, tunnel } from '../support/proxy.js'
import { bind, Talk } from '../support/talk.js'

const root = certificate({ commonName: 'root', ca: true })
const middle = certificate({ commonName: 'middle', ca: true, issuer: root })
const own = certificate({ commonName: 'own', names: ['own.test', '*.wide.test'], issuer: middle })
const other = certificate({ commonName: 'other', issuer: root })
const shown = certificate({ commonName: 'a client', issuer: root })

/** A directory that goes with the test, with these files. */
function folder(t: ExecutionContext, files: Record<string, string> = {}): string {
  const path = mkdtempSync(join(tmpdir(), 'midwire-tls-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return path
}

/** A server that notes its handshakes, and answers every request. */
async function server(t: ExecutionContext, options: TlsOptions = {}) {
  const made = certificate({ names: ['upstream.test'] })
  const met: TLSSocket[] = []
  /** What the clients have shown. */
  const names: unknown[] = []
  const all = { cert: made.pem, key: made.keyPem, ALPNProtocols: ['http/1.1'], ...options }
  const port = await bind(
    t,
    createServer(all, (socket) => {
      met.push(socket)
      names.push(commonName(socket))
      const talk = new Talk(socket)
      socket.on('data', () => talk.says(ok('answer')))
      t.teardown(() => socket.destroy())
    }),
  )
  return { port, met, names }
}

const GET = 'GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n'

const commonName = (socket: TLSSocket) => socket.getPeerCertificate().subject?.CN

test("certs: the user's certificates by name, wildcard and names of their own; those of other names are made", async (t) => {
  const path = folder(t, { 'own.pem': own.keyPem + middle.pem + own.pem, 'other.pem': other.pem + other.keyPem })
  const certs = [join(path, 'own.pem'), join(path, 'other.pem')].map(
    (file, at) => `${['a.test', '*.b.test'][at]}=${file}`,
  )
  const running = await startProxy(t, { options: { certs } })
  const port = await tlsServer(t)
  const seen = async (servername: string) => {
    const { socket } = await tlsTunnel(t, running, port, { servername, rejectUnauthorized: false })
    return commonName(socket)
  }
  t.is(await seen('a.test'), 'own')
  t.is(await seen('own.test'), 'own')
  t.is(await seen('x.wide.test'), 'own')
  t.is(await seen('x.b.test'), 'other')
  t.is(await seen('x.y.b.test'), 'other')
  t.is(await seen('b.test'), 'test', 'the name of the server')
  const { socket } = await tlsTunnel(t, running, port, { servername: 'own.test', ca: root.pem })
  t.true(socket.authorized, 'the chain of the file is sent')
})

test('certs: one without a domain is for all names, and a key with a passphrase is read', async (t) => {
  const key = createPrivateKey(own.keyPem).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'p=w',
  })
  const path = folder(t, { 'own.pem': own.pem + middle.pem + key })
  const options = { certs: [join(path, 'own.pem')], cert_passphrase: 'p=w' }
  const running = await startProxy(t, { options })
  const { socket } = await tlsTunnel(t, running, await tlsServer(t), { rejectUnauthorized: false })
  t.is(commonName(socket), 'own')
  running.proxy.options.set({ certs: [], cert_passphrase: '' })
  const after = await tlsTunnel(t, running, await tlsServer(t))
  t.is(commonName(after.socket), 'test')
  t.throws(() => running.proxy.options.set({ certs: ['/nowhere.pem'] }), { code: 'ERR_OPTION' })
})

test('certs and client_certs: what is wrong with a file is one line, and nothing starts', async (t) => {
  const locked = createPrivateKey(own.keyPem).export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  })
  const path = folder(t, {
    'chain.pem': own.pem + middle.pem,
    'key.pem': own.keyPem,
    'mismatch.pem': own.pem + other.keyPem,
    'locked.pem': own.pem + locked,
    'garbage.pem': `${own.keyPem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
  })
  const refused = async (options: Record<string, unknown>, sign: RegExp) => {
    const error = await t.throwsAsync(startProxy(t, { options: options as never }), { code: 'ERR_OPTION' })
    t.regex(error?.message ?? '', sign)
    t.false(error?.message.includes('\n'))
  }
  const certs = (name: string, more = {}) => ({ certs: [join(path, name)], ...more })
  await refused(certs('chain.pem'), /^certs: .*chain\.pem: there is no private key in it: put the key/)
  await refused(certs('key.pem'), /there is no certificate in it .*only a key$/)
  await refused(certs('mismatch.pem'), /the private key is not that of a certificate in it$/)
  await refused(certs('locked.pem'), /has a passphrase: give it with cert_passphrase$/)
  await refused(certs('locked.pem', { cert_passphrase: 'y' }), /has another passphrase$/)
  await refused(certs('garbage.pem'), /a certificate in it cannot be read$/)
  await refused(certs('none.pem'), /there is no such file$/)
  await refused({ certs: [`a b=${join(path, 'own.pem')}`] }, /a b is no name/)
  await refused({ client_certs: join(path, 'chain.pem') }, /^client_certs: .*no private key/)
  await refused({ client_certs: join(path, 'none') }, /no such file or directory$/)
  const inside = join(path, 'inside')
  mkdirSync(inside)
  await refused({ client_certs: inside }, /no certificate in the directory/)
  writeFileSync(join(inside, 'not a name.pem'), own.pem + own.keyPem)
  await refused({ client_certs: inside }, /not a name\.pem is not called by a server's name/)
})

test('client_certs: a file is for every server, a file of a directory for the server of its name', async (t) => {
  const { port, met } = await server(t, { requestCert: true, rejectUnauthorized: false })
  const path = folder(t, { 'a.test.pem': shown.pem + shown.keyPem, '*.b.test.pem': other.keyPem + other.pem })
  const inDirectory = await startProxy(t, { options: { client_certs: path } })
  const asked = async (running: typeof inDirectory, servername: string) => {
    const talk = await tlsTunnel(t, running, port, { servername, rejectUnauthorized: false })
    talk.says(GET)
    await talk.hears('answer')
    const name = met.at(-1)?.getPeerCertificate().subject?.CN
    talk.socket.end()
    return name
  }
  t.is(await asked(inDirectory, 'a.test'), 'a client')
  t.is(await asked(inDirectory, 'x.b.test'), 'other')
  t.is(await asked(inDirectory, 'c.test'), undefined)
  const ofFile = await startProxy(t, { options: { client_certs: join(path, 'a.test.pem') } })
  t.is(await asked(ofFile, 'c.test'), 'a client')
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: request_client_cert: what a client shows is known to hooks, also in a resumed session, and nobody has to`, async (t) => {
    const running = await startProxy(t, { options: { request_client_cert: true } })
    const seen: (readonly Buffer[] | undefined)[] = []
    running.proxy.on('tls_established_client', ({ client }) => void seen.push(client.tls?.certificates))
    const port = await tlsServer(t)
    let session: Buffer | undefined
    const ask = async (options: object) => {
      const talk = await tlsTunnel(t, running, port, { maxVersion: version, ...options })
      talk.says(GET)
      await talk.hears('answer')
      session = talk.socket.getSession()
      talk.socket.end()
      return talk.socket.isSessionReused()
    }
    await ask({})
    const identity = { cert: shown.pem + root.pem, key: shown.keyPem }
    t.false(await ask(identity))
    t.true(await ask({ ...identity, session }))
    t.is(seen[0], undefined)
    t.deepEqual(seen[1], [shown.der, root.der])
    t.deepEqual(seen[2]?.[0], shown.der)
    // Sessions of clients that were not asked are none for clients that are.
    running.proxy.options.set({ request_client_cert: false })
    t.false(await ask({ ...identity, session }))
    t.is(seen[3], undefined)
  })
}

test('add_upstream_certs_to_client_chain sends what the server has sent behind our leaf', async (t) => {
  const leaf = certificate({ names: ['upstream.test'], issuer: middle })
  const { port } = await server(t, { cert: leaf.pem + middle.pem, key: leaf.keyPem })
  const running = await startProxy(t, { options: { add_upstream_certs_to_client_chain: true } })
  const lengths: number[] = []
  for (const value of [true, false]) {
    running.proxy.options.set({ add_upstream_certs_to_client_chain: value })
    const { socket } = await tunnel(t, running, port)
    socket.removeAllListeners('data')
    // In TLS 1.2 the certificates are not encrypted, and are among the octets that came before the end of the handshake.
    const secured = connect({
      socket,
      ca: running.proxy.authority.pem,
      servername: 'upstream.test',
      maxVersion: 'TLSv1.2',
    })
    await once(secured, 'secureConnect')
    lengths.push(socket.bytesRead)
  }
  const [long = 0, short = 0] = lengths
  t.true(long - short >= leaf.der.length + middle.der.length, `${long} ${short}`)
})

test('tls_version_*: TLS 1.0 on both legs where the options say so, and not before', async (t) => {
  const { port, met } = await server(t, { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' })
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  for (const min of ['TLS1', 'UNBOUNDED']) {
    const options = { tls_version_client_min: min, tls_version_server_min: min, tls_version_server_max: 'TLS1' }
    const running = await startProxy(t, { options })
    const talk = await tlsTunnel(t, running, port, old)
    t.is(talk.socket.getProtocol(), 'TLSv1')
    t.is(met.at(-1)?.getProtocol(), 'TLSv1')
    talk.says(GET)
    await talk.hears('answer')
  }
  const strict = await startProxy(t)
  await t.throwsAsync(tlsTunnel(t, strict, port, old), { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
  await strict.logged(/too old: --set tls_version_client_min=TLS1 allows them/)
  const upTo12 = await startProxy(t, {
    options: { tls_version_client_max: 'TLS1_1', tls_version_client_min: 'TLS1_1' },
  })
  const talk = await tlsTunnel(t, upTo12, await tlsServer(t), { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' })
  t.is(talk.socket.getProtocol(), 'TLSv1.1')
})

test('ciphers_*: the suites of both legs, with the key that they need; TLS 1.3 stays', async (t) => {
  const rsa = certificate({ names: ['upstream.test'], key: rsaKey() })
  const { port, met } = await server(t, { cert: rsa.pem, key: rsa.keyPem, maxVersion: 'TLSv1.2' })
  const options = { ciphers_client: 'ECDHE-RSA-AES256-GCM-SHA384', ciphers_server: 'AES128-GCM-SHA256' }
  const running = await startProxy(t, { options })
  const { socket } = await tlsTunnel(t, running, port, { maxVersion: 'TLSv1.2' })
  t.is(socket.getCipher().name, 'ECDHE-RSA-AES256-GCM-SHA384')
  t.is(met.at(-1)?.getCipher().name, 'AES128-GCM-SHA256')
  const newer = await tlsTunnel(t, running, port)
  t.is(newer.socket.getProtocol(), 'TLSv1.3')
  const only = { ciphers_client: 'TLS_AES_256_GCM_SHA384' }
  running.proxy.options.set(only)
  t.is((await tlsTunnel(t, running, port)).socket.getCipher().name, 'TLS_AES_256_GCM_SHA384')
})

test('tls_ecdh_curve_*: the groups of both legs', async (t) => {
  const rsa = certificate({ names: ['upstream.test'], key: rsaKey() })
  const { port, met } = await server(t, { cert: rsa.pem, key: rsa.keyPem, maxVersion: 'TLSv1.2' })
  const running = await startProxy(t, {
    options: { tls_ecdh_curve_client: 'P-384:X25519', tls_ecdh_curve_server: 'P-521' },
  })
  const { socket } = await tlsTunnel(t, running, port, { maxVersion: 'TLSv1.2' })
  t.like(socket.getEphemeralKeyInfo(), { name: 'secp384r1' })
  // The server's own key is agreed on in that group: only the client's end can say so.
  t.is(met.length, 1)
  const strict = await server(t, { ecdhCurve: 'X25519' })
  const talk = await tlsTunnel(t, running, strict.port)
  talk.says(GET)
  t.regex(await talk.hears('\r\n\r\n'), /^HTTP\/1\.1 502 /)
})

test('a setting that OpenSSL does not have is refused at the start, with what there is', async (t) => {
  const refused = async (options: Record<string, string>, sign: RegExp) => {
    const error = await t.throwsAsync(startProxy(t, { options }), { code: 'ERR_OPTION' })
    t.regex(error?.message ?? '', sign)
  }
  await refused({ ciphers_client: 'AES128-SHA:BOGUS' }, /^ciphers_client: "BOGUS" .*OpenSSL has: .*AES128-SHA/)
  await refused({ ciphers_server: 'RC5' }, /^ciphers_server: "RC5"/)
  await refused({ ciphers_client: 'AES128-SHA:!AES128-SHA' }, /^ciphers_client: the list leaves no cipher suite/)
  await refused({ tls_ecdh_curve_client: 'X25519:P-1' }, /^tls_ecdh_curve_client: "P-1" .*prime256v1.*X25519/)
  await refused({ tls_ecdh_curve_server: 'x' }, /^tls_ecdh_curve_server/)
  await refused({ tls_version_client_max: 'TLS4' }, /one of UNBOUNDED, TLS1, TLS1_1, TLS1_2, TLS1_3/)
  await refused({ tls_version_client_max: 'TLS1' }, /tls_version_client_min is TLS1_2/)
})

test('odd names in SNI: a certificate of ours or an alert, and no file is looked for', async (t) => {
  const path = folder(t, { 'a.test.pem': shown.pem + shown.keyPem })
  writeFileSync(join(path, '..', 'midwire-outside.pem'), other.pem + other.keyPem)
  t.teardown(() => rmSync(join(path, '..', 'midwire-outside.pem')))
  const { port, names } = await server(t, { requestCert: true, rejectUnauthorized: false })
  const options = { certs: [`*.b.test=${join(path, 'a.test.pem')}`], client_certs: path }
  const running = await startProxy(t, { options })
  const odd = [
    '../midwire-outside',
    '..',
    '/',
    '*',
    '*.b.test',
    'a.test/../a.test',
    'ä.test',
    'xn--4ca.test',
    `${'a'.repeat(63)}.`.repeat(4).slice(0, 255),
    'a'.repeat(255),
    '.',
    'a..b',
    '%00',
  ]
  for (const servername of odd) {
    const talk = await tlsTunnel(t, running, port, { servername, rejectUnauthorized: false }).catch((error) => error)
    if (talk instanceof Error) t.regex((talk as NodeJS.ErrnoException).code ?? '', /ALERT/, servername)
    else {
      t.is(commonName(talk.socket), 'test', servername)
      talk.socket.destroy()
    }
  }
  t.true(names.length > 0)
  t.true(names.every((name) => name === undefined))
})
