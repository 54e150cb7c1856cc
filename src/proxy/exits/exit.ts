// The interface of all exits: how bytes leave midwire for a server, or for the first proxy on the way to one.
import type { Source } from '../../layers/route.js'
import type { Transport } from '../../transports/transport.js'
import type { Family } from '../eyeballs.js'
import type { Told } from '../names.js'

/** A place to connect to, by its IP address. */
export interface Endpoint {
  readonly address: string
  readonly port: number
  readonly transport: 'tcp' | 'udp'
}

/** How to connect. */
export interface ConnectOptions {
  /** Undefined for the system's choice. */
  readonly from?: Source | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Exit {
  /** Finds the addresses of these families that a host has. `told` is called once, or once for each family. */
  find(host: string, families: readonly Family[], told: Told): void
  /** Whether an endpoint is midwire itself. Connections to it would go round in circles. */
  isOwn(endpoint: Endpoint): boolean
  /** Connects to an endpoint. Rejects with Node's errors; ECANCELED where the signal aborts. */
  connect(endpoint: Endpoint, options: ConnectOptions): Promise<Transport>
}
