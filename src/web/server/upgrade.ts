// Lets clients of updates in: the same checks as for requests, a bound on how many there are, and a ping that finds those that are gone.
import { type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { ApiError, failureOf } from './failure.js'
import { type Desk, urlOf } from './requests.js'

/** Clients that follow updates at once. Each may have lists of its own, which each flow is held against. */
export const MAX_FOLLOWERS = 100

/** Bytes of a message of a client. */
const MAX_MESSAGE = 64 * 1024

/** Milliseconds between pings. A client that has not answered one is closed at the next. */
const PING_TIME = 30_000

/** `follow` is called with each client that is let in, and with the message of its address. */
export function upgradeTo(
  server: Server,
  path: string,
  desk: Desk,
  follow: (socket: WebSocket, first: string | undefined) => void,
): WebSocketServer {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE, perMessageDeflate: false })
  const answered = new WeakSet<WebSocket>()
  const pings = setInterval(() => {
    for (const socket of sockets.clients) {
      if (!answered.has(socket)) socket.terminate()
      answered.delete(socket)
      socket.ping()
    }
  }, PING_TIME)
  pings.unref()
  sockets.on('close', () => clearInterval(pings))
  server.on('upgrade', async (request, stream: Duplex, head) => {
    const lost = () => stream.destroy()
    stream.on('error', lost)
    try {
      const url = urlOf(request)
      desk.guard.check(request, true)
      await desk.access.check(request, url)
      if (url.pathname !== path) throw new ApiError(404, 'ERR_NOT_FOUND', `updates are at ${path}`)
      if (sockets.clients.size >= MAX_FOLLOWERS) {
        throw new ApiError(503, 'ERR_EXHAUSTED', `${MAX_FOLLOWERS} clients follow updates already`)
      }
      stream.off('error', lost)
      sockets.handleUpgrade(request, stream, head, (socket) => {
        answered.add(socket)
        socket.on('pong', () => answered.add(socket))
        socket.on('error', () => socket.terminate())
        follow(socket, url.searchParams.get('first') ?? undefined)
      })
    } catch (error) {
      refuse(stream, failureOf(error))
    }
  })
  return sockets
}

function refuse(stream: Duplex, { status, code, message }: ApiError): void {
  const body = JSON.stringify({ error: { code, message } })
  // A client that keeps its side open would count on.
  stream.once('finish', () => stream.destroy())
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `X-Content-Type-Options: nosniff\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
