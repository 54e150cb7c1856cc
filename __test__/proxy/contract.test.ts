// The contract of modes: by every way in and every way out, each kind of server is reached in the same way.
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { type Running, startProxy, tlsServer } from '../support/proxy.js'
import { freePort, listen, Talk } from '../support/talk.js'
import { OUTS, type Out, WAYS, type Way } from '../support/ways.js'

async function start(t: ExecutionContext, way: Way, out: Out, port: number): Promise<Running> {
  const via = await out.via(t)
  return startProxy(t, { modes: [`${way.spec(port)} via ${via}`] })
}

const GET = 'GET /a HTTP/1.1\r\nHost: upstream.test\r\n\r\n'

for (const way of WAYS) {
  for (const out of OUTS) {
    const name = `${way.name}, out by ${out.name}`

    test(`${name}: HTTP, kept for a second request`, async (t) => {
      const server = await listen(t, ({ socket }) =>
        socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')),
      )
      const running = await start(t, way, out, server.port)
      const talk = await way.begin(t, running, 'localhost', server.port)
      for (const number of [0, 1]) {
        talk.says(GET)
        t.regex(await talk.hears('ok'), /^HTTP\/1\.1 200 OK/)
        const flow = await running.flow(way.name === 'reverse:tcp' ? 'tcp' : 'http', way.name.startsWith('r') ? 0 : number)
        t.truthy(flow)
        if (way.name === 'reverse:tcp') break
      }
      t.is(server.talks.length, 1)
    })

    test(`${name}: HTTPS`, async (t) => {
      const port = await tlsServer(t)
      const running = await start(t, way, out, port)
      const { socket } = await way.begin(t, running, 'localhost', port)
      socket.removeAllListeners('data')
      const secured = connectTls({ socket, ca: running.proxy.authority.pem, servername: 'upstream.test' })
      const talk = new Talk(secured)
      await once(secured, 'secureConnect')
      talk.says(GET)
      t.regex(await talk.hears('answer'), /200/)
    })

    test(`${name}: a server that speaks first, and half-close`, async (t) => {
      const server = await listen(t, (talk) => talk.says('220 ready\r\n'))
      const running = await start(t, way, out, server.port)
      const talk = await way.begin(t, running, 'localhost', server.port)
      t.is(await talk.hears('\r\n'), '220 ready\r\n')
      talk.says('BYE\r\n')
      talk.socket.end()
      const other = await server.talk(0)
      t.is(await other.hearsAll(), 'BYE\r\n')
      other.says('late\r\n')
      other.socket.end()
      t.is(await talk.hearsAll(), 'late\r\n')
      t.is((await running.flow('tcp')).error, undefined)
    })

    test(`${name}: a server that refuses`, async (t) => {
      const port = await freePort()
      const running = await start(t, way, out, port)
      const refused = way.begin(t, running, 'localhost', port)
      if (way.name === 'reverse:tcp') {
        const talk = await refused
        t.is(await talk.hearsAll(), '')
      } else await t.throwsAsync(refused, { message: /refused|502|reply [45]|answer 91/ })
      const other = await listen(t, (talk) => talk.says('220 ready\r\n'))
      if (way.name === 'reverse:tcp') return
      const again = await way.begin(t, running, 'localhost', other.port)
      t.is(await again.hears('\r\n'), '220 ready\r\n', 'others are served')
    })
  }
}
