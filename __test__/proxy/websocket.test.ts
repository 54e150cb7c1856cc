// WebSockets of real clients and servers (the package ws) through a running proxy: with TLS and without, compressed and not.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import test, { type ExecutionContext } from 'ava'
import { type PerMessageDeflateOptions, WebSocket, WebSocketServer } from 'ws'
import type { Addon } from '../../src/index.js'
import { certificate } from '../support/certificates.js'
import { type Running, startProxy, tlsTunnel, tunnel } from '../support/proxy.js'
import { bind } from '../support/talk.js'

type Compression = boolean | PerMessageDeflateOptions

interface Ends {
  running: Running
  client: WebSocket
  /** The server's end. */
  server: WebSocket
}

/** A WebSocket through CONNECT, whose server echoes each message. */
async function connected(
  t: ExecutionContext,
  secure: boolean,
  compression: Compression,
  addons: Addon[] = [],
): Promise<Ends> {
  const running = await startProxy(t, { addons })
  const made = certificate({ names: ['upstream.test'] })
  const web: Server = secure ? createSecureServer({ cert: made.pem, key: made.keyPem }) : createServer()
  const server = new WebSocketServer({ server: web, perMessageDeflate: compression })
  const port = await bind(t, web)
  const accepted = once(server, 'connection') as Promise<[WebSocket]>
  server.on('connection', (socket) => {
    socket.on('error', () => undefined)
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  const { socket } = secure ? await tlsTunnel(t, running, port) : await tunnel(t, running, port)
  socket.removeAllListeners('data')
  const url = `ws://upstream.test:${port}/chat`
  const client = new WebSocket(url, { createConnection: () => socket, perMessageDeflate: compression })
  const opening = once(client, 'open')
  const [end] = await accepted
  await opening
  t.teardown(() => {
    client.terminate()
    server.close()
    for (const one of server.clients) one.terminate()
  })
  return { running, client, server: end }
}

async function hears(socket: WebSocket): Promise<string> {
  const [data] = (await once(socket, 'message')) as [Buffer]
  return data.toString()
}

async function echoes(client: WebSocket, text: string): Promise<string> {
  const answer = hears(client)
  client.send(text)
  return answer
}

async function closed(socket: WebSocket): Promise<string> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return `${code} ${reason}`
}

const COMPRESSIONS: [string, Compression][] = [
  ['not compressed', false],
  ['compressed', { threshold: 0 }],
  ['compressed, windows not kept', { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true }],
  ['compressed, small windows', { threshold: 0, serverMaxWindowBits: 9, clientMaxWindowBits: 10 }],
]

for (const secure of [false, true]) {
  for (const [name, compression] of COMPRESSIONS) {
    test(`${secure ? 'wss' : 'ws'}, ${name}: messages pass, are recorded, and close codes arrive`, async (t) => {
      const { running, client, server } = await connected(t, secure, compression)
      const texts = ['hello', 'hello, κόσμε', '', 'x'.repeat(100_000), 'hello']
      for (const text of texts) t.is(await echoes(client, text), text)
      const pong = once(client, 'pong') as Promise<[Buffer]>
      client.ping('are you there')
      t.is((await pong)[0].toString(), 'are you there')
      const ends = Promise.all([closed(client), closed(server)])
      client.close(4001, 'enough')
      t.deepEqual(await ends, ['4001 enough', '4001 enough'])
      const flow = await running.flow('http')
      t.is(flow.request.scheme, secure ? 'https' : 'http')
      t.like(flow.websocket, { closeCode: 4001, closeReason: 'enough', closedByClient: true, messagesFromServer: 5 })
      const expected = texts.flatMap((text) => [`true ${text}`, `false ${text}`])
      t.deepEqual(
        flow.websocket?.messages.map(({ fromClient, text }) => `${fromClient} ${text}`),
        expected,
      )
      t.is(flow.error, undefined)
    })

    test(`${secure ? 'wss' : 'ws'}, ${name}: an addon changes and drops messages`, async (t) => {
      const addon: Addon = {
        async websocket_message({ websocket }) {
          const last = websocket?.last
          if (last?.text.startsWith('change')) last.text = `${last.text} ${last.fromClient ? 'up' : 'down'}`
          if (last?.text.startsWith('drop')) last.drop()
        },
      }
      const { running, client, server } = await connected(t, secure, compression, [addon])
      t.is(await echoes(client, 'as it is'), 'as it is')
      t.is(await echoes(client, 'change'), 'change up down')
      client.send('drop this')
      for (let count = 0; count < 30; count += 1) {
        const text = `${count % 4 === 0 ? 'change' : 'keep'} ${'some text '.repeat(count * 100)}`
        t.is(await echoes(client, text), count % 4 === 0 ? `${text} up down` : text)
      }
      const ends = Promise.all([closed(client), closed(server)])
      server.close(1000)
      t.deepEqual(await ends, ['1000 ', '1000 '])
      const flow = await running.flow('http')
      t.is(flow.websocket?.messages.filter(({ dropped }) => dropped).length, 1)
    })
  }
}

test('a server that is lost: the client hears of it, and the flow says so', async (t) => {
  const { running, client, server } = await connected(t, false, false)
  t.is(await echoes(client, 'a'), 'a')
  const end = closed(client)
  client.on('error', () => undefined)
  server.terminate()
  t.is(await end, '1006 ')
  t.like((await running.flow('http')).websocket, { closeCode: 1006 })
})

test('kill() closes both ends at once', async (t) => {
  const addon: Addon = { websocket_message: (flow) => flow.kill() }
  const { running, client, server } = await connected(t, true, true, [addon])
  client.on('error', () => undefined)
  const ends = Promise.all([closed(client), closed(server)])
  client.send('x')
  t.deepEqual(await ends, ['1006 ', '1006 '])
  t.true((await running.flow('http')).killed)
})

test('a client that sends no UTF-8 is closed with 1007, and the server with 1001', async (t) => {
  const { running, client, server } = await connected(t, false, { threshold: 0 })
  const ends = Promise.all([closed(client), closed(server)])
  client.send(Buffer.from([0x41, 0xff]), { binary: false })
  t.deepEqual(await ends, ['1007 a text message that is not UTF-8', '1001 '])
  t.is((await running.flow('http')).error?.message, 'the client has sent a text message that is not UTF-8')
})

test('an open WebSocket goes on as it began when websocket is switched off', async (t) => {
  const { running, client } = await connected(t, false, true)
  await running.proxy.options.set({ websocket: false })
  t.is(await echoes(client, 'goes on as it began'), 'goes on as it began')
  client.close()
  t.is((await running.flow('http')).websocket?.messages.length, 2)
})

test('messages of 1 MiB both ways at once, none lost', async (t) => {
  const { client } = await connected(t, true, false)
  const large = Buffer.alloc(1 << 20, 'midwire')
  let count = 0
  const done = new Promise<void>((resolve) => {
    client.on('message', (data: Buffer) => {
      t.true(data.equals(large))
      count += 1
      if (count === 20) resolve()
    })
  })
  for (let sent = 0; sent < 20; sent += 1) client.send(large)
  await done
  t.is(count, 20)
})
