// The exit by the sockets of this machine, which never lead to midwire itself.
import { networkInterfaces } from 'node:os'
import { type ConnectOptions, connectTcp } from '../../transports/socket.js'
import type { Transport } from '../../transports/transport.js'
import { connectUdp } from '../../transports/udp.js'
import type { Family } from '../eyeballs.js'
import { findAddresses, type Told } from '../names.js'
import type { Resolver } from '../resolver.js'
import type { Endpoint, Exit } from './exit.js'

/** The addresses that midwire listens on. */
export type OwnListeners = () => readonly { host: string; port: number; transport: string }[]

export class Sockets implements Exit {
  readonly #resolver: Resolver
  readonly #own: OwnListeners

  constructor(resolver: Resolver, own: OwnListeners) {
    this.#resolver = resolver
    this.#own = own
  }

  find(host: string, families: readonly Family[], told: Told): void {
    findAddresses(this.#resolver, host, families, told)
  }

  /** A listener on a wildcard address has all local addresses. */
  isOwn({ address, port, transport }: Endpoint): boolean {
    for (const listener of this.#own()) {
      if (listener.port !== port || listener.transport !== transport) continue
      if (listener.host === address) return true
      const any = listener.host === '0.0.0.0' || listener.host === '::'
      if (any && isLocal(address)) return true
    }
    return false
  }

  connect({ address, port, transport }: Endpoint, options: ConnectOptions): Promise<Transport> {
    return transport === 'udp' ? connectUdp(address, port, options.from) : connectTcp(address, port, options)
  }
}

/** Knows the addresses of the interfaces. Others that lead here are found when the connection is open, by its remote address. */
function isLocal(host: string): boolean {
  if (host.startsWith('127.') || host === '::1' || host === '0.0.0.0' || host === '::') return true
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === host))
}
