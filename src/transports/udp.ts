// UDP with a server: one connected socket for each flow, so that only datagrams of that server are received.
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { addressOf } from '../addresses.js'
import type { Address } from '../connection.js'
import { type Outgoing, withOutgoing } from './descriptor.js'
import { noReceiver, type Receiver, type Transport } from './transport.js'

/** The most bytes of datagrams that wait in Node because the kernel takes none. The newest beyond that are dropped. */
const MAX_SENDING_BYTES = 1024 * 1024

class UdpTransport implements Transport {
  readonly local: Address | undefined
  readonly remote: Address
  #receiver: Receiver = noReceiver
  readonly #socket: Socket
  /** The number of datagrams that were dropped: those that came while the transport was paused, and those that the kernel did not take. */
  dropped = 0
  #paused = false
  #closed = false

  constructor(socket: Socket) {
    const own = socket.address()
    const other = socket.remoteAddress()
    this.#socket = socket
    this.local = addressOf(own.address, own.port)
    this.remote = addressOf(other.address, other.port)
    // A datagram that comes while the transport is paused is dropped, as by a kernel whose buffer is full: UDP cannot slow its sender.
    socket.on('message', (data) => {
      if (this.#paused) this.#drop()
      else this.#receiver.handleData(data)
    })
    // ECONNREFUSED is an ICMP port unreachable for a datagram that was sent before.
    socket.on('error', (error: NodeJS.ErrnoException) => this.#over(error))
  }

  get receiver(): Receiver {
    return this.#receiver
  }

  set receiver(receiver: Receiver) {
    this.#receiver = receiver
    if (this.dropped > 0) receiver.handleDropped?.(this.dropped)
  }

  /** Always true: a datagram that cannot be sent is dropped. A server that refuses (ECONNREFUSED) ends the transport. */
  write(data: Uint8Array): boolean {
    if (this.#closed) return true
    if (this.#socket.getSendQueueSize() + data.length > MAX_SENDING_BYTES) {
      this.#drop()
      return true
    }
    this.#socket.send(data, (error) => {
      if (!error) return
      if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') this.#over(error)
      else this.#drop()
    })
    return true
  }

  end(): void {}

  close(): void {
    this.#over(undefined)
  }

  reset(): void {
    this.#over(undefined)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
  }

  #drop(): void {
    this.dropped += 1
    this.#receiver.handleDropped?.(this.dropped)
  }

  #over(error: NodeJS.ErrnoException | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.close()
    queueMicrotask(() => this.#receiver.handleClose(error))
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
