// Hands each event of the addon to its stream or request, or to one of the program's callbacks.
import type { Peer } from '../connection.js'
import { MidwireError } from '../errors.js'
import type { NativeServer } from '../native/load.js'
import { Bridge } from './bridge.js'
import { Datagram, IcmpMessage } from './datagram.js'
import { Living } from './living.js'
import { ConnectionRequest, type RequestOwner } from './request.js'
import { LOG_LEVELS, type LogLine, type WireGuardServerOptions } from './server-options.js'
import type { ServerPeers } from './server-peers.js'
import { WireGuardStream } from './stream.js'
import { type WireGuardEvents, wireGuardEvents } from './wireguard-events.js'

/** The options of a server that its events need. */
type Callbacks = Pick<
  WireGuardServerOptions,
  'allowHalfOpen' | 'onConnection' | 'onRequest' | 'onDatagram' | 'onDatagramFlowEnd' | 'onIcmp' | 'onLog'
>

export class ServerEvents implements WireGuardEvents, RequestOwner {
  readonly bridge: Bridge
  readonly allowHalfOpen: boolean
  readonly bufferSize: number
  readonly #callbacks: Callbacks
  readonly #peers: ServerPeers
  readonly #streams = new Living<number, WireGuardStream>()
  readonly #requests = new Living<number, ConnectionRequest>()
  readonly #ended: (failure: MidwireError | undefined) => void
  #failure: MidwireError | undefined
  #stopped = false

  /** `ended` is called once, after the server has ended and all its requests and streams have ended. */
  constructor(
    callbacks: Callbacks,
    bufferSize: number,
    native: NativeServer,
    peers: ServerPeers,
    ended: (failure: MidwireError | undefined) => void,
  ) {
    this.allowHalfOpen = callbacks.allowHalfOpen ?? false
    this.bufferSize = bufferSize
    this.#callbacks = callbacks
    this.#peers = peers
    this.#ended = ended
    this.bridge = new Bridge(native, wireGuardEvents(this))
  }

  /** True once the server has ended: no event follows. */
  get hasStopped(): boolean {
    return this.#stopped
  }

  /** The number of open TCP streams. */
  get connections(): number {
    return this.#streams.size
  }

  peer(header: Buffer): Peer {
    return this.#peers.ofHeader(header)
  }

  forget(id: number): void {
    this.#streams.delete(id)
    this.#requests.delete(id)
  }

  adopt(id: number, stream: WireGuardStream): void {
    this.#requests.delete(id)
    this.#streams.set(id, stream)
  }

  opened(id: number, header: Buffer): void {
    const { onRequest, onConnection } = this.#callbacks
    if (onRequest) {
      const request = new ConnectionRequest(this, id, header)
      this.#requests.set(id, request)
      onRequest(request)
      return
    }
    const stream = new WireGuardStream(this, id, header)
    this.#streams.set(id, stream)
    if (onConnection) onConnection(stream)
    else stream.resetAndDestroy()
  }

  connected(id: number): void {
    this.#streams.get(id)?.handleConnected()
  }

  data(id: number, view: Buffer): void {
    this.#streams.get(id)?.handleData(Buffer.from(view))
  }

  end(id: number): void {
    this.#streams.get(id)?.handleEnd()
  }

  writable(id: number, bytes: number): void {
    this.#streams.get(id)?.handleWritable(bytes)
  }

  closed(id: number): void {
    const stream = this.#streams.get(id)
    this.#streams.delete(id)
    stream?.handleGone()
  }

  reset(id: number, reason: number): void {
    const taker = this.#requests.get(id) ?? this.#streams.get(id)
    this.forget(id)
    taker?.handleReset(reason)
  }

  datagram(flow: number, header: Buffer, data: Buffer): void {
    const datagram = new Datagram(this, flow, Buffer.from(header), Buffer.from(data))
    const { onDatagram } = this.#callbacks
    if (onDatagram) onDatagram(datagram)
    else datagram.refuse()
  }

  datagramExpired(flow: number): void {
    this.#callbacks.onDatagramFlowEnd?.(flow)
  }

  icmp(header: Buffer, message: Buffer): void {
    this.#callbacks.onIcmp?.(new IcmpMessage(this, Buffer.from(header), Buffer.from(message)))
  }

  log(level: number, target: string, message: string): void {
    this.#callbacks.onLog?.({ level: LOG_LEVELS[level] as LogLine['level'], target, message })
  }

  died(reason: string): void {
    this.#failure ??= new MidwireError('ERR_NATIVE_PANIC', `the addon has stopped: ${reason}`)
  }

  stopped(): void {
    if (this.#stopped) return
    this.#stopped = true
    const failure = this.#failure
    for (const [id, request] of this.#requests.entries()) {
      request.handleGone(failure ?? new MidwireError('ERR_SERVER_CLOSED', 'the WireGuard server was closed'))
      this.#streams.delete(id)
    }
    for (const stream of this.#streams.values()) {
      // A server that was closed is no error for its streams. They end like a socket that was destroyed, with 'close' and without 'end'.
      stream.handleGone(failure)
      stream.destroy()
    }
    this.#streams.clear()
    this.#requests.clear()
    this.#ended(failure)
  }
}
