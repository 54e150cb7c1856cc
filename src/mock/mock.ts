// One rule of `proxy.mock()`: which requests it is for, how often, and what is done with them.
import type { HttpHeadersInit } from '../flow/headers.js'
import type { BodySource, HttpFlow, HttpResponse } from '../flow/http.js'
import { type MockAnswer, type MockBody, type MockResponse, partsOf, responseOf } from './answer.js'
import { changeRequest, changeResponse, type Passthrough } from './changes.js'
import { type Matcher, opensWebSocket } from './match.js'

/** The flows that `seen` keeps; of more the oldest are forgotten. */
const MAX_SEEN = 10_000

/** What a mock asks of the list that it stands in. */
export interface MockList {
  remove(mock: Mock): void
  /** The rule looks at responses from now on. */
  watchResponses(): void
  /** Leads a WebSocket to a server of ours. */
  leadToOwn(flow: HttpFlow, kind: 'echo' | 'listen'): Promise<void>
}

/**
 * A rule that `proxy.mock()` has made. Until it is told what to do, and once it has been used as often as it may, it is passed over. The last
 * call of a kind counts, and the order of the calls does not matter: `mock({ path: '/a' }).respond(503).twice()`.
 */
export class Mock implements Disposable {
  /** The flows that the rule was used for, in order: their requests are whole, their responses as far as they have come. */
  readonly seen: HttpFlow[] = []
  readonly #matcher: Matcher
  readonly #list: MockList
  #act: ((flow: HttpFlow) => void | Promise<void>) | undefined
  #changes: Passthrough = {}
  #limit = Number.POSITIVE_INFINITY
  #used = 0
  #milliseconds = 0
  #isFallback = false

  /** @internal */
  constructor(matcher: Matcher, list: MockList) {
    this.#matcher = matcher
    this.#list = list
  }

  /**
   * Answers with a status, a body (a text, bytes, a stream or generator; any other value is JSON) and fields:
   * `respond(200, { name: 'Ada' })`. The server is not asked, and need not exist.
   */
  respond(status: number, body?: MockBody, headers?: HttpHeadersInit): this
  /**
   * Answers with a response, or with what a function makes of the flow: `respond(({ request }) => ({ json: { you: request.path } }))`. A
   * function may be asynchronous, and may take 30 s. Where it throws, the client gets a 502 with the reason.
   */
  respond(answer: MockResponse | HttpResponse | ((flow: HttpFlow) => MockAnswer | Promise<MockAnswer>)): this
  respond(
    answer: number | MockResponse | HttpResponse | ((flow: HttpFlow) => MockAnswer | Promise<MockAnswer>),
    body?: MockBody,
    headers?: HttpHeadersInit,
  ): this {
    const fixed = typeof answer === 'number' ? partsOf(answer, body, headers) : answer
    return this.#does(async (flow) => {
      const given = typeof fixed === 'function' ? await fixed(flow) : fixed
      if (given === undefined) return
      const response = await responseOf(given)
      // The flow takes the response for its own, and addons may change it; the next flow gets one as it was given.
      flow.response = given === response ? copyOf(response) : response
    })
  }

  /** Answers with JSON. Default of `status`: 200. */
  json(value: unknown, status = 200): this {
    return this.respond({ status, json: value })
  }

  /** Answers with a file, which is read for each answer. Its name says its Content-Type. Default of `status`: 200. */
  file(path: string, status = 200): this {
    return this.respond({ status, file: path })
  }

  /**
   * Answers with a body that comes piece by piece, as fast as the client takes it: a generator function, which is called for each answer, or a
   * stream, for one answer. Default of `status`: 200.
   */
  stream(source: BodySource | (() => BodySource), status = 200): this {
    return this.respond(() => ({ status, stream: typeof source === 'function' ? source() : source }))
  }

  /** Lets the request go to its server. `changes`: what is changed in the request, and in the response: `{ response: { status: 503 } }`. */
  passthrough(changes: Passthrough = {}): this {
    this.#does((flow) => changeRequest(flow, changes.request))
    this.#changes = changes
    if (changes.response) this.#list.watchResponses()
    return this
  }

  /** Sends the request to another server: `http://localhost:3000`, or `ws://`; a path in it stands before the request's own. */
  forward(url: string, changes: Passthrough = {}): this {
    const to = new URL(url.replace(/^ws/i, 'http'))
    const prefix = to.pathname.replace(/\/$/, '')
    this.passthrough(changes)
    return this.#does((flow) => {
      const path = `${prefix}${flow.request.path}`
      flow.request.url = to.origin
      flow.request.path = path
      return changeRequest(flow, changes.request)
    })
  }

  /** Resets the client's connection (of HTTP/2: its stream), without an answer. */
  abort(): this {
    return this.#does((flow) => flow.kill())
  }

  /** Ends the client's connection in order (FIN; of HTTP/2 its stream, by RST_STREAM with NO_ERROR), without an answer. */
  close(): this {
    return this.#does((flow) => flow.kill('close'))
  }

  /** Never answers. */
  timeout(): this {
    return this.#does((flow) => flow.intercept())
  }

  /** Opens the WebSocket, and sends each message back. */
  echo(): this {
    return this.#does((flow) => this.#openWebSocket(flow, 'echo'))
  }

  /** Opens the WebSocket, and says nothing: `mock.seen[0].inject('client', 'hello')` speaks in its place. */
  listen(): this {
    return this.#does((flow) => this.#openWebSocket(flow, 'listen'))
  }

  /** Refuses the WebSocket, or what else the request is for, with a status. Default: 403. */
  reject(status = 403): this {
    return this.respond(status)
  }

  /** The answer, or the request that passes, waits so many milliseconds. */
  delay(milliseconds: number): this {
    this.#milliseconds = milliseconds
    return this
  }

  /** Is used for so many requests, and then passed over. */
  times(count: number): this {
    this.#limit = count
    return this
  }

  once(): this {
    return this.times(1)
  }

  twice(): this {
    return this.times(2)
  }

  /** Is used for every request that matches: the default. */
  always(): this {
    return this.times(Number.POSITIVE_INFINITY)
  }

  /** Is used only where no rule of another kind matches. */
  fallback(): this {
    this.#isFallback = true
    return this
  }

  /** How often the rule was used. */
  get used(): number {
    return this.#used
  }

  /** True until the rule was used as often as it may; without `times`, once. */
  get pending(): boolean {
    return this.#used < (this.#limit === Number.POSITIVE_INFINITY ? 1 : this.#limit)
  }

  /** The rule is for no request from now on. What it has seen stays. */
  remove(): void {
    this.#list.remove(this)
  }

  [Symbol.dispose](): void {
    this.remove()
  }

  /** @internal */
  get isFallback(): boolean {
    return this.#isFallback
  }

  /** @internal */
  get seeksProcesses(): boolean {
    return this.#matcher.seeksProcesses
  }

  /** For messages. @internal */
  get shown(): string {
    return this.#matcher.shown
  }

  /** Whether the rule is for this flow. @internal */
  takes(flow: HttpFlow): boolean {
    return this.#act !== undefined && this.#used < this.#limit && this.#matcher.matches(flow)
  }

  /** Uses the rule for a request. @internal */
  async use(flow: HttpFlow): Promise<void> {
    this.#used += 1
    this.seen.push(flow)
    if (this.seen.length > MAX_SEEN) this.seen.shift()
    await this.#act?.(flow)
    if (this.#milliseconds === 0 || flow.killed) return
    flow.intercept()
    setTimeout(() => flow.resume(), this.#milliseconds).unref()
  }

  /** @internal */
  get changesResponses(): boolean {
    return this.#changes.response !== undefined
  }

  /** @internal */
  changeResponse(flow: HttpFlow): Promise<void> {
    return changeResponse(flow, this.#changes.response)
  }

  #does(act: (flow: HttpFlow) => void | Promise<void>): this {
    this.#act = act
    return this
  }

  #openWebSocket(flow: HttpFlow, kind: 'echo' | 'listen'): Promise<void> {
    if (!opensWebSocket(flow.request)) throw new TypeError(`${flow.request.url} is no request for a WebSocket`)
    return this.#list.leadToOwn(flow, kind)
  }
}

/** A response that a flow may have for its own. */
function copyOf(response: HttpResponse): HttpResponse {
  const { status, reason, version, headers, content, source } = response
  const Response = response.constructor as typeof HttpResponse
  return new Response({ status, reason, version, headers: headers.clone(), content, ...(source && { source }) })
}
