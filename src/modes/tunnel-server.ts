// A WireGuard server that is started again when it fails, so that no listener is silently dead (promise 41).
import type { Hop } from '../flow/via.js'
import type { LogLevel } from '../hooks.js'
import { DatagramFlows } from '../transports/datagram-flow.js'
import type { ConnectionRequest } from '../transports/request.js'
import type { CongestionControl } from '../transports/server-options.js'
import type { PeerStatus } from '../transports/server-peers.js'
import { startWireGuardServer, type WireGuardServer } from '../transports/wireguard.js'
import type { Arrival } from './mode.js'
import { TcpArrival, type Tunnel, UdpArrival } from './tunnel-arrivals.js'
import { type ConfKeys, type ConfPeer, peerOptions } from './wireguard-json.js'

/** Milliseconds before a server that failed is started again: the first delay, doubled after each failure up to the last. */
const FIRST_RETRY = 1000
const LAST_RETRY = 30_000

export interface TunnelServerOptions {
  readonly conf: ConfKeys
  /** Undefined for every address. */
  readonly host: string | undefined
  /** The tunnel's own addresses, those of its resolver. */
  readonly addresses: readonly string[]
  /** The proxies by which connections leave; undefined for none. */
  readonly via: readonly Hop[] | undefined
  readonly congestion: CongestionControl
  /** The bytes that a TCP window may grow to. */
  readonly bufferSize: number
  /** Logs the native server's messages of level debug, too. */
  readonly verbose: boolean
  arrived(arrival: Arrival): void
  log(level: LogLevel, message: string): void
}

export class TunnelServer {
  readonly #options: TunnelServerOptions
  readonly #tunnel: Tunnel
  readonly #flows: DatagramFlows
  #peers: readonly ConfPeer[]
  #server: WireGuardServer | undefined
  #port = 0
  #closed = false
  #startedAt = 0
  #delay = FIRST_RETRY
  #retry: NodeJS.Timeout | undefined
  /** Why it does not run; undefined where it does. */
  failure: Error | undefined

  constructor(options: TunnelServerOptions) {
    this.#options = options
    this.#peers = options.conf.peers
    this.#tunnel = { resolver: new Set(options.addresses), via: options.via }
    this.#flows = new DatagramFlows((flow) => this.#arrived(new UdpArrival(flow, this.#tunnel)))
  }

  /** The UDP port, which stays the same when the server is started again. */
  get port(): number {
    return this.#port
  }

  /** Throws what startWireGuardServer throws. */
  async start(port: number): Promise<void> {
    const { conf, host, addresses, congestion, bufferSize, verbose, log } = this.#options
    const server = await startWireGuardServer({
      privateKey: conf.serverKey,
      port,
      peers: this.#peers.map(peerOptions),
      addresses: [...addresses],
      allowHalfOpen: true,
      congestion,
      bufferSize,
      ...(host !== undefined && { host }),
      onRequest: (request: ConnectionRequest) => this.#arrived(new TcpArrival(request, this.#tunnel)),
      onDatagram: (datagram) => this.#flows.handleDatagram(datagram),
      onDatagramFlowEnd: (flow) => this.#flows.handleFlowEnd(flow),
      onError: (error) => this.#handleFailure(error),
      onLog: ({ level, message }) => log(level === 'trace' ? 'debug' : level, `wireguard: ${message}`),
      logLevel: verbose ? 'debug' : 'warn',
    })
    this.#server = server
    this.failure = undefined
    this.#port = server.port
    this.#startedAt = performance.now()
  }

  /** The peers as the server sees them; none while it does not run. */
  statuses(): PeerStatus[] {
    return this.#server?.peers() ?? []
  }

  /** Replaces the peers. A peer that has not changed keeps its connections. */
  setPeers(peers: readonly ConfPeer[]): void {
    const before = this.#peers
    this.#peers = peers
    // Peers are removed before others are added, because a new one may have an old one's name, key or addresses.
    for (const peer of before.filter((one) => !peers.some((other) => isSame(one, other)))) {
      if (this.#server?.removePeer(peer.publicKey)) this.#options.log('info', `peer ${peer.name} was removed`)
    }
    for (const peer of peers.filter((one) => !before.some((other) => isSame(one, other)))) {
      this.#server?.addPeer(peerOptions(peer))
      this.#options.log('info', `peer ${peer.name} was added`)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#retry)
    // The close() of a server that has failed rejects, because the server is closed already.
    await this.#server?.close().catch(() => {})
    this.#flows.handleGone()
  }

  #arrived(arrival: Arrival): void {
    try {
      this.#options.arrived(arrival)
    } catch (error) {
      this.#options.log('error', `a connection was not taken: ${(error as Error).message}`)
      arrival.refuse('refused')
    }
  }

  #handleFailure(error: Error): void {
    this.#server = undefined
    this.failure = error
    this.#flows.handleGone(error)
    if (this.#closed) return
    // After a longer run the failure counts as a first one.
    if (performance.now() - this.#startedAt > LAST_RETRY) this.#delay = FIRST_RETRY
    this.#options.log('error', `the WireGuard server on port ${this.#port} has failed: ${error.message}`)
    this.#startLater()
  }

  #startLater(): void {
    this.#options.log('warn', `the WireGuard server is started again in ${this.#delay / 1000} s`)
    this.#retry = setTimeout(() => void this.#startAgain(), this.#delay)
    this.#delay = Math.min(2 * this.#delay, LAST_RETRY)
  }

  async #startAgain(): Promise<void> {
    try {
      await this.start(this.#port)
      if (this.#closed) await this.close()
      else this.#options.log('info', `the WireGuard server listens on port ${this.#port} again`)
    } catch (error) {
      this.#options.log('error', (error as Error).message)
      if (!this.#closed) this.#startLater()
    }
  }
}

const isSame = (one: ConfPeer, other: ConfPeer) =>
  JSON.stringify(peerOptions(one)) === JSON.stringify(peerOptions(other))
