// Sessions with servers: resumed by the same destination and TLS settings alone, and not after a failure; and the way to ourselves.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import type { ClientConnection } from '../../src/connection.js'
import { DIRECT } from '../../src/flow/via.js'
import { OpenFailure } from '../../src/layers/commands.js'
import type { Route, ServerTls } from '../../src/layers/route.js'
import { readOptions } from '../../src/options/read.js'
import { Dialer } from '../../src/proxy/dial.js'
import { Dispatcher } from '../../src/proxy/dispatch.js'
import { Sockets } from '../../src/proxy/exits/sockets.js'
import { Resolver } from '../../src/proxy/resolver.js'
import { certificate } from '../support/certificates.js'
import { bind, listen } from '../support/talk.js'

const client = { id: 'client' } as ClientConnection
const made = certificate({ names: ['a.test'] })
/** Servers with one key for their tickets take each other's sessions, as those behind one balancer do. */
const ticketKeys = Buffer.alloc(48, 7)
const TLS: ServerTls = { sni: 'a.test', alpn: ['http/1.1'] }

/** A server that notes of each handshake whether a session was resumed. */
async function upstream(t: ExecutionContext) {
  const resumed: boolean[] = []
  const options = { cert: made.pem, key: made.keyPem, ticketKeys, maxVersion: 'TLSv1.2' } as const
  const server = createServer({ ...options, ALPNProtocols: ['http/1.1', 'other'] }, (socket: TLSSocket) => {
    resumed.push(socket.isSessionReused())
    socket.on('error', () => {})
  })
  return { port: await bind(t, server), resumed, server }
}

function dialer(own: { host: string; port: number; transport: string }[] = []): Dialer {
  return new Dialer(
    readOptions({ ssl_insecure: true }),
    new Dispatcher(() => {}),
    () => new Sockets(new Resolver({ useHostsFile: false }), { listeners: () => own, mark: () => undefined }),
  )
}

const routeTo = (host: string, port: number, tls?: ServerTls): Route => ({
  to: { host, port, transport: 'tcp' },
  via: DIRECT,
  tls,
})

const dial = (by: Dialer, route: Route) => by.dial(client, route, new AbortController().signal)

/** Connects and does TLS, always by the same dialer; false where that fails. */
function asker() {
  const by = dialer()
  return async (host: string, port: number, tls: ServerTls): Promise<boolean> => {
    const route = routeTo(host, port, tls)
    const dialled = await dial(by, route)
    if (dialled instanceof OpenFailure) throw new Error(dialled.message)
    const pipe = await by.secure(client, dialled, route, false)
    if (pipe instanceof OpenFailure) return false
    pipe.close()
    return true
  }
}

test('a session is resumed with the same name, port, SNI and ALPN, and with no others', async (t) => {
  const [one, other] = [await upstream(t), await upstream(t)]
  const secure = asker()
  const ask = async (host: string, { server, port, resumed }: typeof one, tls: ServerTls) => {
    const accepted = once(server, 'secureConnection')
    await secure(host, port, tls)
    await accepted
    return resumed.at(-1)
  }
  t.false(await ask('127.0.0.1', one, TLS))
  t.true(await ask('127.0.0.1', one, { ...TLS, sni: 'A.test' }))
  t.false(await ask('127.0.0.1', one, { ...TLS, sni: 'b.test' }))
  t.false(await ask('127.0.0.1', one, { ...TLS, sni: undefined }))
  t.false(await ask('127.0.0.1', one, { ...TLS, alpn: ['other', 'http/1.1'] }))
  t.false(await ask('127.0.0.1', one, { ...TLS, alpn: [] }))
  t.false(await ask('localhost', one, TLS))
  t.false(await ask('127.0.0.1', other, TLS))
  t.true(await ask('127.0.0.1', one, TLS))
})

test('a session under which a handshake has failed is offered no more', async (t) => {
  const { port, resumed, server } = await upstream(t)
  const ask = asker()
  t.true(await ask('127.0.0.1', port, TLS))
  const [tls] = server.listeners('connection')
  server.removeAllListeners('connection').once('connection', (socket: Socket) => {
    socket.once('data', () => socket.resetAndDestroy())
    server.on('connection', tls as () => void)
  })
  t.false(await ask('127.0.0.1', port, TLS))
  const accepted = once(server, 'secureConnection')
  t.true(await ask('127.0.0.1', port, TLS))
  await accepted
  t.deepEqual(resumed, [false, false])
})

test('a name that leads back to us is no way: it is not even dialled', async (t) => {
  const ours = await listen(t)
  const us = dialer([{ host: '127.0.0.1', port: ours.port, transport: 'tcp' }])
  const dialled = await dial(us, routeTo('localhost', ours.port))
  t.true(dialled instanceof OpenFailure)
  t.is((dialled as OpenFailure).code, 'LOOP')
  t.is(ours.talks.length, 0)
})
