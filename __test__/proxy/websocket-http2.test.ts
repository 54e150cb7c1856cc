// WebSockets over HTTP/2 (RFC 8441) through a running proxy: to servers of HTTP/2, and to those that know WebSocket by HTTP/1 alone.
import { once } from 'node:events'
import {
  type ClientHttp2Session,
  connect,
  createServer as createH2c,
  createSecureServer,
  type ServerHttp2Stream,
} from 'node:http2'
import { createServer as createHttps } from 'node:https'
import type { Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Addon, HttpFlow } from '../../src/index.js'
import { certificate } from '../support/certificates.js'
import { type Running, startProxy, tlsTunnel } from '../support/proxy.js'
import { bind } from '../support/talk.js'
import { extendedConnect, openStream, webSocketOver } from '../support/websocket-stream.js'

/** What the server has been asked, and its end. */
interface Accepted {
  readonly version: string
  readonly method: string
  readonly protocol: string | undefined
  readonly key: string | undefined
  readonly extensions: string | undefined
  readonly socket: WebSocket
}

/** Messages of 1 MiB, more than may be under way. */
const COUNT = 60

interface Scene {
  readonly port: number
  readonly accepted: Accepted[]
}

function echo(socket: WebSocket): void {
  socket.on('error', () => undefined)
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
}

const made = certificate({ names: ['upstream.test'] })
const tls = { cert: made.pem, key: made.keyPem }

/** A server that knows WebSocket by HTTP/1, whatever else it speaks. */
async function byHttp1(t: ExecutionContext, web: Server): Promise<Scene> {
  const accepted: Accepted[] = []
  const server = new WebSocketServer({ server: web as never, perMessageDeflate: { threshold: 0 } })
  server.on('connection', (socket, { httpVersion, method = '', headers }) => {
    echo(socket)
    const { upgrade: protocol, 'sec-websocket-key': key, 'sec-websocket-extensions': extensions } = headers
    accepted.push({ version: httpVersion, method, protocol, key, extensions, socket })
  })
  t.teardown(() => {
    for (const one of server.clients) one.terminate()
    server.close()
  })
  return { port: await bind(t, web), accepted }
}

/** A server that answers pages by HTTP/2, and extended CONNECT where `extended`; else it knows WebSocket by HTTP/1 alone, as nginx does. */
async function byHttp2(t: ExecutionContext, extended: boolean): Promise<Scene> {
  const settings = { enableConnectProtocol: extended }
  const web = createSecureServer({ ...tls, allowHTTP1: !extended, settings })
  web.on('session', (session) => t.teardown(() => session.destroy()))
  web.on('sessionError', () => undefined)
  const accepted: Accepted[] = []
  web.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined)
    if (headers[':method'] !== 'CONNECT') {
      stream.respond({ ':status': 200 })
      stream.end('a page')
      return
    }
    stream.respond({ ':status': 200, 'x-server': 'by 2' })
    const socket = webSocketOver(t, stream, 'server')
    echo(socket)
    const { ':method': method = '', ':protocol': protocol, 'sec-websocket-key': key } = headers
    const extensions = headers['sec-websocket-extensions']
    accepted.push({ version: '2.0', method, protocol: protocol as string, key, extensions, socket })
  })
  if (!extended) return byHttp1(t, web)
  return { port: await bind(t, web), accepted }
}

const SERVERS = {
  'HTTP/2': (t: ExecutionContext) => byHttp2(t, true),
  'HTTP/2 without extended CONNECT': (t: ExecutionContext) => byHttp2(t, false),
  'HTTP/1': (t: ExecutionContext) => byHttp1(t, createHttps({ ...tls, ALPNProtocols: ['http/1.1'] })),
}

async function session(t: ExecutionContext, running: Running, port: number): Promise<ClientHttp2Session> {
  const { socket } = await tlsTunnel(t, running, port, { ALPNProtocols: ['h2', 'http/1.1'] })
  socket.removeAllListeners('data')
  const client = connect('https://upstream.test', { createConnection: () => socket as Duplex })
  client.on('error', () => undefined)
  t.teardown(() => client.destroy())
  if (!client.remoteSettings.enableConnectProtocol) await once(client, 'remoteSettings')
  t.true(client.remoteSettings.enableConnectProtocol)
  return client
}

async function page(client: ClientHttp2Session): Promise<string> {
  const stream = client.request({ ':path': '/page', ':authority': 'upstream.test' })
  let text = ''
  for await (const piece of stream.setEncoding('utf8')) text += piece
  return text
}

async function echoes(client: WebSocket, text: string): Promise<string> {
  const answer = once(client, 'message') as Promise<[Buffer]>
  client.send(text)
  return (await answer)[0].toString()
}

async function closed(socket: WebSocket): Promise<string> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return `${code} ${reason}`
}

async function chat(t: ExecutionContext, server: keyof typeof SERVERS, addons: Addon[] = []) {
  const scene = await SERVERS[server](t)
  // A server that is asked before the client would settle what the client may speak.
  const running = await startProxy(t, { addons, options: { connection_strategy: 'lazy' } })
  const client = await session(t, running, scene.port)
  const { stream, headers } = await openStream(client, extendedConnect(`upstream.test:${scene.port}`))
  t.is(headers[':status'], 200, running.flows.map(({ error }) => error?.message).join())
  t.is(headers['sec-websocket-accept'], undefined)
  const socket = webSocketOver(t, stream, 'client')
  return { running, client, socket, scene, stream }
}

for (const server of Object.keys(SERVERS) as (keyof typeof SERVERS)[]) {
  test(`to a server of ${server}: messages pass, are recorded, and the close code arrives`, async (t) => {
    const seen: string[] = []
    const note = (name: string) => () => {
      seen.push(name)
    }
    const addon: Addon = {
      requestheaders: note('requestheaders'),
      responseheaders: note('responseheaders'),
      websocket_start: note('start'),
      websocket_message: ({ websocket }) => {
        seen.push(`${websocket?.last?.fromClient ? 'up' : 'down'} ${websocket?.last?.length}`)
      },
      websocket_end: note('end'),
    }
    const { running, client, socket, scene } = await chat(t, server, [addon])
    const texts = ['hello, κόσμε', '', 'x'.repeat(300_000)]
    for (const text of texts) t.is(await echoes(socket, text), text)
    const pong = once(socket, 'pong') as Promise<[Buffer]>
    socket.ping('there?')
    t.is((await pong)[0].toString(), 'there?')
    const [end] = scene.accepted
    t.like(
      end,
      server === 'HTTP/2'
        ? { version: '2.0', method: 'CONNECT', protocol: 'websocket', key: undefined }
        : { version: '1.1', method: 'GET', protocol: 'websocket' },
    )
    const ends = Promise.all([closed(socket), closed(end?.socket as WebSocket)])
    socket.close(4001, 'enough')
    t.deepEqual(await ends, ['4001 enough', '4001 enough'])
    const flow = await running.flow('http')
    t.like(flow.request, { method: 'CONNECT', version: '2.0', protocol: 'websocket', path: '/chat' })
    t.like(flow.websocket, { closeCode: 4001, closedByClient: true, messagesFromClient: 3, messagesFromServer: 3 })
    t.is(flow.error, undefined)
    const messages = [17, 0, 300_000].flatMap((length) => [`up ${length}`, `down ${length}`])
    t.deepEqual(seen, ['requestheaders', 'responseheaders', 'start', ...messages, 'end'])
    // The connection has other streams, before and after.
    if (server !== 'HTTP/1') t.is(await page(client), 'a page')
  })

  test(`to a server of ${server}: messages are changed, dropped and injected`, async (t) => {
    const flows: HttpFlow[] = []
    const addon: Addon = {
      websocket_start: (flow) => {
        flows.push(flow)
      },
      websocket_message: ({ websocket }) => {
        const last = websocket?.last
        if (last?.text === 'change') last.text = `changed ${last.fromClient}`
        if (last?.text === 'drop') last.drop()
      },
    }
    const { running, socket, scene } = await chat(t, server, [addon])
    t.is(await echoes(socket, 'change'), 'changed true')
    socket.send('drop')
    t.is(await echoes(socket, 'kept'), 'kept')
    const heard = once(socket, 'message') as Promise<[Buffer]>
    flows[0]?.inject('client', 'to the client')
    t.is((await heard)[0].toString(), 'to the client')
    const asked = once(scene.accepted[0]?.socket as WebSocket, 'message') as Promise<[Buffer]>
    flows[0]?.inject('server', Buffer.from('to the server'))
    t.is((await asked)[0].toString(), 'to the server')
    socket.close(1000)
    const flow = await running.flow('http')
    t.is(flow.websocket?.messages.filter(({ injected }) => injected).length, 2)
    t.is(flow.websocket?.messages.filter(({ dropped }) => dropped).length, 1)
  })

  test(`to a server of ${server}: kill() ends that stream, and no other`, async (t) => {
    const addon: Addon = { websocket_message: (flow) => flow.kill() }
    const { running, client, socket, scene } = await chat(t, server, [addon])
    const ends = Promise.all([closed(socket), closed(scene.accepted[0]?.socket as WebSocket)])
    socket.send('x')
    t.deepEqual(await ends, ['1006 ', '1006 '])
    t.true((await running.flow('http')).killed)
    if (server !== 'HTTP/1') t.is(await page(client), 'a page')
  })

  test(`to a server of ${server}: text that is not UTF-8 closes the client with 1007 and the server with 1001`, async (t) => {
    const { running, socket, scene } = await chat(t, server)
    const ends = Promise.all([closed(socket), closed(scene.accepted[0]?.socket as WebSocket)])
    socket.send(Buffer.from([0x41, 0xff]), { binary: false })
    t.deepEqual(await ends, ['1007 a text message that is not UTF-8', '1001 '])
    t.is((await running.flow('http')).error?.message, 'the client has sent a text message that is not UTF-8')
  })
}

test('after a page by HTTP/2: the connection that is there is asked, or one of HTTP/1 is opened beside it', async (t) => {
  for (const extended of [true, false]) {
    const scene = await byHttp2(t, extended)
    const running = await startProxy(t)
    const client = await session(t, running, scene.port)
    t.is(await page(client), 'a page')
    const { stream } = await openStream(client, extendedConnect('upstream.test'))
    const socket = webSocketOver(t, stream, 'client')
    t.is(await echoes(socket, 'hello'), 'hello')
    t.is(scene.accepted[0]?.version, extended ? '2.0' : '1.1')
    t.is(await page(client), 'a page')
    const second = webSocketOver(t, (await openStream(client, extendedConnect('upstream.test'))).stream, 'client')
    t.is(await echoes(second, 'another'), 'another')
    t.is(await echoes(socket, 'and the first'), 'and the first')
  }
})

test('extensions that midwire cannot read are taken out of the offer; compressed messages are read', async (t) => {
  const scene = await SERVERS['HTTP/1'](t)
  const running = await startProxy(t, { options: { connection_strategy: 'lazy' } })
  const client = await session(t, running, scene.port)
  const offer = 'x-unknown, permessage-deflate; client_no_context_takeover'
  const head = extendedConnect('upstream.test', { 'sec-websocket-extensions': offer })
  const { stream, headers } = await openStream(client, head)
  t.is(scene.accepted[0]?.extensions, 'permessage-deflate; client_no_context_takeover')
  t.is(headers['sec-websocket-extensions'], 'permessage-deflate; client_no_context_takeover')
  // A message of the server's, compressed: ws compresses each.
  scene.accepted[0]?.socket.send('hello')
  const [frame] = (await once(stream, 'data')) as [Buffer]
  t.is(frame[0], 0xc1)
  stream.close()
  t.is((await running.flow('http')).websocket?.messages[0]?.text, 'hello')
})

test('websocket=false: the frames pass as raw bytes, over HTTP/2, too', async (t) => {
  const scene = await SERVERS['HTTP/2'](t)
  const running = await startProxy(t, { options: { websocket: false } })
  const client = await session(t, running, scene.port)
  const { stream } = await openStream(client, extendedConnect('upstream.test'))
  const socket = webSocketOver(t, stream, 'client')
  t.is(await echoes(socket, 'hello'), 'hello')
  socket.close(1000)
  t.is((await running.flow('http')).websocket, undefined)
})

test('a server that refuses the WebSocket: its answer reaches the client, and the connection goes on', async (t) => {
  const web = createSecureServer({ ...tls, settings: { enableConnectProtocol: true } })
  web.on('stream', (stream: ServerHttp2Stream, headers) => {
    stream.on('error', () => undefined)
    stream.respond({ ':status': headers[':method'] === 'CONNECT' ? 403 : 200 })
    stream.end(headers[':method'] === 'CONNECT' ? 'not you' : 'a page')
  })
  const port = await bind(t, web)
  const running = await startProxy(t)
  const client = await session(t, running, port)
  const { stream, headers } = await openStream(client, extendedConnect('upstream.test'))
  t.is(headers[':status'], 403)
  let text = ''
  for await (const piece of stream.setEncoding('utf8')) text += piece
  t.is(text, 'not you')
  t.is((await running.flow('http')).response?.status, 403)
  t.is(await page(client), 'a page')
})

test('a client that does not read its stream stops the server there, and the other streams go on', async (t) => {
  const scene = await SERVERS['HTTP/2'](t)
  const running = await startProxy(t, { addons: [{ websocket_message: () => undefined }] })
  const client = await session(t, running, scene.port)
  const { stream } = await openStream(client, extendedConnect('upstream.test'))
  const server = scene.accepted[0]?.socket as WebSocket
  const message = Buffer.alloc(1 << 20, 'midwire')
  let sent = 0
  const send = (): void => {
    if (sent < COUNT)
      server.send(message, () => {
        sent += 1
        send()
      })
  }
  send()
  for (let before = -1; before !== sent; await setTimeout(250)) before = sent
  t.true(sent < 30, `${sent} MiB were taken`)
  t.is(await page(client), 'a page')
  const socket = webSocketOver(t, stream, 'client')
  let heard = 0
  await new Promise<void>((done) => {
    socket.on('message', (data: Buffer) => {
      heard += 1
      if (!data.equals(message)) t.fail()
      if (heard === COUNT) done()
    })
  })
  t.is(sent, COUNT)
})

test('a server of HTTP/2 without TLS and without extended CONNECT is asked by HTTP/1, which it may speak, too; else it is a 502', async (t) => {
  const web = createH2c()
  web.on('session', (session) => t.teardown(() => session.destroy()))
  const port = await bind(t, web)
  const running = await startProxy(t, { modes: [`reverse:http://127.0.0.1:${port}@127.0.0.1:0`] })
  const client = connect(`http://127.0.0.1:${running.port}`)
  t.teardown(() => client.destroy())
  await once(client, 'remoteSettings')
  const head = extendedConnect('upstream.test', { ':scheme': 'http' })
  t.is((await openStream(client, head)).headers[':status'], 502)
  t.regex((await running.flow('http')).error?.message ?? '', /in the middle of a head|without an answer/)
})
