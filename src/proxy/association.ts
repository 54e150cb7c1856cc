// A relay for the datagrams of one SOCKS client (RFC 1928, 7): each destination that the client names becomes a flow of its own.
import { addressOf, hostPort, plainAddress } from '../addresses.js'
import type { Address, ClientConnection } from '../connection.js'
import type { Destination } from '../layers/route.js'
import { isPlace } from '../layers/socks/address.js'
import { parseSocksDatagram, type SocksDatagram } from '../layers/socks/datagram.js'
import { type DatagramFlow, DatagramFlows, type FlowDatagram } from '../transports/datagram-flow.js'
import { type BoundUdp, bindUdp } from '../transports/udp-socket.js'

/** The flows of one association. Beyond that the one leaves to which the client has sent nothing for longest. */
export const MAX_FLOWS = 1_000

/** The most bytes of a datagram (IPv4), the header of SOCKS5 among them. */
const MAX_DATAGRAM = 65_507

/** The owner of an association is told of the client's datagrams. */
export interface AssociationOwner {
  /** The first datagram for a destination has come. */
  handleFlow(flow: DatagramFlow, to: Destination): void
  /** A datagram has passed, in either direction. */
  handlePassed(): void
  /** A datagram was dropped, which has not come from the client or makes no sense; the reason is a sentence. `total` were so far. */
  handleDropped(total: number, why: string): void
}

export class Association {
  /** Where the client is to send its datagrams. */
  readonly address: Address
  readonly #socket: BoundUdp
  readonly #client: Address
  readonly #announced: number
  readonly #owner: AssociationOwner
  readonly #flows: DatagramFlows<ClientDatagram>
  /** Where the client's datagrams come from; undefined until the first has come. */
  #from: { address: string; port: number } | undefined
  #dropped = 0

  /**
   * Opens one on the address that the client has connected to, and on a port of the system's choice. `announced`: the port that the client says its
   * datagrams will come from; 0 where it does not know. Rejects with Node's errors.
   */
  static async open(client: ClientConnection, announced: number, owner: AssociationOwner): Promise<Association> {
    const { address } = client.local
    // Node would take no address for all of them.
    if (address === '') throw new Error('the client has closed the connection')
    let association: Association | undefined
    const socket = await bindUdp({ host: address, port: 0 }, (...received) => association?.handle(...received))
    association = new Association(socket, client.remote, announced, owner)
    return association
  }

  private constructor(socket: BoundUdp, client: Address, announced: number, owner: AssociationOwner) {
    this.address = addressOf(socket.host, socket.port)
    this.#socket = socket
    this.#client = client
    this.#announced = announced
    this.#owner = owner
    const opened = (flow: DatagramFlow, { to }: ClientDatagram) => owner.handleFlow(flow, to)
    this.#flows = new DatagramFlows(opened, MAX_FLOWS, { oldestLeaves: true })
  }

  /** Ends it, with its flows. */
  close(): void {
    this.#flows.handleGone()
    void this.#socket.close()
  }

  /** Called with each datagram that reaches the socket. */
  handle(bytes: Buffer, address: string, port: number): void {
    if (!this.#isClient(address, port)) {
      this.#drop(`it comes from ${hostPort(address, port)}, and not from the client`)
      return
    }
    const datagram = parseSocksDatagram(bytes)
    if (typeof datagram === 'string') this.#drop(datagram)
    else if (!isPlace(datagram.place)) this.#drop('it is for no place that a datagram can be sent to')
    else {
      this.#owner.handlePassed()
      this.#flows.handleDatagram(new ClientDatagram(this, addressOf(address, port), datagram))
    }
  }

  /** Sends the client an answer, behind the header with which it has asked. Throws for one that cannot be sent. */
  answer(header: Uint8Array, data: Uint8Array): void {
    if (!this.#from) return
    if (header.length + data.length > MAX_DATAGRAM) throw new Error('the answer is longer than a datagram')
    this.#socket.send([header, data], this.#from.address, this.#from.port)
    this.#owner.handlePassed()
  }

  /**
   * Whether a datagram has come from the client: from its IP address, and always from one port. That is the port that the client has
   * announced, as soon as something comes from there; else, as the announced one may be changed on the way, the first one that sends.
   */
  #isClient(address: string, port: number): boolean {
    if (plainAddress(address) !== this.#client.address) return false
    if (!this.#from || port === this.#announced) this.#from = { address, port }
    return port === this.#from.port
  }

  #drop(why: string): void {
    this.#dropped += 1
    this.#owner.handleDropped(this.#dropped, why)
  }
}

class ClientDatagram implements FlowDatagram {
  readonly flow: string
  readonly source: Address
  readonly destination: Address
  readonly peer = undefined
  readonly data: Buffer
  readonly to: Destination
  readonly #association: Association
  readonly #datagram: SocksDatagram

  constructor(association: Association, source: Address, datagram: SocksDatagram) {
    const { host, port } = datagram.place
    this.flow = `${host} ${port}`
    this.source = source
    this.destination = association.address
    this.data = datagram.data
    this.to = { host, port, transport: 'udp' }
    this.#association = association
    this.#datagram = datagram
  }

  /**
   * The answer names its source as the client has named the destination: a client that has left a name to us knows the server by that
   * name alone, and nobody but the server can answer here.
   */
  reply(data: Uint8Array): void {
    this.#association.answer(this.#datagram.header, data)
  }

  bare(): ClientDatagram {
    const header = Buffer.from(this.#datagram.header)
    return new ClientDatagram(this.#association, this.source, { ...this.#datagram, header, data: Buffer.alloc(0) })
  }

  /** A program cannot send port unreachable from a socket that others use. */
  refuse(): void {}
}
