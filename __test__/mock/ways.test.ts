// Mocks and interceptions in the modes `regular` and `wireguard`, over HTTP/1 and HTTP/2, for a server that does not exist.
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { type Running, startProxy } from '../support/proxy.js'
import { dial, Talk } from '../support/talk.js'
import { beginInTunnel } from '../support/ways-tunnel.js'

/** An address for documentation (RFC 5737), which belongs to no machine. */
const NOWHERE = '192.0.2.80'

const ways: Record<
  string,
  { mode: string; begin(t: ExecutionContext, running: Running, port: number): Promise<Duplex> }
> = {
  regular: {
    mode: 'regular@0',
    async begin(t, running, port) {
      const talk = await dial(t, running.port)
      talk.says(`CONNECT ${NOWHERE}:${port} HTTP/1.1\r\nHost: ${NOWHERE}:${port}\r\n\r\n`)
      t.regex(await talk.hears('\r\n\r\n'), /^HTTP\/1\.1 200 /)
      return talk.socket
    },
  },
  wireguard: {
    mode: 'wireguard@127.0.0.1:0',
    begin: async (t, running, port) => (await beginInTunnel(t, running, NOWHERE, port)).socket,
  },
}

for (const [name, { mode, begin }] of Object.entries(ways)) {
  test(`${name}: HTTP/1 and HTTP/2 are mocked, and answers changed on their way`, async (t) => {
    const running = await startProxy(t, { modes: [mode] })
    const { proxy } = running
    const mock = proxy.mock({ path: '/users' }).respond(200, [{ name: 'Ada' }])
    const answers = proxy.intercept({ path: '/users' }, { at: 'response' })
    const change = async () => {
      const flow = await answers.take()
      if (flow.response) flow.response.headers.set('X-Changed', flow.request.version)
      flow.resume()
    }

    const plain = await begin(t, running, 80)
    plain.removeAllListeners('data')
    const talk = new Talk(plain)
    talk.says('GET /users HTTP/1.1\r\nHost: api.test\r\n\r\n')
    await change()
    t.regex(await talk.hears('[{"name":"Ada"}]'), /^HTTP\/1\.1 200 OK\r\n[\s\S]*X-Changed: 1\.1\r\n/)

    const socket = await begin(t, running, 443)
    socket.removeAllListeners('data')
    const secured = connectTls({ socket, ca: proxy.authority.pem, servername: 'api.test', ALPNProtocols: ['h2'] })
    await once(secured, 'secureConnect')
    const session = connectHttp2('https://api.test', { createConnection: () => secured })
    t.teardown(() => session.destroy())
    const stream = session.request({ ':path': '/users' })
    const heard = once(stream, 'response')
    await change()
    const [head] = await heard
    t.is(head['x-changed'], '2.0')
    let body = ''
    for await (const chunk of stream) body += chunk
    t.is(body, '[{"name":"Ada"}]')
    t.deepEqual(
      mock.seen.map(({ request }) => request.url),
      ['http://api.test/users', 'https://api.test/users'],
    )
  })
}
