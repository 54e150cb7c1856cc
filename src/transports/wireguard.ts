// startWireGuardServer: a WireGuard server (or client) whose traffic ends in TypeScript.
import { isIP, isIPv6 } from 'node:net'
import type { Peer } from '../connection.js'
import { MidwireError } from '../errors.js'
import { callNative, type NativePeer, type NativeServer, type NativeServerOptions, native } from '../native/load.js'
import { addressBytes } from './addresses.js'
import { Bridge, type Risen } from './bridge.js'
import { type ClientConfigOptions, clientConfig } from './client-config.js'
import { Datagram, IcmpMessage } from './datagram.js'
import { publicKey } from './keys.js'
import { addressHeader, COMMAND, peerOf } from './records.js'
import { ConnectionRequest, type RequestOwner } from './request.js'
import {
  checkOptions,
  LOG_LEVELS,
  type LogLine,
  type PeerOptions,
  PeerTable,
  type WireGuardServerOptions,
} from './server-options.js'
import { WireGuardStream } from './stream.js'

/** A peer as the server sees it now. */
export interface PeerStatus extends Peer {
  /** Where its last authenticated message came from, or the configured endpoint. */
  readonly endpoint: string | undefined
  /** Seconds since the current session's handshake. */
  readonly handshakeAge: number | undefined
  /** Bytes of IP packets from the peer. */
  readonly receivedBytes: number
  /** Bytes of IP packets to the peer. */
  readonly sentBytes: number
  /** Messages and packets of this peer that were not let through: replays, wrong inner sources, lost sessions. */
  readonly dropped: number
  readonly allowedIps: string[]
}

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
  readonly #bridge: Bridge
  readonly #owner: RequestOwner
  readonly #streams = new Map<number, WireGuardStream>()
  readonly #requests = new Map<number, ConnectionRequest>()
  readonly #peers = new Map<number, PeerOptions>()
  /** One object a peer, which all its streams share. */
  readonly #shownPeers = new Map<number, Peer>()
  readonly #peerTable = new PeerTable()
  #failure: MidwireError | undefined
  #stopped = false
  #settleClosed: (failure?: MidwireError) => void = () => {}

  /** @internal */
  constructor(options: WireGuardServerOptions, checked: NativeServerOptions, anyHost: boolean) {
    this.#options = options
    this.#checked = checked
    this.publicKey = publicKey(options.privateKey)
    this.addresses = checked.addresses
    this.#peerTable.addAll(options.peers ?? [])
    this.closed = new Promise((resolve, reject) => {
      this.#settleClosed = (failure) => (failure ? reject(failure) : resolve())
    })
    // Who does not ask is not told by an unhandled rejection: `onError` is for that.
    this.closed.catch(() => {})
    this.#native = this.#start(anyHost)
    this.#bridge = new Bridge(this.#native, this.#risen())
    this.#owner = {
      bridge: this.#bridge,
      allowHalfOpen: options.allowHalfOpen ?? false,
      bufferSize: checked.bufferSize,
      peer: (header) => this.#peer(header),
      forget: (id) => {
        this.#streams.delete(id)
        this.#requests.delete(id)
      },
      adopt: (id, stream) => {
        this.#requests.delete(id)
        this.#streams.set(id, stream)
      },
    }
    this.#readPeers(options.peers ?? [])
  }

  /** The UDP port that the server listens on. */
  get port(): number {
    return this.#native.port
  }

  /** Open TCP streams. */
  get connections(): number {
    return this.#streams.size
  }

  /** Adds a peer while the server runs. Throws ERR_KEY, ERR_ARGUMENT, ERR_PEER_DUPLICATE, ERR_PEER_ADDRESSES. */
  addPeer(peer: PeerOptions): void {
    this.#assertOpen()
    const checked = this.#peerTable.add(peer)
    this.#peers.set(
      callNative(() => this.#native.addPeer(checked), 'addPeer'),
      this.#kept(peer, checked),
    )
  }

  /** Removes a peer; its streams fail with ECONNABORTED. False when there is no such peer. */
  removePeer(publicKey: string): boolean {
    this.#assertOpen()
    for (const [number, peer] of this.#peers) {
      if (peer.publicKey !== publicKey) continue
      this.#peers.delete(number)
      this.#shownPeers.delete(number)
      this.#peerTable.remove({ publicKey, allowedIps: peer.allowedIps ?? [] })
      const removed = callNative(() => this.#native.removePeer(Buffer.from(publicKey, 'base64')))
      this.#bridge.drain()
      return removed
    }
    return false
  }

  /** All peers, in the order in which they were added. */
  peers(): PeerStatus[] {
    this.#assertOpen()
    return callNative(() => this.#native.peers()).map((status) => ({
      publicKey: status.publicKey.toString('base64'),
      name: this.#peers.get(status.peer)?.name,
      endpoint: status.endpoint,
      handshakeAge: status.lastHandshakeSeconds,
      receivedBytes: status.receivedBytes,
      sentBytes: status.sentBytes,
      dropped: status.dropped,
      allowedIps: status.allowedIps,
    }))
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
    const stream = new WireGuardStream(this.#owner, id, addressHeader(from, 0, target, to.port, peer), true)
    this.#streams.set(id, stream)
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
    const peer = [...this.#peers.values()].find((one) => one.publicKey === key)
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
    if (!this.#stopped) this.#native.close()
    await this.closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** @internal For the test that a panic ends as an error. */
  panicForTest(place: 'call' | 'task'): void {
    callNative(() => this.#native.panicForTest(place))
  }

  #start(anyHost: boolean): NativeServer {
    // Called only after the constructor: the doorbell rings on this thread.
    const ring = () => this.#bridge.ring()
    const start = (hosts: string[]) => {
      const where = hosts.map((host) => `${isIP(host) === 6 ? `[${host}]` : host}:${this.#checked.port}`).join(' and ')
      return callNative(
        () => native().NativeServer.start({ ...this.#checked, hosts }, ring),
        `listening on UDP ${where}`,
      )
    }
    try {
      return start(this.#checked.hosts)
    } catch (error) {
      // A machine without IPv6 is no error where no particular address was asked for.
      if (!anyHost || !(error instanceof MidwireError) || error.code !== 'ERR_ADDRESS_NOT_AVAILABLE') throw error
      return start(['0.0.0.0'])
    }
  }

  #risen(): Risen {
    const { onConnection, onRequest, onDatagram, onDatagramFlowEnd, onIcmp, onLog } = this.#options
    return {
      opened: (id, header) => {
        if (onRequest) {
          const request = new ConnectionRequest(this.#owner, id, header)
          this.#requests.set(id, request)
          onRequest(request)
        } else {
          const stream = new WireGuardStream(this.#owner, id, header)
          this.#streams.set(id, stream)
          if (onConnection) onConnection(stream)
          else stream.resetAndDestroy()
        }
      },
      connected: (id) => this.#streams.get(id)?.handleConnected(),
      data: (id, view) => this.#streams.get(id)?.handleData(Buffer.from(view)),
      end: (id) => this.#streams.get(id)?.handleEnd(),
      writable: (id, bytes) => this.#streams.get(id)?.handleWritable(bytes),
      closed: (id) => {
        const stream = this.#streams.get(id)
        this.#streams.delete(id)
        stream?.handleGone()
      },
      reset: (id, reason) => {
        const taker = this.#requests.get(id) ?? this.#streams.get(id)
        this.#owner.forget(id)
        taker?.handleReset(reason)
      },
      datagram: (flow, header, data) => {
        const datagram = new Datagram(this.#owner, flow, Buffer.from(header), Buffer.from(data))
        if (onDatagram) onDatagram(datagram)
        else datagram.refuse()
      },
      datagramExpired: (flow) => onDatagramFlowEnd?.(flow),
      icmp: (header, message) => onIcmp?.(new IcmpMessage(this.#owner, Buffer.from(header), Buffer.from(message))),
      log: (level, target, message) => {
        onLog?.({ level: LOG_LEVELS[level] as LogLine['level'], target, message })
      },
      died: (reason) => {
        this.#failure ??= new MidwireError('ERR_NATIVE_PANIC', `the addon has stopped: ${reason}`)
      },
      stopped: () => this.#handleStopped(),
    }
  }

  #handleStopped(): void {
    if (this.#stopped) return
    this.#stopped = true
    const failure = this.#failure
    for (const [id, request] of this.#requests) {
      request.handleGone(failure ?? new MidwireError('ERR_SERVER_CLOSED', 'the WireGuard server was closed'))
      this.#streams.delete(id)
    }
    for (const stream of this.#streams.values()) {
      // Closing is no error of theirs: they end as a socket that was destroyed, with 'close' and without 'end'.
      stream.handleGone(failure)
      stream.destroy()
    }
    this.#streams.clear()
    this.#requests.clear()
    this.#settleClosed(failure)
    if (failure) this.#options.onError?.(failure)
  }

  #send(command: number, data: Uint8Array, source: AddressLike, destination: AddressLike): void {
    this.#assertOpen()
    const [from, to] = [addressBytes(source.address, 'source'), addressBytes(destination.address, 'destination')]
    if (from.length !== to.length) throw new MidwireError('ERR_ADDRESS', 'source and destination are of two families')
    for (const { port } of [source, destination]) {
      if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new MidwireError('ERR_PORT', `port ${port}`)
    }
    this.#bridge.message(command, addressHeader(from, source.port, to, destination.port), data)
  }

  #assertOpen(): void {
    if (this.#stopped) throw new MidwireError('ERR_SERVER_CLOSED', 'the WireGuard server is closed')
  }

  #peer(header: Buffer): Peer {
    const number = peerOf(header)
    const known = this.#shownPeers.get(number)
    if (known) return known
    const { publicKey = '', name } = this.#peers.get(number) ?? {}
    const shown = { publicKey, name }
    this.#shownPeers.set(number, shown)
    return shown
  }

  #readPeers(peers: PeerOptions[]): void {
    const byKey = new Map(callNative(() => this.#native.peers()).map((one) => [one.publicKey.toString('base64'), one]))
    for (const peer of peers) {
      const status = byKey.get(peer.publicKey)
      if (status) this.#peers.set(status.peer, { ...peer, allowedIps: status.allowedIps })
    }
  }

  #kept(peer: PeerOptions, checked: NativePeer): PeerOptions {
    return { ...peer, allowedIps: checked.allowedIps }
  }
}
