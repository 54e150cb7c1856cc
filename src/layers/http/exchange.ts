// One request and its response: hooks, the way to the server, and the bodies both ways.
import type { ServerConnection } from '../../connection.js'
import { type HttpFlow, type HttpRequest, HttpResponse } from '../../flow/http.js'
import type { Channel } from '../channel.js'
import { OpenFailure } from '../commands.js'
import { type Context, finish, hook, type MaybeStep, NOTHING, recordLimit, room, type Step, wants } from '../layer.js'
import { Gone, Idle } from '../task.js'
import { WANTS_CREDENTIALS } from '../via/hop.js'
import { isReadable } from '../websocket/handshake.js'
import { checkAnswer, isBodiless } from './answer.js'
import { wantsUpgrade } from './connection.js'
import { hookWithCredentials } from './credentials.js'
import type { ClientEnd, Framing, ServerEnd, ServerHead } from './ends.js'
import { HttpError, Stopped } from './error.js'
import { filtersOf, framingThrough } from './filters.js'
import { CANCEL, NO_ERROR } from './h2/error.js'
import { holdLimit } from './hold.js'
import { errorPage } from './pages.js'
import { turnToClient } from './reverse.js'
import { SourceInlet } from './source.js'
import { Closed, Transfer } from './transfer.js'
import { Upload } from './upload.js'
import type { Upstream } from './upstream.js'

/** Schemes that authenticate a connection, and so every later request on it (RFC 4559). */
const CONNECTION_AUTHENTICATION = /\b(ntlm|negotiate)\b/i

/** Connections on which a request is sent, one after the other, while servers leave without having taken it up. */
const MAX_ATTEMPTS = 3

const EMPTY: Framing = Object.freeze({ kind: 'length', length: 0 })

/** The connection is another protocol's from here on: of a WebSocket that midwire reads, with the flow, which is not over. */
interface Upgraded {
  upgraded: Channel<ServerConnection>
  flow?: HttpFlow
}

/** The fate of the client's connection, or stream, after an exchange; `next`: it carries another request. */
export type Outcome = 'next' | 'close' | 'reset' | Upgraded

/** A server whose final response has begun. */
interface Answering {
  server: ServerEnd
  framing: Framing
}

export interface ExchangeParts {
  readonly context: Context
  readonly flow: HttpFlow
  readonly client: ClientEnd
  readonly upstream: Upstream
  /** The client uses midwire as its proxy: a field Proxy-Authorization is meant for midwire, and else for the server. */
  readonly explicit: boolean
}

export class Exchange {
  readonly #context: Context
  readonly #client: ClientEnd
  readonly #flow: HttpFlow
  readonly #upstream: Upstream
  readonly #request: HttpRequest
  readonly #upload: Upload
  readonly #explicit: boolean
  /** Connections on which the request was lost. */
  #attempts = 0
  /** The server that has been asked last. */
  #server: ServerEnd | undefined
  /** A part of the final response has gone to the client, so no error page can. */
  #answering = false
  /** The hook `response` or `error` has begun: a flow has one of them, whatever becomes of it then. */
  #judged = false

  constructor({ context, flow, client, upstream, explicit }: ExchangeParts) {
    this.#context = context
    this.#client = client
    this.#flow = flow
    this.#upstream = upstream
    this.#request = flow.request
    this.#upload = new Upload(context, flow, client)
    this.#explicit = explicit
  }

  *run(): Step<Outcome> {
    const flow = this.#flow
    const { scope, machine } = this.#context
    scope.subject = flow
    machine.perform({ type: 'begun', flow })
    try {
      const outcome = yield* this.#attempt()
      if (typeof outcome === 'object' && outcome.flow) return outcome
      this.#finish()
      return outcome
    } catch (error) {
      return yield* this.#fail(error)
    } finally {
      scope.subject = undefined
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
    this.#uses(server)
    yield* this.#upload.begin(server)
    const head = yield* this.#responseHead(server)
    return 'framing' in head ? yield* this.#respond(head) : head
  }

  /** Throws where an addon has killed the flow, or has failed. */
  #check(): void {
    if (this.#flow.error) throw new Stopped(this.#flow.error.message)
  }

  /** Runs the last hook, unless it has begun: a client may go while an addon has the response. */
  #judge(name: 'response' | 'error'): MaybeStep {
    if (this.#judged) return NOTHING
    this.#judged = true
    return hook(this.#context, name, this.#flow)
  }

  #uses(server: ServerEnd): void {
    this.#server = server
    this.#flow.server = server.connection
  }

  *#open(): Step<ServerEnd> {
    const server = yield* this.#upstream.acquire(this.#flow)
    if (!(server instanceof OpenFailure)) return server
    this.#flow.server = server.server
    throw new HttpError(server.code === 'ETIMEDOUT' ? 504 : 502, server.message, server.code)
  }

  /** Reads the head of the final response into the flow, and passes interim responses on. */
  *#responseHead(first: ServerEnd): Step<Upgraded | Answering> {
    let server = first
    for (;;) {
      const head = yield* server.readHead()
      if (!head) {
        server = yield* this.#again(server)
        continue
      }
      if (head.status === 101) return yield* this.#upgrade(server, head)
      if (head.status < 200) {
        this.#client.sendInterim(head)
        yield* this.#room()
        continue
      }
      if (head.status === 407 && server.isProxy)
        throw new HttpError(502, `${server.name} has not forwarded the request: ${WANTS_CREDENTIALS}`)
      this.#receive(head)
      return { server, framing: head.framing }
    }
  }

  /** Asks again, where the server has left without an answer and cannot have taken up the request. */
  *#again(server: ServerEnd): Step<ServerEnd> {
    if (this.#upload.error) throw this.#upload.error
    this.#attempts += 1
    const again = this.#upload.held && this.#attempts < MAX_ATTEMPTS ? yield* server.retry() : undefined
    if (!again) {
      const error = server.channel?.error
      const why = error ? `: ${error}` : ''
      throw new HttpError(502, `${server.name} has closed the connection without an answer${why}`)
    }
    this.#uses(again)
    yield* this.#upload.sendHeld(again)
    return again
  }

  /** The final response has begun. */
  #receive(head: ServerHead): void {
    const { machine, options } = this.#context
    turnToClient(this.#context, head.headers)
    this.#flow.response = new HttpResponse(head, recordLimit(options), machine.world.now())
    machine.perform({ type: 'changed', flow: this.#flow })
  }

  /** Waits while the client takes no more. */
  #room(): MaybeStep {
    const { channel } = this.#client
    return channel.full ? room(channel) : NOTHING
  }

  *#respond({ server, framing }: Answering): Step<Outcome> {
    const flow = this.#flow
    const response = flow.response as HttpResponse
    yield* this.#upload.afterHook()
    yield* hook(this.#context, 'responseheaders', flow)
    this.#check()
    const transfer = new Transfer(this.#context, server.body(response, framing), response)
    const sent = flow.response
    // Content that replaces a body before it has come is sent as it is; the rest of the server's body goes with its connection.
    let held = framing.kind === 'none' || sent !== response || response.contentChanged
    if (!held && wants(this.#context, 'response')) {
      const limit = holdLimit(response, framing, this.#context.options)
      if (limit !== undefined) held = transfer.holdAhead() || (yield* transfer.hold(limit))
    }
    if (held) {
      yield* this.#judge('response')
      this.#check()
      yield* this.#sendResponse(flow.response as HttpResponse, sent === response ? framing : EMPTY)
    } else {
      transfer.readAhead()
      checkAnswer(response)
      const filters = filtersOf(this.#context, flow, 'response')
      const outlet = this.#client.begin(response, framingThrough(filters, response, framing))
      this.#answering = true
      yield* transfer.pass(outlet, filters)
      yield* this.#judge('response')
      this.#check()
    }
    // A server that answers before the request's body has passed is not expected to read the rest.
    if (!this.#upload.whole) {
      server.finish(false)
      return 'close'
    }
    yield* this.#upload.finish()
    if (this.#request.method === 'CONNECT' && sent === response && response.status < 300) {
      flow.upgrade = this.#request.protocol
      return this.#upgraded(server.give())
    }
    // A client that knows the server may authenticate without being asked to, and need not hear of it.
    const said = [this.#request.headers.get('authorization'), response.headers.get('www-authenticate')]
    if (said.some((value) => CONNECTION_AUTHENTICATION.test(value ?? ''))) server.bind()
    server.finish(transfer.done)
    return this.#client.persistent ? 'next' : 'close'
  }

  /** Sends a response that was held, or that an addon has made. */
  #sendResponse(response: HttpResponse, framing: Framing): MaybeStep {
    if (response.source) return this.#sendSource(response)
    response.endedAt ??= this.#context.machine.world.now()
    checkAnswer(response)
    this.#client.sendWhole(response, framing)
    this.#answering = true
    if (this.#client.channel.closed) throw new Closed(this.#client.channel)
    return this.#room()
  }

  /** Sends an addon's response whose body comes piece by piece. */
  *#sendSource(response: HttpResponse): Step<void> {
    checkAnswer(response)
    const bodiless = this.#request.method === 'HEAD' || isBodiless(response.status)
    const source = new SourceInlet(this.#flow, this.#client.channel, bodiless)
    response.body.limitTo(recordLimit(this.#context.options))
    response.headers.delete('content-length')
    const outlet = this.#client.begin(response, bodiless ? { kind: 'none' } : { kind: 'chunked' })
    this.#answering = true
    yield* new Transfer(this.#context, source, response).pass(outlet)
  }

  /** Answers with an addon's response. Where the request's body has not come whole, the connection ends after it. */
  *#answer(): Step<Outcome> {
    const response = this.#flow.response as HttpResponse
    checkAnswer(response)
    response.startedAt ||= this.#context.machine.world.now()
    if (!this.#upload.whole) this.#client.leave()
    yield* this.#judge('response')
    this.#check()
    yield* this.#sendResponse(this.#flow.response as HttpResponse, EMPTY)
    return this.#client.persistent ? 'next' : 'close'
  }

  *#upgrade(server: ServerEnd, head: ServerHead): Step<Upgraded> {
    const flow = this.#flow
    if (!wantsUpgrade(this.#request))
      throw new HttpError(502, 'the server switches protocols, which the client has not asked for')
    flow.response = new HttpResponse(head, 0, this.#context.machine.world.now())
    flow.upgrade = head.headers.get('upgrade')?.toLowerCase() ?? ''
    yield* hook(this.#context, 'responseheaders', flow)
    yield* this.#judge('response')
    this.#check()
    const channel = server.give()
    this.#client.sendUpgrade(flow.response)
    yield* this.#room()
    return this.#upgraded(channel)
  }

  #upgraded(upgraded: Channel<ServerConnection>): Upgraded {
    const flow = this.#flow
    return isReadable(this.#context, flow) ? { upgraded, flow } : { upgraded }
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
    const passed = this.#passCode()
    this.#server?.finish(false)
    // A stream of HTTP/2 that ends in order would be an empty response, or a whole one.
    let outcome: Outcome = this.#client.channel.carrier ? 'reset' : flow.ending
    if (!this.#answering && !flow.killed && !passed && !this.#client.channel.closed) {
      const status =
        error instanceof HttpError ? error.status : error instanceof Idle ? (this.#upload.clientOwes ? 408 : 504) : 502
      const code = error instanceof HttpError ? error.code : error instanceof Stopped ? 'ADDON' : undefined
      this.#client.sendPage(errorPage({ status, code, message: flow.error.message, request: this.#request }))
      yield* this.#room()
      outcome = 'close'
    }
    yield* this.#judge('error')
    this.#finish()
    const known = [HttpError, Stopped, Closed, Gone].some((kind) => error instanceof kind)
    if (!known && !this.#client.channel.closed) throw error
    return outcome
  }

  /** What one side of HTTP/2 says with the reset of its stream is said to the other side. True where that is a client's answer. */
  #passCode(): boolean {
    const { channel: client } = this.#client
    const server = this.#server?.channel
    const { killed, ending } = this.#flow
    if (killed) client.code = ending === 'close' && !this.#answering ? NO_ERROR : CANCEL
    const passes = client.code === undefined && client.carrier !== undefined && !!server?.code
    client.code ??= server?.code
    if (server) server.code ??= killed ? CANCEL : client.code
    return passes
  }

  #standstill({ message }: Idle): string {
    if (this.#answering) return `${message}: the response stands still`
    return `${message}: ${this.#upload.clientOwes ? "the client's request is not whole" : 'the server has not answered'}`
  }
}
