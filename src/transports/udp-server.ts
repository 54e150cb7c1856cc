// UDP for clients: one bound socket, and a flow for each client that sends to it.
import { addressOf } from '../addresses.js'
import type { Address } from '../connection.js'
import { type DatagramFlow, DatagramFlows, type FlowDatagram, MAX_SOCKET_FLOWS } from './datagram-flow.js'
import { type BoundUdp, bindUdp } from './udp-socket.js'

export interface UdpListener {
  readonly host: string
  readonly port: number
  /** The number of datagrams of new clients that were dropped because there were too many flows. */
  readonly dropped: number
  close(): Promise<void>
}

/** Binds; `port` 0 takes a free one. Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_AVAILABLE, ERR_PERMISSION. */
export async function listenUdp(
  at: { host: string; port: number },
  opened: (flow: DatagramFlow) => void,
): Promise<UdpListener> {
  const flows = new DatagramFlows(opened, MAX_SOCKET_FLOWS)
  const socket = await bindUdp(at, (data, address, port) => {
    flows.handleDatagram(new SocketDatagram(socket, local, address, port, data))
  })
  const { host, port } = socket
  const local = addressOf(host, port)
  return {
    host,
    port,
    get dropped() {
      return flows.dropped
    },
    close() {
      // The flows answer by the socket, and end with it.
      flows.handleGone()
      return socket.close()
    },
  }
}

class SocketDatagram implements FlowDatagram {
  readonly flow: string
  readonly source: Address
  readonly destination: Address
  readonly peer = undefined
  readonly data: Buffer
  readonly #socket: BoundUdp
  /** The client's address as the socket names it: IPv4 in IPv6 stays that. */
  readonly #address: string

  constructor(socket: BoundUdp, local: Address, address: string, port: number, data: Buffer) {
    this.flow = `${address} ${port}`
    this.source = addressOf(address, port)
    this.destination = local
    this.data = data
    this.#socket = socket
    this.#address = address
  }

  reply(data: Uint8Array): void {
    this.#socket.send([data], this.#address, this.source.port)
  }

  bare(): SocketDatagram {
    return new SocketDatagram(this.#socket, this.destination, this.#address, this.source.port, Buffer.alloc(0))
  }

  /** A program cannot send port unreachable from a socket that others use. */
  refuse(): void {}
}
