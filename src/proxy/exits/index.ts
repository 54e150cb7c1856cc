// All exits of a proxy: the sockets of this machine, and the WireGuard tunnels that ways begin with.
import { type Hop, tunnelOf } from '../../flow/via.js'
import type { Resolver } from '../resolver.js'
import type { Exit } from './exit.js'
import { type OwnSockets, Sockets } from './sockets.js'

export class Exits {
  readonly #sockets: Sockets

  constructor(resolver: Resolver, own: OwnSockets) {
    this.#sockets = new Sockets(resolver, own)
  }

  /** The exit of a way. */
  of(via: readonly Hop[]): Exit {
    if (tunnelOf(via)) throw new Error('not there yet')
    return this.#sockets
  }
}
