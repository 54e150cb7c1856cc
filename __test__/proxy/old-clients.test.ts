// Clients without ECDSA, or without P-256: phones, set-top boxes and things of old. By openssl s_client, and by bytes.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { CIPHERS } from '../../src/certs/leaf-keys.js'
import { certificate, ecKey, rsaKey } from '../support/certificates.js'
import { clientHello, u16, vector16 } from '../support/client-hellos.js'
import { type Running, startProxy, tunnel } from '../support/proxy.js'
import { listen } from '../support/talk.js'

/** Skipped where there is no openssl to be the client. */
const withOpenssl = spawnSync('openssl', ['version']).status === 0 ? test : test.skip

const keys = { RSA: rsaKey(), ECDSA: ecKey() }

/** A proxy whose authority has that kind of key, as a user would bring it. */
async function proxyOf(t: ExecutionContext, kind: keyof typeof keys, options = {}): Promise<Running & { ca: string }> {
  const confdir = mkdtempSync(join(tmpdir(), 'midwire-old-client-'))
  t.teardown(() => rmSync(confdir, { recursive: true, force: true }))
  const own = certificate({ commonName: 'authority', ca: true, key: keys[kind], until: 300 })
  writeFileSync(join(confdir, 'midwire-ca.pem'), own.keyPem + own.pem, { mode: 0o600 })
  const ca = join(confdir, 'ca.pem')
  writeFileSync(ca, own.pem)
  return { ...(await startProxy(t, { confdir, options: { upstream_cert: false, ...options } })), ca }
}

/** What s_client says of a handshake through a CONNECT, with these arguments; it verifies the chain. */
async function shake(t: ExecutionContext, { port, ca }: Running & { ca: string }, args: string): Promise<string> {
  const upstream = await listen(t)
  const proxy = ['-proxy', `127.0.0.1:${port}`, '-connect', `127.0.0.1:${upstream.port}`, '-servername', 'old.test']
  const all = ['s_client', ...proxy, '-CAfile', ca, '-verify_return_error', ...args.split(' ').filter(Boolean)]
  const client = spawn('openssl', all, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  client.stdout.on('data', (data: Buffer) => {
    said += data
  })
  client.stderr.on('data', (data: Buffer) => {
    said += data
  })
  await new Promise((resolve) => client.on('close', resolve))
  return said
}

const KEYS = {
  p256: /Server public key is 256 bit/,
  rsa: /Server public key is 2048 bit/,
  p384: /Server public key is 384 bit/,
}

for (const authority of ['RSA', 'ECDSA'] as const) {
  withOpenssl(`openssl s_client, with an authority of ${authority}`, async (t) => {
    const running = await proxyOf(t, authority)
    for (const [args, key, cipher] of [
      ['', 'p256', /TLSv1.3, Cipher is TLS_/],
      ['-tls1_2', 'p256', /Cipher is ECDHE-ECDSA-/],
      ['-tls1_2 -cipher AES128-SHA', 'rsa', /Cipher is AES128-SHA/],
      ['-tls1_2 -cipher AES256-GCM-SHA384', 'rsa', /Cipher is AES256-GCM-SHA384/],
      ['-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256', 'rsa', /Cipher is ECDHE-RSA-AES128-GCM-SHA256/],
      ['-tls1_2 -cipher AES128-SHA:ECDHE-RSA-AES256-SHA', 'rsa', /Cipher is ECDHE-RSA-AES256-SHA/],
      ['-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256 -curves P-384', 'p384', /Cipher is ECDHE-ECDSA-/],
      ['-tls1_2 -curves P-384', 'rsa', /Cipher is ECDHE-RSA-/],
      ['-tls1_2 -curves X25519', 'rsa', /Cipher is ECDHE-RSA-/],
      ['-tls1_2 -curves brainpoolP256r1', 'rsa', /Cipher is AES128-GCM-SHA256/],
      ['-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256 -sigalgs ECDSA+SHA384:RSA+SHA256', 'p256', /ECDHE-ECDSA-/],
      ['-curves P-384', 'p256', /TLSv1.3, Cipher is TLS_/],
    ] as const) {
      const said = await shake(t, running, args)
      t.regex(said, cipher, args)
      t.regex(said, KEYS[key], args)
      t.regex(said, /Verify return code: 0 \(ok\)/, args)
    }
  })
}

withOpenssl('openssl s_client with schemes of RSA alone: it takes the chain of an authority with RSA', async (t) => {
  const running = await proxyOf(t, 'RSA')
  for (const args of ['-tls1_2 -sigalgs RSA+SHA256', '-sigalgs RSA-PSS+SHA256:RSA+SHA256']) {
    const said = await shake(t, running, args)
    t.regex(said, KEYS.rsa, args)
    t.regex(said, /Verify return code: 0 \(ok\)/, args)
  }
  const schemes = await shake(t, running, '-sigalgs ECDSA+SHA384:RSA+SHA256')
  t.regex(schemes, KEYS.p384, 'TLS 1.3 knows RSA as PSS alone')
  const sha1 = await shake(t, running, '-tls1_2 -cipher ECDHE-RSA-AES128-SHA:@SECLEVEL=0 -sigalgs RSA+SHA1')
  t.regex(sha1, /Peer signing digest: SHA1/)
})

withOpenssl('openssl s_client with each suite of RSA', async (t) => {
  const running = await proxyOf(t, 'RSA')
  for (const suite of CIPHERS.rsa2048.split(':').filter((name) => !name.startsWith('TLS_'))) {
    t.true((await shake(t, running, `-tls1_2 -cipher ${suite}`)).includes(`Cipher is ${suite}`), suite)
  }
})

withOpenssl('openssl s_client of TLS 1.0, where it is allowed', async (t) => {
  const running = await proxyOf(t, 'RSA', { tls_version_client_min: 'TLS1' })
  for (const [cipher, key] of [
    ['AES128-SHA', 'rsa'],
    ['ECDHE-RSA-AES128-SHA', 'rsa'],
    ['ECDHE-ECDSA-AES128-SHA', 'p256'],
  ] as const) {
    const said = await shake(t, running, `-tls1 -cipher ${cipher}:@SECLEVEL=0`)
    t.regex(said, /Protocol +: TLSv1$/m)
    t.true(said.includes(`Cipher is ${cipher}`))
    t.regex(said, KEYS[key])
  }
})

withOpenssl('openssl s_client that has nothing in common with us: the log says what is missing', async (t) => {
  const running = await proxyOf(t, 'RSA')
  await shake(t, running, '-tls1_2 -cipher DHE-RSA-AES128-SHA')
  t.truthy(await running.logged(/no cipher that we have: a cipher suite .* is missing \(offered: 0x0033/))
  await shake(t, running, '-tls1_2 -sigalgs ed25519')
  t.truthy(await running.logged(/a signature scheme .* is missing \(offered: 0x0807\)/))
})

const HANDSHAKE = 22
const CERTIFICATE = 11
const RSA_ENCRYPTION = Buffer.from('2a864886f70d010101', 'hex')

for (const [what, suite, extensions] of [
  ['RSA without ECDHE', 0x002f, null],
  ['ECDHE with RSA', 0xc013, [[10, vector16(u16(23))]]],
  ['ECDHE with ECDSA', 0xc009, [[10, vector16(u16(23))]]],
] as const) {
  test(`by bytes: a ClientHello of TLS 1.2 without signature_algorithms: ${what}`, async (t) => {
    const running = await startProxy(t, { options: { upstream_cert: false } })
    const upstream = await listen(t)
    const client = await tunnel(t, running, upstream.port, clientHello({ ciphers: [suite], extensions }))
    // As far as the ServerHelloDone, which has no content and ends the flight.
    const flight = Buffer.from(await client.hears(Buffer.from([14, 0, 0, 0])), 'latin1')
    t.is(flight[0], HANDSHAKE)
    const at = 5 + 4 + flight.readUInt16BE(5 + 2)
    const certificates = flight.subarray(at)
    t.is(certificates[certificates[0] === HANDSHAKE ? 5 : 0], CERTIFICATE)
    t.is(flight.includes(RSA_ENCRYPTION), suite !== 0xc009)
    client.socket.destroy()
  })
}

test('a client that needs RSA and leaves: the log doubts that it knows the authority', async (t) => {
  const running = await startProxy(t, { options: { upstream_cert: false } })
  const upstream = await listen(t)
  const client = await tunnel(t, running, upstream.port, clientHello({ ciphers: [0x002f], extensions: null }))
  await client.hears(Buffer.from([14, 0, 0, 0]))
  // A fatal alert: unknown_ca.
  client.says(Buffer.from([21, 3, 3, 0, 2, 2, 48]))
  t.truthy(await running.logged(/does not trust our certificate.*it asks for RSA, and may not know.*midwire-ca\.pem/))
})

test('many clients at once that need the RSA key, and one that leaves before it is there', async (t) => {
  const running = await startProxy(t, { options: { upstream_cert: false } })
  const upstream = await listen(t)
  const hello = clientHello({ ciphers: [0x002f], extensions: null })
  const gone = await tunnel(t, running, upstream.port, hello)
  gone.socket.resetAndDestroy()
  const clients = await Promise.all([1, 2, 3].map(() => tunnel(t, running, upstream.port, hello)))
  for (const client of clients) {
    await client.hears(Buffer.from([14, 0, 0, 0]))
    client.socket.destroy()
  }
  t.deepEqual(
    running.log.filter(({ level }) => level === 'error'),
    [],
  )
})
