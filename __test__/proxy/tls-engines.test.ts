// Both engines of TLS, rustls and OpenSSL, say and do the same with the same servers and clients.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type SecureVersion, type TlsOptions } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { certificate, rsaKey } from '../support/certificates.js'
import { ok, startProxy, tlsTunnel } from '../support/proxy.js'
import { bind, Talk } from '../support/talk.js'

const root = certificate({ commonName: 'root', ca: true })
const names = ['upstream.test']
const good = certificate({ names, issuer: root })
const rsa = certificate({ names, issuer: root, key: rsaKey() })
const wrong = certificate({ names: ['other.test'], issuer: root })
const stranger = certificate({ names })
const old = certificate({ names, issuer: root, until: -1, from: -2 })

const shows = ({ pem, keyPem }: typeof good, more: TlsOptions = {}): TlsOptions => ({ cert: pem, key: keyPem, ...more })
const only = (version: SecureVersion) => ({ minVersion: version, maxVersion: version })

const SERVERS: [what: string, options: TlsOptions][] = [
  ['TLS 1.3', shows(good, only('TLSv1.3'))],
  ['TLS 1.2', shows(good, only('TLSv1.2'))],
  ['an RSA key', shows(rsa)],
  ['an RSA key and TLS 1.2', shows(rsa, only('TLSv1.2'))],
  ['CBC alone', shows(good, { ...only('TLSv1.2'), ciphers: 'ECDHE-ECDSA-AES128-SHA' })],
  ['RSA key exchange alone', shows(rsa, { ...only('TLSv1.2'), ciphers: 'AES128-GCM-SHA256' })],
  ['P-521 alone', shows(good, { ecdhCurve: 'P-521' })],
  ['TLS 1.1 alone', shows(rsa, { ...only('TLSv1.1'), ciphers: 'DEFAULT:@SECLEVEL=0' })],
  ['another protocol alone', shows(good, { ALPNProtocols: ['other'] })],
  ['a certificate of another name', shows(wrong)],
  ['a certificate of nobody known', shows(stranger)],
  ['a certificate that has expired', shows(old)],
  ['a certificate of an authority', shows(certificate({ names, issuer: root, ca: true }))],
  ['a wish for certificates of clients', shows(good, { ...only('TLSv1.2'), requestCert: true, ca: root.pem })],
]

/** What a client gets, and what midwire knows of both legs. */
async function outcome(t: ExecutionContext, engine: string, port: number, file: string, version: SecureVersion) {
  const running = await startProxy(t, {
    options: { tls_engine: engine, ssl_insecure: false, ssl_verify_upstream_trusted_ca: file },
  })
  const client = await tlsTunnel(t, running, port, only(version))
  client.says('GET / HTTP/1.1\r\nHost: upstream.test\r\nConnection: close\r\n\r\n')
  const answer = await client.hearsAll()
  const flow = await running.flow('http')
  const legs = [flow.client, flow.server].map((leg) => {
    const { version: spoken, cipher, alpn, sni, certificates, error } = { ...leg?.tls, error: undefined }
    return { spoken, cipher, alpn, sni, certificates: certificates?.map((one) => one.toString('base64')), error }
  })
  return { status: answer.slice(9, 12), error: flow.error?.message, legs }
}

for (const [what, options] of SERVERS) {
  for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
    test(`a server with ${what}, a client with ${version}`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'midwire-engines-'))
      t.teardown(() => rmSync(folder, { recursive: true, force: true }))
      const file = join(folder, 'root.pem')
      writeFileSync(file, root.pem)
      const server = createServer(options, (socket) => {
        const talk = new Talk(socket)
        void talk.hears('\r\n\r\n').then(
          () => talk.says(ok('answer')),
          () => {},
        )
        t.teardown(() => socket.destroy())
      })
      server.on('tlsClientError', () => {})
      const port = await bind(t, server)
      const [rustls, openssl] = [
        await outcome(t, 'auto', port, file, version),
        await outcome(t, 'node', port, file, version),
      ]
      t.deepEqual(rustls, openssl)
    })
  }
}

test('a server that speaks no TLS, and one that leaves', async (t) => {
  for (const says of ['HTTP/1.1 400 Bad Request\r\n\r\n', '']) {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(says))
    })
    const port = await bind(t, server)
    const file = join(mkdtempSync(join(tmpdir(), 'midwire-engines-')), 'root.pem')
    t.teardown(() => rmSync(join(file, '..'), { recursive: true, force: true }))
    writeFileSync(file, root.pem)
    t.deepEqual(await outcome(t, 'auto', port, file, 'TLSv1.3'), await outcome(t, 'node', port, file, 'TLSv1.3'))
  }
})
