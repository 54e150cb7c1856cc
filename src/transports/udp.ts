// UDP with a server: one connected socket for each flow, so that only datagrams of that server are received.
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { addressOf } from '../addresses.js'
import type { Address } from '../connection.js'
import { type Outgoing, withOutgoing } from './descriptor.js'
import { ServerDatagrams } from './server-datagrams.js'
import type { Transport } from './transport.js'

/** The most bytes of datagrams that wait in Node because the kernel takes none. The newest beyond that are dropped. */
const MAX_SENDING_BYTES = 1024 * 1024

class UdpTransport extends ServerDatagrams {
  readonly local: Address | undefined
  readonly remote: Address
  readonly #socket: Socket

  constructor(socket: Socket) {
    super()
    const own = socket.address()
    const other = socket.remoteAddress()
    this.#socket = socket
    this.local = addressOf(own.address, own.port)
    this.remote = addressOf(other.address, other.port)
    socket.on('message', (data) => this.handleDatagram(data))
    // ECONNREFUSED is an ICMP port unreachable for a datagram that was sent before.
    socket.on('error', (error: NodeJS.ErrnoException) => this.handleOver(error))
  }

  /** A server that refuses (ECONNREFUSED) ends the transport. */
  protected send(data: Uint8Array): void {
    if (this.#socket.getSendQueueSize() + data.length > MAX_SENDING_BYTES) {
      this.drop()
      return
    }
    this.#socket.send(data, (error) => {
      if (!error) return
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') this.handleOver(error)
      else this.drop()
    })
  }

  protected release(): void {
    this.#socket.close()
  }
}

/** A transport for datagrams to and from one server, from a local address where one is given. Rejects with Node's errors. */
export function connectUdp(address: string, port: number, from?: string): Promise<Transport> {
  return connected(address, (socket) => {
    if (from === undefined) socket.connect(port, address)
    else socket.bind({ port: 0, address: from }, () => socket.connect(port, address))
  })
}

/** The same with a mark, or from a foreign address. Rejects with Node's errors, and ERR_ROOT. */
export function connectUdpAs(address: string, port: number, outgoing: Outgoing): Promise<Transport> {
  return connected(address, (socket) => connectSocketAs(socket, { address, port }, outgoing))
}

/** Connects a socket of Node's that has just been made. Throws ERR_ROOT, and Node's EADDRNOTAVAIL. */
export function connectSocketAs(
  socket: Socket,
  to: { readonly address: string; readonly port: number },
  outgoing: Outgoing,
): void {
  socket.once('listening', () => socket.connect(to.port, to.address))
  withOutgoing('udp', to, outgoing, (fd) => socket.bind({ fd }))
}

function connected(address: string, begin: (socket: Socket) => void): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    const fail = (failure: Error) => {
      socket.close()
      reject(failure)
    }
    socket.once('error', fail)
    // A callback of `connect` would also be called for an error, such as no route, or a broadcast address.
    socket.once('connect', () => {
      socket.off('error', fail)
      resolve(new UdpTransport(socket))
    })
    try {
      begin(socket)
    } catch (error) {
      fail(error as Error)
    }
  })
}
