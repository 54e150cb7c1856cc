// Server connections that lie idle between requests, by destination and TLS settings.
import type { ClientConnection, ServerConnection } from '../connection.js'
import { canonicalName } from '../flow/host-name.js'
import type { Destination, ServerTls } from '../layers/commands.js'
import { deaf, type Receiver, type Transport } from '../transports/transport.js'

/** Servers close what is idle; closing first saves a request that would be lost. */
const IDLE_MILLISECONDS = 10_000
/** Idle connections in all; beyond it the oldest goes. */
const MAX_IDLE = 1_024

/** A connection and what it is made of. */
export interface Pooled {
  readonly transport: Transport
  readonly connection: ServerConnection
}

interface Idle extends Pooled {
  /** Who used it last. */
  readonly client: ClientConnection
  readonly place: string
  readonly key: string
  readonly since: number
}

const placeOf = (to: { host: string; port: number; transport: string }) =>
  `${to.transport} ${canonicalName(to.host)} ${to.port}`

const keyOf = (place: string, tls: ServerTls | undefined) =>
  tls ? `${place} ${canonicalName(tls.sni ?? '')} ${tls.alpn.join(',')}` : place

export class Pool {
  readonly #idle = new Map<string, Idle[]>()
  /** Idle connections by destination alone. */
  readonly #places = new Map<string, number>()
  readonly #gone: (client: ClientConnection, connection: ServerConnection) => void
  #count = 0
  #sweeper: NodeJS.Timeout | undefined
  #closed = false

  /** `gone` is told of connections that end while they lie here. */
  constructor(gone: (client: ClientConnection, connection: ServerConnection) => void) {
    this.#gone = gone
  }

  /** Whether a connection to that place lies here. */
  has(to: Destination): boolean {
    return this.#places.has(placeOf(to))
  }

  /** The connection that was used last, if there is one. */
  take(to: Destination, tls: ServerTls | undefined): Pooled | undefined {
    const idle = this.#idle.get(keyOf(placeOf(to), tls))?.at(-1)
    if (idle) this.#remove(idle)
    return idle
  }

  put(pooled: Pooled, tls: ServerTls | undefined, client: ClientConnection): void {
    if (this.#closed) {
      pooled.transport.receiver = deaf
      pooled.transport.close()
      this.#gone(client, pooled.connection)
      return
    }
    const place = placeOf(pooled.connection)
    const idle: Idle = { ...pooled, client, place, key: keyOf(place, tls), since: Date.now() }
    pooled.transport.receiver = new IdleReceiver(() => this.#drop(idle))
    const list = this.#idle.get(idle.key)
    if (list) list.push(idle)
    else this.#idle.set(idle.key, [idle])
    this.#places.set(place, (this.#places.get(place) ?? 0) + 1)
    this.#count += 1
    if (this.#count > MAX_IDLE) this.#sweep(this.#oldest())
    this.#sweeper ??= setInterval(() => this.#sweep(Date.now() - IDLE_MILLISECONDS), 1_000).unref()
  }

  /** Closes what lies here, and from now on what is put here. */
  close(): void {
    this.#closed = true
    clearInterval(this.#sweeper)
    this.#sweep(Number.POSITIVE_INFINITY)
  }

  #oldest(): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const [first] of this.#idle.values()) if (first && first.since < oldest) oldest = first.since
    return oldest
  }

  /** Closes what has been idle since `until` or longer. */
  #sweep(until: number): void {
    for (const list of [...this.#idle.values()]) {
      for (const idle of [...list]) {
        if (idle.since > until) break
        this.#drop(idle)
      }
    }
    if (this.#count > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  #drop(idle: Idle): void {
    this.#remove(idle)
    idle.transport.receiver = deaf
    idle.transport.close()
    this.#gone(idle.client, idle.connection)
  }

  #remove(idle: Idle): void {
    const list = this.#idle.get(idle.key)
    const index = list?.lastIndexOf(idle) ?? -1
    if (!list || index === -1) return
    list.splice(index, 1)
    if (list.length === 0) this.#idle.delete(idle.key)
    const left = (this.#places.get(idle.place) ?? 1) - 1
    if (left > 0) this.#places.set(idle.place, left)
    else this.#places.delete(idle.place)
    this.#count -= 1
  }
}

/** Bytes that nobody asked for answer the wrong request: they end an idle connection, as its end does (promise 21). */
class IdleReceiver implements Receiver {
  readonly #drop: () => void
  constructor(drop: () => void) {
    this.#drop = drop
  }
  handleData(): void {
    this.#drop()
  }
  handleEnd(): void {
    this.#drop()
  }
  handleDrain(): void {}
  handleClose(): void {
    this.#drop()
  }
}
