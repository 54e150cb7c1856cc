// What is said of a server is the same on every connection: new, resumed or out of the pool. And what resumes is what was verified.
import { createServer as createTlsServer, type SecureVersion, type TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import type { ClientConnection, ServerConnection } from '../../src/connection.js'
import { OpenFailure } from '../../src/layers/commands.js'
import { Dialer } from '../../src/proxy/dial.js'
import { Dispatcher } from '../../src/proxy/dispatch.js'
import { readOptions } from '../../src/proxy/settings.js'
import { connectTcp } from '../../src/transports/socket.js'
import { certificate } from '../support/certificates.js'
import { ok, startProxy, tlsTunnel } from '../support/proxy.js'
import { bind, Talk } from '../support/talk.js'

const root = certificate({ commonName: 'root', ca: true })
const middle = certificate({ commonName: 'middle', ca: true, issuer: root })
const leaf = certificate({ commonName: 'upstream.test', names: ['*.upstream.test', 'other.test'], issuer: middle })
const identity = { cert: leaf.pem + middle.pem, key: leaf.keyPem }
const CHAIN = [leaf.der, middle.der]

interface Upstream {
  readonly port: number
  /** For each connection, whether its session was resumed. */
  readonly resumed: boolean[]
}

/** A server that answers every request, and ends the connection after it unless it is to be kept. */
async function upstream(t: ExecutionContext, version: SecureVersion, keep: () => boolean): Promise<Upstream> {
  const resumed: boolean[] = []
  const options = { ...identity, minVersion: version, maxVersion: version, ALPNProtocols: ['http/1.1'] }
  const server = createTlsServer(options, (socket: TLSSocket) => {
    resumed.push(socket.isSessionReused())
    const talk = new Talk(socket)
    const close = keep() ? '' : 'Connection: close\r\n'
    socket.on('data', () => talk.says(ok('answer').replace('\r\n', `\r\n${close}`)))
    t.teardown(() => socket.destroy())
  })
  return { port: await bind(t, server), resumed }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: names, ALPN and certificates on a new, a resumed and a pooled connection`, async (t) => {
    const running = await startProxy(t)
    let keep = false
    const { port, resumed } = await upstream(t, version, () => keep)
    const ask = async () => {
      // Without SNI: all that the leaf can be for is what the server's certificate says.
      const checks = { servername: '', checkServerIdentity: () => undefined }
      const client = await tlsTunnel(t, running, port, checks)
      const names = client.socket.getPeerCertificate().subjectaltname
      const alpn = client.socket.alpnProtocol
      const gone = new Promise<void>((resolve) => {
        const off = running.proxy.on('client_disconnected', () => {
          off()
          resolve()
        })
      })
      client.says('GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n')
      await client.hears('answer')
      client.socket.end()
      await gone
      return { names, alpn }
    }
    const said = [await ask(), await ask()]
    keep = true
    said.push(await ask(), await ask())
    t.deepEqual(resumed, [false, true, true], 'the last one was taken from the pool')
    t.is(new Set(running.flows.slice(2).map(({ server }) => server?.id)).size, 1)
    for (const one of said) {
      t.deepEqual(one, {
        names: 'DNS:upstream.test, DNS:*.upstream.test, DNS:other.test, IP Address:127.0.0.1',
        alpn: 'http/1.1',
      })
    }
    t.is(running.flows.length, 4)
    for (const { server } of running.flows) {
      t.deepEqual(server?.tls?.certificates, CHAIN)
      t.is(server?.tls?.alpn, 'http/1.1')
    }
  })

  test(`${version}: a session that was made without verification is not resumed where servers are verified`, async (t) => {
    const { port, resumed } = await upstream(t, version, () => true)
    let options = readOptions({ ssl_insecure: true })
    const live = new Proxy(options, { get: (_, name) => options[name as keyof typeof options] })
    const dialer = new Dialer(live, new Dispatcher(() => {}), () => [])
    const client = { id: 'client' } as ClientConnection
    const secure = async () => {
      const transport = await connectTcp('127.0.0.1', port)
      const connection: ServerConnection = { id: 'server', transport: 'tcp', host: '127.0.0.1', port }
      const result = await dialer.secure(client, { transport, connection }, { sni: 'a.upstream.test', alpn: [] })
      if (result instanceof OpenFailure) return result.code
      // The session has come when the answer has: TLS 1.3 sends it after the handshake.
      const answered = new Promise((resolve) => result.duplex.once('data', resolve))
      result.duplex.resume().write('GET')
      await answered
      result.reset()
      return dialer.settings(connection) === dialer.settings() ? 'accepted' : 'under other options'
    }
    t.is(await secure(), 'accepted')
    t.is(await secure(), 'accepted')
    options = readOptions({ ssl_insecure: false })
    t.is(await secure(), 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY')
    options = readOptions({ ssl_insecure: true })
    t.is(await secure(), 'accepted')
    t.deepEqual(resumed.slice(0, 2), [false, true])
    t.is(resumed.at(-1), true)
  })
}
