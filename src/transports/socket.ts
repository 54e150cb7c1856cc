// TCP sockets: listens, and connects to servers.
import { connect, createServer, isIP, Socket } from 'node:net'
import { addressOf, hostPort } from '../addresses.js'
import type { Address } from '../connection.js'
import { MidwireError } from '../errors.js'
import { connections, isPlain } from './connections/connections.js'
import { type Outgoing, withOutgoing } from './descriptor.js'
import { HIGH_WATER, Pipe } from './pipe.js'
import type { Transport } from './transport.js'

/**
 * The time that a socket without a remote address has for its error. For an ICMP error after a SYN over IPv4, Linux wakes a poll before
 * the error is set; libuv looks in between, finds none and takes the socket for connected, although it has no remote end.
 */
const ERROR_MILLISECONDS = 1000

/** The two ends of a socket. An end is undefined where the system no longer knows it. */
export function socketEnds(socket: Socket): { local: Address | undefined; remote: Address | undefined } {
  const end = (text: string | undefined, port: number | undefined) =>
    text === undefined || port === undefined ? undefined : addressOf(text, port)
  return {
    local: end(socket.localAddress, socket.localPort),
    remote: end(socket.remoteAddress, socket.remotePort),
  }
}

/** A transport over a connected socket. */
export function socketPipe(socket: Socket): Pipe {
  return new Pipe(socket, socketEnds(socket))
}

export interface TcpListener {
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

/** The errors of Node and of the addon. */
const LISTEN_ERRORS = {
  EADDRINUSE: ['ERR_ADDRESS_IN_USE', 'is in use'],
  EADDRNOTAVAIL: ['ERR_ADDRESS_NOT_AVAILABLE', 'is no address of this machine'],
  EACCES: ['ERR_PERMISSION', 'may not be bound'],
  ERR_ADDRESS_IN_USE: ['ERR_ADDRESS_IN_USE', 'is in use'],
  ERR_ADDRESS_NOT_AVAILABLE: ['ERR_ADDRESS_NOT_AVAILABLE', 'is no address of this machine'],
  ERR_PERMISSION: ['ERR_PERMISSION', 'may not be bound'],
} as const

/**
 * Listens, by the addon where it can, and hands over connections; `port` 0 takes a free one. Rejects with ERR_ADDRESS_IN_USE,
 * ERR_ADDRESS_NOT_AVAILABLE, ERR_PERMISSION.
 */
export async function listenForConnections(
  { host, port }: { host: string; port: number },
  onConnection: (transport: Transport) => void,
): Promise<TcpListener> {
  const engine = isIP(host) !== 0 && isPlain(host) ? connections() : undefined
  if (!engine) return listenTcp({ host, port }, (socket) => onConnection(socketPipe(socket)))
  try {
    const listener = engine.listen(host, port, onConnection)
    return { ...listener, close: async () => listener.close() }
  } catch (error) {
    throw listenFailure(error as NodeJS.ErrnoException, `TCP ${hostPort(host, port)}`)
  }
}

/** The MidwireError of a socket that could not be bound; any other error is returned unchanged. */
export function listenFailure(error: NodeJS.ErrnoException, where: string): Error {
  const known = LISTEN_ERRORS[error.code as keyof typeof LISTEN_ERRORS]
  return known ? new MidwireError(known[0], `${where} ${known[1]}`, { cause: error }) : error
}

/**
 * Listens; `port` 0 takes a free one. `fd` is a socket that is bound already. Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_AVAILABLE,
 * ERR_PERMISSION.
 */
export function listenTcp(
  { host, port, fd }: { host: string; port: number; fd?: number },
  onSocket: (socket: Socket) => void,
): Promise<TcpListener> {
  const server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: HIGH_WATER }, (socket) => {
    // Without a listener, a reset before the socket is in use would end the process.
    socket.on('error', () => {})
    if (socket.remoteAddress === undefined) socket.destroy()
    else onSocket(socket)
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(listenFailure(error, `TCP ${hostPort(host, port)}`))
    })
    server.listen(fd === undefined ? { host, port, exclusive: true } : { fd }, () => {
      // A listener that has run out of descriptors goes on: the next connection may succeed (promise 39).
      server.removeAllListeners('error').on('error', () => {})
      const bound = server.address() as { address: string; port: number }
      resolve({
        host: bound.address,
        port: bound.port,
        close: () => new Promise((closed) => server.close(() => closed())),
      })
    })
  })
}

const SOCKET_OPTIONS = { allowHalfOpen: true, noDelay: true, highWaterMark: HIGH_WATER }

/** How a socket is connected. */
export interface ConnectOptions {
  /** The local address; undefined for the system's choice. */
  from?: string | undefined
  signal?: AbortSignal | undefined
}

/**
 * Connects to an address; the kernel alone limits the time. Rejects with Node's errors: ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH ...;
 * ECANCELED where `signal` aborts.
 */
export function connectTcp(address: string, port: number, options: ConnectOptions = {}): Promise<Transport> {
  const { from, signal } = options
  const engine = isPlain(address) && isPlain(from ?? address) ? connections() : undefined
  return engine ? engine.connect(address, port, from, signal) : connectSocket(address, port, options)
}

/** The same by a socket of Node's. */
export function connectSocket(address: string, port: number, { from, signal }: ConnectOptions = {}): Promise<Pipe> {
  return connected(address, port, signal, () =>
    connect({
      host: address,
      port,
      ...(from !== undefined && { localAddress: from }),
      ...SOCKET_OPTIONS,
      autoSelectFamily: false,
    } as Parameters<typeof connect>[0] & object),
  )
}

/** The same with a mark, or from a foreign address. Rejects as `connectTcp`, and with ERR_ROOT, ERR_ADDRESS. */
export async function connectTcpAs(
  address: string,
  port: number,
  outgoing: Outgoing,
  signal?: AbortSignal,
): Promise<Pipe> {
  return connected(address, port, signal, () => connectingAs(address, port, outgoing))
}

/** A socket that is being connected. Throws ERR_ROOT, and Node's EADDRNOTAVAIL. */
export function connectingAs(address: string, port: number, outgoing: Outgoing): Socket {
  // Without manualStart, which Node uses itself, the socket would read before it is connected.
  const take = (fd: number) => new Socket({ fd, ...SOCKET_OPTIONS, manualStart: true } as { fd: number })
  return withOutgoing('tcp', { address, port }, outgoing, take).connect({ host: address, port })
}

function connected(address: string, port: number, signal: AbortSignal | undefined, begin: () => Socket): Promise<Pipe> {
  return new Promise((resolve, reject) => {
    const failure = (code: string) => Object.assign(new Error(`connect ${code} ${address}:${port}`), { code })
    if (signal?.aborted) {
      reject(failure('ECANCELED'))
      return
    }
    const socket = begin()
    let late: NodeJS.Timeout | undefined
    const cancel = () => socket.destroy(failure('ECANCELED'))
    signal?.addEventListener('abort', cancel)
    const settled = () => {
      clearTimeout(late)
      signal?.removeEventListener('abort', cancel)
    }
    socket.once('error', (error: NodeJS.ErrnoException) => {
      settled()
      reject(error)
    })
    socket.once('connect', () => {
      if (socket.remoteAddress === undefined) {
        // The error comes with the first read, also that of a connection that was reset at once.
        late = setTimeout(() => socket.destroy(failure('EHOSTUNREACH')), ERROR_MILLISECONDS)
        socket.resume()
        return
      }
      settled()
      socket.removeAllListeners('error')
      resolve(socketPipe(socket))
    })
  })
}
