// Servers of a page that opens a WebSocket and an EventSource: by HTTP/2 with extended CONNECT, by HTTP/2 without, and by HTTP/1.
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerResponse,
  type ServerHttp2Stream,
} from 'node:http2'
import { createServer as createHttps, type Server } from 'node:https'
import { type WebSocket, WebSocketServer } from 'ws'
import { webSocketOver } from '../../support/websocket-stream.js'
import type { Identity } from './upstream.js'

/** Its title says at the end what has come: an event is answered by a request, without which the server does not send the next one. */
const PAGE = `<!DOCTYPE html><html><head><title>loading</title></head><body><h1>Live</h1><script>
const heard = []
const socket = new WebSocket('wss://' + location.host + '/chat')
const events = new EventSource('/events')
const say = (word) => {
  heard.push(word)
  if (heard.length === 5) document.title = 'done ' + heard.sort().join()
}
socket.onopen = () => socket.send('hello')
socket.onmessage = ({ data }) => {
  say(data)
  if (data === 'HELLO') socket.send('again')
  else socket.close(1000, 'enough')
}
events.onmessage = ({ data }) => {
  say(data)
  fetch('/seen')
  if (data === 'EVENT 3') events.close()
}
</script></body></html>`

export const ports = { extended: 8443, plain: 8444, http1: 8445 } as const

/** Which versions of HTTP have carried WebSockets, by the server. */
const carried: Record<keyof typeof ports, string[]> = { extended: [], plain: [], http1: [] }

export const carriedBy = (server: keyof typeof ports): string[] => carried[server]

function echo(socket: WebSocket): void {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
}

/** Answers the page's requests. Events go on when the page says that it has seen the one before. */
function answering() {
  let count = 0
  let stream: Pick<Http2ServerResponse, 'write'> | undefined
  const next = () => {
    count += 1
    stream?.write(`data: event ${count}\n\n`)
  }
  return ({ url }: { url: string }, response: Http2ServerResponse) => {
    if (url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      stream = response
      next()
    } else if (url === '/seen') {
      next()
      response.writeHead(204).end()
    } else if (url === '/') response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE)
    else response.writeHead(404).end()
  }
}

export async function serve(address: string, identity: Identity): Promise<void> {
  const extended = createSecureServer({ ...identity, settings: { enableConnectProtocol: true } })
  const plain = createSecureServer({ ...identity, allowHTTP1: true })
  const http1 = createHttps(identity)
  // Without a listener Node answers CONNECT with 405.
  extended.on('connect', () => undefined)
  extended.on('stream', (stream: ServerHttp2Stream, headers) => {
    if (headers[':method'] !== 'CONNECT') return
    stream.respond({ ':status': 200 })
    carried.extended.push('2.0')
    echo(webSocketOver({ teardown() {} }, stream, 'server'))
  })
  const servers: Record<keyof typeof ports, Http2SecureServer | Server> = { extended, plain, http1 }
  for (const [name, server] of Object.entries(servers) as [keyof typeof ports, Server][]) {
    const answer = answering()
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (request.method === 'GET') answer(request as { url: string }, response as unknown as Http2ServerResponse)
    })
    if (name !== 'extended') {
      new WebSocketServer({ server }).on('connection', (socket, { httpVersion }) => {
        carried[name].push(httpVersion)
        echo(socket)
      })
    }
    server.listen(ports[name], address)
    await once(server, 'listening')
  }
}
