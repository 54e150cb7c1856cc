// HTTP/2 (RFC 9113) with a client: each stream of its connection is an exchange of its own.
import type { ClientConnection } from '../../connection.js'
import { HttpFlow, HttpRequest } from '../../flow/http.js'
import { Channel } from '../channel.js'
import { type Context, type Layer, log, origin, recordLimit, room, type Step } from '../layer.js'
import { Scope } from '../scope.js'
import { offerKnownExtensions } from '../websocket/handshake.js'
import { TIMEOUT } from '../world.js'
import { HttpError } from './error.js'
import { Exchange } from './exchange.js'
import { placeOf } from './h1/target.js'
import { Http2Carrier } from './h2/carrier.js'
import { Http2Client } from './h2/client.js'
import { framingOf, type Pseudo, pseudoOf } from './h2/messages.js'
import { ServerSessions } from './h2/server-session.js'
import type { Stream } from './h2/stream.js'
import { headersOf, type StreamChannel } from './h2/stream-channel.js'
import { errorPage } from './pages.js'
import { turnToServer } from './reverse.js'
import { Upstream } from './upstream.js'

export const http2Layer: Layer = function* (context) {
  const { client } = context
  const session = new ClientSession(context)
  try {
    yield* session.read()
    // The client has ended its side, and still gets the answers that it waits for.
    if (!session.dead) yield* session.untilQuiet()
  } finally {
    session.close()
  }
  if (client.full) yield* room(client)
  yield { type: 'close', channel: client }
  return undefined
}

class ClientSession extends Http2Carrier {
  readonly #sessions: ServerSessions
  /** Tells the layer that no stream is open any more. */
  readonly #quiet: Channel
  /** The server that was connected to before the first request, which has it: by then the client's SETTINGS are known. */
  #first: Context['server']

  constructor(context: Context) {
    super(context, context.client, 'server', {})
    this.#quiet = new Channel(context.client.connection)
    this.#sessions = new ServerSessions(context)
    this.#first = context.server
    context.server = undefined
  }

  *untilQuiet(): Step<void> {
    while (this.open > 0 && !this.dead) {
      if ((yield { type: 'receive', channel: this.#quiet, milliseconds: 0 }) === TIMEOUT) return
    }
  }

  protected override streamOver(): void {
    if (this.open === 0) this.context.machine.handle({ type: 'head', channel: this.#quiet })
  }

  /** The connection is over: what has been said goes out, and servers need not wait for more. */
  close(): void {
    this.session.goaway()
    this.flush()
    this.#sessions.close()
    if (!this.#first) return
    const speaksHttp2 = this.#first.connection.tls?.alpn === 'h2'
    this.context.machine.perform({ type: speaksHttp2 ? 'close' : 'release', channel: this.#first })
  }

  protected override lost(): void {
    // A client that has ended its side in order may still be answered.
    if (this.dead || this.connection.error !== undefined) super.lost()
    else this.loseUnfinished('the client has ended the connection in the middle of the request')
  }

  override handleHead(stream: Stream, fields: string[], end: boolean): void {
    const { context } = this
    const connection = context.client.connection
    if (!connection.http2) this.#introduce(connection)
    const channel = this.adopt(connection, stream)
    channel.ended = end
    const scope = new Scope(channel, context.scope)
    const own: Context = { ...context, client: channel, scope, server: this.#first }
    this.#first = undefined
    context.machine.handle({ type: 'stream', scope, steps: this.#serve(own, fields, end) })
  }

  #introduce(connection: ClientConnection): void {
    const { settings, windowUpdate, priorities, pseudoOrder, text } = this.session.fingerprint
    connection.http2 = { settings, windowUpdate, priorities, pseudoOrder, fingerprint: text }
  }

  /** Serves one request. */
  *#serve(context: Context, fields: readonly string[], end: boolean): Step<void> {
    const { machine } = context
    const client = context.client as StreamChannel<ClientConnection>
    const upstream = new Upstream(context, this.#sessions)
    try {
      const request = this.#request(context, fields)
      const framing = request.method === 'CONNECT' ? NONE : framingOf(request.headers, end)
      if (framing.kind === 'none') request.endedAt = machine.world.now()
      const flow = new HttpFlow(origin(context, undefined), request)
      const exchange = new Exchange({
        context,
        flow,
        client: new Http2Client(client, request, framing),
        upstream,
        explicit: context.client.connection.explicit && !context.destination,
      })
      const outcome = yield* exchange.run()
      if (typeof outcome === 'object') {
        context.server = outcome.upgraded
        context.upgraded = outcome.flow
        yield* machine.run(outcome.flow ? 'websocket' : 'raw', context)
      } else yield { type: outcome === 'reset' ? 'reset' : 'close', channel: client }
    } catch (error) {
      if (!(error instanceof HttpError)) throw error
      log(context, 'warn', `refused with ${error.status}: ${error.message}`)
      const request = new HttpRequest({ ...REFUSED, headers: headersOf([]) }, 0, machine.world.now())
      new Http2Client(client, request, NONE).sendPage(errorPage(error))
      yield { type: 'close', channel: client }
    } finally {
      upstream.keepNone()
    }
  }

  /** Throws an HttpError for a head that HTTP/2 allows and that leads nowhere. */
  #request(context: Context, fields: readonly string[]): HttpRequest {
    const { machine, options } = context
    const headers = headersOf(fields)
    const pseudo = pseudoOf(fields)
    const place = this.#place(context, pseudo)
    const { method, authority, protocol, order } = pseudo
    const host = headers.get('host')
    if (
      host !== undefined &&
      authority !== undefined &&
      host !== authority &&
      host.toLowerCase() !== authority.toLowerCase()
    )
      throw new HttpError(400, 'Host and :authority differ')
    if (method !== 'CONNECT' && host === undefined && !authority) throw new HttpError(400, 'there is no :authority')
    const path = protocol === undefined && method === 'CONNECT' ? '' : pseudo.path
    const { scheme, host: to, port } = place
    const request = new HttpRequest(
      { method, path, scheme, host: to, port, version: '2.0', headers, authority, protocol, pseudoOrder: order },
      recordLimit(options),
      machine.world.now(),
    )
    turnToServer(context, request)
    offerKnownExtensions(context, request)
    return request
  }

  #place(context: Context, { method, scheme }: Pseudo): { scheme: 'http' | 'https'; host: string; port: number } {
    if (context.client.connection.explicit && !context.destination)
      throw new HttpError(501, 'a proxy is asked by HTTP/1 here: this connection has no server')
    const place = placeOf(context)
    if (method !== 'CONNECT' && scheme !== 'http' && scheme !== 'https')
      throw new HttpError(400, `the scheme ${JSON.stringify(scheme.slice(0, 40))} is neither http nor https`)
    return place
  }
}

const NONE = Object.freeze({ kind: 'none' } as const)
const REFUSED = { method: 'GET', scheme: 'http', host: '', port: 0, path: '/', version: '2.0' } as const
