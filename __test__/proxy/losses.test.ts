// The error of a flow says which side was lost, whatever is spoken and however the client came in.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectHttp2, createSecureServer } from 'node:http2'
import { connect as connectTcp, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { WebSocket, WebSocketServer } from 'ws'
import type { AnyFlow } from '../../src/index.js'
import { certificate } from '../support/certificates.js'
import { startProxy } from '../support/proxy.js'
import { bind } from '../support/talk.js'
import { WAYS } from '../support/ways.js'

interface Speech {
  readonly speaks: 'http' | 'https' | 'raw'
  /** The type of the flow that is lost. */
  readonly flow: AnyFlow['type']
  /** Either calls `heard` when the flow is under way. The client speaks to that port of this machine. */
  server(heard: () => void): Server
  client(port: number, heard: () => void): unknown
}

/** Its errors are those of the test's own making. */
function quiet<Of extends { on(name: 'error', listener: () => void): unknown }>(one: Of): Of {
  one.on('error', () => {})
  return one
}

const tcp = (port: number) => quiet(connectTcp(port, '127.0.0.1'))

const made = certificate({ names: ['upstream.test'] })
const identity = { cert: made.pem, key: made.keyPem }
const tls = { host: '127.0.0.1', servername: 'upstream.test', rejectUnauthorized: false }
const GET = 'GET / HTTP/1.1\r\nHost: upstream.test\r\n\r\n'
/** A head, and a body that does not come whole. */
const POST = 'POST / HTTP/1.1\r\nHost: upstream.test\r\nContent-Length: 9\r\n\r\nhalf'
const HALF = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'

const SPEECHES: Record<string, Speech> = {
  TCP: {
    speaks: 'raw',
    flow: 'tcp',
    server: (heard) => createTcpServer((socket) => quiet(socket).on('data', heard)),
    client: (port) => tcp(port).write('\0word'),
  },
  'TCP under TLS': {
    speaks: 'https',
    flow: 'tcp',
    server: (heard) => createTlsServer(identity, (socket) => quiet(socket).on('data', heard)),
    client: (port) => quiet(connectTls({ ...tls, port })).write('\0word'),
  },
  'HTTP/1, before an answer': {
    speaks: 'http',
    flow: 'http',
    server: (heard) => createServer(heard),
    client: (port) => tcp(port).write(GET),
  },
  'HTTP/1, within the request': {
    speaks: 'http',
    flow: 'http',
    server: (heard) => createTcpServer((socket) => quiet(socket).on('data', heard)),
    client: (port) => tcp(port).write(POST),
  },
  'HTTP/1, within the response': {
    speaks: 'http',
    flow: 'http',
    server: () => createTcpServer((socket) => quiet(socket).once('data', () => socket.write(HALF))),
    client: (port, heard) => tcp(port).on('data', heard).write(GET),
  },
  'HTTP/1 under TLS': {
    speaks: 'https',
    flow: 'http',
    server: (heard) => createTlsServer(identity, (socket) => quiet(socket).on('data', heard)),
    client: (port) => quiet(connectTls({ ...tls, port })).write(GET),
  },
  'HTTP/2': {
    speaks: 'https',
    flow: 'http',
    server: (heard) => createSecureServer(identity).on('stream', (stream) => quiet(stream) && heard()) as never,
    client: (port) => quiet(quiet(connectHttp2(`https://127.0.0.1:${port}`, tls)).request({ ':path': '/' })),
  },
  WebSocket: {
    speaks: 'http',
    flow: 'http',
    server(heard) {
      const server = createServer()
      new WebSocketServer({ server }).on('connection', (socket) => quiet(socket).on('message', heard))
      return server
    },
    async client(port) {
      const socket = quiet(new WebSocket(`ws://127.0.0.1:${port}/`))
      await once(socket, 'open')
      socket.send('word')
    },
  },
}

/** Opens a port that leads to another place, both ways, until the test is over. A side of TLS cannot send RST by itself. */
async function relay(t: ExecutionContext, host: string, onward: (from: Socket) => Promise<Duplex>): Promise<number> {
  const server = createTcpServer(async (from) => {
    t.teardown(() => from.destroy())
    quiet(from).pause()
    const to = quiet(await onward(from))
    t.teardown(() => to.destroy())
    from.pipe(to).pipe(from)
  })
  return bind(t, server, host)
}

for (const mode of ['regular', 'wireguard']) {
  const way = WAYS.find(({ name }) => name === mode)
  // There is no way by WireGuard on a machine with nothing but its loopback.
  if (!way) continue
  for (const [name, { speaks, flow: type, server, client }] of Object.entries(SPEECHES)) {
    for (const side of ['client', 'server'] as const) {
      test(`${mode}, ${name}: the ${side} resets the connection`, async (t) => {
        const running = await startProxy(t, { modes: [way.spec({ speaks, host: way.host.listen, port: 0 }, 'direct')] })
        let lowest: { resetAndDestroy(): unknown } | undefined
        await new Promise<void>((heard, fail) => {
          const begin = async () => {
            const far = await bind(t, server(heard))
            const port = await relay(t, way.host.listen, async (from) => {
              if (side === 'server') lowest = from
              return tcp(far)
            })
            const near = await relay(t, '127.0.0.1', async () => {
              const { socket } = await way.begin(t, running, way.host.name, port)
              socket.removeAllListeners('data')
              if (side === 'client') lowest = socket as Socket
              return socket
            })
            await client(near, heard)
          }
          begin().catch(fail)
        })
        lowest?.resetAndDestroy()
        const { error } = await running.flow(type)
        t.regex(`${error?.message}`, new RegExp(`\\bthe ${side} reset the connection \\(ECONNRESET\\)$`))
      })
    }
  }
}
