// One request and its response: hooks, the way to the server, and the bodies both ways.
import type { ServerConnection } from '../../connection.js'
import { type HttpFlow, type HttpRequest, HttpResponse } from '../../flow/http.js'
import { hopText } from '../../flow/via.js'
import type { AnyChannel, Channel } from '../channel.js'
import { OpenFailure } from '../commands.js'
import { type Context, finish, hook, type MaybeStep, NOTHING, room, type Step, send, wants } from '../layer.js'
import { Gone, Idle } from '../task.js'
import { WANTS_CREDENTIALS } from '../via/hop.js'
import { isReadable } from '../websocket/handshake.js'
import { announceNoBody, checkAnswer, isBodiless, settlePersistence } from './answer.js'
import { responseKeepAlive, wantsUpgrade } from './connection.js'
import { hookWithCredentials } from './credentials.js'
import { HttpError } from './error.js'
import { BodyReader } from './h1/body.js'
import { type Framing, responseFraming } from './h1/framing.js'
import { parseResponseHead, type ResponseHead } from './h1/head.js'
import { takeOffResponseHop } from './h1/hop.js'
import { writeErrorPage } from './h1/page.js'
import { planFraming } from './h1/plan.js'
import { writeInterimHead, writeResponseHead } from './h1/write.js'
import { turnToClient } from './reverse.js'
import { Closed, readHead, Transfer, takeHead, writeMessage } from './transfer.js'
import { Upload } from './upload.js'
import type { Upstream } from './upstream.js'

/** Schemes that authenticate a connection, and so every later request on it (RFC 4559). */
const CONNECTION_AUTHENTICATION = /\b(ntlm|negotiate)\b/i

/** The connection is another protocol's from here on: of a WebSocket that midwire reads, with the flow, which is not over. */
interface Upgraded {
  upgraded: Channel<ServerConnection>
  flow?: HttpFlow
}

/** The fate of the client's connection after an exchange; `next`: it carries another request. */
export type Outcome = 'next' | 'close' | 'reset' | Upgraded

/** A server whose final response has begun. */
interface Answering {
  server: Channel<ServerConnection>
  framing: Framing
}

export interface ExchangeParts {
  readonly context: Context
  readonly flow: HttpFlow
  /** The framing of the request's body. */
  readonly framing: Framing
  readonly upstream: Upstream
  /** The client uses midwire as its proxy: a field Proxy-Authorization is meant for midwire, and else for the server. */
  readonly explicit: boolean
  /** The client's connection can carry another request after this one. */
  readonly persistent: boolean
}

export class Exchange {
  readonly #context: Context
  readonly #client: AnyChannel
  readonly #flow: HttpFlow
  readonly #upstream: Upstream
  readonly #request: HttpRequest
  readonly #upload: Upload
  readonly #explicit: boolean
  /** The client's connection can carry another request after this one. */
  #persistent: boolean
  /** A part of the final response has gone to the client, so no error page can. */
  #answering = false

  constructor({ context, flow, framing, upstream, explicit, persistent }: ExchangeParts) {
    this.#context = context
    this.#client = context.client
    this.#flow = flow
    this.#upstream = upstream
    this.#request = flow.request
    this.#upload = new Upload(context, flow, framing)
    this.#explicit = explicit
    this.#persistent = persistent
  }

  *run(): Step<Outcome> {
    const flow = this.#flow
    this.#context.scope.subject = flow
    try {
      const outcome = yield* this.#attempt()
      if (typeof outcome === 'object' && outcome.flow) return outcome
      if (flow.error) yield* hook(this.#context, 'error', flow)
      this.#finish()
      return outcome
    } catch (error) {
      return yield* this.#fail(error)
    } finally {
      this.#context.scope.subject = undefined
      this.#upload.cancel()
    }
  }

  *#attempt(): Step<Outcome> {
    const flow = this.#flow
    yield* this.#explicit
      ? hookWithCredentials(this.#context, 'requestheaders', flow)
      : hook(this.#context, 'requestheaders', flow)
    this.#check()
    if (flow.response) return yield* this.#answer()
    yield* this.#upload.hold()
    if (this.#upload.held) {
      yield* hook(this.#context, 'request', flow)
      this.#check()
      if (flow.response) return yield* this.#answer()
    }
    const server = this.#upstream.kept(flow) ?? (yield* this.#open())
    flow.server = server.connection
    yield* this.#upload.begin(server, this.#upstream.writer(flow, server))
    const head = yield* this.#responseHead(server)
    return 'framing' in head ? yield* this.#respond(head) : head
  }

  /** Throws where an addon has killed the flow, or has failed. */
  #check(): void {
    if (this.#flow.error) throw new Stopped(this.#flow.error.message)
  }

  *#open(): Step<Channel<ServerConnection>> {
    const server = yield* this.#upstream.acquire(this.#flow)
    if (!(server instanceof OpenFailure)) return server
    this.#flow.server = server.server
    throw new HttpError(server.code === 'ETIMEDOUT' ? 504 : 502, server.message, server.code)
  }

  /** Reads the head of the final response into the flow, and passes interim responses on. */
  *#responseHead(first: Channel<ServerConnection>): Step<Upgraded | Answering> {
    const { world } = this.#context.machine
    const request = this.#request
    let server = first
    for (;;) {
      const bytes = takeHead(server, 'response') ?? (yield* readHead(this.#context, server, 'response', 0))
      if (!bytes) {
        if (this.#upload.error) throw this.#upload.error
        const again = this.#upload.held ? yield* this.#upstream.retry(this.#flow) : undefined
        if (!again)
          throw new HttpError(
            502,
            `${this.#nameOf(server)} has closed the connection without an answer${server.error ? `: ${server.error}` : ''}`,
          )
        server = again
        this.#flow.server = server.connection
        yield* this.#upload.sendHeld(server, this.#upstream.writer(this.#flow, server))
        continue
      }
      const head = parseResponseHead(bytes, 0, bytes.length, !this.#context.options.validate_inbound_headers)
      if (head.end !== undefined) server.unread(bytes.subarray(head.end))
      const { status } = head
      if (status === 101) return yield* this.#upgrade(server, head)
      if (status < 200) {
        // HTTP/1.0 has no interim responses (RFC 9110, 15.2).
        if (request.version !== '1.0') yield* send(this.#client, writeInterimHead(head))
        continue
      }
      if (status === 407 && this.#upstream.forwarderOf(this.#flow, server))
        throw new HttpError(502, `${this.#nameOf(server)} has not forwarded the request: ${WANTS_CREDENTIALS}`)
      const framing = responseFraming(head, request.method)
      takeOffResponseHop(head)
      turnToClient(this.#context, head.headers)
      this.#flow.response = new HttpResponse(head, this.#context.options.body_record_limit, world.now())
      return { server, framing }
    }
  }

  /** The other end of a connection, for messages. */
  #nameOf(server: Channel<ServerConnection>): string {
    const proxy = this.#upstream.forwarderOf(this.#flow, server)
    return proxy ? `the proxy ${hopText(proxy)}` : 'the server'
  }

  *#respond({ server, framing }: Answering): Step<Outcome> {
    const { options } = this.#context
    const flow = this.#flow
    const response = flow.response as HttpResponse
    const persistentUpstream = this.#persistent && responseKeepAlive(response) && framing.kind !== 'close'
    yield* this.#upload.afterHook()
    yield* hook(this.#context, 'responseheaders', flow)
    this.#check()
    const transfer = new Transfer(this.#context, server, new BodyReader(framing, 'response', response), response)
    const sent = flow.response
    // Content that replaces a body before it has come is sent as it is; the rest of the server's body goes with its connection.
    let held = framing.kind === 'none' || sent !== response || response.contentChanged
    if (!held && wants(this.#context, 'response')) {
      const long = framing.kind === 'length' && framing.length > options.stream_large_bodies
      const live = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false
      if (response.stream === false || (response.stream === undefined && !long && !live)) {
        held = yield* transfer.hold(response.stream === false ? Number.POSITIVE_INFINITY : options.stream_large_bodies)
      }
    }
    if (held) {
      yield* hook(this.#context, 'response', flow)
      this.#check()
      yield* this.#sendResponse(
        flow.response as HttpResponse,
        sent === response ? framing : { kind: 'length', length: 0 },
      )
    } else {
      yield* this.#passResponse(response, transfer, framing)
      yield* hook(this.#context, 'response', flow)
      this.#check()
    }
    // A server that answers before the request's body has passed is not expected to read the rest.
    if (!this.#upload.whole) {
      this.#upstream.drop()
      return 'close'
    }
    yield* this.#upload.finish()
    if (this.#request.method === 'CONNECT' && sent === response && response.status < 300) {
      this.#upstream.give()
      return { upgraded: server }
    }
    // A client that knows the server may authenticate without being asked to, and need not hear of it.
    const said = [this.#request.headers.get('authorization'), response.headers.get('www-authenticate')]
    if (said.some((value) => CONNECTION_AUTHENTICATION.test(value ?? ''))) this.#upstream.bind()
    if (persistentUpstream && transfer.done && !server.closed) this.#upstream.keep()
    else this.#upstream.drop()
    return this.#persistent ? 'next' : 'close'
  }

  /** Sends a response that was held, or that an addon has made. */
  #sendResponse(response: HttpResponse, framing: Framing): MaybeStep {
    response.endedAt ??= this.#context.machine.world.now()
    announceNoBody(response, framing)
    this.#begin(response, false)
    const { method } = this.#request
    const bodiless = method === 'HEAD' || isBodiless(response.status) || (method === 'CONNECT' && response.status < 300)
    const plan = planFraming(response, framing, bodiless, this.#request.version !== '1.0')
    if (!writeMessage(this.#context, this.#client, response, plan, writeResponseHead)) throw new Closed(this.#client)
    return this.#client.full ? room(this.#client) : NOTHING
  }

  /** Prepares a final response that is about to be sent. */
  #begin(response: HttpResponse, closes: boolean): void {
    checkAnswer(response)
    const { version } = this.#request
    this.#persistent = settlePersistence(response, { persistent: this.#persistent, version, closes })
    this.#answering = true
  }

  /** Passes a response on as it comes. */
  #passResponse(response: HttpResponse, transfer: Transfer, framing: Framing): MaybeStep {
    let { kind } = framing
    if (kind === 'chunked' && this.#request.version === '1.0') {
      // A client of HTTP/1.0 cannot read chunks: the body ends with the connection.
      response.headers.delete('transfer-encoding')
      kind = 'close'
    }
    transfer.readAhead()
    this.#begin(response, kind === 'close')
    return transfer.pass(this.#client, kind === 'chunked', response)
  }

  /** Answers with an addon's response. Where the request's body has not come whole, the connection ends after it. */
  *#answer(): Step<Outcome> {
    const response = this.#flow.response as HttpResponse
    checkAnswer(response)
    response.startedAt ||= this.#context.machine.world.now()
    if (!this.#upload.whole) this.#persistent = false
    yield* hook(this.#context, 'response', this.#flow)
    this.#check()
    yield* this.#sendResponse(this.#flow.response as HttpResponse, { kind: 'length', length: 0 })
    return this.#persistent ? 'next' : 'close'
  }

  *#upgrade(server: Channel<ServerConnection>, head: ResponseHead): Step<Upgraded> {
    const flow = this.#flow
    if (!wantsUpgrade(this.#request))
      throw new HttpError(502, 'the server switches protocols, which the client has not asked for')
    flow.response = new HttpResponse(head, 0, this.#context.machine.world.now())
    flow.upgrade = head.headers.get('upgrade')?.toLowerCase() ?? ''
    yield* hook(this.#context, 'responseheaders', flow)
    yield* hook(this.#context, 'response', flow)
    this.#check()
    this.#upstream.give()
    yield* send(this.#client, writeResponseHead(flow.response))
    return isReadable(this.#context, flow) ? { upgraded: server, flow } : { upgraded: server }
  }

  /** Hands the flow to the outputs, with no more of a held body than is recorded of any. */
  #finish(): void {
    this.#request.body.trim()
    this.#flow.response?.body.trim()
    finish(this.#context, this.#flow)
  }

  *#fail(error: unknown): Step<Outcome> {
    const flow = this.#flow
    const message =
      error instanceof Idle ? this.#standstill(error) : error instanceof Error ? error.message : String(error)
    flow.error ??= { message, timestamp: this.#context.machine.world.now() }
    this.#upstream.drop()
    let outcome: Outcome = 'reset'
    if (!this.#answering && !flow.killed && !this.#client.closed) {
      const status =
        error instanceof HttpError ? error.status : error instanceof Idle ? (this.#upload.clientOwes ? 408 : 504) : 502
      const code = error instanceof HttpError ? error.code : error instanceof Stopped ? 'ADDON' : undefined
      const page = { status, code, message: flow.error.message, request: this.#request }
      yield* send(this.#client, writeErrorPage(page))
      outcome = 'close'
    }
    yield* hook(this.#context, 'error', flow)
    this.#finish()
    const known = [HttpError, Stopped, Closed, Gone].some((kind) => error instanceof kind)
    if (!known && !this.#client.closed) throw error
    return outcome
  }

  #standstill({ message }: Idle): string {
    if (this.#answering) return `${message}: the response stands still`
    return `${message}: ${this.#upload.clientOwes ? "the client's request is not whole" : 'the server has not answered'}`
  }
}

/** An addon has killed the flow, or has failed. */
class Stopped extends Error {}
