// One host in several spellings, by way of a whole proxy: the page with the certificate, server connections, TLS sessions.
import { once } from 'node:events'
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { certificate } from '../support/certificates.js'
import { ok, type Running, startProxy } from '../support/proxy.js'
import { bind, dial, listen, Talk } from '../support/talk.js'

async function connectTo(t: ExecutionContext, running: Running, authority: string): Promise<Talk> {
  const talk = await dial(t, running.port)
  talk.says(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`)
  t.is(await talk.hears('\r\n\r\n'), 'HTTP/1.1 200 Connection established\r\n\r\n')
  return talk
}

for (const name of ['mitm.test', 'MITM.Test', 'mitm.test.', 'Mitm.TEST.']) {
  test(`onboarding_host as ${name}: by HTTP, in a CONNECT, and by TLS in it`, async (t) => {
    const running = await startProxy(t, {
      options: { onboarding_host: name === 'mitm.test' ? 'Mitm.Test.' : 'mitm.test' },
    })
    const probe = `/probe HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`
    const plain = await dial(t, running.port)
    plain.says(`GET http://${name}${probe}`)
    t.regex(await plain.hearsAll(), /^HTTP\/1\.1 200 /)

    const inside = await connectTo(t, running, `${name}:80`)
    inside.says(`GET ${probe}`)
    t.regex(await inside.hearsAll(), /^HTTP\/1\.1 200 /)

    const { socket } = await connectTo(t, running, `${name}:443`)
    socket.removeAllListeners('data')
    const secured = connect({ socket, ca: running.proxy.authority.pem, servername: 'mitm.test' })
    await once(secured, 'secureConnect')
    const talk = new Talk(secured)
    talk.says(`GET ${probe}`)
    t.regex(await talk.hearsAll(), /^HTTP\/1\.1 200 /)
    t.true(running.flows.length > 0)
    for (const { server } of running.flows) t.is(server, undefined)

    // Its other pages are not looked for outside.
    const missing = await connectTo(t, running, `${name}:80`)
    missing.says('GET /x HTTP/1.1\r\nHost: elsewhere.test\r\nConnection: close\r\n\r\n')
    t.regex(await missing.hearsAll(), /^HTTP\/1\.1 502 [\s\S]*answered by midwire itself/)
  })
}

test('a server connection is that of a host, however its name is written; the server sees it as the client wrote it', async (t) => {
  const running = await startProxy(t)
  const upstream = await listen(t)
  const client = await dial(t, running.port)
  const server = upstream.talk(0)
  for (const name of ['localhost', 'LocalHost', 'localhost.']) {
    client.says(`GET http://${name}:${upstream.port}/ HTTP/1.1\r\nHost: ${name}:${upstream.port}\r\n\r\n`)
    t.true((await (await server).hears('\r\n\r\n')).includes(`\r\nHost: ${name}:${upstream.port}\r\n`), name)
    ;(await server).says(ok(name))
    await client.hears(`\r\n\r\n${name}`)
  }
  t.is(upstream.talks.length, 1)
})

test('a TLS session is found in every spelling of the name', async (t) => {
  const running = await startProxy(t)
  const names: (string | false | null)[] = []
  const resumed: boolean[] = []
  const made = certificate({ names: ['localhost'] })
  const server = createTlsServer({ cert: made.pem, key: made.keyPem }, (socket: TLSSocket) => {
    names.push(socket.servername)
    resumed.push(socket.isSessionReused())
    const talk = new Talk(socket)
    socket.on('data', () => talk.says(ok('answer').replace('\r\n', '\r\nConnection: close\r\n')))
    t.teardown(() => socket.destroy())
  })
  const port = await bind(t, server)
  for (const name of ['localhost', 'LocalHost', 'LOCALHOST']) {
    const client = await dial(t, running.port)
    client.says(`GET https://${name}:${port}/ HTTP/1.1\r\nHost: ${name}:${port}\r\nConnection: close\r\n\r\n`)
    t.regex(await client.hearsAll(), /200 OK[\s\S]*answer$/)
  }
  t.deepEqual(names, ['localhost', 'LocalHost', 'LOCALHOST'])
  t.deepEqual(resumed, [false, true, true])
})
