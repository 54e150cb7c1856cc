// The state and the services that client connections share, as their drivers see them.
import type { ClientConnection, Connection, ServerConnection } from '../connection.js'
import type { Flow, FlowNews } from '../flow/flow.js'
import type { LogLevel } from '../hooks.js'
import type { ClientTls } from '../layers/commands.js'
import type { LayerOptions } from '../layers/layer.js'
import type { Arrival, Listener, RunningMode } from '../modes/mode.js'
import type { Secured, ServerSide } from '../transports/tls.js'
import type { Dialer } from './dial.js'
import type { Dispatcher } from './dispatch.js'
import type { Driver } from './driver.js'
import type { Observers } from './observers.js'
import type { Places } from './places.js'
import type { Pool } from './pool.js'

export interface Core {
  readonly layerOptions: LayerOptions
  readonly dispatcher: Dispatcher
  readonly dialer: Dialer
  readonly pool: Pool
  readonly places: Places
  /** The relays for datagrams of SOCKS clients, which belong to midwire's own addresses. */
  readonly relays: Set<Listener>
  readonly observers: Pick<Observers, 'keyLog' | 'capture'>
  /** Starts a client connection. */
  begin(mode: RunningMode, arrival: Arrival): void
  log(level: LogLevel, message: string): void
  /** Tells the outputs of a flow. */
  tell(what: FlowNews, flow: Flow): void
  /** The answer to a DNS query, or an Error that says why there is none. Never rejects. */
  resolve(query: Buffer): Promise<Buffer | Error>
  /** Does a client's handshake with a certificate for these names. Where it fails, the answer is the reason as a sentence. */
  secureClient(
    handshake: (by: ServerSide) => Promise<Secured>,
    names: ClientTls,
    client: ClientConnection,
  ): Promise<Secured | string>
  /** Whether `tls_fail_open` lets a connection of the client to that name pass; asked before the client's handshake. */
  failsOpen(client: ClientConnection, host: string, port: number): boolean
  /** Reports a server connection that is over. */
  serverGone(client: ClientConnection, server: ServerConnection): void
  /** The reason why a connection was lost, as a sentence. */
  explainLoss(error: Error, connection: Connection): string
  /** Reports a client connection that is over with all its tasks. `hasSpoken`: the client has sent more than its handshake. */
  departed(driver: Driver, hasSpoken: boolean): void
}
