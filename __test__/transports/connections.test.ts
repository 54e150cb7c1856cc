// TLS of the addon over its own sockets and over transports of Node's: what ends one ends the other, and says why.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectPlain, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { loadAuthority } from '../../src/certs/authority.js'
import { CertificateStore } from '../../src/certs/store.js'
import { listenForConnections, socketPipe } from '../../src/transports/socket.js'
import { secureClient } from '../../src/transports/tls.js'
import type { Transport } from '../../src/transports/transport.js'
import { bind } from '../support/talk.js'

const confdir = mkdtempSync(join(tmpdir(), 'midwire-connections-'))
const store = new CertificateStore(await loadAuthority(confdir))
test.after.always(() => rmSync(confdir, { recursive: true }))

/** A server whose clients are answered by the addon's TLS; `over`: whose sockets they come by. */
async function server(t: ExecutionContext, over: 'the addon' | 'Node', onTransport: (transport: Transport) => void) {
  const answer = async (transport: Transport) => {
    const native = store.native({ sni: 'a.test' }, { alpn: undefined, rustlsKeys: ['p256'], logsKeys: false })
    if (!native) throw new Error('no context')
    const { pipe } = await secureClient(transport, Buffer.alloc(0), { by: { native }, alpn: undefined })
    onTransport(pipe)
  }
  if (over === 'Node')
    return bind(
      t,
      createServer((socket) => void answer(socketPipe(socket))),
    )
  const listener = await listenForConnections({ host: '127.0.0.1', port: 0 }, (transport) => void answer(transport))
  t.teardown(() => listener.close())
  return listener.port
}

/** A client that comes by a relay, and the relay's socket to the server: bytes can be put between the client's. */
async function client(t: ExecutionContext, port: number) {
  const between = connectPlain({ host: '127.0.0.1', port, allowHalfOpen: true })
  t.teardown(() => between.destroy())
  const relay = await bind(
    t,
    createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {}).pipe(between, { end: false })
      between.on('error', () => {}).pipe(socket)
      socket.on('end', () => between.end())
    }),
  )
  const socket = connect({ host: '127.0.0.1', port: relay, servername: 'a.test', rejectUnauthorized: false })
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  return { between, socket }
}

for (const over of ['the addon', 'Node'] as const) {
  test(`bytes that are no TLS end a connection that was open, over a socket of ${over}`, async (t) => {
    let begin = () => {}
    const secured = new Promise<void>((resolve) => {
      begin = resolve
    })
    let end: (error?: NodeJS.ErrnoException) => void = () => {}
    const ended = new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      end = resolve
    })
    const port = await server(t, over, (transport) => {
      transport.receiver = { handleData() {}, handleEnd() {}, handleDrain() {}, handleClose: (error) => end(error) }
      begin()
    })
    const { between, socket } = await client(t, port)
    const told = once(socket, 'error')
    await secured
    between.write('this is no record of TLS')
    t.regex((await ended)?.code ?? '', /^ERR_SSL_/)
    t.regex(((await told)[0] as NodeJS.ErrnoException).code ?? '', /ALERT/)
    between.end()
  })

  test(`a half-close passes both ways, over a socket of ${over}`, async (t) => {
    t.plan(3)
    let close = () => {}
    const closed = new Promise<void>((resolve) => {
      close = resolve
    })
    const port = await server(t, over, (transport) => {
      transport.receiver = {
        handleData: (data) => t.is(`${data}`, 'question'),
        handleEnd() {
          transport.write(Buffer.from('answer'))
          transport.end()
        },
        handleDrain() {},
        handleClose(error) {
          t.is(error, undefined)
          close()
        },
      }
    })
    const { socket } = await client(t, port)
    socket.end('question')
    let heard = ''
    for await (const data of socket) heard += data
    t.is(heard, 'answer')
    await closed
  })
}
