// UDP for clients: one bound socket, and a flow for each client that sends to it.
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { addressOf, hostPort } from '../addresses.js'
import type { Address } from '../connection.js'
import { type DatagramFlow, DatagramFlows, type FlowDatagram, MAX_SOCKET_FLOWS } from './datagram-flow.js'
import { listenFailure } from './socket.js'

/** Bytes of answers that wait in Node because the kernel takes none now; the newest are dropped beyond it. */
const MAX_SENDING_BYTES = 1024 * 1024

export interface UdpListener {
  readonly host: string
  readonly port: number
  /** The number of datagrams of new clients that were dropped because there were too many flows. */
  readonly dropped: number
  close(): Promise<void>
}

/** Binds; `port` 0 takes a free one. Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_AVAILABLE, ERR_PERMISSION. */
export function listenUdp(
  { host, port }: { host: string; port: number },
  opened: (flow: DatagramFlow) => void,
): Promise<UdpListener> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  const flows = new DatagramFlows(opened, MAX_SOCKET_FLOWS)
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close()
      reject(listenFailure(error, `UDP ${hostPort(host, port)}`))
    })
    socket.bind({ address: host, port, exclusive: true }, () => {
      // An ICMP error for an answer is no reason to stop.
      socket.removeAllListeners('error').on('error', () => {})
      const own = socket.address()
      const local = addressOf(own.address, own.port)
      socket.on('message', (data, { address, port: from }) => {
        flows.handleDatagram(new SocketDatagram(socket, local, address, from, data))
      })
      resolve({
        host: own.address,
        port: own.port,
        get dropped() {
          return flows.dropped
        },
        close: () => closeSocket(socket, flows),
      })
    })
  })
}

/** Closes the socket, and its flows with it, because they answer by it. */
async function closeSocket(socket: Socket, flows: DatagramFlows): Promise<void> {
  flows.handleGone()
  await new Promise<void>((closed) => socket.close(() => closed()))
}

class SocketDatagram implements FlowDatagram {
  readonly flow: string
  readonly source: Address
  readonly destination: Address
  readonly peer = undefined
  readonly data: Buffer
  readonly #socket: Socket
  /** The client's address as the socket names it: IPv4 in IPv6 stays that. */
  readonly #address: string

  constructor(socket: Socket, local: Address, address: string, port: number, data: Buffer) {
    this.flow = `${address} ${port}`
    this.source = addressOf(address, port)
    this.destination = local
    this.data = data
    this.#socket = socket
    this.#address = address
  }

  reply(data: Uint8Array): void {
    if (this.#socket.getSendQueueSize() + data.length > MAX_SENDING_BYTES)
      throw new Error('too many answers wait to be sent')
    this.#socket.send(data, this.source.port, this.#address, () => {})
  }

  bare(): SocketDatagram {
    return new SocketDatagram(this.#socket, this.destination, this.#address, this.source.port, Buffer.alloc(0))
  }

  /** A program cannot send port unreachable from a socket that others use. */
  refuse(): void {}
}
