// The exit by the sockets of this machine, which never lead to midwire itself.
import { networkInterfaces } from 'node:os'
import { plainAddress } from '../../addresses.js'
import { connectTcp, connectTcpAs } from '../../transports/socket.js'
import type { Transport } from '../../transports/transport.js'
import { connectUdp, connectUdpAs } from '../../transports/udp.js'
import type { Family } from '../eyeballs.js'
import { findAddresses, type Told } from '../names.js'
import type { Resolver } from '../resolver.js'
import type { ConnectOptions, Endpoint, Exit } from './exit.js'

/** Midwire's own addresses on this machine, and the mark of its packets. */
export interface OwnSockets {
  /** The addresses that midwire listens on. */
  listeners(): readonly { host: string; port: number; transport: string }[]
  /** The firewall mark that what midwire sends has to have now; undefined for none. */
  mark(): number | undefined
}

export class Sockets implements Exit {
  readonly #resolver: Resolver
  readonly #own: OwnSockets

  constructor(resolver: Resolver, own: OwnSockets) {
    this.#resolver = resolver
    this.#own = own
  }

  find(host: string, families: readonly Family[], told: Told): void {
    findAddresses(this.#resolver, host, families, told)
  }

  /** A listener on a wildcard address has all local addresses. */
  isOwn({ address, port, transport }: Endpoint): boolean {
    for (const listener of this.#own.listeners()) {
      if (listener.port !== port || listener.transport !== transport) continue
      const [own, wanted] = [plain(listener.host), plain(address)]
      if (own === wanted) return true
      const any = own === '0.0.0.0' || own === '::'
      if (any && isLocal(wanted)) return true
    }
    return false
  }

  connect({ address, port, transport }: Endpoint, { from, signal }: ConnectOptions): Promise<Transport> {
    const mark = this.#own.mark()
    // Node's own sockets do for all else. A link-local address with its zone is one that only Node binds.
    const asNode = (mark === undefined && !from?.isForeign) || from?.address.includes('%')
    if (transport === 'udp') {
      return asNode ? connectUdp(address, port, from?.address) : connectUdpAs(address, port, { mark, from })
    }
    return asNode
      ? connectTcp(address, port, { from: from?.address, signal })
      : connectTcpAs(address, port, { mark, from }, signal)
  }
}

/** An IPv4 address that is mapped into IPv6 is that address, and a zone leads to this machine or not as its address does. */
const plain = (host: string): string => plainAddress(host) ?? host

/** Knows the addresses of the interfaces. Others that lead here are found when the connection is open, by its remote address. */
function isLocal(host: string): boolean {
  if (host.startsWith('127.') || host === '::1' || host === '0.0.0.0' || host === '::') return true
  return Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === host))
}
