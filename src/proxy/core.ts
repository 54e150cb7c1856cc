// What all connections of a proxy share: the drivers' view of it.

import type { SecureContext } from 'node:tls'
import type { ClientConnection, Connection, ServerConnection } from '../connection.js'
import type { Flow } from '../flow/flow.js'
import type { LogLevel } from '../hooks.js'
import type { ClientTls } from '../layers/commands.js'
import type { LayerOptions } from '../layers/layer.js'
import type { Secured } from '../transports/tls.js'
import type { Dialer } from './dial.js'
import type { Dispatcher } from './dispatch.js'
import type { Driver } from './driver.js'
import type { Pool } from './pool.js'

export interface Core {
  readonly layerOptions: LayerOptions
  readonly dispatcher: Dispatcher
  readonly dialer: Dialer
  readonly pool: Pool
  log(level: LogLevel, message: string): void
  /** A flow is over. */
  finished(flow: Flow): void
  /** Answers a DNS query, or says why it cannot; never rejects. */
  resolve(query: Buffer): Promise<Buffer | Error>
  /** Does a handshake with a certificate for those names; why it failed, as a sentence, where it did. */
  secureClient(
    handshake: (context: SecureContext) => Promise<Secured>,
    names: ClientTls & { address: string },
  ): Promise<Secured | string>
  /** A server's connection is over. */
  serverGone(client: ClientConnection, server: ServerConnection): void
  /** Why a connection was lost, as a sentence. */
  explainLoss(error: Error, connection: Connection): string
  /** A client's connection is over, and everything that was done for it. `hasSpoken`: it has said more than its handshake. */
  departed(driver: Driver, hasSpoken: boolean): void
}
