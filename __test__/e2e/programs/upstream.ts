// The servers behind midwire, on node:http, node:https, node:net and node:dgram: what they answer says what they were asked.
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createServer, type Server } from 'node:net'
import { pattern, patternBytes } from '../support/pattern.js'
import { send } from './services.js'

export interface Identity {
  cert: string
  key: string
}

/** What `/echo` tells of a request. */
export interface Echo {
  method: string
  url: string
  version: string
  /** As on the wire: name, value, name, value ... */
  headers: string[]
  trailers: string[]
  bytes: number
  sha256: string
  /** The client was waiting for a 100. */
  expected: boolean
  secure: boolean
  /** The client's port: the same for two requests of one connection. */
  connection: number
}

/** A page that says by its title that script, style sheet and a request of its own have come. */
const PAGE = `<!DOCTYPE html><html><head><title>loading</title><link rel="stylesheet" href="/style.css"></head>
<body><h1>A page over the tunnel</h1><script>
fetch('/echo', { method: 'POST', body: 'from the page' }).then((answer) => answer.json()).then((echo) => {
  document.title = 'loaded ' + echo.bytes + ' ' + getComputedStyle(document.body).color
})
</script></body></html>`

type Handler = (request: IncomingMessage, response: ServerResponse, rest: string) => void

const routes: Record<string, Handler> = {
  echo: (request, response) => echo(request, response, false),
  bytes(request, response, rest) {
    const size = Number(rest)
    const [, from, to] = request.headers.range?.match(/^bytes=(\d+)-(\d+)$/) ?? []
    const fields = { 'Content-Type': 'application/octet-stream', 'Accept-Ranges': 'bytes', ETag: '"pattern"' }
    if (from !== undefined && to !== undefined) {
      const part = patternBytes(size).subarray(Number(from), Number(to) + 1)
      response.writeHead(206, {
        ...fields,
        'Content-Range': `bytes ${from}-${to}/${size}`,
        'Content-Length': part.length,
      })
      response.end(part)
    } else if (request.headers['if-none-match'] === '"pattern"') {
      response.writeHead(304, { ETag: '"pattern"', 'Content-Length': size }).end()
    } else {
      response.writeHead(200, { ...fields, 'Content-Length': size })
      if (request.method === 'HEAD') response.end()
      else send(response as never, size, () => response.end())
    }
  },
  async chunked(_, response, rest) {
    const hash = createHash('sha256')
    response.writeHead(200, 'Chunky', { Trailer: 'X-Sum', 'X-Twice': ['one', 'two'] })
    for (const chunk of pattern(Number(rest))) {
      hash.update(chunk)
      if (!response.write(chunk)) await once(response, 'drain')
    }
    response.addTrailers({ 'X-Sum': hash.digest('hex') })
    response.end()
  },
  nothing: (_, response) => response.writeHead(204).end(),
  /** Never ends. */
  slow(_, response) {
    response.writeHead(200, { 'Content-Type': 'text/plain' })
    const timer = setInterval(() => response.write('more\n'), 50)
    response.on('close', () => clearInterval(timer))
  },
  page: (_, response) => response.setHeader('Content-Type', 'text/html').end(PAGE),
  'style.css': (_, response) => response.setHeader('Content-Type', 'text/css').end('body { color: rgb(1, 2, 3) }'),
}

function handle(request: IncomingMessage, response: ServerResponse): void {
  const [, name = '', rest = ''] = request.url?.match(/^\/([^/?]*)\/?([^?]*)/) ?? []
  const handler = routes[name]
  if (handler) handler(request, response, rest)
  else response.writeHead(404, { 'Content-Type': 'text/plain' }).end(`no ${request.url}\n`)
}

function echo(request: IncomingMessage, response: ServerResponse, expected: boolean): void {
  const hash = createHash('sha256')
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    hash.update(chunk)
    bytes += chunk.length
  })
  request.on('end', () => {
    const { method = '', url = '', httpVersion, rawHeaders, rawTrailers, socket } = request
    const answer: Echo = {
      ...{ method, url, version: httpVersion, headers: rawHeaders, trailers: rawTrailers, bytes, expected },
      ...{ sha256: hash.digest('hex'), secure: 'encrypted' in socket, connection: socket.remotePort ?? 0 },
    }
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify(answer))
  })
}

async function listening(server: Server, port: number, address: string): Promise<void> {
  server.listen(port, address)
  await once(server, 'listening')
}

function checkContinue(request: IncomingMessage, response: ServerResponse): void {
  response.writeContinue()
  echo(request, response, true)
}

/** HTTPS alone, on port 443 unless told otherwise. */
export async function serveHttps(address: string, identity: Identity, port = 443): Promise<void> {
  await listening(createHttps(identity, handle).on('checkContinue', checkContinue), port, address)
}

/** HTTP on port 80 and HTTPS on port 443. */
export async function serveWeb(address: string, identity: Identity): Promise<void> {
  await listening(createHttp(handle).on('checkContinue', checkContinue), 80, address)
  await serveHttps(address, identity)
}

/** HTTP on port 80 that answers with one text, whatever it is asked. */
export async function serveText(address: string, text: string): Promise<void> {
  await listening(
    createHttp((_, response) => response.end(text)),
    80,
    address,
  )
}

/** Speaks first, as SSH does, then says back each line in capitals. */
export async function serveBanner(address: string, port: number): Promise<void> {
  const server = createServer((socket) => {
    socket.write('SSH-2.0-test\r\n')
    socket.on('data', (chunk) => socket.write(chunk.toString().toUpperCase()))
    socket.on('error', () => {})
  })
  await listening(server, port, address)
}

/** Reads to the end, and only then says how much that was: nothing comes from it without a half-close. */
export async function serveDiscard(address: string, port: number): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let bytes = 0
    socket.on('data', (chunk) => {
      bytes += chunk.length
    })
    socket.on('end', () => socket.end(`${bytes} bytes, and this comes after your end`))
    socket.on('error', () => {})
  })
  await listening(server, port, address)
}

/** UDP: every datagram comes back. */
export async function serveEcho(address: string, port: number): Promise<void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (message, from) => socket.send(message, from.port, from.address))
  socket.bind(port, address)
  await once(socket, 'listening')
}
