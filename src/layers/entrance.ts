// How a client came in, as its mode says it. Layers ask the entrance, and never which mode it was.
import type { Hop } from '../flow/via.js'
import type { LayerName } from './layer.js'
import type { Destination } from './route.js'

/** The server of an entrance that leads to one server alone. The client takes midwire for that server. */
export interface Target {
  /** Whether TLS is spoken with the server. The client may speak TLS or not, whatever this says. */
  readonly tls: boolean
  /** What is spoken, inside TLS where there is TLS. */
  readonly protocol: 'http1' | 'raw' | 'dns'
}

export interface Entrance {
  /** The layer that the connection begins with. */
  readonly layer: LayerName
  /** The server that the client wants; undefined where the client names it itself, as to an HTTP or SOCKS proxy. */
  readonly destination?: Destination | undefined
  /** Set where all clients are led to one server, which is `destination`. */
  readonly target?: Target | undefined
  /** The proxies by which connections leave, the nearest first, where no rule and no hook says another way. */
  readonly via?: readonly Hop[] | undefined
  /** True where the destination is midwire's own resolver, for which no server is dialled. */
  readonly ownResolver?: boolean | undefined
}

/** To a proxy that the client knows of, and tells where to go. */
export const TO_A_PROXY: Entrance = { layer: 'accept' }
