// How TLS ends: an alert before every refusal, close_notify at every end, on both legs, by the records on the wire.
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import type { GivenOptions } from '../../src/index.js'
import { certificate } from '../support/certificates.js'
import { ok, type Running, startProxy } from '../support/proxy.js'
import { bind, Talk } from '../support/talk.js'
import { ALERT, type Spy, spyOn } from '../support/tls-spy.js'

// In TLS 1.2 the types of records are plain, those of alerts, too.
const VERSION = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const
const GET = 'GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n'
const made = certificate({ names: ['upstream.test'] })

interface Way {
  readonly running: Running
  readonly client: Spy
  readonly server: Spy
}

/** Client, spy, midwire in mode reverse, spy, server. */
async function way(
  t: ExecutionContext,
  answer: (talk: Talk<TLSSocket>) => void,
  given: { options?: GivenOptions; server?: TlsOptions; mode?: string } = {},
): Promise<Way> {
  const tls = createServer({ cert: made.pem, key: made.keyPem, ...VERSION, ...given.server }, (socket) => {
    const talk = new Talk(socket)
    socket.on('data', () => answer(talk))
    t.teardown(() => socket.destroy())
  })
  tls.on('tlsClientError', () => {})
  const server = await spyOn(t, await bind(t, tls))
  const running = await startProxy(t, {
    modes: [`reverse:${given.mode ?? 'https'}://127.0.0.1:${server.port}@0`],
    options: given.options ?? {},
  })
  return { running, client: await spyOn(t, running.port), server }
}

async function dialTls({ client }: Way, options: ConnectionOptions = {}): Promise<Talk<TLSSocket>> {
  const socket = connect({
    port: client.port,
    host: '127.0.0.1',
    servername: 'upstream.test',
    rejectUnauthorized: false,
    ...VERSION,
    ...options,
  })
  const talk = new Talk(socket)
  await once(socket, 'secureConnect')
  return talk
}

/** The last two things that passed. */
const lastOf = async (all: Spy['toClient']) => (await all.at(-1)?.ends)?.slice(-2)

test('after an answer with Connection: close both legs end with close_notify and FIN', async (t) => {
  const there = await way(t, (talk) => talk.says(ok('answer').replace('\r\n', '\r\nConnection: close\r\n')))
  const talk = await dialTls(there)
  talk.says(GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  await talk.hears('answer')
  t.deepEqual(await lastOf(there.client.toClient), [ALERT, 'fin'])
  t.deepEqual(await lastOf(there.server.toServer), [ALERT, 'fin'])
})

test('a half-close of either side passes as close_notify and FIN', async (t) => {
  const there = await way(t, (talk) => talk.socket.end('bye'), { mode: 'tls' })
  const talk = await dialTls(there, { allowHalfOpen: true } as object)
  talk.says('hello')
  await talk.hears('bye')
  t.deepEqual(await lastOf(there.client.toClient), [ALERT, 'fin'])
  talk.socket.end()
  t.deepEqual(await lastOf(there.server.toServer), [ALERT, 'fin'])
})

test('a reset passes as a reset', async (t) => {
  const there = await way(
    t,
    (talk) =>
      (talk.socket as unknown as { _parent?: { resetAndDestroy(): void } })._parent?.resetAndDestroy() ??
      talk.socket.resetAndDestroy(),
    { mode: 'tls' },
  )
  const talk = await dialTls(there)
  talk.says('hello')
  t.is((await there.client.toClient.at(-1)?.ends)?.at(-1), 'reset')
})

test('an error page ends with close_notify, and so does the connection to a server that is not trusted', async (t) => {
  const there = await way(t, () => t.fail(), { options: { ssl_insecure: false, tls_version_server_max: 'TLS1_2' } })
  const talk = await dialTls(there)
  talk.says(GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  t.regex(await talk.hears('\r\n\r\n'), /^HTTP\/1\.1 502 /)
  t.deepEqual(await lastOf(there.client.toClient), [ALERT, 'fin'])
  t.deepEqual(await lastOf(there.server.toServer), [ALERT, 'fin'])
})

test('no common version, no common suite, an addon that is wrong: an alert before FIN', async (t) => {
  const there = await way(t, () => {})
  const refused = async (options: ConnectionOptions, code: RegExp) => {
    const error = await t.throwsAsync(dialTls(there, options))
    t.regex((error as NodeJS.ErrnoException).code ?? '', code)
    t.deepEqual(await lastOf(there.client.toClient), [ALERT, 'fin'])
  }
  await refused({ minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' }, /PROTOCOL_VERSION/)
  await refused({ ciphers: 'CAMELLIA128-SHA:DHE-RSA-AES128-SHA:@SECLEVEL=0' }, /HANDSHAKE_FAILURE/)
  there.running.proxy.on('tls_start_client', (plan) => {
    plan.certificate = { cert: 'no PEM', key: 'no PEM' }
  })
  await refused({}, /INTERNAL_ERROR/)
  there.running.proxy.on('tls_start_client', (plan) => {
    plan.certificate = undefined
    plan.ciphers = 'BOGUS'
  })
  await refused({}, /INTERNAL_ERROR/)
})

test('a ClientHello that is none, or ends in the middle, gets decode_error', async (t) => {
  const there = await way(t, () => {}, { mode: 'tls' })
  const inside = async (bytes: Buffer) => {
    const socket = connectTcp({ port: there.running.port, host: '127.0.0.1', allowHalfOpen: true })
    const talk = new Talk(socket)
    t.teardown(() => socket.destroy())
    socket.end(bytes)
    return [...(await talk.hearsOctets(7))]
  }
  const DECODE_ERROR = [0x15, 3, 1, 0, 2, 2, 50]
  t.deepEqual(await inside(Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])), DECODE_ERROR)
  t.deepEqual(await inside(Buffer.from([22, 3, 1, 0, 100, 1, 0, 0, 96, 3, 3])), DECODE_ERROR)
})
