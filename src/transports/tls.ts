// TLS over a transport of bytes: by the addon, or by node:tls, which on a socket of Node's uses the socket's own handle.
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, type SecureContext, TLSSocket } from 'node:tls'
import type { TlsState } from '../connection.js'
import type { NativeServerTls } from '../native/load.js'
import { closedEarly } from './connections/failure.js'
import { answerClient, askServer, type Question } from './connections/tls.js'
import type { ConnectionTransport } from './connections/transport.js'
import { HIGH_WATER, Pipe } from './pipe.js'
import type { StreamTransport, Transport } from './transport.js'
import { TransportStream } from './transport-stream.js'

/** The time that a handshake has. */
const HANDSHAKE_MILLISECONDS = 30_000

/** The most certificates of a server's chain that are kept, and the most bytes of all together. */
const MAX_CHAIN = 10
const MAX_CHAIN_BYTES = 64 * 1024

/** The result of a handshake; `pipe` carries the plaintext. */
export interface Secured {
  readonly pipe: Transport
  readonly state: TlsState
}

/** The result of a handshake with a server. */
export interface SecuredServer extends Secured {
  /** The server's chain, from this connection or from the one whose session was resumed: DER, the end entity's certificate first. */
  readonly certificates: readonly Buffer[]
}

/** A session that may be resumed. A server that resumes a session sends no certificates (RFC 8446, 2.2), so they are kept here. */
export interface ServerSession {
  /** The session in the form of node:tls. */
  readonly data: Buffer
  readonly certificates: readonly Buffer[]
}

/** What answers a client: OpenSSL by its context, or the addon by its own. */
export type ServerSide = { readonly context: SecureContext } | { readonly native: NativeServerTls }

export interface ServerSideOptions {
  readonly by: ServerSide
  /** The one protocol to agree on. */
  readonly alpn: string | undefined
  /** The client is asked for a certificate, which is not verified. Default: false. */
  readonly asks?: boolean | undefined
  /** Called with each line of a key log: the secrets of the connection in NSS's format. */
  readonly onSecret?: ((line: Buffer) => void) | undefined
}

/** Does TLS with the client. `first` has the client's bytes that were read already, beginning with its ClientHello. */
export async function secureClient(transport: Transport, first: Buffer, options: ServerSideOptions): Promise<Secured> {
  if (hasLeft(transport)) {
    // The client cannot finish a handshake any more, and nothing can be put back into a stream that has ended.
    transport.close()
    throw new Error('the client closed the connection before its handshake')
  }
  if ('native' in options.by) return secureClientNatively(transport, first, options.by.native, options)
  const duplex = streamOf(transport)
  if (first.length > 0) duplex.unshift(first)
  const socket = new TLSSocket(duplex, {
    isServer: true,
    secureContext: options.by.context,
    ...(options.alpn !== undefined && { ALPNProtocols: [options.alpn] }),
    requestCert: options.asks === true,
    rejectUnauthorized: false,
    highWaterMark: HIGH_WATER,
  } as ConstructorParameters<typeof TLSSocket>[1])
  if (options.onSecret) socket.on('keylog', options.onSecret)
  let shown: readonly Buffer[] = []
  // The certificates are read at once: when the promise below is settled, the connection may be gone.
  if (options.asks) socket.once('secure', () => (shown = chainOf(socket)))
  // Node ends a client's connection for what breaks TLS only in the handshake: after that, it leaves it to its own servers.
  socket.on('_tlsError', (error: Error) => socket.destroy(error))
  const secured = await handshake(socket, duplex, transport, 'secure')
  return shown.length > 0 ? { ...secured, state: { ...secured.state, certificates: shown } } : secured
}

/** Whether the peer says no more. */
function hasLeft(transport: Transport): boolean {
  const { duplex, isOver } = transport as Partial<StreamTransport & ConnectionTransport>
  return isOver ?? (duplex !== undefined && (duplex.readableEnded || duplex.destroyed))
}

async function secureClientNatively(
  transport: Transport,
  first: Buffer,
  tls: NativeServerTls,
  { asks, onSecret }: ServerSideOptions,
): Promise<Secured> {
  const {
    transport: plain,
    state,
    certificates,
  } = await inTime(transport, answerClient(transport, first, tls, onSecret))
  return {
    pipe: plain,
    state: asks && certificates.length > 0 ? { ...state, certificates: bounded(certificates) } : state,
  }
}

/** Does TLS with a server by the addon. Rejects with a TlsFailure, or with the error of a lost connection. */
export async function secureServerNatively(
  transport: Transport,
  question: Question,
  onSecret?: (line: Buffer) => void,
): Promise<SecuredServer> {
  const { transport: plain, state, certificates } = await inTime(transport, askServer(transport, question, onSecret))
  return { pipe: plain, state, certificates: bounded(certificates) }
}

/** The result of a handshake, for which there is only so much time. */
async function inTime<T>(transport: Transport, handshake: Promise<T>): Promise<T> {
  let late: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_, reject) => {
    late = setTimeout(() => {
      reject(Object.assign(new Error('the handshake took too long'), { code: 'ETIMEDOUT' }))
      transport.close()
    }, HANDSHAKE_MILLISECONDS)
  })
  try {
    return await Promise.race([handshake, limit])
  } finally {
    clearTimeout(late)
  }
}

export interface ClientSideOptions {
  readonly context: SecureContext
  readonly sni: string | undefined
  readonly alpn: readonly string[]
  /** The name or address that the certificate must be for; undefined: the certificate is not verified. */
  readonly verify: string | undefined
  /** A session to resume. */
  readonly session: ServerSession | undefined
  /** Called with each line of a key log: the secrets of the connection in NSS's format. */
  readonly onSecret?: ((line: Buffer) => void) | undefined
  /** Called with a session of the server that may be resumed later. */
  onSession(session: ServerSession): void
}

/** Does TLS with a server. Rejects with Node's errors; where the certificate is refused, with OpenSSL's code. */
export async function secureServer(transport: Transport, options: ClientSideOptions): Promise<SecuredServer> {
  const duplex = streamOf(transport)
  const { session } = options
  const socket = connect({
    socket: duplex,
    secureContext: options.context,
    ...(options.sni !== undefined && { servername: options.sni }),
    ...(options.verify !== undefined && { host: options.verify }),
    ...(options.alpn.length > 0 && { ALPNProtocols: [...options.alpn] }),
    ...(session && { session: session.data }),
    ...(options.verify === undefined && { checkServerIdentity: () => undefined }),
    rejectUnauthorized: options.verify !== undefined,
    highWaterMark: HIGH_WATER,
  } as ConnectionOptions)
  let refusal: Error | undefined
  sayGoodbye(socket, (error) => (refusal = error))
  if (options.onSecret) socket.on('keylog', options.onSecret)
  let shown: readonly Buffer[] | undefined
  const certificates = () => {
    shown ??= session && socket.isSessionReused() ? session.certificates : chainOf(socket)
    return shown
  }
  // Node holds back sessions that come before the server is verified. With TLS 1.3 they come at any time (RFC 8446, 4.6.1).
  socket.on('session', (data: Buffer) => options.onSession({ data, certificates: certificates() }))
  // The certificates are read at once: when the promise below is settled, the connection and its chain may be gone.
  socket.once('secureConnect', certificates)
  const secured = await handshake(socket, duplex, transport, 'secureConnect', () => refusal)
  return { ...secured, certificates: certificates() }
}

/** Node destroys a connection with a server that it does not trust without a word. The server gets close_notify first; `refused` is called before. */
function sayGoodbye(socket: TLSSocket, refused: (error: Error) => void): void {
  let isDone = false
  socket.prependOnceListener('secure', () => {
    isDone = true
  })
  socket.once('secureConnect', () => Reflect.deleteProperty(socket, 'destroy'))
  socket.destroy = (error) => {
    Reflect.deleteProperty(socket, 'destroy')
    if (!isDone || !error) return socket.destroy(error)
    refused(error)
    return socket.end(() => socket.destroy(error))
  }
}

/** The certificates that the server has sent, in its order. */
const chainOf = (socket: TLSSocket): Buffer[] => bounded(chainFrom(socket.getPeerX509Certificate()))

function* chainFrom(first: ReturnType<TLSSocket['getPeerX509Certificate']>): Iterable<Buffer> {
  for (let one = first; one; one = one.issuerCertificate) yield one.raw
}

/** A chain up to the bounds, which no real chain exceeds. */
function bounded(certificates: Iterable<Buffer>): Buffer[] {
  const chain: Buffer[] = []
  let bytes = 0
  for (const one of certificates) {
    bytes += one.length
    if (chain.length === MAX_CHAIN || (chain.length > 0 && bytes > MAX_CHAIN_BYTES)) break
    chain.push(one)
  }
  return chain
}

/** The stream below the TLS: that of the transport, or one over it. */
const streamOf = (transport: Transport): Duplex =>
  'detach' in transport ? (transport as StreamTransport).detach() : new TransportStream(transport)

const lowest = (transport: Transport): Duplex | undefined => (transport as Partial<StreamTransport>).lowest

const ends = ({ local, remote }: Transport) => ({ local, remote })

function stateOf(socket: TLSSocket): TlsState {
  return {
    alpn: socket.alpnProtocol || '',
    version: socket.getProtocol() ?? undefined,
    cipher: socket.getCipher()?.name,
  }
}

/** `refusal`: why the peer's certificate is refused, where it is: the peer may close the connection before the socket says so. */
function handshake(
  socket: TLSSocket,
  below: Duplex,
  transport: Transport,
  done: string,
  refusal: () => Error | undefined = () => undefined,
): Promise<Secured> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(late)
      socket.off('close', gone).off('end', gone)
      below.off('end', gone)
      // Later errors are consequences of the first one.
      socket.on('error', () => {})
      below.on('error', () => {})
      reject(error)
      // The alert has to be sent before the connection is closed.
      setImmediate(() => {
        socket.destroy()
        below.end(() => below.destroy())
      })
    }
    const gone = () => fail(refusal() ?? closedEarly())
    const late = setTimeout(
      () => fail(Object.assign(new Error('the handshake took too long'), { code: 'ETIMEDOUT' })),
      HANDSHAKE_MILLISECONDS,
    )
    socket.once('error', fail)
    // A peer that has sent FIN cannot finish the handshake. The FIN may have come before TLS began to read, so `below` has a listener, too.
    for (const event of ['close', 'end']) socket.once(event, gone)
    below.once('error', fail)
    below.once('end', gone)
    socket.once(done, () => {
      clearTimeout(late)
      socket.off('error', fail).off('close', gone).off('end', gone)
      below.off('error', fail).off('end', gone)
      below.on('error', () => {})
      const pipe = new Pipe(socket, ends(transport), lowest(transport) ?? below)
      resolve({ pipe, state: stateOf(socket) })
    })
  })
}
