// TCP connections whose sockets are the addon's: one engine for all of a thread, which Node's own event loop drives.
import { plainAddress } from '../../addresses.js'
import { callNative, type NativeConnections, native } from '../../native/load.js'
import { destinationOf, sourceOf } from '../addresses.js'
import { Bridge, type BridgeEvents } from '../bridge.js'
import { Living } from '../living.js'
import { ADDRESS_HEADER, peerOf } from '../records.js'
import type { Transport } from '../transport.js'
import { CarriedTransport } from './carried.js'
import { FALLS, RISES } from './records.js'
import { ConnectionTransport, systemError } from './transport.js'

type OnConnection = (connection: ConnectionTransport) => void

export interface ConnectionListener {
  readonly host: string
  readonly port: number
  close(): void
}

/** A connection that is being opened. */
interface Attempt {
  opened(connection: ConnectionTransport): void
  failed(error: NodeJS.ErrnoException): void
  readonly where: string
}

export class Connections implements BridgeEvents {
  readonly bridge: Bridge
  /** @internal */
  readonly native: NativeConnections
  readonly #open = new Living<number, ConnectionTransport>()
  readonly #listeners = new Map<number, OnConnection>()
  readonly #attempts = new Living<number, Attempt>()
  readonly #died: (reason: string) => void

  /** `died` is called where the addon has panicked: all connections are lost. Throws a MidwireError where there is no addon, or no such event loop. */
  constructor(died: (reason: string) => void) {
    this.#died = died
    // The addon calls on this thread, so never before the constructor is done.
    this.native = callNative(() => native().NativeConnections.start(() => this.bridge.ring()))
    this.bridge = new Bridge(this.native, this)
  }

  /** Listens; port 0 takes a free one. Throws ERR_ADDRESS_IN_USE, ERR_ADDRESS_NOT_AVAILABLE, ERR_PERMISSION. */
  listen(host: string, port: number, onConnection: OnConnection): ConnectionListener {
    const { id, host: address, port: bound } = callNative(() => this.native.listen(host, port))
    this.#listeners.set(id, onConnection)
    return {
      host: address,
      port: bound,
      close: () => {
        if (this.#listeners.delete(id)) this.native.stopListening(id)
      },
    }
  }

  /** Connects, from the system's choice of an address where `from` is undefined. Rejects with errors like Node's; ECANCELED where `signal` aborts. */
  connect(address: string, port: number, from?: string, signal?: AbortSignal): Promise<ConnectionTransport> {
    return new Promise((resolve, reject) => {
      const where = ` ${address}:${port}`
      const cancelled = () => Object.assign(new Error(`connect ECANCELED${where}`), { code: 'ECANCELED' })
      if (signal?.aborted) {
        reject(cancelled())
        return
      }
      let id: number
      try {
        id = this.native.connect(address, port, from)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        const [own, syscall] = ['EADDRNOTAVAIL', 'bind']
        const isForeign = code === 'ADDRESS_NOT_AVAILABLE'
        reject(
          isForeign ? Object.assign(new Error(`bind ${own} ${from}`), { code: own, syscall, address: from }) : error,
        )
        return
      }
      if (id < 0) {
        reject(systemError(-id, 'connect', where))
        return
      }
      const cancel = () => {
        this.#attempts.delete(id)
        this.reset(id)
        reject(cancelled())
      }
      const settled = () => signal?.removeEventListener('abort', cancel)
      signal?.addEventListener('abort', cancel)
      this.#attempts.set(id, {
        where,
        opened(connection) {
          settled()
          resolve(connection)
        },
        failed(error) {
          settled()
          reject(error)
        },
      })
    })
  }

  /** Closes a connection that nobody has got. */
  reset(id: number): void {
    this.bridge.command(FALLS.reset, id)
  }

  /** A transport that TLS can be put on: `transport` itself where it is the addon's and has none yet, else one over it. */
  over(transport: Transport): ConnectionTransport {
    const isOurs = transport instanceof ConnectionTransport && this.#open.get(transport.id) === transport
    if (isOurs && !transport.isUnderTls) return transport
    const carried = new CarriedTransport(this.bridge, this.native.carry(), transport)
    this.#open.set(carried.id, carried)
    return carried
  }

  record(kind: number, id: number, slab: Buffer, words: Uint32Array, start: number, length: number): void {
    const connection = this.#open.get(id)
    const copy = () => Buffer.from(slab.subarray(start, start + length))
    switch (kind) {
      case RISES.data:
        connection?.handleData(copy())
        break
      case RISES.writable:
        connection?.handleWritable(words[start >>> 2] ?? 0)
        break
      case RISES.opened:
        this.#opened(id, slab.subarray(start, start + ADDRESS_HEADER))
        break
      case RISES.connected:
        this.#connected(id, slab.subarray(start, start + ADDRESS_HEADER))
        break
      case RISES.passed:
        connection?.handlePassed(words[start >>> 2] ?? 0)
        break
      case RISES.end:
        connection?.handleEnd()
        break
      case RISES.closed:
        this.#open.delete(id)
        connection?.handleClosed()
        break
      case RISES.cipher:
        if (connection instanceof CarriedTransport) connection.handleCipher(copy())
        break
      case RISES.cipherEnd:
        if (connection instanceof CarriedTransport) connection.handleCipherEnd()
        break
      case RISES.secured:
        connection?.handleSecured(copy())
        break
      case RISES.failed:
        connection?.handleFailed(copy())
        break
      case RISES.secret:
        connection?.handleSecret(copy())
        break
      case RISES.lost:
        this.#lost(id, words[start >>> 2] ?? 0)
        break
    }
  }

  #opened(id: number, header: Buffer): void {
    const onConnection = this.#listeners.get(peerOf(header))
    if (onConnection) onConnection(this.#adopt(id, header))
    else this.reset(id)
  }

  #connected(id: number, header: Buffer): void {
    const attempt = this.#attempts.get(id)
    this.#attempts.delete(id)
    if (attempt) attempt.opened(this.#adopt(id, header))
    else this.reset(id)
  }

  #adopt(id: number, header: Buffer): ConnectionTransport {
    const connection = new ConnectionTransport(this.bridge, id, destinationOf(header), sourceOf(header))
    this.#open.set(id, connection)
    return connection
  }

  #lost(id: number, number: number): void {
    const attempt = this.#attempts.get(id)
    this.#attempts.delete(id)
    attempt?.failed(systemError(number, 'connect', attempt.where))
    const connection = this.#open.get(id)
    this.#open.delete(id)
    connection?.handleClosed(systemError(number, 'read'))
  }

  died(reason: string): void {
    this.#died(reason)
    const lost = () => Object.assign(new Error(`the addon has stopped: ${reason}`), { code: 'ECONNABORTED' })
    for (const attempt of this.#attempts.values()) attempt.failed(lost())
    for (const connection of this.#open.values()) connection.handleClosed(lost())
    this.#attempts.clear()
    this.#open.clear()
    this.#listeners.clear()
  }

  stopped(): void {}
}

let ours: Connections | undefined | 'none'

/** The engine of this thread; undefined where the system has none, or where there is no addon. After a panic the next call starts another. */
export function connections(): Connections | undefined {
  if (ours === undefined) {
    try {
      ours = new Connections(() => {
        ours = undefined
      })
    } catch {
      ours = 'none'
    }
  }
  return ours === 'none' ? undefined : ours
}

/** Whether an address is one that the addon connects to and from: Node alone knows zones (`fe80::1%eth0`). */
export const isPlain = (address: string): boolean => plainAddress(address) !== undefined && !address.includes('%')
