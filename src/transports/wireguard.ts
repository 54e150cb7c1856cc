// startWireGuardServer: a WireGuard server (or client) whose connections and datagrams end in TypeScript.
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

/** One end of a datagram, as the program gives it. */
export interface AddressLike {
  address: string
  port: number
}

/**
 * Starts a WireGuard server, without root, TUN device or kernel module. The server listens when the promise is fulfilled.
 *
 * Rejects with a MidwireError: ERR_KEY, ERR_ADDRESS, ERR_PORT, ERR_ARGUMENT, ERR_PEER_DUPLICATE and ERR_PEER_ADDRESSES before a socket
 * is opened; then ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_AVAILABLE, ERR_PERMISSION, ERR_NATIVE_MISSING.
 */
export async function startWireGuardServer(options: WireGuardServerOptions): Promise<WireGuardServer> {
  const { native: checked, anyHost } = checkOptions(options)
  return new WireGuardServer(options, checked, anyHost)
}

export class WireGuardServer {
  /** The server's public key, base64. */
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
    // A program that does not look at `closed` must not die of an unhandled rejection: it has `onError`.
    this.closed.catch(() => {})
    // The addon rings on this thread, so never before the constructor is done.
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

  /** The number of open TCP streams. */
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
    // The peer's streams fail before this returns.
    if (removed) this.#events.bridge.drain()
    return removed
  }

  /** All peers, in the order in which they were added. */
  peers(): PeerStatus[] {
    this.#assertOpen()
    return this.#peers.statuses()
  }

  /** Counters since the start, by name: packets, drops of each kind, errors. For people and tests; names may change. */
  counters(): Record<string, number> {
    this.#assertOpen()
    return callNative(() => this.#native.counters())
  }

  /**
   * Opens a TCP connection to an address within a peer's allowedIps. The stream emits 'connect', or 'error'. `source` is the address that
   * the connection comes from, by default the first of `addresses` in that family. Throws ERR_ADDRESS, ERR_PORT, ERR_NO_ROUTE,
   * ERR_EXHAUSTED, ERR_SERVER_CLOSED.
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
   * Sends a UDP datagram from any address to an address of a peer. Up to 65,507 bytes (IPv6: 65,487), beyond the MTU in fragments.
   * Throws ERR_ADDRESS, ERR_PORT, ERR_ARGUMENT, ERR_SERVER_CLOSED.
   */
  sendDatagram(data: Uint8Array, source: AddressLike, destination: AddressLike): void {
    this.#send(COMMAND.sendDatagram, data, source, destination)
  }

  /**
   * Sends an ICMP message, from its type byte on, from any address to an address of a peer. The checksum is filled in. Throws ERR_ADDRESS,
   * ERR_ARGUMENT, ERR_SERVER_CLOSED.
   */
  sendIcmp(message: Uint8Array, source: string, destination: string): void {
    const end = (address: string) => ({ address, port: 0 })
    this.#send(COMMAND.sendIcmp, message, end(source), end(destination))
  }

  /**
   * A client's configuration, for wg-quick, the WireGuard apps, or a QR code. It names an MTU only if the server's options do. Throws
   * ERR_KEY, ERR_ARGUMENT.
   */
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

  /** Resets and destroys every open stream, and frees the port. Fulfilled when the server has ended. */
  async close(): Promise<void> {
    if (!this.#events.hasStopped) this.#native.close()
    await this.closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** @internal Makes the addon panic, for the test that a panic becomes an error. */
  panicForTest(place: 'call' | 'task'): void {
    callNative(() => this.#native.panicForTest(place))
  }

  #send(command: number, data: Uint8Array, source: AddressLike, destination: AddressLike): void {
    this.#assertOpen()
    const [from, to] = [addressBytes(source.address, 'source'), addressBytes(destination.address, 'destination')]
    if (from.length !== to.length)
      throw new MidwireError('ERR_ADDRESS', 'source and destination are addresses of different families')
    for (const { port } of [source, destination]) {
      if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new MidwireError('ERR_PORT', `port ${port}`)
    }
    this.#events.bridge.message(command, addressHeader(from, source.port, to, destination.port), data)
  }

  #assertOpen(): void {
    if (this.#events.hasStopped) throw new MidwireError('ERR_SERVER_CLOSED', 'the WireGuard server is closed')
  }
}
