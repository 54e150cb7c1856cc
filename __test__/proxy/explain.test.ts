// What a handshake with a client fails with, as sentences: nothing of OpenSSL's file names and numbers.
import { once } from 'node:events'
import { type AddressInfo, connect as connectPlain, createServer, type Socket } from 'node:net'
import { type ConnectionOptions, connect, createSecureContext, type SecureContextOptions } from 'node:tls'
import test from 'ava'
import type { Connection } from '../../src/index.js'
import { explainClient, explainLoss } from '../../src/proxy/explain.js'
import { socketPipe } from '../../src/transports/socket.js'
import { secureClient } from '../../src/transports/tls.js'
import { certificate } from '../support/certificates.js'

const own = certificate({ commonName: 'localhost', names: ['localhost'] })

/** What the user is told where these two meet. */
async function failure(client: ConnectionOptions, server: SecureContextOptions): Promise<string> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const below = connectPlain((listener.address() as AddressInfo).port, '127.0.0.1')
  connect({ socket: below, rejectUnauthorized: false, ...client }).on('error', () => {})
  const [socket] = (await once(listener, 'connection')) as [Socket]
  const context = createSecureContext({ cert: own.pem, key: own.keyPem, ...server })
  try {
    const { pipe } = await secureClient(socketPipe(socket), Buffer.alloc(0), { by: { context }, alpn: undefined })
    pipe.reset()
    return 'none'
  } catch (error) {
    return explainClient(error, 'mitm.it')
  } finally {
    below.destroy()
    listener.close()
  }
}

for (const [what, client, server, sentence] of [
  [
    'no group in common',
    { ecdhCurve: 'P-521' },
    { ecdhCurve: 'P-256' },
    'the client and midwire do not come to terms: no suitable key share',
  ],
  [
    'no cipher in common',
    { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
    { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
    'the client offers no cipher that we have',
  ],
] as const satisfies [string, ConnectionOptions, SecureContextOptions, string][]) {
  test(`a client that has ${what}`, async (t) => {
    t.is(await failure(client, server), sentence)
  })
}

test('an alert that says nothing of trust', (t) => {
  const message =
    '80BC:error:0A000416:SSL routines:ssl3_read_bytes:sslv3 alert illegal parameter:../deps/s3.c:1586:SSL\n'
  const error = Object.assign(new Error(message), {
    code: 'ERR_SSL_SSLV3_ALERT_ILLEGAL_PARAMETER',
    reason: 'sslv3 alert illegal parameter',
  })
  t.is(explainClient(error, 'mitm.it'), 'the client refuses the handshake: illegal parameter')
})

const client = { id: 'c', transport: 'tcp' } as Connection
const server = { id: 's', transport: 'tcp', host: 'example.org', port: 80 } as Connection
const system = (code: string) => Object.assign(new Error(`read ${code}`), { code, syscall: 'read' })

for (const [what, error, connection, sentence] of [
  ['a reset of the client', system('ECONNRESET'), client, 'the client reset the connection (ECONNRESET)'],
  ['a reset of the server', system('ECONNRESET'), server, 'the server reset the connection (ECONNRESET)'],
  ['a write to a closed connection', system('EPIPE'), client, 'the client closed the connection (EPIPE)'],
  ['silence', system('ETIMEDOUT'), server, 'the server does not answer any more (ETIMEDOUT)'],
  ['no way', system('EHOSTUNREACH'), client, 'the client cannot be reached any more (EHOSTUNREACH)'],
  ['no network', system('ENETUNREACH'), server, 'the server cannot be reached any more (ENETUNREACH)'],
  ['nobody there', system('ECONNREFUSED'), server, 'the server refuses what is sent to it (ECONNREFUSED)'],
  ['a code without a sentence', system('EIO'), server, 'the server was lost: read EIO'],
  [
    'proxies on the way',
    system('ECONNRESET'),
    { ...server, via: ['wireguard:a.conf', 'http://proxy:80'] },
    'the server, or a proxy on the way to it, reset the connection (ECONNRESET)',
  ],
  [
    'the relay of a proxy',
    system('ECONNREFUSED'),
    { ...server, transport: 'udp', via: ['socks5://proxy:1080'] },
    'the proxy refuses what is sent to it (ECONNREFUSED)',
  ],
  [
    'a tunnel alone',
    system('ECONNRESET'),
    { ...server, via: ['wireguard:a.conf'] },
    'the server reset the connection (ECONNRESET)',
  ],
  [
    'a sentence of our own',
    Object.assign(new Error('midwire was closed'), { code: 'ECONNRESET' }),
    client,
    'the client was lost: midwire was closed',
  ],
  [
    'an alert',
    Object.assign(new Error('80BC:error'), { code: 'ERR_SSL_X', reason: 'tlsv1 alert internal error' }),
    server,
    'the server has ended TLS: internal error',
  ],
  [
    'a wrong record of TLS',
    Object.assign(new Error('80BC:error'), { code: 'ERR_SSL_X', reason: 'bad record mac' }),
    client,
    'the client was lost: bad record mac',
  ],
] as [string, Error, Connection, string][]) {
  test(`an open connection that is lost: ${what}`, (t) => {
    t.is(explainLoss(error, connection), sentence)
  })
}

test('alerts in the words of OpenSSL 3.2 and later', (t) => {
  const alert = (name: string) =>
    Object.assign(new Error(name), {
      code: `ERR_SSL_SSL/TLS_ALERT_${name.toUpperCase().replace(' ', '_')}`,
      reason: `ssl/tls alert ${name}`,
    })
  t.regex(explainClient(alert('bad certificate'), 'mitm.it'), /^the client does not trust our certificate/)
  t.is(explainClient(alert('illegal parameter'), 'mitm.it'), 'the client refuses the handshake: illegal parameter')
})
