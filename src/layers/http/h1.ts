// HTTP/1.0 and 1.1 (RFC 9112): serves one client connection, request after request, transparently or as an explicit proxy.
import { HttpFlow, HttpRequest } from '../../flow/http.js'
import {
  type Context,
  finish,
  hook,
  type Layer,
  type LayerName,
  log,
  origin,
  recordLimit,
  type Step,
  send,
} from '../layer.js'
import { leadTo } from '../reach.js'
import { offerKnownExtensions } from '../websocket/handshake.js'
import { answerProblem } from './answer.js'
import { requestKeepAlive } from './connection.js'
import { hookWithCredentials } from './credentials.js'
import { HttpError } from './error.js'
import { Exchange } from './exchange.js'
import { Http1Client } from './h1/client.js'
import { requestFraming } from './h1/framing.js'
import { parseRequestHead, type RequestHead } from './h1/head.js'
import { takeOffRequestHop } from './h1/hop.js'
import { writeErrorPage } from './h1/page.js'
import { readHead, takeHead } from './h1/read-head.js'
import { placeOf, targetOf } from './h1/target.js'
import { enterTunnel } from './h1/tunnel.js'
import { writeResponseHead } from './h1/write.js'
import { ServerSessions } from './h2/server-session.js'
import { turnToServer } from './reverse.js'
import { Upstream } from './upstream.js'

/** The time that a client has for a whole head. */
const HEAD_MILLISECONDS = 30_000

/** Serves requests to the connection's destination. */
export const http1Layer: Layer = (context) => serve(context, false)

/** Serves requests to an explicit proxy: absolute-form and CONNECT (RFC 9112, 3.2). */
export const httpProxyLayer: Layer = (context) => serve(context, true)

function* serve(context: Context, explicit: boolean): Step<LayerName | undefined> {
  const { client } = context
  const sessions = new ServerSessions(context)
  const upstream = new Upstream(context, sessions)
  try {
    for (;;) {
      // Between requests a client may be silent for long. Once a head has begun, the client has 30 s for the rest. What the server says
      // meanwhile is nobody's answer.
      if (client.buffered === 0) {
        if (client.ended || client.closed) break
        upstream.check()
        yield { type: 'receive', channel: client, or: upstream.idle, milliseconds: 0 }
        continue
      }
      const startedAt = context.machine.world.now()
      let bytes = takeHead(client, 'request')
      if (!bytes) {
        // `takeHead` skips empty lines, which old clients send after a body: no head has begun yet.
        if (client.buffered === 0) continue
        bytes = yield* readHead(context, client, 'request', HEAD_MILLISECONDS)
        if (!bytes) break
      }
      const head = parseRequestHead(bytes, 0, bytes.length, !context.options.validate_inbound_headers)
      if (head.end !== undefined) client.unread(bytes.subarray(head.end))
      if (explicit && head.method === 'CONNECT') return yield* connect(context, upstream, head, startedAt)
      const outcome = yield* exchange(context, upstream, head, explicit, startedAt).run()
      if (outcome === 'next') continue
      if (typeof outcome === 'object') {
        if (head.method === 'CONNECT') {
          enterTunnel(context, outcome.upgraded, head)
          return 'next'
        }
        context.server = outcome.upgraded
        context.upgraded = outcome.flow
        if (outcome.flow) return 'websocket'
        log(context, 'debug', 'the connection was upgraded: it passes as raw TCP from here on')
        return 'raw'
      }
      yield { type: outcome, channel: client }
      return undefined
    }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    log(context, 'warn', `refused with ${error.status}: ${error.message}`)
    yield* send(client, writeErrorPage(error))
  } finally {
    upstream.keepNone()
    sessions.close()
  }
  yield { type: 'close', channel: client }
  return undefined
}

function exchange(context: Context, upstream: Upstream, head: RequestHead, explicit: boolean, startedAt: number) {
  const framing = requestFraming(head, !context.options.validate_inbound_headers)
  const takenOff = takeOffRequestHop(
    head,
    framing.kind === 'none' || (framing.kind === 'length' && framing.length === 0),
  )
  if (takenOff !== undefined) log(context, 'debug', takenOff)
  offerKnownExtensions(context, head)
  const target = targetOf(head, explicit ? undefined : placeOf(context))
  // A target that is a URL overrides the Host field (RFC 9112, 3.2.2).
  if (target.authority !== undefined && head.headers.get('host') !== target.authority) {
    head.headers.set('Host', target.authority)
  }
  turnToServer(context, head)
  const { method, version, headers, irregularities } = head
  const { scheme, host, port, path } = target
  // A server that midwire stands in for is no proxy, whatever the client says.
  const absolute = context.entrance.target ? undefined : target.absolute
  const parts = { method, path, scheme, host, port, version, headers, absolute, irregularities }
  const request = new HttpRequest(parts, recordLimit(context.options), startedAt)
  if (framing.kind === 'none') request.endedAt = context.machine.world.now()
  const flow = new HttpFlow(origin(context, undefined), request)
  const client = new Http1Client(context, request, framing, requestKeepAlive(head))
  return new Exchange({ context, flow, client, upstream, explicit })
}

/** Opens a tunnel for CONNECT. Its contents are looked at like those of a connection of its own: `next` goes on. */
function* connect(
  context: Context,
  upstream: Upstream,
  head: RequestHead,
  startedAt: number,
): Step<LayerName | undefined> {
  const { client } = context
  if (requestFraming(head).kind !== 'none') throw new HttpError(400, 'a CONNECT with a body')
  const { method, version, headers, irregularities } = head
  const { scheme, host, port } = targetOf(head, undefined)
  // The target says where to, whatever the Host field says (RFC 9112, 3.2.2).
  if (headers.has('host')) headers.set('Host', head.target)
  const parts = { method, path: '', scheme, host, port, version, headers, absolute: undefined, irregularities }
  const request = new HttpRequest(parts, 0, startedAt)
  const flow = new HttpFlow(origin(context, undefined), request)
  yield* hookWithCredentials(context, 'http_connect', flow)
  const problem = flow.response && answerProblem(flow.response)
  if (problem !== undefined) flow.error ??= { message: problem, timestamp: context.machine.world.now() }
  if (flow.error) return yield* connectFailed(context, flow, 502, 'ADDON')
  if (flow.response && flow.response.status >= 300) {
    yield* hook(context, 'http_connect_error', flow)
    yield* send(client, writeResponseHead(flow.response, flow.response.content))
    yield { type: 'close', channel: client }
    finish(context, flow)
    return undefined
  }
  upstream.keepNone()
  context.via = flow.via
  const failure = yield* leadTo(context, { host: request.host, port: request.port, transport: 'tcp' })
  if (failure) {
    flow.server = failure.server
    flow.error = { message: failure.message, timestamp: context.machine.world.now() }
    return yield* connectFailed(context, flow, failure.code === 'ETIMEDOUT' ? 504 : 502, failure.code)
  }
  yield* hook(context, 'http_connected', flow)
  if (flow.error) return yield* connectFailed(context, flow, 502, 'ADDON')
  yield* send(client, Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n'))
  return 'next'
}

/** Refuses a CONNECT with an error page that says why; where an addon has killed the flow the connection ends without one. */
function* connectFailed(context: Context, flow: HttpFlow, status: number, code: string): Step<undefined> {
  const { client } = context
  const page = { status, code, message: flow.error?.message ?? '', request: flow.request }
  if (!flow.killed) yield* send(client, writeErrorPage(page))
  yield { type: flow.killed ? flow.ending : 'close', channel: client }
  yield* hook(context, 'http_connect_error', flow)
  yield* hook(context, 'error', flow)
  finish(context, flow)
  return undefined
}
