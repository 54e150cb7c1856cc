// The server connection of a client connection: one at a time, kept between requests, and given to the pool in the end.
import type { ServerConnection } from '../../connection.js'
import { sameName } from '../../flow/host-name.js'
import type { HttpFlow, HttpRequest } from '../../flow/http.js'
import { type ProxyHop, unreachable } from '../../flow/via.js'
import type { Channel } from '../channel.js'
import { OpenFailure } from '../commands.js'
import { type Context, type Step, serverName } from '../layer.js'
import { open, routeTo } from '../open.js'
import { type Destination, type Route, type ServerTls, sameRoute } from '../route.js'
import type { ServerEnd } from './ends.js'
import { forwarder, routeToForwarder } from './h1/forward.js'
import { Http1Server } from './h1/server.js'
import { Http2Server } from './h2/server.js'
import type { ServerSessions } from './h2/server-session.js'
import { isIdempotent } from './retry.js'

export class Upstream {
  readonly #context: Context
  readonly #sessions: ServerSessions
  #channel: Channel<ServerConnection> | undefined
  /** The connection has carried a request before: the server may have closed it meanwhile. */
  #used = false
  /**
   * The flow of the current request, and its way to the server. Rules are asked once for a flow: what they see of it changes when it has a
   * server, and the connection stays as it is.
   */
  #asked: { readonly flow: HttpFlow; readonly route: Route } | undefined
  /** A request has authenticated the connection (NTLM, Negotiate): it must not serve another client. */
  #bound = false

  /** `sessions`: the connections of HTTP/2 that the streams of one client connection share. */
  constructor(context: Context, sessions: ServerSessions) {
    this.#context = context
    this.#sessions = sessions
    const { server } = context
    context.server = undefined
    if (server?.connection.tls?.alpn === 'h2' && server.route) sessions.add(server.route, server)
    else {
      this.#channel = server
      this.#used = server?.reused ?? false
    }
  }

  /** The connection that is kept between requests, which the layer listens to meanwhile. */
  get idle(): Channel<ServerConnection> | undefined {
    return this.#channel
  }

  /** Between requests: closes the kept connection where the server has ended it or has sent bytes that nobody has asked for. */
  check(): void {
    this.#asked = undefined
    const kept = this.#channel
    if (kept && (kept.closed || kept.ended || kept.buffered > 0)) this.drop()
  }

  /** The connection that is kept, if it leads to the request's place and is open. */
  kept(flow: HttpFlow): ServerEnd | undefined {
    this.check()
    const kept = this.#channel
    if (kept?.route && this.#leadsTo(kept.route, flow)) return this.#end(flow, kept)
    const session = this.#sessions.isEmpty ? undefined : this.#sessions.find(this.#routeFor(flow))
    if (flow.request.protocol !== undefined && !session?.extendedConnect) return undefined
    return session?.session.canOpen ? new Http2Server(this.#context, this, flow, session) : undefined
  }

  #end(flow: HttpFlow, channel: Channel<ServerConnection>): ServerEnd {
    return new Http1Server(this.#context, this, flow, channel)
  }

  /** Opens a connection to the request's place, or takes one from the pool. */
  *acquire(flow: HttpFlow): Step<ServerEnd | OpenFailure> {
    const { request } = flow
    const to = placeOf(request)
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
    return yield* this.acquireAgain(flow)
  }

  /** The same for a request whose server was asked already. */
  *acquireAgain(flow: HttpFlow): Step<ServerEnd | OpenFailure> {
    const route = this.#routeFor(flow)
    const end = yield* this.#reach(flow, route)
    if (!(end instanceof Http2Server) || flow.request.protocol === undefined) return end
    if (yield* end.takesExtendedConnect()) return end
    // A server of HTTP/2 that does not know RFC 8441 is asked to upgrade a connection of HTTP/1.
    return yield* this.#connect(flow, { ...route, tls: route.tls && { ...route.tls, alpn: ['http/1.1'] } }, false)
  }

  *#reach(flow: HttpFlow, route: Route): Step<ServerEnd | OpenFailure> {
    if (!this.#mayShare(route, flow)) return yield* this.#connect(flow, route)
    for (;;) {
      for (let session = this.#sessions.find(route); session; session = this.#sessions.find(route)) {
        yield* session.untilOpen()
        if (session.usable) return new Http2Server(this.#context, this, flow, session)
      }
      const turn = yield* this.#sessions.turn(route)
      if (turn instanceof OpenFailure) return turn
      if (turn) break
    }
    let end: ServerEnd | OpenFailure | undefined
    try {
      end = yield* this.#connect(flow, route)
      return end
    } finally {
      const failure = end instanceof OpenFailure ? end : undefined
      this.#sessions.opened(route, end instanceof Http1Server, failure)
    }
  }

  /** Whether the server may speak HTTP/2, and requests by this route so share a connection. */
  #mayShare(route: Route, flow: HttpFlow): boolean {
    if (this.#sessions.isHttp1(route)) return false
    return route.tls ? route.tls.alpn.includes('h2') : this.#knowsPrior(route, flow)
  }

  /** A client that speaks HTTP/2 without TLS, and without having been told that it may, knows the same of its server (RFC 9113, 3.3). */
  #knowsPrior(route: Route, { request }: HttpFlow): boolean {
    const { client, secured } = this.#context
    return (
      request.version === '2.0' && !route.tls && !secured && !client.connection.explicit && !forwarder(request, route)
    )
  }

  *#connect(flow: HttpFlow, route: Route, mayShare = this.#mayShare(route, flow)): Step<ServerEnd | OpenFailure> {
    // What lies idle without TLS has spoken HTTP/1.
    const opened = yield* open(this.#context, route, route.tls !== undefined || !mayShare)
    if (!opened || opened instanceof OpenFailure)
      return this.#ofProxy(
        flow,
        opened ?? new OpenFailure({ id: '', ...placeOf(flow.request) }, 'ERROR', 'no connection'),
      )
    const alpn = opened.connection.tls?.alpn
    if (alpn === 'h2' || (!route.tls && mayShare)) {
      return new Http2Server(this.#context, this, flow, this.#sessions.add(route, opened))
    }
    this.#channel = opened
    this.#used = opened.reused
    return this.#end(flow, opened)
  }

  /** A failure as it is told: to a client that has asked for a server, the address of a proxy that forwards says nothing. */
  #ofProxy(flow: HttpFlow, failure: OpenFailure): OpenFailure {
    const proxy = forwarder(flow.request, this.#wayOf(flow))
    if (!proxy || failure.code === 'KILLED') return failure
    return new OpenFailure(failure.server, failure.code, unreachable(proxy, failure.message))
  }

  /** Opens another connection, where the one that was lost had been used before; undefined where the request must not be sent again. */
  *retry(flow: HttpFlow): Step<Channel<ServerConnection> | undefined> {
    if (!this.#used || !isIdempotent(flow.request.method)) return undefined
    this.drop()
    const opened = yield* open(this.#context, this.#routeFor(flow))
    if (!opened || opened instanceof OpenFailure) return undefined
    this.#channel = opened
    this.#used = false
    return opened
  }

  /** Keeps the connection for another request: the exchange is over. */
  keep(): void {
    this.#used = true
    const channel = this.#channel
    if (!channel?.paused) return
    // The connection was paused within the last body. A paused connection would not notice that the server closes it.
    channel.paused = false
    this.#context.machine.perform({ type: 'resume', channel })
  }

  /** Closes the connection. */
  drop(): void {
    const channel = this.#channel
    this.#channel = undefined
    this.#bound = false
    if (channel) this.#context.machine.perform({ type: 'close', channel })
  }

  /** Leaves the connection to the layer that goes on after an upgrade. */
  give(): void {
    this.#context.server = this.#channel
    this.#channel = undefined
  }

  /** Gives the connection to the pool, or closes it where no other client may use it. */
  keepNone(): void {
    const channel = this.#channel
    if (!channel) return
    if (this.#bound || !this.#used || channel.closed || channel.ended || channel.buffered > 0) {
      this.drop()
      return
    }
    this.#channel = undefined
    this.#context.machine.perform({ type: 'release', channel })
  }

  /** Marks the connection as authenticated for this client alone. */
  bind(): void {
    this.#bound = true
  }

  /** The proxy at the other end of a connection, which forwards the request; undefined where the server is there. */
  forwarderOf(flow: HttpFlow, { route }: Channel<ServerConnection>): ProxyHop | undefined {
    const toServer = this.#wayOf(flow)
    return route && sameRoute(route, toServer) ? undefined : forwarder(flow.request, toServer)
  }

  /** A tunnel to the server that is there is as good as the proxy that it goes through. */
  #leadsTo(route: Route, flow: HttpFlow): boolean {
    const toServer = this.#wayOf(flow)
    if (sameRoute(route, toServer)) return true
    const proxy = forwarder(flow.request, toServer)
    return proxy !== undefined && sameRoute(route, routeToForwarder(proxy, toServer))
  }

  #routeFor(flow: HttpFlow): Route {
    const route = this.#wayOf(flow)
    const proxy = forwarder(flow.request, route)
    return proxy ? routeToForwarder(proxy, route) : route
  }

  #wayOf(flow: HttpFlow): Route {
    if (this.#asked?.flow !== flow) this.#asked = { flow, route: this.#routeToServer(flow) }
    return this.#asked.route
  }

  #routeToServer(flow: HttpFlow): Route {
    const { request } = flow
    const { destination, serverTls } = this.#context
    // The place that a CONNECT names lies behind the proxy that the client speaks to, and that proxy is the destination here.
    if (request.method === 'CONNECT' && destination) return routeTo(this.#context, destination, serverTls, flow)
    const tls = request.scheme === 'https' ? this.#tlsFor(request) : undefined
    return routeTo(this.#context, placeOf(request), tls, flow)
  }

  #tlsFor(request: HttpRequest): ServerTls {
    const { destination, serverTls } = this.#context
    if (serverTls && destination && sameName(request.host, destination.host)) return serverTls
    return { sni: serverName(request.host), alpn: request.version === '2.0' ? ['h2', 'http/1.1'] : ['http/1.1'] }
  }
}

const placeOf = ({ host, port }: HttpRequest): Destination => ({ host, port, transport: 'tcp' })
