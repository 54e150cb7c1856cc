// Sends a recorded request again: an exchange whose client is a record. What the server answers goes into the flow, and nowhere else.
import { HttpHeaders } from '../../flow/headers.js'
import { sameName } from '../../flow/host-name.js'
import { HttpFlow, HttpRequest } from '../../flow/http.js'
import type { RequestRecord } from '../../flow/record.js'
import { isInside } from '../context.js'
import type { Replay } from '../entrance.js'
import { type Context, type Layer, origin, recordLimit, serverName } from '../layer.js'
import { hasToken } from './connection.js'
import type { ClientEnd, Emit, Framing, Inlet, Outlet } from './ends.js'
import { HttpError } from './error.js'
import { Exchange } from './exchange.js'
import { ServerSessions } from './h2/server-session.js'
import { Upstream } from './upstream.js'

export const replayLayer: Layer = function* (context) {
  const { client, entrance, machine, options } = context
  const { replay } = entrance
  if (!replay) throw new Error('there is no request to replay')
  yield { type: 'accept' }
  leadAsBefore(context, replay)
  const sessions = new ServerSessions(context)
  const upstream = new Upstream(context, sessions)
  try {
    const record = regular(replay.request)
    const now = machine.world.now()
    const { trailers: _, irregularities: __, ...parts } = record
    const headers = new HttpHeaders([...record.headers])
    const request = new HttpRequest({ ...parts, headers }, recordLimit(options), now)
    const framing = framingOf(record)
    if (framing.kind === 'none') request.endedAt = now
    const flow = new HttpFlow(origin(context, undefined), request)
    flow.replayed = 'request'
    flow.via = replay.via
    replay.began(flow)
    const end = new RecordedClient(context, record, framing)
    yield* new Exchange({ context, flow, client: end, upstream, explicit: false }).run()
  } finally {
    upstream.keepNone()
    sessions.close()
  }
  yield { type: 'close', channel: client }
  return undefined
}

/**
 * The request goes where it went, with the name in TLS that it had there. Where it was changed to go elsewhere, that name is the one that
 * the request has.
 */
function leadAsBefore(context: Context, { request, server }: Replay): void {
  const { scheme, host, port, version } = request
  context.destination = { host, port, transport: 'tcp' }
  context.inside = isInside(context.options, host)
  context.secured = scheme === 'https'
  if (!context.secured) return
  const isSame = server?.tls !== undefined && sameName(server.host, host) && server.port === port
  const sni = isSame ? server.tls?.sni : serverName(prettyHost(request))
  context.serverTls = { sni, alpn: isHttp1(version) ? ['http/1.1'] : ['h2', 'http/1.1'] }
}

const prettyHost = (request: RequestRecord): string =>
  new HttpRequest({ ...request, headers: new HttpHeaders([...request.headers]) }, 0, 0).prettyHost

const isHttp1 = (version: RequestRecord['version']): boolean => version === '1.0' || version === '1.1'

/**
 * The record with fields that say truly how its body ends: whoever has changed the body, or has made the record, need not have thought of
 * them. What was recorded of a request that passed is left as it is. HTTP/3 becomes HTTP/2, which has the same fields.
 */
function regular(record: RequestRecord): RequestRecord {
  const { body, version } = record
  const headers = new HttpHeaders([...record.headers])
  const given = headers.get('content-length')
  const codings = isHttp1(version) ? headers.get('transfer-encoding') : undefined
  const isChunked = codings !== undefined && hasToken(codings, 'chunked')
  if (isChunked) headers.delete('content-length')
  else {
    if (codings !== undefined) headers.delete('transfer-encoding')
    const isWrong = given === undefined ? body.length > 0 && isHttp1(version) : !isLength(given, body.length)
    if (isWrong) headers.set('Content-Length', String(body.length))
  }
  return { ...record, headers: headers.raw, version: version === '3.0' ? '2.0' : version }
}

const isLength = (text: string, length: number): boolean => /^\d{1,15}$/.test(text) && Number(text) === length

/** How the body of a regular record ends. */
function framingOf({ version, body, headers, trailers }: RequestRecord): Framing {
  const fields = new HttpHeaders([...headers])
  if (isHttp1(version) && fields.has('transfer-encoding')) return { kind: 'chunked' }
  const isBare = isHttp1(version) ? !fields.has('content-length') : !trailers
  if (body.length === 0 && isBare) return { kind: 'none' }
  return fields.has('content-length') ? { kind: 'length', length: body.length } : { kind: 'chunked' }
}

/** The client of a request that is replayed: it has sent all there is, and hears nothing. */
class RecordedClient implements ClientEnd {
  readonly channel: Context['client']
  readonly framing: Framing
  readonly body: Inlet | undefined
  readonly persistent = false

  constructor({ client }: Context, record: RequestRecord, framing: Framing) {
    this.channel = client
    this.framing = framing
    this.body = framing.kind === 'none' ? undefined : new RecordedInlet(client, record)
  }

  leave(): void {}

  askForBody(): void {}

  sendInterim(): void {}

  sendWhole(): void {}

  begin(): Outlet {
    return { channel: this.channel, send() {}, end() {} }
  }

  /** Nobody is there who could speak another protocol. */
  sendUpgrade(): void {
    throw new HttpError(502, 'the server switches protocols, which a request that is replayed cannot')
  }

  sendPage(): void {}
}

/** The body of a record: all of it comes at once. */
class RecordedInlet implements Inlet {
  readonly channel: Context['client']
  readonly side = 'request'
  done = false
  readonly #record: RequestRecord

  constructor(channel: Context['client'], record: RequestRecord) {
    this.channel = channel
    this.#record = record
  }

  get trailers(): HttpHeaders | undefined {
    const { trailers } = this.#record
    return this.done && trailers ? new HttpHeaders([...trailers]) : undefined
  }

  readAhead(emit: Emit): void {
    if (this.done) return
    const { length, stored } = this.#record.body
    const content = stored.bytes()
    // What lay in a store may have made room for other flows since.
    if (content.length !== length) throw new HttpError(502, `the recorded body is gone: ${length} bytes were there`)
    if (length > 0) emit(content)
    this.done = true
  }

  // biome-ignore lint/correctness/useYield: it never has to wait
  *read(emit: Emit): Generator<never, void> {
    this.readAhead(emit)
  }
}
