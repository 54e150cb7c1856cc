// The peers of a tunnel: which one an address leads to, where it is now, and whether it has answered.
import { isIP } from 'node:net'
import { hostPort, ipBytes } from '../../addresses.js'
import type { WgEndpoint, WgPeer, WgQuickConf } from '../../transports/wg-quick.js'
import type { WireGuardServer } from '../../transports/wireguard.js'
import { explainConnect } from '../explain.js'
import type { Exit } from './exit.js'

/** Seconds after which a handshake counts for nothing (REJECT_AFTER_TIME of the WireGuard paper, 6.1). */
const HANDSHAKE_LIFE = 180

/** Milliseconds that a peer has for its first handshake, in which it is called twice. */
export const HANDSHAKE_MILLISECONDS = 10_000

/** The reason why a tunnel does not carry a connection, as a sentence. */
export const tunnelFailure = (message: string): Error => Object.assign(new Error(message), { code: 'TUNNEL' })

/** The end of the tunnel, as far as its peers need it. */
type PeerTable = Pick<WireGuardServer, 'addPeer' | 'removePeer' | 'peers'>

interface Range {
  readonly bytes: Uint8Array
  readonly bits: number
  readonly peer: TunnelPeer
}

/** A peer of the file, and the address that it is called at. */
export interface TunnelPeer {
  readonly conf: WgPeer
  /** Undefined before the name of the endpoint was looked up, and for a peer that has to call. */
  address: string | undefined
  /** When the peer got this address, by performance.now(). */
  since: number
  /** A connection was given up because the peer did not answer at this address. */
  silent: boolean
  /** The look-up that is under way. */
  looking: Promise<void> | undefined
}

export class TunnelPeers {
  readonly #name: string
  readonly #server: PeerTable
  /** By which names of endpoints are looked up, and which knows what is midwire itself. */
  readonly #outside: Exit
  /** Those with the longest prefix first. */
  readonly #ranges: readonly Range[]

  /** `name` is the tunnel's, for sentences. The server has no peers yet. Throws what `addPeer` throws. */
  constructor(name: string, conf: WgQuickConf, server: PeerTable, outside: Exit) {
    this.#name = name
    this.#server = server
    this.#outside = outside
    const peers = conf.peers.map((peer): TunnelPeer => {
      const { host = '' } = peer.endpoint ?? {}
      const address = isIP(host) ? host : undefined
      return { conf: peer, address, since: performance.now(), silent: false, looking: undefined }
    })
    for (const peer of peers) this.#add(peer)
    this.#ranges = peers
      .flatMap((peer) => peer.conf.allowedIps.map((range) => rangeOf(range, peer)))
      .sort((a, b) => b.bits - a.bits)
  }

  /** The peer that an address leads to. Throws a sentence where there is none. */
  of(address: string): TunnelPeer {
    const peer = this.#find(address)
    if (peer) return peer
    throw tunnelFailure(`the tunnel ${this.#name} does not lead there: no AllowedIPs of its file have ${address}`)
  }

  leadsTo(address: string): boolean {
    return this.#find(address) !== undefined
  }

  /**
   * Looks the name of the peer's endpoint up where the peer has not answered for a while, because it may have moved. Rejects with a
   * sentence where the peer cannot be called.
   */
  async prepare(peer: TunnelPeer): Promise<void> {
    const { endpoint } = peer.conf
    if (this.isLive(peer)) {
      peer.silent = false
      return
    }
    if (!endpoint) {
      throw tunnelFailure(
        `the other end of the tunnel ${this.#name} has no Endpoint in its file, and has not called yet`,
      )
    }
    const { host, port } = endpoint
    const isNew = peer.address !== undefined && performance.now() - peer.since < HANDSHAKE_MILLISECONDS
    if (!isIP(host) && !isNew) {
      peer.looking ??= this.#look(peer, endpoint).finally(() => {
        peer.looking = undefined
      })
      await peer.looking
    }
    if (this.#outside.isOwn({ address: peer.address ?? host, port, transport: 'udp' })) {
      throw tunnelFailure(`the other end of the tunnel ${this.#name}, ${hostPort(host, port)}, is midwire itself`)
    }
  }

  /** Whether the peer has made a handshake that still counts. */
  isLive({ conf }: TunnelPeer): boolean {
    const status = this.#server.peers().find(({ publicKey }) => publicKey === conf.publicKey)
    return status?.handshakeAge !== undefined && status.handshakeAge <= HANDSHAKE_LIFE
  }

  /** A connection is given up because nothing comes from the peer: the sentence for it. */
  silence(peer: TunnelPeer): Error {
    const { conf, address } = peer
    peer.silent = true
    const { host, port } = conf.endpoint ?? { host: 'a peer without Endpoint', port: 0 }
    const at = address === undefined || address === host ? '' : ` (${address})`
    const where = conf.endpoint ? `${hostPort(host, port)}${at}` : host
    return tunnelFailure(
      `the other end of the tunnel ${this.#name}, ${where}, does not answer: are its endpoint and the keys right?`,
    )
  }

  /** Looks the endpoint up. The peer stays where it is if its name still has that address, or cannot be looked up now. */
  async #look(peer: TunnelPeer, { host, port }: WgEndpoint): Promise<void> {
    const found = await this.#addressesOf(host).catch((error: unknown): string[] => {
      if (peer.address !== undefined) return []
      const why = explainConnect(error, { host, port })
      throw tunnelFailure(`the other end of the tunnel ${this.#name} cannot be called: ${why}`)
    })
    const index = peer.address === undefined ? -1 : found.indexOf(peer.address)
    // A peer that has not answered at one of its addresses is called at the next.
    const next = index >= 0 && !peer.silent ? peer.address : found[(index + 1) % Math.max(1, found.length)]
    if (next === undefined || next === peer.address) return
    // Its connections end. They are dead already, since the peer is elsewhere.
    this.#server.removePeer(peer.conf.publicKey)
    Object.assign(peer, { address: next, since: performance.now(), silent: false })
    this.#add(peer)
  }

  /** Loopback addresses are never at the other end of a tunnel. */
  #find(address: string): TunnelPeer | undefined {
    const bytes = isLoopback(address) ? undefined : ipBytes(address)
    return bytes && this.#ranges.find((range) => covers(range, bytes))?.peer
  }

  #add({ conf, address }: TunnelPeer): void {
    const { publicKey, presharedKey, allowedIps, keepalive, endpoint } = conf
    this.#server.addPeer({
      publicKey,
      allowedIps: [...allowedIps],
      keepalive,
      ...(presharedKey !== undefined && { presharedKey }),
      ...(endpoint && address !== undefined && { endpoint: hostPort(address, endpoint.port) }),
    })
  }

  /** All addresses of a name, in the order of the answers. Rejects where there is none. */
  #addressesOf(host: string): Promise<string[]> {
    return new Promise((resolve, reject) => {
      const asked = new Set<number>([4, 6])
      const addresses: string[] = []
      let failure: Error | undefined
      this.#outside.find(host, [4, 6], ({ families, found }) => {
        for (const family of families) asked.delete(family)
        if (found instanceof Error) failure ??= found
        else addresses.push(...found.map(({ address }) => address))
        if (asked.size > 0) return
        if (addresses.length > 0) resolve(addresses)
        else reject(failure ?? new Error('the name has no address'))
      })
    })
  }
}

function rangeOf(text: string, peer: TunnelPeer): Range {
  const [address = '', bits] = text.split('/')
  return { bytes: ipBytes(address) ?? new Uint8Array(), bits: Number(bits), peer }
}

function covers({ bytes, bits }: Range, address: Uint8Array): boolean {
  if (bytes.length !== address.length) return false
  return bytes.every((byte, index) => {
    const rest = Math.min(8, Math.max(0, bits - 8 * index))
    return ((byte ^ (address[index] ?? 0)) & (0xff00 >> rest) & 0xff) === 0
  })
}

const isLoopback = (address: string) => address.startsWith('127.') || address === '::1'
