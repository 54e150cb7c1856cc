// Makes the context that the layers of a new client connection share.
import type { ClientConnection } from '../connection.js'
import { canonicalName } from '../flow/host-name.js'
import type { Channel } from './channel.js'
import type { Entrance } from './entrance.js'
import { type Context, type LayerOptions, serverName } from './layer.js'
import type { Machine } from './machine.js'
import { Scope } from './scope.js'

/** Whether a host is midwire itself, so that no server is dialled: the page with the certificate. */
export const isInside = ({ inside }: LayerOptions, host: string): boolean => inside.includes(canonicalName(host))

export function begin(
  machine: Machine,
  client: Channel<ClientConnection>,
  entrance: Entrance,
  options: LayerOptions,
): Context {
  const { destination, target, ownResolver = false } = entrance
  // A datagram may have named the onboarding host.
  const namesUs = !target && destination !== undefined && isInside(options, destination.host)
  return {
    machine,
    scope: new Scope(client),
    client,
    entrance,
    options,
    destination,
    secured: false,
    server: undefined,
    // Where the client speaks TLS, the layer `tls` replaces the name and the protocols by those of the ClientHello.
    serverTls: target?.tls
      ? { sni: serverName(destination?.host), alpn: target.protocol === 'http1' ? ['http/1.1'] : [] }
      : undefined,
    plans: undefined,
    via: undefined,
    upgraded: undefined,
    inside: ownResolver || namesUs,
    serverFailure: undefined,
    failedOpen: undefined,
  }
}
