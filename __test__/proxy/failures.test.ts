// Failures as the user is told of them: on the flow, at the hook, on the page that the client gets, and in the log.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { createServer as createTlsServer } from 'node:tls'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import type { TlsHook } from '../../src/index.js'
import { certificate, type Made } from '../support/certificates.js'
import { captured } from '../support/client-hellos.js'
import { type Running, startProxy, tlsTunnel, tunnel } from '../support/proxy.js'
import { bind, listen, Talk } from '../support/talk.js'

const run = promisify(execFile)
const root = certificate({ commonName: 'Root', ca: true })
const intermediate = certificate({ commonName: 'Intermediate', ca: true, issuer: root })
const names = ['upstream.test']

/** A server with that certificate, and a proxy that trusts `root`. */
async function setUp(t: ExecutionContext, made: Made, options: Record<string, unknown> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'midwire-failures-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'root.pem')
  writeFileSync(file, root.pem)
  const server = createTlsServer({ cert: made.pem, key: made.keyPem }, (socket) => {
    const talk = new Talk(socket)
    void talk.hears('\r\n\r\n').then(
      () => talk.says('HTTP/1.1 204 No Content\r\n\r\n'),
      () => {},
    )
    t.teardown(() => socket.destroy())
  })
  server.on('tlsClientError', () => {})
  const port = await bind(t, server)
  const failures: TlsHook[] = []
  const running = await startProxy(t, {
    options: { ssl_insecure: false, ssl_verify_upstream_trusted_ca: file, ...options },
    addons: [
      {
        tls_failed_server: (failure) => void failures.push(failure),
        tls_failed_client: (failure) => void failures.push(failure),
      },
    ],
  })
  return { running, port, failures, file }
}

async function ask(t: ExecutionContext, running: Running, port: number): Promise<string> {
  const client = await tlsTunnel(t, running, port)
  client.says('GET / HTTP/1.1\r\nHost: upstream.test\r\nConnection: close\r\n\r\n')
  return client.hearsAll()
}

const page = (text: string): string => text.replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&amp;', '&')

for (const [what, made, message] of [
  [
    'expired',
    certificate({ names, issuer: root, from: -30, until: -1 }),
    /its certificate, or one above it, has expired; is the clock right/,
  ],
  ['not valid yet', certificate({ names, issuer: root, from: 1, until: 30 }), /its certificate is not valid yet/],
  [
    'self-signed',
    certificate({ names }),
    /its certificate is self-signed; trust its authority with --set ssl_verify_upstream_trusted_ca=FILE, or accept it with -k/,
  ],
  [
    'of another name',
    certificate({ names: ['other.test', 'third.test'], issuer: root }),
    /its certificate is for other\.test, third\.test only; ask for one of those/,
  ],
  [
    'of an unknown authority',
    certificate({ names, issuer: certificate({ commonName: 'Nobody', ca: true }) }),
    /the authority that issued its certificate is unknown, and the server has sent no intermediate/,
  ],
  [
    'without its intermediate',
    certificate({ names, issuer: intermediate }),
    /the authority that issued its certificate is unknown, and the server has sent no intermediate/,
  ],
] as const) {
  for (const connection_strategy of ['eager', 'lazy'] as const) {
    test(`a server's certificate that is ${what} (${connection_strategy})`, async (t) => {
      const { running, port, failures } = await setUp(t, made, { connection_strategy })
      const answer = await ask(t, running, port)
      t.regex(answer, /^HTTP\/1\.1 502 /)
      const flow = await running.flow('http')
      t.regex(flow.error?.message ?? '', new RegExp(`^upstream\\.test is not trusted: ${message.source}`))
      t.true(page(answer).includes(flow.error?.message ?? '?'), 'the client is told the same')
      t.is(flow.response, undefined)
      t.is(flow.server?.error, flow.error?.message)
      t.deepEqual(
        failures.map(({ error }) => error),
        [flow.error?.message],
      )
    })
  }
}

test('a good certificate is trusted, and so is any with ssl_insecure', async (t) => {
  const good = await setUp(t, certificate({ names, issuer: root }))
  t.regex(await ask(t, good.running, good.port), /^HTTP\/1\.1 204 /)
  t.deepEqual(good.failures, [])
  const bad = await setUp(t, certificate({ names: ['other.test'], until: -1, from: -30 }), { ssl_insecure: true })
  t.regex(await ask(t, bad.running, bad.port), /^HTTP\/1\.1 204 /)
})

test('authorities that are not there: nothing is started', async (t) => {
  for (const name of ['ssl_verify_upstream_trusted_ca', 'ssl_verify_upstream_trusted_confdir']) {
    await t.throwsAsync(startProxy(t, { options: { [name]: '/no/such/file' } }), {
      code: 'ERR_ARGUMENT',
      message: new RegExp(`^${name}: ENOENT`),
    })
  }
})

test('authorities that go while the proxy runs: that is said, and no connection is left behind', async (t) => {
  const { running, port, file } = await setUp(t, certificate({ names, issuer: root }))
  rmSync(file)
  const upstream = await listen(t)
  t.regex(await ask(t, running, upstream.port), /^HTTP\/1\.1 502 [\s\S]*ssl_verify_upstream_trusted_ca: ENOENT/)
  await upstream.talks[0]?.hearsAll()
  t.true(upstream.talks[0]?.ended)
  writeFileSync(file, root.pem)
  t.regex(await ask(t, running, port), /^HTTP\/1\.1 204 /)
})

test('a server that speaks no TLS', async (t) => {
  const { running } = await setUp(t, root)
  const upstream = await listen(
    t,
    (talk) => void talk.hears(Buffer.of(0x16)).then(() => talk.says('HTTP/1.1 400 Bad\r\n\r\n')),
  )
  t.regex(await ask(t, running, upstream.port), /^HTTP\/1\.1 502 /)
  t.is(
    (await running.flow('http')).error?.message,
    'TLS with upstream.test has failed: what it answers is no TLS: is it plain HTTP?',
  )
})

for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
  test(`a server that wants a certificate of its clients (${version})`, async (t) => {
    const { running } = await setUp(t, root)
    const made = certificate({ names, issuer: root })
    const server = createTlsServer({
      ...{ cert: made.pem, key: made.keyPem, ca: root.pem, requestCert: true, rejectUnauthorized: true },
      ...{ minVersion: version, maxVersion: version },
    })
    const port = await bind(t, server)
    t.regex(await ask(t, running, port), /^HTTP\/1\.1 502 [\s\S]*wants a certificate of the client/)
    t.regex((await running.flow('http')).error?.message ?? '', /wants a certificate of the client/)
  })
}

test('a server that leaves in the middle of its handshake', async (t) => {
  const { running } = await setUp(t, root)
  const upstream = await listen(t, (talk) => void talk.hears(Buffer.of(0x16)).then(() => talk.socket.end()))
  t.regex(await ask(t, running, upstream.port), /^HTTP\/1\.1 502 /)
  t.regex(
    (await running.flow('http')).error?.message ?? '',
    /^TLS with upstream\.test has failed: .*(closed|disconnected)/,
  )
})

const HINT = "install midwire's certificate in the client, from http://get.test"

for (const [alert, name] of [
  [42, 'bad_certificate'],
  [46, 'certificate_unknown'],
  [48, 'unknown_ca'],
] as const) {
  test(`a client that does not trust us: alert ${name}`, async (t) => {
    const { running, port, failures } = await setUp(t, certificate({ names, issuer: root }), {
      // The client asks for another name than the server has.
      ssl_insecure: true,
      onboarding_host: 'get.test',
    })
    const client = await tunnel(t, running, port, captured('openssl-tls12'))
    // ServerHelloDone, in a record of its own or behind other messages.
    await client.hears(Buffer.of(0x0e, 0, 0, 0))
    client.says(Buffer.of(0x15, 3, 3, 0, 2, 2, alert))
    await client.hearsAll()
    const entry = await running.logged(/^127\.0\.0\.1:\d+: TLS with the client has failed/)
    t.is(entry.level, 'warn')
    t.true(entry.message.endsWith(`: the client does not trust our certificate: ${HINT}`), entry.message)
    t.is(failures.at(-1)?.error, `the client does not trust our certificate: ${HINT}`)
  })
}

test('a client that ends its side in the middle of its handshake', async (t) => {
  t.timeout(10_000)
  const { running, port, failures } = await setUp(t, certificate({ names, issuer: root }), {
    onboarding_host: 'get.test',
  })
  const client = await tunnel(t, running, port, captured('openssl'))
  await client.hears(Buffer.of(0x16, 3, 3))
  client.socket.end()
  await client.hearsAll()
  const message = `the client closed the connection during the handshake; if it does not trust our certificate: ${HINT}`
  t.is(failures.at(-1)?.error, message)
})

test('a client that ends its side before its handshake', async (t) => {
  t.timeout(10_000)
  const { running, failures } = await setUp(t, root)
  const upstream = await listen(t)
  const client = await tunnel(t, running, upstream.port, captured('openssl'))
  const server = await upstream.talk(0)
  await server.hears(Buffer.of(0x16))
  client.socket.end()
  // The end has to be through before the server's handshake is over.
  await setTimeout(200)
  server.says('HTTP/1.1 400 Bad\r\n\r\n')
  // What rustls cannot read is asked for once more, by OpenSSL.
  const again = await upstream.talk(1)
  await again.hears(Buffer.of(0x16))
  again.says('HTTP/1.1 400 Bad\r\n\r\n')
  await client.hearsAll()
  t.is(failures.at(-1)?.error, 'the client closed the connection before its handshake')
})

test('a client that leaves in the middle of its handshake', async (t) => {
  const { running, port, failures } = await setUp(t, certificate({ names, issuer: root }), {
    onboarding_host: 'get.test',
  })
  const client = await tunnel(t, running, port, captured('openssl'))
  await client.hears(Buffer.of(0x16, 3, 3))
  client.socket.resetAndDestroy()
  await running.logged(/TLS with the client has failed/)
  const message = `the client closed the connection during the handshake; if it does not trust our certificate: ${HINT}`
  t.is(failures.at(-1)?.error, message)
})

test('curl, which does not trust us', async (t) => {
  const { running, port, failures } = await setUp(t, certificate({ names: ['127.0.0.1'], issuer: root }))
  const proxy = `http://127.0.0.1:${running.port}`
  const curl = run('curl', ['-sS', '--noproxy', '', '--max-time', '5', '-x', proxy, `https://127.0.0.1:${port}/`])
  const { code } = (await t.throwsAsync(curl)) as unknown as { code: unknown }
  if (code === 'ENOENT') return
  t.is(code, 60)
  await running.logged(/the client does not trust our certificate: install midwire's certificate .*http:\/\/mitm\.it/)
  t.is(failures.length, 1)
})
