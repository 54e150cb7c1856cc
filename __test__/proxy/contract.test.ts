// The contract of modes: by every way in and every way out, each kind of server is reached in the same way.
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { startProxy, tlsServer } from '../support/proxy.js'
import { freePort, listen, Talk } from '../support/talk.js'
import { OUTS, WAYS } from '../support/ways.js'

const GET = 'GET /a HTTP/1.1\r\nHost: upstream.test\r\n\r\n'

for (const out of OUTS) {
  for (const way of WAYS) {
    test.serial(`${way.name}, out by ${out.name}`, async (t) => {
      const via = await out.via(t)
      /** A client's connection to a port, by a proxy of its own where the mode leads to one server. */
      const begin = async (port: number, tls = false) => {
        const running = way.leadsToOne ? await start(port, tls) : shared
        return { talk: await way.begin(t, running, 'localhost', port), running }
      }
      const start = (port: number, tls: boolean) => startProxy(t, { modes: [`${way.spec(port, tls)} via ${via}`] })
      const shared = await start(await freePort(), false)

      await t.notThrowsAsync(http(t, begin), 'HTTP, kept for a second request')
      await t.notThrowsAsync(https(t, begin), 'HTTPS')
      await t.notThrowsAsync(serverFirst(t, begin), 'a server that speaks first, and half-close')
      await t.notThrowsAsync(refusal(t, begin, way.leadsToOne), 'a server that refuses')
    })
  }
}

type Begin = (port: number, tls?: boolean) => Promise<{ talk: Talk; running: Awaited<ReturnType<typeof startProxy>> }>

async function http(t: ExecutionContext, begin: Begin): Promise<void> {
  const server = await listen(t, ({ socket }) => {
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    socket.on('end', () => socket.end())
  })
  const { talk, running } = await begin(server.port)
  for (let count = 0; count < 2; count += 1) {
    talk.says(GET)
    t.regex(await talk.hears('ok'), /^HTTP\/1\.1 200 OK/)
  }
  t.is(server.talks.length, 1)
  talk.socket.end()
  await talk.hearsAll()
  t.true(running.flows.length > 0)
}

async function https(t: ExecutionContext, begin: Begin): Promise<void> {
  const { talk, running } = await begin(await tlsServer(t), true)
  talk.socket.removeAllListeners('data')
  const secured = connectTls({ socket: talk.socket, ca: running.proxy.authority.pem, servername: 'upstream.test' })
  const inside = new Talk(secured)
  await once(secured, 'secureConnect')
  inside.says(GET)
  t.regex(await inside.hears('answer'), /200/)
}

async function serverFirst(t: ExecutionContext, begin: Begin): Promise<void> {
  const server = await listen(t, (talk) => talk.says('220 ready\r\n'))
  const { talk } = await begin(server.port)
  t.is(await talk.hears('\r\n'), '220 ready\r\n')
  talk.says('BYE\r\n')
  talk.socket.end()
  const other = await server.talk(0)
  t.is(await other.hearsAll(), 'BYE\r\n')
  other.says('late\r\n')
  other.socket.end()
  t.is(await talk.hearsAll(), 'late\r\n')
}

/** The client is told, by an answer or a reset, and other servers are reached as before. */
async function refusal(t: ExecutionContext, begin: Begin, leadsToOne = false): Promise<void> {
  const refused = begin(await freePort())
  if (leadsToOne) t.is(await (await refused).talk.hearsAll(), '')
  else await t.throwsAsync(refused, { message: /refused|502|reply [145]|answer 91/ })
  const other = await listen(t, (talk) => talk.says('220 ready\r\n'))
  t.is(await (await begin(other.port)).talk.hears('\r\n'), '220 ready\r\n')
}
