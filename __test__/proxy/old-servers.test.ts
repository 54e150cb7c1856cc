// Servers whose TLS is of the old kind: refused with a sentence that names the option, and let in by it or by -k.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { GivenOptions } from '../../src/options/definitions.js'
import { certificate, rsaKey } from '../support/certificates.js'
import { type Age, oldServer } from '../support/old-server.js'
import { startProxy, tlsTunnel } from '../support/proxy.js'
import { bind } from '../support/talk.js'

const RSA_AES128_SHA = 0x002f
const DHE_RSA_AES128_SHA = 0x0033
const NAMED = /tls_legacy_server=true/

/** A GET by way of the proxy, over TLS on both sides; all of what is answered. */
async function ask(t: ExecutionContext, port: number, options: GivenOptions): Promise<string> {
  const running = await startProxy(t, { options: { ssl_insecure: false, ...options } })
  const client = await tlsTunnel(t, running, port, { servername: 'old.test' })
  client.says('GET / HTTP/1.1\r\nHost: old.test\r\nConnection: close\r\n\r\n')
  return client.hearsAll()
}

for (const [what, age, sentence, byDefault] of [
  ['that does not know safe renegotiation', { secureRenegotiation: false }, /safe renegotiation \(RFC 5746\)/, false],
  // Level 1 takes 1024 bits; level 2, which is OpenSSL 3.2's own, does not.
  ['with a Diffie-Hellman group of 1024 bits', { bits: 1024 }, /Diffie-Hellman key is too short/, undefined],
  ['that signs with SHA-1', { hash: 'sha1' }, /signs with a hash that is broken/, false],
  ['that has nothing old about it', {}, /./, true],
] as const satisfies [string, Age, RegExp, boolean | undefined][]) {
  test(`a server ${what}`, async (t) => {
    const refusing = await oldServer(t, age)
    const refusal = await ask(t, refusing.port, {})
    const accepted = await refusing.accepted
    if (byDefault !== undefined) t.is(accepted, byDefault)
    t.regex(refusal, /^HTTP\/1\.1 502 /)
    if (!accepted) {
      t.regex(refusal, sentence)
      t.regex(refusal, NAMED)
    }
    for (const options of [{ tls_legacy_server: true }, { ssl_insecure: true }]) {
      const server = await oldServer(t, age)
      // The handshake goes on past what is old; this server leaves in the middle of it.
      t.regex(await ask(t, server.port, options), /closed the connection during the handshake/)
      t.true(await server.accepted, Object.keys(options).join())
    }
  })
}

test('a Diffie-Hellman group of less than 1024 bits: OpenSSL takes none, so what needs it is offered last', async (t) => {
  for (const options of [{}, { tls_legacy_server: true }, { ssl_insecure: true }]) {
    const server = await oldServer(t, { bits: 512 })
    t.regex(
      await ask(t, server.port, options),
      /Diffie-Hellman key is too short .*allows 1024 bits, and nothing allows less/,
    )
    t.false(await server.accepted)
    const ephemeral = server.suites.indexOf(DHE_RSA_AES128_SHA)
    t.not(ephemeral, -1)
    const before = server.suites.indexOf(RSA_AES128_SHA)
    if (Object.keys(options).length > 0) t.true(before !== -1 && before < ephemeral)
  }
})

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
/** Skipped where there is no openssl to be the server. */
const withOpenssl = hasOpenssl ? test : test.skip

/** `openssl s_server` with a web page; ends with the test. */
async function opensslServer(t: ExecutionContext, key: string, cert: string, ...more: string[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-old-'))
  writeFileSync(join(folder, 'key.pem'), key)
  writeFileSync(join(folder, 'cert.pem'), cert)
  // A port that was free a moment ago: s_server says which one it took only in later versions.
  const probe = createServer()
  const port = await bind(t, probe)
  await new Promise((closed) => probe.close(closed))
  const args = ['s_server', '-accept', `127.0.0.1:${port}`, '-www', '-tls1_2', '-key', 'key.pem', '-cert', 'cert.pem']
  const server = spawn('openssl', [...args, ...more], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => {
    server.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  const [line] = (await once(server.stdout, 'data')) as [Buffer]
  t.regex(line.toString(), /ACCEPT|Using/)
  return port
}

withOpenssl('openssl s_server with SHA-1 and a certificate of SHA-1: a whole exchange, by the option', async (t) => {
  const own = certificate({ commonName: 'root', ca: true, key: rsaKey() })
  const leaf = certificate({ names: ['old.test'], issuer: own, key: rsaKey(), hash: 'sha1' })
  const folder = mkdtempSync(join(tmpdir(), 'midwire-old-ca-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const trusted = { ssl_verify_upstream_trusted_ca: join(folder, 'ca.pem') }
  writeFileSync(trusted.ssl_verify_upstream_trusted_ca, own.pem)
  const level = ['-cipher', 'ECDHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=0']
  const weak = await opensslServer(t, leaf.keyPem, leaf.pem, ...level)
  t.regex(await ask(t, weak, trusted), /^HTTP\/1\.1 502 [\s\S]*SHA-1[\s\S]*tls_legacy_server=true/)
  t.regex(await ask(t, weak, { ...trusted, tls_legacy_server: true }), /^HTTP\/1\.[01] 200 /)
  const signing = await opensslServer(t, leaf.keyPem, leaf.pem, ...level, '-sigalgs', 'RSA+SHA1')
  t.regex(await ask(t, signing, { ssl_insecure: true }), /^HTTP\/1\.[01] 200 /)
  // Trust is asked for all the same.
  t.regex(await ask(t, weak, { tls_legacy_server: true }), /^HTTP\/1\.1 502 [\s\S]*is not trusted/)
})
