// The pool of idle server connections, by destination and TLS settings.
import type { ClientConnection, ServerConnection } from '../connection.js'
import { type Place, placeKey, type Route, routeKey } from '../layers/route.js'
import { noReceiver, type Receiver } from '../transports/transport.js'
import type { Dialled } from './dial.js'

/** Milliseconds. Servers close idle connections; the pool closes them first, so that no request is lost in such a close. */
const IDLE_MILLISECONDS = 10_000
/** The idle connections of the whole pool; beyond that the oldest is closed. */
const MAX_IDLE = 1_024

interface Idle extends Dialled {
  /** The client connection that used it last. */
  readonly client: ClientConnection
  /** The destination alone. */
  readonly place: string
  /** The destination and the TLS settings. */
  readonly key: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

export class Pool {
  readonly #idle = new Map<string, Idle[]>()
  /** The number of idle connections to each destination. */
  readonly #places = new Map<string, number>()
  readonly #gone: (client: ClientConnection, connection: ServerConnection) => void
  #count = 0
  #sweeper: NodeJS.Timeout | undefined
  #closed = false

  /** `gone` is called for each connection that ends while the pool has it. */
  constructor(gone: (client: ClientConnection, connection: ServerConnection) => void) {
    this.#gone = gone
  }

  /** Whether the pool has a connection to that destination, with any TLS settings. */
  has(place: Place): boolean {
    return this.#places.has(placeKey(place))
  }

  /** Takes out the connection that was used last, if the pool has one with these settings. */
  take(route: Route): Dialled | undefined {
    const idle = this.#idle.get(routeKey(route))?.at(-1)
    if (idle) this.#remove(idle)
    return idle
  }

  /** Closes the connection to that destination, with any TLS settings, that has been idle for longest. False where the pool has none. */
  closeOne(place: Place): boolean {
    const key = placeKey(place)
    if (!this.#places.has(key)) return false
    let oldest: Idle | undefined
    for (const [first] of this.#idle.values()) {
      if (first?.place === key && (!oldest || first.since < oldest.since)) oldest = first
    }
    if (oldest) this.#drop(oldest)
    return oldest !== undefined
  }

  /** Adds an idle connection, which `client` used last. A closed pool closes it. */
  put(dialled: Dialled, route: Route, client: ClientConnection): void {
    if (this.#closed) {
      dialled.transport.receiver = noReceiver
      dialled.transport.close()
      this.#gone(client, dialled.connection)
      return
    }
    const place = placeKey(route)
    const { transport, connection } = dialled
    const idle: Idle = { transport, connection, client, place, key: routeKey(route, place), since: Date.now() }
    transport.receiver = new IdleReceiver(() => this.#drop(idle))
    const list = this.#idle.get(idle.key)
    if (list) list.push(idle)
    else this.#idle.set(idle.key, [idle])
    this.#places.set(place, (this.#places.get(place) ?? 0) + 1)
    this.#count += 1
    if (this.#count > MAX_IDLE) this.#sweep(this.#oldest())
    this.#sweeper ??= setInterval(() => this.#sweep(Date.now() - IDLE_MILLISECONDS), 1_000).unref()
  }

  /** Closes the idle connections, and from now on every connection that is put here. */
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

  /** Closes the connections that have been idle since `until` or longer. */
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
    idle.transport.receiver = noReceiver
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

/** Drops a connection that ends while it is idle, or on which the server sends bytes: the next request would get them (promise 21). */
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
