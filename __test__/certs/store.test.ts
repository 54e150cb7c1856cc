// Contexts by real handshakes: a leaf for every client, whatever it asks for, and no more of them than are kept.
import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect as connectTcp, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import test from 'ava'
import { type Authority, loadAuthority } from '../../src/certs/authority.js'
import { readAuthority } from '../../src/certs/authority-file.js'
import { EXTENSION, readCertificate } from '../../src/certs/certificate.js'
import type { LeafRequest } from '../../src/certs/leaf.js'
import { CertificateStore, type StoreOptions } from '../../src/certs/store.js'
import { upstreamNames } from '../../src/certs/upstream.js'
import { certificate, rsaKey } from '../support/certificates.js'

const run = promisify(execFile)

const confdir = mkdtempSync(join(tmpdir(), 'midwire-store-'))
let authority: Authority
test.before(async () => {
  authority = await loadAuthority(confdir)
})
test.after.always(() => rmSync(confdir, { recursive: true, force: true }))

interface Answer {
  certificate: X509Certificate
  protocol: string | null
  cipher: string
  session: Buffer | undefined
  reused: boolean
}

/** What is shown for a session that was resumed: there is no certificate in it. */
const none = new X509Certificate(certificate({}).der)

/** A handshake between node:tls and a context of the store; rejects as the client does. */
function shake(store: CertificateStore, request: LeafRequest, options: ConnectionOptions = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      const secure = new TLSSocket(socket, { isServer: true, secureContext: store.context(request) })
      secure.on('error', () => {}).on('secure', () => secure.end('x'))
    })
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      let session: Buffer | undefined
      const client = connect({ host: '127.0.0.1', port, ca: authority.pem, ...options })
      client.on('session', (one: Buffer) => {
        session = one
      })
      client.on('error', reject).on('close', () => server.close())
      client.on('secureConnect', () => {
        const certificate = client.getPeerX509Certificate()
        const known = {
          protocol: client.getProtocol(),
          cipher: client.getCipher().name,
          reused: client.isSessionReused(),
        }
        client.resume().on('end', () => {
          resolve({ certificate: certificate ?? none, ...known, session })
        })
      })
    })
  })
}

test('a client that trusts the authority trusts every leaf', async (t) => {
  const store = new CertificateStore(authority)
  const upstream = upstreamNames(certificate({ commonName: '*.example.org', organization: 'Example' }).der)
  for (const [request, servername] of [
    [{ sni: 'example.org', address: '192.0.2.1' }, 'example.org'],
    [{ sni: 'a.example.org', address: '192.0.2.1', upstream }, 'a.example.org'],
    [{ sni: 'BÜCHER.example' }, 'xn--bcher-kva.example'],
    [{ sni: `${'a'.repeat(60)}.example.org` }, `${'a'.repeat(60)}.example.org`],
    [{ address: '127.0.0.1' }, ''],
  ] as const) {
    const { certificate: leaf, protocol, cipher } = await shake(store, request, servername ? { servername } : {})
    t.is(protocol, 'TLSv1.3')
    t.is(cipher, 'TLS_AES_128_GCM_SHA256')
    t.false(leaf.publicKey.equals(authority.certificate.publicKey), "not the authority's key")
    t.true(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom) < 199 * 86_400_000)
    t.true(Date.parse(leaf.validFrom) < Date.now() - 86_400_000)
    t.true(leaf.verify(authority.certificate.publicKey))
  }
})

test('a leaf has the names of the server, the organisation, and the own name first of all', async (t) => {
  const upstream = upstreamNames(
    certificate({ commonName: 'www.example.org', organization: 'Example', names: ['example.org', '192.0.2.9'] }).der,
  )
  const request = { sni: 'other.example', address: '192.0.2.1', upstream }
  const { certificate: leaf } = await shake(new CertificateStore(authority), request, { servername: 'example.org' })
  t.is(leaf.subject, 'CN=www.example.org\nO=Example')
  const names = 'DNS:www.example.org, DNS:example.org, IP Address:192.0.2.9, DNS:other.example, IP Address:192.0.2.1'
  t.is(leaf.subjectAltName, names)
})

test('whatever a client asks for, it has a certificate and nothing throws', async (t) => {
  const store = new CertificateStore(authority)
  const odd = [
    '',
    '\0',
    '../../etc/passwd',
    'a\0b',
    '*',
    '*.example.org',
    `${'a'.repeat(255)}`,
    '.'.repeat(255),
    '%00',
    '::1',
  ]
  for (const sni of [...odd, ...Array.from({ length: 300 }, () => randomBytes(40).toString('latin1'))]) {
    for (const address of ['127.0.0.1', undefined, 'not an address']) {
      const before = store.size
      t.truthy(store.context({ sni, address }), JSON.stringify(sni))
      t.true(store.size <= before + 1)
    }
  }
  for (const sni of odd) {
    const { certificate: leaf } = await shake(store, { sni, address: '127.0.0.1' })
    t.is(leaf.checkIP('127.0.0.1'), '127.0.0.1')
  }
})

test('clients of the same names have the same context, and resume their sessions', async (t) => {
  const store = new CertificateStore(authority)
  const request = { sni: 'example.org', address: '192.0.2.1' }
  t.is(store.context(request), store.context({ ...request, sni: 'EXAMPLE.org.' }))
  t.not(store.context(request), store.context({ ...request, sni: 'example.com' }))
  t.is(store.size, 2)
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const options = { servername: 'example.org', maxVersion }
    const { session, reused } = await shake(store, request, options)
    t.false(reused)
    if (!session) throw new Error('no session')
    t.true((await shake(store, request, { ...options, session })).reused, maxVersion)
  }
})

test('what was not used for longest leaves first', (t) => {
  const store = new CertificateStore(authority, { limit: 3 })
  const context = (sni: string) => store.context({ sni })
  const [a, b] = [context('a.example'), context('b.example')]
  context('c.example')
  t.is(context('a.example'), a)
  context('d.example')
  t.is(store.size, 3)
  t.is(context('a.example'), a)
  t.not(context('b.example'), b)
})

test('ten thousand names stay under 64 MB', async (t) => {
  const url = (name: string) => JSON.stringify(new URL(`../../src/certs/${name}.js`, import.meta.url).href)
  const program = `
    const { loadAuthority } = await import(${url('authority')})
    const { CertificateStore } = await import(${url('store')})
    const store = new CertificateStore(await loadAuthority(${JSON.stringify(confdir)}))
    const before = process.memoryUsage.rss()
    for (let index = 0; index < 10_000; index++) {
      store.context({ sni: 'h' + index + '.example' })
      if (index % 10 === 0) await new Promise(setImmediate)
    }
    console.log(JSON.stringify({ size: store.size, grown: process.memoryUsage.rss() - before }))`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', program])
  const { size, grown } = JSON.parse(stdout) as { size: number; grown: number }
  t.is(size, 1000)
  t.log(`${(grown / 1e6).toFixed(1)} MB`)
  t.true(grown < 64e6)
})

test('a connection lives on when its context is not kept any longer', async (t) => {
  const store = new CertificateStore(authority, { limit: 1 })
  const server = createServer((socket) => {
    // The handshake has not begun yet when the context leaves.
    const secure = new TLSSocket(socket, { isServer: true, secureContext: store.context({ address: '127.0.0.1' }) })
    store.context({ sni: 'other.example' })
    secure.on('error', () => {}).pipe(secure)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const tcp = connectTcp(port, '127.0.0.1')
  await new Promise((resolve) => setTimeout(resolve, 300))
  const client = connect({ socket: tcp, host: '127.0.0.1', ca: authority.pem, maxVersion: 'TLSv1.2' })
  const echo = (text: string) =>
    new Promise((resolve) => client.once('data', (data) => resolve(data.toString())).write(text))
  t.is(await echo('one'), 'one')
  await new Promise((resolve) => setTimeout(resolve, 300))
  t.is(await echo('two'), 'two')
  client.destroy()
})

test('versions and ciphers are those of the options', async (t) => {
  const store = (options: StoreOptions) => new CertificateStore(authority, options)
  const request = { address: '127.0.0.1' }
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  const two = store({ minVersion: 'TLS1_2', maxVersion: 'TLS1_2' })
  t.is((await shake(two, request)).protocol, 'TLSv1.2')
  t.is((await shake(two, request)).cipher, 'ECDHE-ECDSA-AES128-GCM-SHA256')
  await t.throwsAsync(shake(two, request, old), { message: /protocol version/ })
  await t.throwsAsync(shake(store({ minVersion: 'TLS1_3' }), request, { maxVersion: 'TLSv1.2' }), {
    message: /protocol version/,
  })
  t.is((await shake(store({ minVersion: 'TLS1' }), request, old)).protocol, 'TLSv1.1')
  const slow = { ciphers: 'TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256' }
  t.is((await shake(store({}), request, slow)).cipher, 'TLS_CHACHA20_POLY1305_SHA256', 'a client without AES')
})

test('an authority that is no root: the client has the chain', async (t) => {
  const root = certificate({ commonName: 'root', ca: true })
  const own = certificate({ commonName: 'own', ca: true, issuer: root })
  const file = readAuthority('x.pem', own.keyPem + own.pem + root.pem)
  const store = new CertificateStore({ ...authority, ...file })
  const { certificate: leaf } = await shake(store, { address: '127.0.0.1' }, { ca: root.pem })
  t.is(leaf.issuer, 'CN=own')
})

test('a chain that OpenSSL does not serve is refused at the start', (t) => {
  const { privateKey: key } = generateKeyPairSync('rsa', { modulusLength: 512 })
  const weak = certificate({ commonName: 'weak', ca: true, key, issuer: certificate({ ca: true }) })
  const store = () => new CertificateStore({ ...authority, chain: [weak.pem] })
  t.throws(store, { code: 'ERR_AUTHORITY', message: /midwire-ca\.pem.*OpenSSL/ })
})

test('curl accepts it', async (t) => {
  const store = new CertificateStore(authority)
  const server: Server = createServer((socket) => {
    const request = { sni: 'curl.example', address: '127.0.0.1' }
    const secure = new TLSSocket(socket, { isServer: true, secureContext: store.context(request) })
    secure.on('error', () => {})
    secure.once('data', () => secure.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const path = join(confdir, 'midwire-ca-cert.pem')
  const ask = (host: string, ...more: string[]) =>
    run('curl', ['-sS', '--noproxy', '*', '--max-time', '10', '--cacert', path, ...more, `https://${host}:${port}/`])
  try {
    t.is((await ask('curl.example', '--resolve', `curl.example:${port}:127.0.0.1`)).stdout, 'hello')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    t.pass('there is no curl')
    return
  }
  t.is((await ask('127.0.0.1')).stdout, 'hello')
  await t.throwsAsync(ask('wrong.example', '--resolve', `wrong.example:${port}:127.0.0.1`), {
    message: /no alternative/,
  })
})

test('a ClientHello of nonsense ends that connection with an alert', async (t) => {
  const store = new CertificateStore(authority)
  const server = createServer((socket) => {
    const secureContext = store.context({ address: '127.0.0.1' })
    new TLSSocket(socket, { isServer: true, secureContext }).on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const answer = await new Promise<Buffer>((resolve) => {
    const parts: Buffer[] = []
    const client = connectTcp(port, '127.0.0.1', () => client.write(Buffer.from('16030100050100000100', 'hex')))
    client.on('data', (part) => parts.push(part)).on('close', () => resolve(Buffer.concat(parts)))
    client.on('error', () => {})
  })
  t.is(answer[0], 21, 'an alert record')
})

test('leaves of each kind of key: made when they are asked for, once, and kept apart', async (t) => {
  const store = new CertificateStore(authority)
  const request = { sni: 'example.org', address: '127.0.0.1' }
  t.is(store.prepare('p256'), undefined)
  t.throws(() => store.context({ ...request, key: 'rsa2048' }), { message: /prepare/ })
  const making = store.prepare('rsa2048')
  t.is(store.prepare('rsa2048'), making, 'two clients at once wait for one key')
  await Promise.all([making, store.prepare('p384')])
  t.is(store.prepare('rsa2048'), undefined)
  const seen = new Set<string>()
  for (const [key, type, details] of [
    ['p256', 'ec', { namedCurve: 'prime256v1' }],
    ['rsa2048', 'rsa', { modulusLength: 2048, publicExponent: 65537n }],
    ['p384', 'ec', { namedCurve: 'secp384r1' }],
  ] as const) {
    const { certificate: leaf } = await shake(store, { ...request, key }, { servername: 'example.org' })
    t.is(leaf.publicKey.asymmetricKeyType, type)
    t.deepEqual(leaf.publicKey.asymmetricKeyDetails, details)
    // digitalSignature; and keyEncipherment for RSA without ECDHE (RFC 5280, 4.2.1.3).
    const usage = readCertificate(leaf.raw).extensions.get(EXTENSION.keyUsage)
    t.is(usage?.toString('hex'), key === 'rsa2048' ? '030205a0' : '03020780')
    t.is(store.context({ ...request, key }), store.context({ ...request, key }))
    seen.add(leaf.fingerprint256)
    const { certificate: again } = await shake(store, { ...request, key }, { servername: 'example.org' })
    seen.add(again.fingerprint256)
  }
  t.is(seen.size, 3)
})

test('a client that needs RSA, and an authority that has another key: the doubt is a sentence', (t) => {
  t.regex(new CertificateStore(authority).doubt('rsa2048') ?? '', /midwire-ca\.pem.*authority with an RSA key$/)
  t.is(new CertificateStore(authority).doubt('p384'), undefined)
  const own = certificate({ commonName: 'rsa', ca: true, key: rsaKey() })
  const rsa = { ...authority, ...readAuthority('x.pem', own.keyPem + own.pem) }
  t.is(new CertificateStore(rsa).doubt('rsa2048'), undefined)
})
