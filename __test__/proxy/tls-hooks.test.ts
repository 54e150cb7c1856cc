// tls_start_client and tls_start_server: what addons change is done, and connections with other settings never stand in for each other.
import { createSecureContext, createServer, type TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { certificate } from '../support/certificates.js'
import { get, ok, startProxy, tlsTunnel } from '../support/proxy.js'
import { bind, dial, Talk } from '../support/talk.js'

const root = certificate({ commonName: 'root', ca: true })
const made = certificate({ names: ['upstream.test'], issuer: root })
const own = certificate({ commonName: 'own', names: ['own.test'] })
const first = certificate({ commonName: 'first' })
const second = certificate({ commonName: 'second' })
const GET = 'GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n'

/** A server that asks for a certificate, and notes its handshakes; it keeps connections. */
async function server(t: ExecutionContext) {
  const met: TLSSocket[] = []
  const options = { cert: made.pem, key: made.keyPem, requestCert: true, rejectUnauthorized: false }
  const tls = createServer({ ...options, ALPNProtocols: ['http/1.1'] }, (socket) => {
    met.push(socket)
    const talk = new Talk(socket)
    socket.on('data', () => talk.says(ok('answer')))
    t.teardown(() => socket.destroy())
  })
  return { port: await bind(t, tls), met }
}

const commonName = (socket: TLSSocket | undefined) => socket?.getPeerCertificate().subject?.CN

test("tls_start_client: certificate, versions, suites, ALPN and a client's certificate; or a context of the addon's own", async (t) => {
  const { port } = await server(t)
  const running = await startProxy(t)
  const remove = running.proxy.on('tls_start_client', (plan) => {
    t.is(plan.client.tls?.sni, 'upstream.test')
    t.is(plan.server?.port, port)
    t.like(plan, { alpn: 'http/1.1', minVersion: 'TLS1_2', maxVersion: 'UNBOUNDED', requestCertificate: false })
    plan.certificate = { cert: own.pem, key: own.keyPem }
    plan.maxVersion = 'TLS1_2'
    plan.ciphers = 'ECDHE-ECDSA-AES256-SHA'
    plan.alpn = undefined
    plan.requestCertificate = true
  })
  const options = { rejectUnauthorized: false, cert: first.pem, key: first.keyPem }
  const { socket } = await tlsTunnel(t, running, port, options)
  t.is(commonName(socket), 'own')
  t.is(socket.getProtocol(), 'TLSv1.2')
  t.is(socket.getCipher().name, 'ECDHE-ECDSA-AES256-SHA')
  t.is(socket.alpnProtocol, false)
  const session = socket.getSession()
  const [client] = await new Promise<[Buffer | undefined]>((resolve) => {
    running.proxy.on('client_disconnected', (one) => resolve([one.tls?.certificates?.[0]]))
    socket.end()
  })
  t.deepEqual(client, first.der)
  remove()
  const after = await tlsTunnel(t, running, port, { rejectUnauthorized: false, ...(session && { session }) })
  t.false(after.socket.isSessionReused(), 'a session of other settings')
  t.is(commonName(after.socket), 'test')
  running.proxy.on('tls_start_client', (plan) => {
    plan.context = createSecureContext({ cert: second.pem, key: second.keyPem })
  })
  t.is(commonName((await tlsTunnel(t, running, port, { rejectUnauthorized: false })).socket), 'second')
})

test('tls_start_server: name, certificate, versions, suites; no connection of the pool and no session serves other settings', async (t) => {
  const { port, met } = await server(t)
  const running = await startProxy(t)
  let identity: typeof first | undefined
  let asked = 0
  running.proxy.on('tls_start_server', (plan) => {
    asked += 1
    t.like(plan, { host: '127.0.0.1', port, sni: 'upstream.test', verify: false, minVersion: 'TLS1_2' })
    if (!identity) return
    plan.sni = 'other.test'
    plan.certificate = { cert: identity.pem, key: identity.keyPem }
    plan.maxVersion = 'TLS1_2'
    plan.ciphers = 'ECDHE-ECDSA-AES256-GCM-SHA384'
  })
  const ask = async () => {
    const talk = await tlsTunnel(t, running, port)
    talk.says(GET)
    await talk.hears('answer')
    talk.says(GET)
    await talk.hears('answer')
    const gone = new Promise<void>((resolve) => {
      const off = running.proxy.on('client_disconnected', () => {
        off()
        resolve()
      })
    })
    talk.socket.end()
    await gone
    return met.length
  }
  t.is(await ask(), 1)
  t.is(asked, 1, 'once for a client connection')
  identity = first
  t.is(await ask(), 2)
  t.is(commonName(met[1]), 'first')
  t.false(met[1]?.isSessionReused())
  t.is(met[1]?.getProtocol(), 'TLSv1.2')
  t.is(met[1]?.getCipher().name, 'ECDHE-ECDSA-AES256-GCM-SHA384')
  t.is((met[1] as unknown as { servername: string }).servername, 'other.test')
  identity = second
  t.is(await ask(), 3)
  t.is(commonName(met[2]), 'second')
  t.false(met[2]?.isSessionReused())
  identity = first
  t.is(await ask(), 3, 'the connection of the same settings is in the pool')
  identity = undefined
  t.is(await ask(), 3, 'and so is the first one')
})

test('tls_start_server: a server may be verified, or not, for one flow', async (t) => {
  const { port } = await server(t)
  const running = await startProxy(t)
  const off = running.proxy.on('tls_start_server', (plan) => {
    plan.verify = true
  })
  const answerOf = async () => {
    const talk = await tlsTunnel(t, running, port)
    talk.says(GET)
    return talk.hears('\r\n\r\n')
  }
  t.regex(await answerOf(), /^HTTP\/1\.1 502 /)
  off()
  t.regex(await answerOf(), /^HTTP\/1\.1 200 /)
})

test('tls_start_server: a URL with https in a plain request is planned, too, and its connection is kept', async (t) => {
  const { port, met } = await server(t)
  const running = await startProxy(t)
  running.proxy.on('tls_start_server', (plan) => {
    plan.certificate = { cert: first.pem, key: first.keyPem }
  })
  const talk = await dial(t, running.port)
  for (const _ of [1, 2]) {
    talk.says(get(port).replace('http:', 'https:'))
    await talk.hears('answer')
  }
  t.is(met.length, 1)
  t.is(commonName(met[0]), 'first')
})

test('what an addon sets wrongly fails its handshake with a sentence, and nothing else', async (t) => {
  const { port } = await server(t)
  const running = await startProxy(t)
  const off = running.proxy.on('tls_start_server', (plan) => {
    plan.ciphers = 'BOGUS'
  })
  const talk = await tlsTunnel(t, running, port)
  talk.says(GET)
  t.regex(await talk.hears('\r\n\r\n'), /^HTTP\/1\.1 502 /)
  off()
  const after = await tlsTunnel(t, running, port)
  after.says(GET)
  t.regex(await after.hears('\r\n\r\n'), /^HTTP\/1\.1 200 /)
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: a client resumes its session though the context of its name was made anew, and only for its name`, async (t) => {
    const { port } = await server(t)
    const running = await startProxy(t)
    const seen: unknown[] = []
    running.proxy.on('tls_established_client', ({ server }) => void seen.push(server?.tls?.certificates?.[0]))
    const ask = async (servername: string, session?: Buffer) => {
      const options = {
        servername,
        maxVersion: version,
        checkServerIdentity: () => undefined,
        ...(session && { session }),
      }
      const talk = await tlsTunnel(t, running, port, options)
      let given: Buffer | undefined = talk.socket.getSession()
      talk.socket.on('session', (one: Buffer) => {
        given = one
      })
      talk.says(GET)
      await talk.hears('answer')
      talk.socket.end()
      return { given, reused: talk.socket.isSessionReused() }
    }
    const { given } = await ask('a.test')
    t.true((await ask('a.test', given)).reused)
    t.false((await ask('b.test', given)).reused)
    // The contexts are made anew.
    running.proxy.options.set({ tls_ecdh_curve_client: 'X25519' })
    running.proxy.options.set({ tls_ecdh_curve_client: '' })
    t.true((await ask('a.test', given)).reused)
    t.deepEqual(seen, [made.der, made.der, made.der, made.der])
  })
}
