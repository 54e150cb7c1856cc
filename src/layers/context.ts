// What the layers of one client connection share when it begins.
import type { ClientConnection } from '../connection.js'
import type { Channel } from './channel.js'
import type { Entrance } from './entrance.js'
import { type Context, type LayerOptions, serverName } from './layer.js'
import type { Machine } from './machine.js'

export function begin(
  machine: Machine,
  client: Channel<ClientConnection>,
  entrance: Entrance,
  options: LayerOptions,
): Context {
  const { destination, target, ownResolver = false } = entrance
  return {
    machine,
    client,
    entrance,
    options,
    destination,
    secured: false,
    server: undefined,
    // A client that speaks TLS settles the name and the protocols by its ClientHello.
    serverTls: target?.tls
      ? { sni: serverName(destination?.host), alpn: target.protocol === 'http1' ? ['http/1.1'] : [] }
      : undefined,
    via: undefined,
    inside: ownResolver,
    serverFailure: undefined,
  }
}
