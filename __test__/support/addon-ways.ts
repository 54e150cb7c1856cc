// Runs a test of addons in four ways: `regular` and `wireguard`, each with HTTP/1 in the clear and HTTP/2 over TLS, against a real server.
import { once } from 'node:events'
import { createServer, type IncomingMessage, request as requestHttp, type ServerResponse } from 'node:http'
import {
  connect as connectHttp2,
  createSecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2'
import type { Server } from 'node:net'
import type { Duplex, Readable } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import type { MidwireOptions } from '../../src/index.js'
import { certificate } from './certificates.js'
import { type Entry, type Running, startProxy } from './proxy.js'
import { bind, dial } from './talk.js'
import { WAYS, type Way } from './ways.js'

/** Fields by their names in lower case; several of one name as a list. */
export type Fields = Readonly<Record<string, string | readonly string[]>>

/** A request that the server has got. */
export interface Got {
  readonly method: string
  /** `/path?query`. */
  readonly path: string
  readonly version: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** What the server answers. Default: 200 with the body `answer`. */
export interface Reply {
  readonly status?: number
  readonly headers?: Fields
  readonly body?: string | Uint8Array
}

export interface Origin {
  readonly host: string
  readonly port: number
  /** `http://host:port` or `https://host:port`. */
  readonly url: string
  /** The requests that have come, in order. */
  readonly got: readonly Got[]
  /** What every request from now on is answered with; undefined for nothing: the request is left without an answer. */
  reply: (got: Got) => Reply | undefined
}

/** A request of the client. Default: GET without a body. */
export interface Asked {
  readonly method?: string
  readonly headers?: Fields
  readonly body?: string | Uint8Array
  /** The server that the request is for. Default: that of the test. */
  readonly to?: Origin
  /** The proxy by which it goes. Default: that of the test. */
  readonly by?: Entry
}

/** What the client has got. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export interface InWay {
  /** `regular, HTTP/1` and so on. */
  readonly name: string
  readonly http: 1 | 2
  /** The spec of the mode, for another proxy of the same way. */
  readonly spec: string
  readonly running: Running
  readonly origin: Origin
  /** Another server, which speaks as the first one does. */
  another(): Promise<Origin>
  /** Asks for a path, `/path?query`, by a connection of its own. Rejects where the connection ends without an answer. */
  ask(path: string, asked?: Asked): Promise<Answer>
  /** A connection to a port of the origin's host, as it is when the server can be spoken to. */
  connect(port?: number): Promise<Duplex>
}

/** The ways: those of WAYS that all addons are to be tested in. There is no `wireguard` on a machine with nothing but its loopback. */
const MODES = ['regular', 'wireguard']

/**
 * Makes one test for each way. `given` has the proxy's options, which may depend on the server; the proxy and the servers go with the
 * test.
 */
export function inEveryWay(
  title: string,
  given: MidwireOptions | ((origin: Origin) => MidwireOptions),
  body: (t: ExecutionContext, way: InWay) => Promise<void>,
): void {
  for (const way of MODES.flatMap((mode) => WAYS.find(({ name }) => name === mode) ?? [])) {
    for (const http of [1, 2] as const) {
      const name = `${way.name}, HTTP/${http}`
      test(`${title} (${name})`, async (t) => {
        const origin = await startOrigin(t, http, hostOf(way))
        const options = typeof given === 'function' ? given(origin) : given
        const spec = way.spec({ speaks: 'http', host: origin.host, port: origin.port }, 'direct')
        const running = await startProxy(t, { ...options, modes: [spec] })
        const client: Client = { t, way, running, http, origin }
        await body(t, {
          name,
          http,
          spec,
          running,
          origin,
          another: () => startOrigin(t, http, hostOf(way)),
          ask: (path, asked = {}) => ask({ ...client, running: asked.by ?? running }, path, asked),
          connect: (port = origin.port) => begin(client, origin.host, port),
        })
      })
    }
  }
}

interface Client {
  readonly t: ExecutionContext
  readonly way: Way
  readonly running: Entry
  readonly http: 1 | 2
  readonly origin: Origin
}

const hostOf = ({ host }: Way) => host.listen

/** A server that keeps what it gets. */
async function startOrigin(t: ExecutionContext, http: 1 | 2, host: string): Promise<Origin> {
  const got: Got[] = []
  const answer = async (request: Readable & Head, response: ServerResponse | Http2ServerResponse) => {
    const { method = '', url = '', httpVersion: version, headers } = request
    const one: Got = { method, path: url, version, headers, body: await read(request) }
    got.push(one)
    const reply = origin.reply(one)
    if (!reply) return
    const { status = 200, headers: fields = {}, body = 'answer' } = reply
    response.writeHead(status, fields as never)
    response.end(body)
  }
  const heard = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) =>
    // A client that goes away in the middle of its request is no fault of the test's.
    void answer(request as Readable & Head, response).catch(() => {})
  const server = http === 1 ? createServer(heard) : secureServer(host).on('request', heard)
  // What is open when the test is over would keep the process alive.
  server.on('connection', (socket) => t.teardown(() => socket.destroy()))
  const port = await bind(t, server as unknown as Server, host)
  const url = `${http === 1 ? 'http' : 'https'}://${host}:${port}`
  const origin: Origin = { host, port, url, got, reply: () => ({}) }
  return origin
}

type Head = Pick<IncomingMessage, 'method' | 'url' | 'httpVersion' | 'headers'>

function secureServer(host: string) {
  const made = certificate({ names: [host] })
  return createSecureServer({ cert: made.pem, key: made.keyPem })
}

/** A connection to a port through the proxy. */
async function begin({ t, way, running }: Client, host: string, port: number): Promise<Duplex> {
  const { socket } = await way.begin(t, running, host, port)
  socket.removeAllListeners('data')
  t.teardown(() => socket.destroy())
  return socket
}

async function ask(client: Client, path: string, asked: Asked): Promise<Answer> {
  const to = asked.to ?? client.origin
  return client.http === 1 ? askHttp1(client, to, path, asked) : askHttp2(client, to, path, asked)
}

async function askHttp1(client: Client, { host, port, url }: Origin, path: string, asked: Asked): Promise<Answer> {
  const isExplicit = client.way.mode === 'regular'
  const socket = isExplicit ? (await dial(client.t, client.running.port)).socket : await begin(client, host, port)
  socket.removeAllListeners('data')
  const { method = 'GET', body } = asked
  const headers = { host: `${host}:${port}`, ...asked.headers } as Record<string, string | string[]>
  const target = isExplicit ? `${url}${path}` : path
  const sent = requestHttp({ method, path: target, headers, createConnection: () => socket as never })
  sent.end(body)
  try {
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return { status: response.statusCode ?? 0, headers: response.headers, body: await read(response) }
  } finally {
    socket.destroy()
  }
}

async function askHttp2(client: Client, { host, port, url }: Origin, path: string, asked: Asked): Promise<Answer> {
  const below = await begin(client, host, port)
  const socket = connectTls({ socket: below, ca: client.running.proxy.authority.pem, host, ALPNProtocols: ['h2'] })
  await once(socket, 'secureConnect')
  const session = connectHttp2(url, { createConnection: () => socket })
  // The error of a session is that of its stream, too, which is waited for.
  session.on('error', () => {})
  try {
    const { method = 'GET', body, headers = {} } = asked
    const { host: authority, ...fields } = headers
    const named = authority === undefined ? {} : { ':authority': String(authority) }
    const stream = session.request({ ':method': method, ':path': path, ...named, ...fields } as never)
    stream.end(body)
    const [head] = (await Promise.race([once(stream, 'response'), gone(stream)])) as [IncomingMessage['headers']]
    return { status: Number(head[':status' as never]), headers: head, body: await read(stream) }
  } finally {
    session.destroy()
    socket.destroy()
  }
}

/** A stream that is closed without an answer may have no error: RST_STREAM with CANCEL has none. */
async function gone(stream: Duplex): Promise<never> {
  await once(stream, 'close')
  throw new Error('the stream was closed without an answer')
}

async function read(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
