// What is said of a server is the same on every connection: new, resumed or out of the pool.
import { createServer as createTlsServer, type SecureVersion, type TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
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
}
