// Listeners for what TPROXY brings: TCP connections and datagrams to any address, which midwire answers from that address. Linux only.
import type { Socket } from 'node:net'
import { hostPort } from '../addresses.js'
import type { Address } from '../connection.js'
import { MidwireError } from '../errors.js'
import { type NativeTransparentUdp, native } from '../native/load.js'
import { addressBytes, destinationOf, sourceOf } from './addresses.js'
import { Bridge } from './bridge.js'
import { asRoot, withDescriptor } from './descriptor.js'
import { ADDRESS_HEADER, addressHeader, COMMAND, EVENT } from './records.js'
import { listenTcp, type TcpListener } from './socket.js'

export interface TransparentListen {
  /** One address; `0.0.0.0` has no IPv6, and `::` no IPv4. */
  readonly host: string
  readonly port: number
  /** The firewall mark of all packets that are sent to clients. */
  readonly mark?: number | undefined
}

/**
 * Listens for TCP connections to any address. The local address of a socket is the one that the client connected to. Rejects with
 * ERR_ROOT, ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_AVAILABLE; with ERR_NATIVE where the system is not Linux.
 */
export async function listenTransparentTcp(
  { host, port, mark }: TransparentListen,
  onSocket: (socket: Socket) => void,
): Promise<TcpListener> {
  const options = { udp: false, ipv6: host.includes(':'), transparent: true, host, port, ...(mark && { mark }) }
  const where = `listening on TCP ${hostPort(host, port)}`
  return withDescriptor(options, where, (fd) => listenTcp({ host, port, fd }, onSocket))
}

/** Called for each datagram; `data` is a copy. */
export type OnTransparentDatagram = (source: Address, destination: Address, data: Buffer) => void

export interface TransparentUdpListener {
  readonly host: string
  readonly port: number
  /** The number of datagrams that were dropped, in both directions. */
  readonly dropped: number
  /**
   * Sends a datagram from any address, also from one that is not this machine's. One that cannot be sent is dropped. Throws ERR_ADDRESS,
   * and ERR_ARGUMENT for data that is too long.
   */
  send(data: Uint8Array, source: Address, destination: Address): void
  /** Fulfilled when the listener is closed, rejected when it has failed. */
  readonly closed: Promise<void>
  close(): void
}

/**
 * Listens for datagrams to any address. Throws ERR_ROOT, ERR_ADDRESS, ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_AVAILABLE; ERR_NATIVE where the
 * system is not Linux.
 */
export function listenTransparentUdp(
  options: TransparentListen,
  onDatagram: OnTransparentDatagram,
): TransparentUdpListener {
  return new TransparentUdp(options, onDatagram)
}

class TransparentUdp implements TransparentUdpListener {
  readonly host: string
  readonly closed: Promise<void>
  readonly #native: NativeTransparentUdp
  readonly #bridge: Bridge
  #failure: MidwireError | undefined
  #over = false

  constructor({ host, port, mark }: TransparentListen, onDatagram: OnTransparentDatagram) {
    this.host = host
    addressBytes(host, 'host')
    let settle: () => void = () => {}
    this.closed = new Promise((resolve, reject) => {
      settle = () => (this.#failure ? reject(this.#failure) : resolve())
    })
    // A program that does not look at `closed` must not die of an unhandled rejection.
    this.closed.catch(() => {})
    // The addon rings on this thread, so never before the constructor is done.
    const ring = () => this.#bridge.ring()
    const start = () => native().NativeTransparentUdp.start(host, port, mark, ring)
    this.#native = asRoot(start, `listening on UDP ${hostPort(host, port)}`)
    this.#bridge = new Bridge(this.#native, {
      record(kind, _, slab, __, start, length) {
        if (kind !== EVENT.datagram) return
        const data = start + ADDRESS_HEADER
        const header = slab.subarray(start, data)
        // The bytes are a view of the bridge's slab, which the next drain overwrites.
        onDatagram(sourceOf(header), destinationOf(header), Buffer.from(slab.subarray(data, start + length)))
      },
      died: (reason) => {
        this.#failure = new MidwireError('ERR_NATIVE', `the listener on UDP ${hostPort(host, this.port)}: ${reason}`)
      },
      stopped: () => {
        this.#over = true
        settle()
      },
    })
  }

  get port(): number {
    return this.#native.port
  }

  get dropped(): number {
    return this.#native.dropped
  }

  send(data: Uint8Array, source: Address, destination: Address): void {
    if (this.#over) return
    const [from, to] = [addressBytes(source.address, 'source'), addressBytes(destination.address, 'destination')]
    if (from.length !== to.length) throw new MidwireError('ERR_ADDRESS', 'source and destination are of two families')
    this.#bridge.message(COMMAND.sendDatagram, addressHeader(from, source.port, to, destination.port), data)
  }

  close(): void {
    this.#native.close()
  }
}
