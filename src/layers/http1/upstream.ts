// The server's side of a client connection: one connection at a time, kept between requests, shared by way of the pool.
import type { ServerConnection } from '../../connection.js'
import { sameName } from '../../flow/host-name.js'
import type { HttpRequest } from '../../flow/http.js'
import type { Channel } from '../channel.js'
import { type Destination, OpenFailure, type ServerTls } from '../commands.js'
import { type Context, open, type Step, serverName } from '../layer.js'

export class Upstream {
  readonly #context: Context
  #channel: Channel<ServerConnection> | undefined
  #tls: ServerTls | undefined
  /** It has carried a request before: the server may have closed it meanwhile. */
  #used: boolean
  /** What a request has authenticated belongs to this client alone (NTLM, Negotiate). */
  #bound = false

  constructor(context: Context) {
    this.#context = context
    this.#channel = context.server
    this.#tls = context.serverTls
    this.#used = context.server?.reused ?? false
  }

  /** The connection that is kept, if it is good for this request. */
  kept(request: HttpRequest): Channel<ServerConnection> | undefined {
    const kept = this.#channel
    if (!kept || !this.#leadsTo(kept.connection, request)) return undefined
    if (!kept.closed && !kept.ended && kept.buffered === 0) return kept
    this.drop()
    return undefined
  }

  /** A connection to where the request goes. */
  *acquire(request: HttpRequest): Step<Channel<ServerConnection> | OpenFailure> {
    const to: Destination = { host: request.host, port: request.port, transport: 'tcp' }
    const tls = request.scheme === 'https' ? this.#tlsFor(request) : undefined
    const { destination, serverFailure, inside } = this.#context
    if (inside && destination && sameName(to.host, destination.host)) {
      return new OpenFailure(
        { id: '', ...to },
        'INSIDE',
        `${request.prettyHost} is answered by midwire itself, and has no such page`,
      )
    }
    if (serverFailure && destination && sameName(to.host, destination.host) && to.port === destination.port)
      return serverFailure
    this.keepNone()
    const opened = yield* open(to, tls, true)
    if (!opened || opened instanceof OpenFailure)
      return opened ?? new OpenFailure({ id: '', ...to }, 'ERROR', 'no connection')
    this.#channel = opened
    this.#tls = tls
    this.#used = opened.reused
    return opened
  }

  /** Another connection, where the one that failed had been used before; undefined where there is no second try. */
  *retry(request: HttpRequest): Step<Channel<ServerConnection> | undefined> {
    if (!this.#used || !RETRIED.has(request.method)) return undefined
    this.drop()
    const to: Destination = { host: request.host, port: request.port, transport: 'tcp' }
    const tls = request.scheme === 'https' ? this.#tlsFor(request) : undefined
    const opened = yield* open(to, tls, false)
    if (!opened || opened instanceof OpenFailure) return undefined
    this.#channel = opened
    this.#tls = tls
    this.#used = false
    return opened
  }

  /** The exchange is over, and the connection is good for another. */
  keep(): void {
    this.#used = true
    const channel = this.#channel
    if (!channel?.paused) return
    // The rest of the body had waited: who does not read does not hear that the server closes what lies idle.
    channel.paused = false
    this.#context.machine.perform({ type: 'resume', channel })
  }

  /** The connection is of no more use. */
  drop(): void {
    const channel = this.#channel
    this.#channel = undefined
    this.#bound = false
    if (channel) this.#context.machine.perform({ type: 'close', channel })
  }

  /** The connection belongs to somebody else now: after an upgrade. */
  give(): void {
    this.#context.server = this.#channel
    this.#channel = undefined
  }

  /** Lets another client connection have what is kept. */
  keepNone(): void {
    const channel = this.#channel
    if (!channel) return
    if (this.#bound || !this.#used || channel.closed || channel.ended || channel.buffered > 0) {
      this.drop()
      return
    }
    this.#channel = undefined
    this.#context.machine.perform({ type: 'release', channel, tls: this.#tls })
  }

  /** Notes what binds the connection to this client. */
  bind(): void {
    this.#bound = true
  }

  #tlsFor(request: HttpRequest): ServerTls {
    const { destination, serverTls } = this.#context
    if (serverTls && destination && sameName(request.host, destination.host)) return serverTls
    return { sni: serverName(request.host), alpn: ['http/1.1'] }
  }

  #leadsTo({ host, port }: ServerConnection, request: HttpRequest): boolean {
    if (!sameName(request.host, host) || request.port !== port) return false
    const mine = this.#tls
    const wanted = request.scheme === 'https' ? this.#tlsFor(request) : undefined
    return (
      mine === wanted || (sameName(mine?.sni ?? '', wanted?.sni ?? '') && mine?.alpn.join() === wanted?.alpn.join())
    )
  }
}

/** Methods that may be sent again when the connection was lost before an answer (RFC 9110, 9.2.2). */
const RETRIED = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
