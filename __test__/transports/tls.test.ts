// TLS over sockets: a reset below it is an RST, and no alert or end that would look like a whole message.
import { once } from 'node:events'
import { type AddressInfo, connect as connectPlain, createServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { connect, createSecureContext, createServer as createTlsServer } from 'node:tls'
import test from 'ava'
import { Pipe } from '../../src/transports/pipe.js'
import { connectTcp, socketPipe } from '../../src/transports/socket.js'
import { secureClient, secureServer } from '../../src/transports/tls.js'
import { noReceiver } from '../../src/transports/transport.js'
import { certificate } from '../support/certificates.js'

const own = certificate({ commonName: 'localhost', names: ['localhost'] })
const identity = { cert: own.pem, key: own.keyPem }

/** How a socket ends. */
const fateOf = (socket: Socket) =>
  new Promise<string>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)))
    socket.on('close', () => resolve('close'))
    socket.resume()
  })

test("reset of a client's TLS is ECONNRESET there", async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ socket: connectPlain(port, '127.0.0.1'), ca: own.pem, servername: 'localhost' })
  const [socket] = (await once(server, 'connection')) as [Socket]
  const transport = socketPipe(socket)
  const context = createSecureContext(identity)
  const { pipe } = await secureClient(transport, Buffer.alloc(0), { by: { context }, alpn: undefined })
  const fate = fateOf(client)
  pipe.reset()
  pipe.reset()
  t.is(await fate, 'ECONNRESET')
  server.close()
})

for (const side of ['client', 'server'] as const) {
  for (const below of ['a socket', 'another stream'] as const) {
    test(`a ${side} that ends its side in the middle of the handshake, over ${below}`, async (t) => {
      t.timeout(10_000)
      const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
      await once(listener, 'listening')
      const other = connectPlain({ port: (listener.address() as AddressInfo).port, allowHalfOpen: true })
      const [socket] = (await once(listener, 'connection')) as [Socket]
      const duplex = below === 'a socket' ? socket : Duplex.from({ readable: socket, writable: socket })
      const transport = new Pipe(duplex, { local: undefined, remote: undefined })
      const secured =
        side === 'client'
          ? secureClient(transport, Buffer.alloc(0), {
              by: { context: createSecureContext(identity) },
              alpn: undefined,
            })
          : secureServer(transport, {
              ...{ context: createSecureContext({ ca: own.pem }), sni: 'localhost', alpn: [], verify: 'localhost' },
              ...{ session: undefined, onSession: () => {} },
            })
      // A record that has begun.
      other.end(Buffer.of(0x16, 3, 1))
      await t.throwsAsync(secured, { message: /closed .*during the handshake|disconnected before secure/ })
      await once(other.resume(), 'close')
      listener.close()
    })
  }
}

test('a client that is gone before its handshake begins is refused at once', async (t) => {
  t.timeout(10_000)
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connectPlain((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
  const [socket] = (await once(server, 'connection')) as [Socket]
  const transport = socketPipe(socket)
  transport.reset()
  const context = createSecureContext(identity)
  await t.throwsAsync(secureClient(transport, Buffer.alloc(0), { by: { context }, alpn: undefined }), {
    message: /closed the connection before its handshake/,
  })
  client.destroy()
  server.close()
})

test("reset of a server's TLS is ECONNRESET there", async (t) => {
  const server = createTlsServer(identity).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const accepted = once(server, 'secureConnection')
  const { pipe } = await secureServer(await connectTcp('127.0.0.1', port), {
    ...{ context: createSecureContext({ ca: own.pem }), sni: 'localhost', alpn: [], verify: 'localhost' },
    ...{ session: undefined, onSession: () => {} },
  })
  const [socket] = (await accepted) as [Socket]
  const fate = fateOf(socket)
  // The server's session tickets have to be through: a write that meets the RST takes its error.
  const heard = once((pipe as Pipe).duplex.resume(), 'data')
  socket.write('x')
  await heard
  pipe.reset()
  t.is(await fate, 'ECONNRESET')
  server.close()
})

test('an end that comes with the last of the handshake is heard by whoever comes to hear it', async (t) => {
  t.timeout(10_000)
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const below = connectPlain((server.address() as AddressInfo).port, '127.0.0.1')
  const client = connect({ socket: below, ca: own.pem, servername: 'localhost' })
  client.on('secureConnect', () => client.end())
  const [socket] = (await once(server, 'connection')) as [Socket]
  const context = createSecureContext(identity)
  const { pipe } = await secureClient(socketPipe(socket), Buffer.alloc(0), { by: { context }, alpn: undefined })
  await setTimeout(100)
  await new Promise<void>((resolve) => {
    pipe.receiver = { ...noReceiver, handleEnd: resolve, handleClose: () => resolve() }
  })
  pipe.reset()
  client.destroy()
  server.close()
  t.pass()
})
