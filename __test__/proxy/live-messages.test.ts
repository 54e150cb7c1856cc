// Messages of bodies that are seen while the body passes, by a client, a hook and a server of the test's own: events of SSE, and gRPC.
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer as createH2c,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import type { Readable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import type { Addon } from '../../src/index.js'
import { type Running, startProxy } from '../support/proxy.js'
import { bind } from '../support/talk.js'

/** What comes out of a stream, piece by piece, as whole messages of one form. */
class Incoming {
  readonly #stream: Readable
  readonly #length: (bytes: Buffer) => number | undefined
  #bytes = Buffer.alloc(0)

  /** `length`: that of the first message, once it is known. */
  constructor(stream: Readable, length: (bytes: Buffer) => number | undefined) {
    this.#stream = stream
    this.#length = length
  }

  async next(): Promise<Buffer> {
    for (;;) {
      const length = this.#length(this.#bytes)
      if (length !== undefined && length <= this.#bytes.length) {
        const message = this.#bytes.subarray(0, length)
        this.#bytes = this.#bytes.subarray(length)
        return message
      }
      const piece = this.#stream.read() as Buffer | null
      if (piece) this.#bytes = Buffer.concat([this.#bytes, piece])
      else await once(this.#stream, 'readable')
    }
  }
}

const endOfEvent = (bytes: Buffer) => {
  const at = bytes.indexOf('\n\n')
  return at < 0 ? undefined : at + 2
}

/** Events that are written one by one, each when the test says so. */
interface Source {
  readonly port: number
  readonly response: Promise<{ write(bytes: string): unknown; end(): unknown }>
}

async function sourceByHttp1(t: ExecutionContext): Promise<Source> {
  const server = createServer()
  const port = await bind(t, server)
  const response = (once(server, 'request') as Promise<[IncomingMessage, ServerResponse]>).then(([, response]) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
    return response
  })
  return { port, response }
}

function h2c(t: ExecutionContext) {
  const server = createH2c()
  server.on('session', (session) => t.teardown(() => session.destroy()))
  return server
}

async function sourceByHttp2(t: ExecutionContext): Promise<Source> {
  const server = h2c(t)
  const port = await bind(t, server)
  const response = (once(server, 'stream') as Promise<[ServerHttp2Stream]>).then(([stream]) => {
    stream.respond({ ':status': 200, 'content-type': 'text/event-stream' })
    return stream
  })
  return { port, response }
}

async function askByHttp1({ port }: Running): Promise<Readable> {
  const asked = request({ host: '127.0.0.1', port, path: '/events', agent: false }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  return response
}

function session(t: ExecutionContext, { port }: Running): ClientHttp2Session {
  const client = connect(`http://127.0.0.1:${port}`)
  client.on('error', () => undefined)
  t.teardown(() => client.destroy())
  return client
}

async function askByHttp2(t: ExecutionContext, running: Running): Promise<Readable> {
  const stream = session(t, running).request({ ':path': '/events' })
  await once(stream, 'response')
  return stream
}

for (const version of [1, 2] as const) {
  test(`HTTP/${version}: an event reaches the hook and the client before the server sends the next one`, async (t) => {
    const source = version === 1 ? await sourceByHttp1(t) : await sourceByHttp2(t)
    const seen: string[] = []
    const addon: Addon = {
      http_message({ flow, message }) {
        t.is(flow.response?.endedAt, undefined, 'the stream is open')
        seen.push(`${message.kind} ${message.content}`)
        if (message.content.toString() === 'change') message.content = 'changed'
        if (message.content.toString() === 'drop') message.drop()
      },
    }
    const modes = [`reverse:http://127.0.0.1:${source.port}@127.0.0.1:0`]
    const running = await startProxy(t, { modes, addons: [addon] })
    const asked = version === 1 ? askByHttp1(running) : askByHttp2(t, running)
    const server = await source.response
    const events = new Incoming(await asked, endOfEvent)
    const times: number[] = []
    // The server sends an event only after the test knows that hook and client have had the one before.
    for (let count = 0; count < 20; count += 1) {
      const begin = performance.now()
      server.write(`data: ${count}\n\n`)
      t.is((await events.next()).toString(), `data: ${count}\n\n`)
      times.push(performance.now() - begin)
      t.is(seen.at(-1), `sse ${count}`)
    }
    server.write('data: change\n\ndata: drop\n\ndata: la')
    t.is((await events.next()).toString(), 'data: changed\n\n')
    server.write('st\n\n')
    t.is((await events.next()).toString(), 'data: last\n\n')
    server.end()
    t.is((await running.flow('http')).error, undefined)
    t.log(`first event after ${times[0]?.toFixed(1)} ms, the slowest after ${Math.max(...times).toFixed(1)} ms`)
  })
}

/** A message of gRPC that is not compressed: its prefix has a flag and four bytes of length. */
function grpc(text: string): Buffer {
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(Buffer.byteLength(text), 1)
  return Buffer.concat([prefix, Buffer.from(text)])
}

const endOfGrpc = (bytes: Buffer) => (bytes.length < 5 ? undefined : 5 + bytes.readUInt32BE(1))

test('gRPC both ways at once: each message passes while the call runs, is changed or dropped, and trailers end it', async (t) => {
  const web = h2c(t)
  const port = await bind(t, web)
  const serving = once(web, 'stream') as Promise<[ServerHttp2Stream, IncomingHttpHeaders]>
  const seen: string[] = []
  const addon: Addon = {
    http_message({ message }) {
      const text = message.content.toString()
      seen.push(`${message.kind} ${message.fromClient ? 'up' : 'down'} ${text}`)
      if (text.startsWith('change')) message.content = `${text}, longer`
      if (text.startsWith('drop')) message.drop()
    },
  }
  const modes = [`reverse:http://127.0.0.1:${port}@127.0.0.1:0`]
  const running = await startProxy(t, { modes, addons: [addon] })
  const call: ClientHttp2Stream = session(t, running).request(
    { ':method': 'POST', ':path': '/chat.Chat/Talk', 'content-type': 'application/grpc', te: 'trailers' },
    { endStream: false },
  )
  const [server, head] = await serving
  t.is(head.te, 'trailers')
  server.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  server.on('wantTrailers', () => server.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'well' }))
  const toServer = new Incoming(server, endOfGrpc)
  const toClient = new Incoming(call, endOfGrpc)
  await once(call, 'response')
  // Neither side goes on before it has heard the other: nothing may wait for the end of a body.
  for (let count = 0; count < 5; count += 1) {
    call.write(grpc(`ask ${count}`))
    t.deepEqual(await toServer.next(), grpc(`ask ${count}`))
    server.write(grpc(`answer ${count}`))
    t.deepEqual(await toClient.next(), grpc(`answer ${count}`))
  }
  call.write(Buffer.concat([grpc('change this'), grpc('drop this'), grpc('after')]))
  t.deepEqual(await toServer.next(), grpc('change this, longer'))
  t.deepEqual(await toServer.next(), grpc('after'))
  // A message in two pieces is one message.
  const whole = grpc('change that')
  server.write(grpc('drop that'))
  server.write(whole.subarray(0, 7))
  server.write(whole.subarray(7))
  t.deepEqual(await toClient.next(), grpc('change that, longer'))
  const trailers = once(call, 'trailers') as Promise<[IncomingHttpHeaders]>
  call.end()
  server.end()
  t.like((await trailers)[0], { 'grpc-status': '0', 'grpc-message': 'well' })
  const flow = await running.flow('http')
  t.is(flow.error, undefined)
  t.is(flow.response?.trailers?.get('grpc-status'), '0')
  t.deepEqual(seen.slice(0, 4), ['grpc up ask 0', 'grpc down answer 0', 'grpc up ask 1', 'grpc down answer 1'])
  t.is(seen.length, 15)
})

test('a call whose flow is killed by a message is reset both ways', async (t) => {
  const web = h2c(t)
  const port = await bind(t, web)
  const serving = once(web, 'stream') as Promise<[ServerHttp2Stream]>
  const addon: Addon = {
    http_message: ({ flow, message }) => {
      if (message.content.toString() === 'kill') flow.kill()
    },
  }
  const modes = [`reverse:http://127.0.0.1:${port}@127.0.0.1:0`]
  const running = await startProxy(t, { modes, addons: [addon] })
  const head = { ':method': 'POST', ':path': '/', 'content-type': 'application/grpc' }
  const call = session(t, running).request(head, { endStream: false })
  call.on('error', () => undefined)
  const [server] = await serving
  server.on('error', () => undefined)
  const ends = Promise.all([once(call, 'close'), once(server, 'close')])
  call.write(grpc('kill'))
  await ends
  t.true((await running.flow('http')).killed)
})
