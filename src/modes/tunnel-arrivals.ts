// The arrivals of a tunnel: a request for a TCP connection, and the first datagram of a UDP flow.
import type { Address, Peer } from '../connection.js'
import type { Hop } from '../flow/via.js'
import type { Entrance } from '../layers/entrance.js'
import type { DatagramFlow } from '../transports/datagram-flow.js'
import { Pipe } from '../transports/pipe.js'
import type { ConnectionRequest } from '../transports/request.js'
import type { Transport } from '../transports/transport.js'
import type { Arrival } from './mode.js'

/** The part that all arrivals of a tunnel have in common. */
export interface Tunnel {
  /** The addresses of the tunnel's own resolver. */
  readonly resolver: ReadonlySet<string>
  /** The proxies by which connections leave; undefined for none. */
  readonly via: readonly Hop[] | undefined
}

export class TcpArrival implements Arrival {
  readonly transport = 'tcp'
  readonly source: Address
  readonly destination: Address
  readonly entrance: Entrance
  readonly #request: ConnectionRequest

  constructor(request: ConnectionRequest, tunnel: Tunnel) {
    this.#request = request
    this.source = request.source
    this.destination = request.destination
    this.entrance = entranceTo(this.destination, this.transport, tunnel)
  }

  get peer(): Peer {
    return this.#request.peer
  }

  accept(): Transport {
    return new Pipe(this.#request.accept(), { local: this.destination, remote: this.source })
  }

  refuse(reason: 'refused' | 'unreachable' | 'prohibited'): void {
    if (reason === 'refused') this.#request.refuse()
    else this.#request.unreachable(reason === 'unreachable' ? 'host' : 'prohibited')
  }
}

export class UdpArrival implements Arrival {
  readonly transport = 'udp'
  readonly source: Address
  readonly destination: Address
  readonly entrance: Entrance
  readonly #flow: DatagramFlow

  constructor(flow: DatagramFlow, tunnel: Tunnel) {
    this.#flow = flow
    this.source = flow.remote
    this.destination = flow.local
    this.entrance = entranceTo(this.destination, this.transport, tunnel)
  }

  get peer(): Peer | undefined {
    return this.#flow.peer
  }

  accept(): Transport {
    return this.#flow
  }

  /** The tunnel knows one refusal of datagrams: port unreachable. */
  refuse(): void {
    this.#flow.reset()
  }
}

/** The packets of a client name the server, or the tunnel's own resolver. */
function entranceTo({ address, port }: Address, transport: 'tcp' | 'udp', { resolver, via }: Tunnel): Entrance {
  return { layer: 'reach', destination: { host: address, port, transport }, ownResolver: resolver.has(address), via }
}
