// The server connections of one client connection: opened or taken from the pool, put under TLS, given back, ended.
import type { ClientConnection, ServerConnection } from '../connection.js'
import { proxiesOf } from '../flow/via.js'
import { Channel } from '../layers/channel.js'
import { type Opened, OpenFailure } from '../layers/commands.js'
import { placeKey, type Route } from '../layers/route.js'
import { isUnspecified, type SocksPlace } from '../layers/socks/address.js'
import { socksHeader } from '../layers/socks/datagram.js'
import { noReceiver } from '../transports/transport.js'
import type { Bindings } from './bindings.js'
import type { Core } from './core.js'
import type { Dialled } from './dial.js'
import { Crowded } from './places.js'
import { Relayed } from './relayed.js'

export class Servers {
  readonly #core: Core
  readonly #client: ClientConnection
  readonly #bindings: Bindings
  readonly #channels = new Set<Channel<ServerConnection>>()
  /** The attempts to connect that are under way. */
  readonly #attempts = new Set<AbortController>()
  /** True once the client connection is over: server connections that open later are closed at once. */
  #over = false

  constructor(core: Core, client: ClientConnection, bindings: Bindings) {
    this.#core = core
    this.#client = client
    this.#bindings = bindings
  }

  /** The channels of the server connections that are open. */
  get channels(): readonly Channel<ServerConnection>[] {
    return [...this.#channels]
  }

  /**
   * Opens a server connection, or takes an idle one from the pool, which is answered at once. `pooled`: an idle one will do; `only`:
   * nothing else will, and the answer is undefined where the pool has none.
   */
  open(route: Route, pooled: boolean | 'only'): Channel<ServerConnection> | Promise<Opened> | undefined {
    const idle = pooled ? this.#core.pool.take(route) : undefined
    if (idle) return this.#reuse(idle, route)
    return pooled === 'only' ? undefined : this.#open(route, pooled)
  }

  #reuse(idle: Dialled, route: Route): Channel<ServerConnection> {
    const channel = this.#adopt(idle, route)
    channel.reused = true
    return channel
  }

  #open(route: Route, pooled: boolean): Promise<Opened> {
    return this.#attempt(async (signal) => {
      const place = await this.#enter(route, pooled, signal)
      if (place instanceof Crowded) {
        return this.#core.dialer.refuse(this.#client, route, 'CROWDED', place.message)
      }
      if (typeof place === 'object') return this.#reuse(place, route)
      const dialled = await this.#dial(route, place, signal)
      return dialled instanceof OpenFailure ? dialled : this.#ready(dialled, route)
    })
  }

  /** Does what may be given up when the client has gone. */
  async #attempt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const attempt = new AbortController()
    this.#attempts.add(attempt)
    try {
      return await work(attempt.signal)
    } finally {
      this.#attempts.delete(attempt)
    }
  }

  /**
   * Counts a connection at its place, and answers the place. Where the place is full, an idle connection there is closed, or the answer
   * comes when another connection has ended. A connection that becomes idle meanwhile, and serves the route, is the answer instead.
   * Datagrams are not counted: DNS clients use a new port, and so a new flow, for each query. Their answer is undefined.
   */
  async #enter(route: Route, pooled: boolean, signal: AbortSignal): Promise<string | undefined | Dialled | Crowded> {
    if (route.to.transport === 'udp') return undefined
    const { places, pool } = this.#core
    const place = placeKey(route)
    let idle: Dialled | undefined
    const attempt = () => {
      idle = pooled ? pool.take(route) : undefined
      return idle !== undefined || places.enter(place) || (pool.closeOne(route) && places.enter(place))
    }
    const crowded = attempt() ? undefined : await places.wait(place, attempt, signal)
    return crowded ?? idle ?? place
  }

  async #dial(route: Route, place: string | undefined, signal: AbortSignal): Promise<Dialled | OpenFailure> {
    const { dialer, places } = this.#core
    const dialled = await dialer.dial(this.#client, route, signal)
    if (place === undefined) return dialled
    if (dialled instanceof OpenFailure) places.leave(place)
    else places.opened(place, dialled.connection)
    return dialled
  }

  /** A connection as the layer that has asked for it gets it: under TLS, if nothing is in between. */
  async #ready(dialled: Dialled, route: Route): Promise<Opened> {
    const channel = this.#adopt(dialled, { ...route, tls: undefined })
    // Proxies on the way are asked, and then TLS is done, by the layer that has opened the connection.
    if (proxiesOf(route.via).length > 0 || !route.tls) return channel
    const failure = await this.secure(channel, route, false)
    if (failure) return failure
    channel.route = route
    return channel
  }

  #adopt({ transport, connection }: Dialled, route: Route): Channel<ServerConnection> {
    const channel = new Channel(connection)
    channel.route = route
    this.#channels.add(channel)
    this.#bindings.bind(channel, transport)
    if (this.#over) this.letGo(channel, 'close')
    return channel
  }

  /** Does TLS with a connected server. */
  async secure(channel: Channel<ServerConnection>, route: Route, isHop: boolean): Promise<OpenFailure | undefined> {
    const { connection } = channel
    const transport = this.#bindings.beginHandshake(channel)
    if (!transport) return new OpenFailure(connection, 'ECONNRESET', 'the server has closed the connection')
    const secured = await this.#core.dialer.secure(this.#client, { transport, connection }, route, isHop)
    if (secured instanceof OpenFailure) {
      this.#bindings.failHandshake(channel)
      this.ended(channel)
      return secured
    }
    this.#bindings.bind(channel, secured)
    if (this.#over) this.letGo(channel, 'reset')
    return undefined
  }

  /** Puts datagrams by the relay of a SOCKS5 proxy in the place of the connection with that proxy. */
  async relay(channel: Channel<ServerConnection>, route: Route, at: SocksPlace): Promise<OpenFailure | undefined> {
    const { connection } = channel
    const lost = new OpenFailure(connection, 'ECONNRESET', 'the proxy has closed the connection')
    const control = this.#bindings.of(channel)
    if (!control) return lost
    const header = socksHeader(route.to)
    if (!header) return new OpenFailure(connection, 'VIA', 'SOCKS5 takes names of 255 bytes at most')
    const host = isUnspecified(at.host) ? (control.remote?.address ?? at.host) : at.host
    const place = { host, port: at.port }
    const datagrams = await this.#attempt((signal) => this.#core.dialer.relay(connection, route, place, signal))
    if (datagrams instanceof OpenFailure) return datagrams
    if (this.#bindings.of(channel) !== control || channel.ended) {
      datagrams.close()
      return lost
    }
    // Bytes of the proxy behind its answer are no datagram.
    channel.takeAll()
    this.#bindings.bind(channel, new Relayed(control, datagrams, route.to, header))
    return undefined
  }

  /** Puts a connection into the pool. One that has ended, or has bytes that were not read, is closed. */
  release(channel: Channel<ServerConnection>): void {
    const transport = this.#bindings.unbind(channel)
    this.#channels.delete(channel)
    if (!transport) return
    const { connection, route } = channel
    if (route && !channel.closed && !channel.ended && channel.buffered === 0) {
      this.#core.pool.put({ transport, connection }, route, this.#client)
      this.#core.places.changed(placeKey(route))
      return
    }
    transport.receiver = noReceiver
    transport.close()
    this.#core.serverGone(this.#client, connection)
  }

  /** Ends a connection. */
  letGo(channel: Channel<ServerConnection>, how: 'close' | 'reset'): void {
    if (this.#bindings.letGo(channel, how)) this.ended(channel)
  }

  /** Forgets a connection that is over, and reports it, once: it may end within a handshake, and again when the handshake does. */
  ended(channel: Channel<ServerConnection>): void {
    if (!this.#channels.delete(channel)) return
    this.#core.serverGone(this.#client, channel.connection)
  }

  /** Gives up the attempts to connect. */
  abort(): void {
    for (const attempt of this.#attempts) attempt.abort()
  }

  /** Ends all server connections, because the client connection is over. */
  close(): void {
    this.#over = true
    this.abort()
    for (const channel of this.channels) this.letGo(channel, 'close')
  }
}
