// How a client has come in, as its mode describes it. Layers look at the entrance, and never at the name of the mode.
import type { ServerConnection } from '../connection.js'
import type { HttpFlow } from '../flow/http.js'
import type { RequestRecord } from '../flow/record.js'
import type { Hop } from '../flow/via.js'
import type { LayerName } from './layer.js'
import type { Destination, Source } from './route.js'

/** The server of an entrance that leads all clients to one server. The clients take midwire for that server. */
export interface Target {
  /** Whether TLS is spoken with the server. The client decides by itself whether it speaks TLS with midwire. */
  readonly tls: boolean
  /** The protocol that is spoken with the server, inside TLS where there is TLS. */
  readonly protocol: 'http1' | 'raw' | 'dns'
}

/** A recorded request that is sent again, for the layer `replay`. */
export interface Replay {
  readonly request: RequestRecord
  /** The server that the request went to; undefined where it went to none. */
  readonly server: ServerConnection | undefined
  /** The proxies that the user has chosen for it (`flow.via`). */
  readonly via: readonly Hop[] | undefined
  /** Called with the new flow before its first hook. */
  began(flow: HttpFlow): void
}

export interface Entrance {
  /** The layer that the connection begins with. */
  readonly layer: LayerName
  /** The server that the client wants; undefined where the client names it itself, as to an HTTP or SOCKS proxy. */
  readonly destination?: Destination | undefined
  /** Set where all clients are led to one server, which is `destination`. */
  readonly target?: Target | undefined
  /** The proxies through which connections leave, the nearest first, unless a rule or a hook chooses others. */
  readonly via?: readonly Hop[] | undefined
  /** The client's address, where servers can see it in place of midwire's own: their answers come back to midwire all the same. */
  readonly source?: Source | undefined
  /** True where the destination is midwire's own resolver, for which no server is dialled. */
  readonly ownResolver?: boolean | undefined
  /** Set where there is no client, and a recorded request is sent again. */
  readonly replay?: Replay | undefined
}

/** The entrance of clients that use midwire as their proxy, and name the destination themselves. */
export const TO_A_PROXY: Entrance = { layer: 'accept' }
