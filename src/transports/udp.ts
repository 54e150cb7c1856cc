// UDP towards a server: one connected socket a flow, so that only the server's own answers come in.
import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns'
import { isIPv6 } from 'node:net'
import type { Address } from '../connection.js'
import { deaf, type Receiver, type Transport } from './transport.js'

class UdpTransport implements Transport {
  readonly local: Address | undefined
  readonly remote: Address
  receiver: Receiver = deaf
  readonly #socket: Socket
  /** Datagrams that came while nobody wanted any. */
  dropped = 0
  #paused = false
  #closed = false

  constructor(socket: Socket) {
    const own = socket.address()
    const other = socket.remoteAddress()
    const family = isIPv6(other.address) ? 6 : 4
    this.#socket = socket
    this.local = { address: own.address, port: own.port, family }
    this.remote = { address: other.address, port: other.port, family }
    // A socket for datagrams cannot be told to wait: what comes meanwhile is lost, as in a kernel's buffer that is full.
    socket.on('message', (data) => {
      if (this.#paused) this.dropped += 1
      else this.receiver.handleData(data)
    })
    // ECONNREFUSED is an ICMP port unreachable for something sent before.
    socket.on('error', (error: NodeJS.ErrnoException) => this.#over(error))
  }

  write(data: Uint8Array): boolean {
    if (this.#closed) return true
    // What the network does not take is lost, as datagrams are; a refusal is heard as an error.
    this.#socket.send(data, (error) => {
      if (error && (error as NodeJS.ErrnoException).code === 'ECONNREFUSED') this.#over(error)
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

  #over(error: NodeJS.ErrnoException | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#socket.close()
    queueMicrotask(() => this.receiver.handleClose(error))
  }
}

/** A socket for datagrams to and from one server. Rejects with Node's errors. */
export function connectUdp(host: string, port: number): Promise<Transport> {
  return new Promise((resolve, reject) => {
    lookup(host, (error, address) => {
      if (error) {
        reject(error)
        return
      }
      const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
      const fail = (failure: Error) => {
        socket.close()
        reject(failure)
      }
      socket.once('error', fail)
      // A callback would be called for an error, too: there is no route, or it is a broadcast.
      socket.once('connect', () => {
        socket.off('error', fail)
        resolve(new UdpTransport(socket))
      })
      socket.connect(port, address)
    })
  })
}
