// All exits of a proxy: the sockets of this machine, and the WireGuard tunnels that ways begin with.
import { type Hop, tunnelOf } from '../../flow/via.js'
import type { Resolver } from '../resolver.js'
import type { Exit } from './exit.js'
import { type OwnSockets, Sockets } from './sockets.js'
import { tunnelPath } from './tunnel-file.js'
import { type TunnelSurroundings, WireGuardExit } from './wireguard.js'

/** The tunnels that may be open. A hook may name any number of files. */
export const MAX_TUNNELS = 64

export class Exits {
  readonly #sockets: Sockets
  readonly #around: TunnelSurroundings
  /** By the paths of their files; the one that was used last is the last. */
  readonly #tunnels = new Map<string, WireGuardExit>()
  /** The tunnels that are being closed. */
  readonly #ending = new Set<Promise<void>>()
  #closed = false

  constructor(resolver: Resolver, own: OwnSockets, around: Pick<TunnelSurroundings, 'settings' | 'log'>) {
    this.#sockets = new Sockets(resolver, own)
    this.#around = {
      outside: this.#sockets,
      settings: () => around.settings(),
      inHostsFile: (name) => resolver.inHostsFile(name),
      log: (level, message) => around.log(level, message),
    }
  }

  /** The exit of a way. Throws a sentence where there are too many tunnels. */
  of(via: readonly Hop[]): Exit {
    const hop = tunnelOf(via)
    if (!hop) return this.#sockets
    if (this.#closed) throw new Error('midwire is closing')
    const path = tunnelPath(hop.file)
    const known = this.#tunnels.get(path)
    this.#tunnels.delete(path)
    if (!known && this.#tunnels.size >= MAX_TUNNELS) this.#makeRoom()
    const exit = known ?? new WireGuardExit(hop, path, this.#around)
    this.#tunnels.set(path, exit)
    return exit
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const [path, exit] of this.#tunnels) this.#end(path, exit)
    await Promise.all(this.#ending)
  }

  /** Closes the tunnel that was used longest ago, of those without connections. */
  #makeRoom(): void {
    const idle = [...this.#tunnels].find(([, exit]) => !exit.isBusy)
    if (!idle) throw new Error(`${MAX_TUNNELS} WireGuard tunnels are in use already`)
    this.#end(...idle)
  }

  #end(path: string, exit: WireGuardExit): void {
    this.#tunnels.delete(path)
    const ending = exit.close().finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }
}
