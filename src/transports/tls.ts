// TLS over a transport of bytes, by node:tls: on a socket it works on the socket's own handle.
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, type SecureContext, TLSSocket } from 'node:tls'
import type { TlsState } from '../connection.js'
import { HIGH_WATER, Pipe } from './pipe.js'
import type { StreamTransport } from './transport.js'

/** A handshake that takes longer has failed. */
const HANDSHAKE_MILLISECONDS = 30_000

/** What a handshake has come to; `pipe` carries the plaintext. */
export interface Secured {
  readonly pipe: Pipe
  readonly state: TlsState
  /** The other side's certificate (DER), if it has shown one. */
  certificate(): Buffer | undefined
}

export interface ServerSideOptions {
  readonly context: SecureContext
  /** The one protocol to agree on. */
  readonly alpn: string | undefined
}

/** TLS with the client. `first` is what it has said and was read already: its ClientHello. */
export function secureClient(transport: StreamTransport, first: Buffer, options: ServerSideOptions): Promise<Secured> {
  const duplex = transport.detach()
  if (duplex.readableEnded) {
    // It will never answer ours, and nothing can be put back into a stream that is at its end.
    duplex.end(() => duplex.destroy())
    return Promise.reject(new Error('the client closed the connection before its handshake'))
  }
  if (first.length > 0) duplex.unshift(first)
  const socket = new TLSSocket(duplex, {
    isServer: true,
    secureContext: options.context,
    ...(options.alpn !== undefined && { ALPNProtocols: [options.alpn] }),
    requestCert: false,
    rejectUnauthorized: false,
    highWaterMark: HIGH_WATER,
  } as ConstructorParameters<typeof TLSSocket>[1])
  return handshake(socket, duplex, 'secure', (resolve) => {
    resolve(secured(socket, duplex, transport))
  })
}

export interface ClientSideOptions {
  readonly context: SecureContext
  readonly sni: string | undefined
  readonly alpn: readonly string[]
  /** The name or address that the certificate must be for; undefined: it is not looked at. */
  readonly verify: string | undefined
  /** A session to resume. */
  readonly session: Buffer | undefined
  /** A session that may be resumed later. */
  onSession(session: Buffer): void
}

/** TLS with a server. Rejects with Node's errors; where its certificate is not accepted, with OpenSSL's code. */
export function secureServer(transport: StreamTransport, options: ClientSideOptions): Promise<Secured> {
  const duplex = transport.detach()
  const socket = connect({
    socket: duplex,
    secureContext: options.context,
    ...(options.sni !== undefined && { servername: options.sni }),
    ...(options.verify !== undefined && { host: options.verify }),
    ...(options.alpn.length > 0 && { ALPNProtocols: [...options.alpn] }),
    ...(options.session && { session: options.session }),
    ...(options.verify === undefined && { checkServerIdentity: () => undefined }),
    rejectUnauthorized: options.verify !== undefined,
    highWaterMark: HIGH_WATER,
  } as ConnectionOptions)
  socket.on('session', (session: Buffer) => options.onSession(session))
  return handshake(socket, duplex, 'secureConnect', (resolve) => {
    resolve(secured(socket, duplex, transport))
  })
}

function secured(socket: TLSSocket, below: Duplex, transport: StreamTransport): Secured {
  return {
    pipe: new Pipe(socket, { local: transport.local, remote: transport.remote }, below),
    state: stateOf(socket),
    certificate: () => socket.getPeerX509Certificate()?.raw,
  }
}

function stateOf(socket: TLSSocket): TlsState {
  return {
    alpn: socket.alpnProtocol || '',
    version: socket.getProtocol() ?? undefined,
    cipher: socket.getCipher()?.name,
  }
}

function handshake(
  socket: TLSSocket,
  below: Duplex,
  done: string,
  finish: (resolve: (secured: Secured) => void) => void,
): Promise<Secured> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(late)
      socket.off('close', gone).off('end', gone)
      below.off('end', gone)
      // Errors that follow the first one are its consequences.
      socket.on('error', () => {})
      below.on('error', () => {})
      reject(error)
      // The alert has to leave before the connection does.
      setImmediate(() => {
        socket.destroy()
        below.end(() => below.destroy())
      })
    }
    const gone = () =>
      fail(Object.assign(new Error('the connection was closed during the handshake'), { code: 'ECONNRESET' }))
    const late = setTimeout(
      () => fail(Object.assign(new Error('the handshake took too long'), { code: 'ETIMEDOUT' })),
      HANDSHAKE_MILLISECONDS,
    )
    socket.once('error', fail)
    // Who has sent FIN says nothing more, and without it there is no handshake. It may have come before TLS began to read.
    for (const event of ['close', 'end']) socket.once(event, gone)
    below.once('error', fail)
    below.once('end', gone)
    socket.once(done, () => {
      clearTimeout(late)
      socket.off('error', fail).off('close', gone).off('end', gone)
      below.off('error', fail).off('end', gone)
      below.on('error', () => {})
      finish(resolve)
    })
  })
}
