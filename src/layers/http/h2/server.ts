// The server's end of an exchange, where the server speaks HTTP/2: one stream of a connection that other exchanges share.
import type { ServerConnection } from '../../../connection.js'
import { type HttpFlow, type HttpRequest, type HttpResponse, reasonOf } from '../../../flow/http.js'
import { OpenFailure } from '../../commands.js'
import type { Context, Step } from '../../layer.js'
import { TIMEOUT } from '../../world.js'
import type { Framing, Inlet, Outlet, ServerEnd, ServerHead } from '../ends.js'
import { fault } from '../error.js'
import { planLength } from '../plan.js'
import { isIdempotent } from '../retry.js'
import type { Upstream } from '../upstream.js'
import { finishStream, Http2Inlet, Http2Outlet } from './body-ends.js'
import { framingOf, requestFields, sending } from './messages.js'
import type { ServerSession } from './server-session.js'
import { headersOf, type StreamChannel } from './stream-channel.js'

export class Http2Server implements ServerEnd {
  readonly name = 'the server'
  readonly isProxy = false
  readonly #context: Context
  readonly #upstream: Upstream
  readonly #flow: HttpFlow
  readonly #session: ServerSession
  channel: StreamChannel<ServerConnection> | undefined

  constructor(context: Context, upstream: Upstream, flow: HttpFlow, session: ServerSession) {
    this.#context = context
    this.#upstream = upstream
    this.#flow = flow
    this.#session = session
  }

  get connection(): ServerConnection {
    return this.#session.connection.connection as ServerConnection
  }

  /** The stream, once the request has begun. */
  get #stream(): StreamChannel<ServerConnection> {
    if (!this.channel) throw new Error('the stream was not opened')
    return this.channel
  }

  /** Whether the server takes an extended CONNECT (RFC 8441, 3), as its SETTINGS tell. */
  *takesExtendedConnect(): Step<boolean> {
    yield* this.#session.untilSettings()
    return this.#session.extendedConnect
  }

  sendWhole(request: HttpRequest, framing: Framing): void {
    if (request.contentChanged || framing.kind !== 'none') planLength(request, framing)
    const content = request.body.length === 0 ? undefined : request.content
    const isConnect = request.method === 'CONNECT'
    const end = !isConnect && content === undefined && !request.trailers
    const channel = this.#open(request, end)
    if (!end && !isConnect) finishStream(channel, content, request.trailers)
  }

  begin(request: HttpRequest): Outlet {
    return new Http2Outlet(this.#open(request, false))
  }

  #open(request: HttpRequest, end: boolean): StreamChannel<ServerConnection> {
    const fields = requestFields(request)
    let channel: StreamChannel<ServerConnection> | undefined
    sending(() => {
      channel = this.#session.openStream(fields, end)
    })
    if (!channel) throw fault('response', 'the server takes no more requests on this connection')
    this.channel = channel
    return channel
  }

  *readHead(): Step<ServerHead | undefined> {
    const channel = this.#stream
    while (channel.heads.length === 0) {
      if (channel.closed || channel.ended) return undefined
      if ((yield { type: 'receive', channel, milliseconds: 0 }) === TIMEOUT) return undefined
    }
    const { fields, end } = channel.heads.shift() as { fields: string[]; end: boolean }
    const headers = headersOf(fields)
    const status = Number(fields[1])
    const { method } = this.#flow.request
    const bodiless = method === 'HEAD' || status < 200 || status === 204 || status === 304
    const framing: Framing =
      bodiless || (method === 'CONNECT' && status < 300) ? { kind: 'none' } : framingOf(headers, end)
    return { version: '2.0', status, reason: reasonOf(status), headers, framing }
  }

  body(_response: HttpResponse, framing: Framing): Inlet {
    return framing.kind === 'none' ? NOTHING : new Http2Inlet(this.#stream, 'response')
  }

  *retry(): Step<ServerEnd | undefined> {
    const { channel } = this
    // A server that resets a stream has taken the request up, whatever becomes of the connection.
    const lost = !channel?.stream.reset && this.#session.reused && isIdempotent(this.#flow.request.method)
    if (!channel?.refused && !lost) return undefined
    const again = yield* this.#upstream.acquireAgain(this.#flow)
    return again instanceof OpenFailure ? undefined : again
  }

  finish(whole: boolean): void {
    const { channel } = this
    if (!channel) return
    this.#session.reused = true
    const { machine } = this.#context
    if (!channel.closed) machine.perform({ type: whole ? 'close' : 'reset', channel })
  }

  // A connection that many clients' requests may share is not authenticated by one of them.
  bind(): void {}

  give(): StreamChannel<ServerConnection> {
    return this.#stream
  }
}

const NOTHING: Inlet = {
  get channel(): never {
    throw new Error('a body that is not there has no channel')
  },
  side: 'response',
  done: true,
  trailers: undefined,
  readAhead() {},
  *read() {},
}
