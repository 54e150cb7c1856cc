// The server's end of an exchange, where the server, or the proxy that forwards to it, speaks HTTP/1.
import type { ServerConnection } from '../../../connection.js'
import { type HttpFlow, HttpRequest, type HttpResponse } from '../../../flow/http.js'
import { hopText } from '../../../flow/via.js'
import type { Channel } from '../../channel.js'
import type { Context, Step } from '../../layer.js'
import { requestKeepAlive, responseKeepAlive } from '../connection.js'
import type { Framing, Inlet, Outlet, ServerEnd, ServerHead } from '../ends.js'
import { headersForHttp1 } from '../h2/messages.js'
import type { Upstream } from '../upstream.js'
import { BodyReader } from './body.js'
import { Http1Inlet, Http1Outlet, writeMessage } from './body-ends.js'
import { type WriteRequest, writeForForwarder } from './forward.js'
import { responseFraming } from './framing.js'
import { parseResponseHead } from './head.js'
import { takeOffResponseHop } from './hop.js'
import { planFraming } from './plan.js'
import { readHead, takeHead } from './read-head.js'
import { writeRequestHead } from './write.js'

export class Http1Server implements ServerEnd {
  readonly channel: Channel<ServerConnection>
  readonly connection: ServerConnection
  readonly name: string
  readonly isProxy: boolean
  readonly #context: Context
  readonly #upstream: Upstream
  readonly #flow: HttpFlow
  readonly #write: WriteRequest
  /** By the heads of both messages the connection can carry another request. */
  #persistent = false

  constructor(context: Context, upstream: Upstream, flow: HttpFlow, channel: Channel<ServerConnection>) {
    this.#context = context
    this.#upstream = upstream
    this.#flow = flow
    this.channel = channel
    this.connection = channel.connection
    const proxy = upstream.forwarderOf(flow, channel)
    this.isProxy = proxy !== undefined
    this.name = proxy ? `the proxy ${hopText(proxy)}` : 'the server'
    this.#write = proxy ? writeForForwarder(proxy) : writeRequestHead
  }

  sendWhole(request: HttpRequest, framing: Framing): void {
    const out = forHttp1(this.#context, request)
    const plan = planFraming(request, framing, false, true, out.headers)
    writeMessage(this.#context, this.channel, request, plan, (body) => this.#write(out, body))
  }

  begin(request: HttpRequest, framing: Framing): Outlet {
    const out = forHttp1(this.#context, request)
    const chunked = framing.kind === 'chunked'
    if (chunked && !out.headers.has('transfer-encoding')) out.headers.set('Transfer-Encoding', 'chunked')
    return new Http1Outlet(this.#context, this.channel, (body) => this.#write(out, body), chunked)
  }

  *readHead(): Step<ServerHead | undefined> {
    const { channel } = this
    const { request } = this.#flow
    const bytes = takeHead(channel, 'response') ?? (yield* readHead(this.#context, channel, 'response', 0))
    if (!bytes) return undefined
    const head = parseResponseHead(bytes, 0, bytes.length, !this.#context.options.validate_inbound_headers)
    if (head.end !== undefined) channel.unread(bytes.subarray(head.end))
    const framing = responseFraming(head, request.method)
    if (head.status >= 200) {
      takeOffResponseHop(head)
      this.#persistent = requestKeepAlive(request) && responseKeepAlive(head) && framing.kind !== 'close'
    }
    const answer = head as typeof head & { framing: Framing }
    answer.framing = framing
    return answer
  }

  body(response: HttpResponse, framing: Framing): Inlet {
    return new Http1Inlet(this.channel, new BodyReader(framing, 'response', response))
  }

  *retry(): Step<ServerEnd | undefined> {
    const again = yield* this.#upstream.retry(this.#flow)
    return again && new Http1Server(this.#context, this.#upstream, this.#flow, again)
  }

  finish(whole: boolean): void {
    if (whole && this.#persistent && !this.channel.closed) this.#upstream.keep()
    else this.#upstream.drop()
  }

  bind(): void {
    this.#upstream.bind()
  }

  give(): Channel<ServerConnection> {
    this.#upstream.give()
    return this.channel
  }
}

/** A request as HTTP/1 writes it. One that has come by HTTP/2 is copied; an extended CONNECT becomes an Upgrade (RFC 8441, 5). */
function forHttp1({ machine: { world } }: Context, request: HttpRequest): HttpRequest {
  if (request.version !== '2.0') return request
  const headers = headersForHttp1(request)
  const { scheme, host, port, path, absolute, protocol, startedAt } = request
  if (protocol !== undefined) {
    headers.set('Connection', 'Upgrade')
    headers.set('Upgrade', protocol)
    // HTTP/2 needs no key. This one is as random as an id is.
    if (protocol === 'websocket') headers.set('Sec-WebSocket-Key', keyOf(world.newId()))
  }
  const method = protocol === undefined ? request.method : 'GET'
  return new HttpRequest({ method, scheme, host, port, path, absolute, version: '1.1', headers }, 0, startedAt)
}

const keyOf = (uuid: string) => Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64')
