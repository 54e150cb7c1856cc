// startWireGuardServer: a WireGuard server (or client) whose traffic ends in TypeScript.
import { isIPv6 } from 'node:net'
import { MidwireError } from '../errors.js'
import { callNative, type NativeServer, type NativeServerOptions } from '../native/load.js'
import { addressBytes } from './addresses.js'
import { type ClientConfigOptions, clientConfig } from './client-config.js'
import { publicKey } from './keys.js'
import { startNativeServer } from './native-server.js'
import { addressHeader, COMMAND } from './records.js'
import { ServerEvents } from './server-events.js'
import { checkOptions, type PeerOptions, type WireGuardServerOptions } from './server-options.js'
import { type PeerStatus, ServerPeers } from './server-peers.js'
import { WireGuardStream } from './stream.js'

/** One end of a connection or datagram, as a caller gives it. */
export interface AddressLike {
  address: string
  port: number
}

/**
 * Starts a WireGuard server. It listens when the promise is fulfilled; no root, no TUN device, no kernel module.
 *
 * Throws a MidwireError, before anything is opened: ERR_KEY, ERR_ADDRESS, ERR_PORT, ERR_ARGUMENT, ERR_PEER_DUPLICATE,
 * ERR_PEER_ADDRESSES; then ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_AVAILABLE, ERR_PERMISSION, ERR_NATIVE_MISSING.
 */
export async function startWireGuardServer(options: WireGuardServerOptions): Promise<WireGuardServer> {
  const { native: checked, anyHost } = checkOptions(options)
  return new WireGuardServer(options, checked, anyHost)
}

export class WireGuardServer {
  /** The server's own, base64. */
  readonly publicKey: string
  /** The tunnel's own addresses. */
  readonly addresses: readonly string[]
  /** Fulfilled when the server is closed, rejected (ERR_NATIVE_PANIC) when it has failed. */
  readonly closed: Promise<void>
  readonly #options: WireGuardServerOptions
  readonly #checked: NativeServerOptions
  readonly #native: NativeServer
  readonly #events: ServerEvents
  readonly #peers: ServerPeers

  /** @internal */
  constructor(options: WireGuardServerOptions, checked: NativeServerOptions, anyHost: boolean) {
    this.#options = options
    this.#checked = checked
    this.publicKey = publicKey(options.privateKey)
    this.addresses = checked.addresses
    let settle: (failure: MidwireError | undefined) => void = () => {}
    this.closed = new Promise((resolve, reject) => {
      settle = (failure) => (failure ? reject(failure) : resolve())
    })
    // A program that does not look at `closed` is told by `onError`, not by an unhandled rejection.
    this.closed.catch(() => {})
    // The doorbell rings on this thread, so never before the constructor is over.
    this.#native = startNativeServer(checked, anyHost, () => this.#events.bridge.ring())
    this.#peers = new ServerPeers(this.#native, options.peers ?? [])
    this.#events = new ServerEvents(options, checked.bufferSize, this.#native, this.#peers, (failure) => {
      settle(failure)
      if (failure) options.onError?.(failure)
    })
  }

  /** The UDP port that the server listens on. */
  get port(): number {
    return this.#native.port
  }

  /** Open TCP streams. */
  get connections(): number {
    return this.#events.connections
  }

  /** Adds a peer while the server runs. Throws ERR_KEY, ERR_ARGUMENT, ERR_PEER_DUPLICATE, ERR_PEER_ADDRESSES. */
  addPeer(peer: PeerOptions): void {
    this.#assertOpen()
    this.#peers.add(peer)
  }

  /** Removes a peer; its streams fail with ECONNABORTED. False when there is no such peer. */
  removePeer(publicKey: string): boolean {
    this.#assertOpen()
    const removed = this.#peers.remove(publicKey)
    // The streams of the peer hear of it before this returns.
    if (removed) this.#events.bridge.drain()
    return removed
  }

  /** All peers, in the order in which they were added. */
  peers(): PeerStatus[] {
    this.#assertOpen()
    return this.#peers.statuses()
  }

  /** What was counted since the start, by name: packets, drops of each kind, errors. For people and tests; names may change. */
  counters(): Record<string, number> {
    this.#assertOpen()
    return callNative(() => this.#native.counters())
  }

  /**
   * Opens a TCP connection to an address that a peer's allowedIps hold. The stream emits 'connect', or 'error'. `source`: of ours,
   * by default the first of `addresses` in that family. Throws ERR_ADDRESS, ERR_PORT, ERR_NO_ROUTE, ERR_EXHAUSTED, ERR_SERVER_CLOSED.
   */
  connect(to: { host: string; port: number; source?: string }): WireGuardStream {
    this.#assertOpen()
    const source =
      to.source ?? this.#checked.addresses.find((address) => isIPv6(address) === isIPv6(to.host)) ?? '0.0.0.0'
    if (!Number.isInteger(to.port) || to.port < 1 || to.port > 65_535)
      throw new MidwireError('ERR_PORT', `port ${to.port}`)
    const [from, target] = [addressBytes(source, 'source'), addressBytes(to.host, 'host')]
    const { id, peer } = callNative(() => this.#native.connect(to.host, to.port, source), 'connect')
    const stream = new WireGuardStream(this.#events, id, addressHeader(from, 0, target, to.port, peer), true)
    this.#events.adopt(id, stream)
    return stream
  }

  /**
   * Sends a UDP datagram from any address to a peer's. Up to 65,507 bytes (IPv6: 65,487); over the MTU in fragments.
   * Throws ERR_ADDRESS, ERR_PORT, ERR_ARGUMENT, ERR_SERVER_CLOSED; `sendIcmp` does, too.
   */
  sendDatagram(data: Uint8Array, source: AddressLike, destination: AddressLike): void {
    this.#send(COMMAND.sendDatagram, data, source, destination)
  }

  /** Sends an ICMP message, from its type byte on, from any address to a peer's. The checksum is made. */
  sendIcmp(message: Uint8Array, source: string, destination: string): void {
    const end = (address: string) => ({ address, port: 0 })
    this.#send(COMMAND.sendIcmp, message, end(source), end(destination))
  }

  /** A client's configuration, for wg-quick, the WireGuard apps, or a QR code. MTU only if it was given. Throws ERR_KEY, ERR_ARGUMENT. */
  clientConfig(options: ClientConfigOptions): string {
    const key = publicKey(options.privateKey)
    const peer = this.#peers.byKey(key)
    const none = `no peer has the public key ${key} of this private key: addPeer() it first`
    if (!peer) throw new MidwireError('ERR_ARGUMENT', none)
    return clientConfig(
      {
        serverPublicKey: this.publicKey,
        port: this.port,
        mtu: this.#options.mtu,
        addresses: this.#checked.addresses,
        host: this.#checked.hosts.find((host) => !/^(0\.0\.0\.0|::)$/.test(host)),
        peerAddresses: peer.allowedIps ?? [],
        presharedKey: peer.presharedKey,
        keepalive: peer.keepalive ?? 0,
      },
      options,
    )
  }

  /** Resets and destroys every open stream, frees the port, and is fulfilled when all is gone. */
  async close(): Promise<void> {
    if (!this.#events.hasStopped) this.#native.close()
    await this.closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** @internal For the test that a panic ends as an error. */
  panicForTest(place: 'call' | 'task'): void {
    callNative(() => this.#native.panicForTest(place))
  }

  #send(command: number, data: Uint8Array, source: AddressLike, destination: AddressLike): void {
    this.#assertOpen()
    const [from, to] = [addressBytes(source.address, 'source'), addressBytes(destination.address, 'destination')]
    if (from.length !== to.length) throw new MidwireError('ERR_ADDRESS', 'source and destination are of two families')
    for (const { port } of [source, destination]) {
      if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new MidwireError('ERR_PORT', `port ${port}`)
    }
    this.#events.bridge.message(command, addressHeader(from, source.port, to, destination.port), data)
  }

  #assertOpen(): void {
    if (this.#events.hasStopped) throw new MidwireError('ERR_SERVER_CLOSED', 'the WireGuard server is closed')
  }
}
