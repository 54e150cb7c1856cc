// The package ws over a stream of HTTP/2 (RFC 8441), of which it knows the frames but not the handshake; and such a stream from a client.
import { once } from 'node:events'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { ExecutionContext } from 'ava'
import { type ClientOptions, WebSocket } from 'ws'

/** What ws does with a socket once the handshake is over: not in its types. */
interface Inner {
  _isServer: boolean
  setSocket(socket: Duplex, head: Buffer, options: { maxPayload: number; skipUTF8Validation: boolean }): void
}

/** The WebSocket of one side, over a stream whose handshake has been done, without compression. */
export function webSocketOver(
  t: Pick<ExecutionContext, 'teardown'>,
  stream: Duplex,
  side: 'client' | 'server',
): WebSocket {
  // Without an address ws connects to nothing, and takes itself for a server.
  const socket = new WebSocket(null as unknown as string, undefined, {
    autoPong: true,
    closeTimeout: 30_000,
  } as ClientOptions)
  const inner = socket as unknown as Inner
  inner._isServer = side === 'server'
  inner.setSocket(stream, Buffer.alloc(0), { maxPayload: 0, skipUTF8Validation: false })
  socket.on('error', () => undefined)
  t.teardown(() => socket.terminate())
  return socket
}

/** The head of an extended CONNECT for a WebSocket. */
export const extendedConnect = (authority: string, more: OutgoingHttpHeaders = {}): OutgoingHttpHeaders => ({
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'https',
  ':path': '/chat',
  ':authority': authority,
  'sec-websocket-version': '13',
  ...more,
})

export interface Opened {
  readonly stream: ClientHttp2Stream
  readonly headers: IncomingHttpHeaders & { ':status'?: number }
}

/** Sends an extended CONNECT, and waits for its answer. */
export async function openStream(session: ClientHttp2Session, head: OutgoingHttpHeaders): Promise<Opened> {
  const stream = session.request(head, { endStream: false })
  stream.on('error', () => undefined)
  const [headers] = (await once(stream, 'response')) as [Opened['headers']]
  return { stream, headers }
}
