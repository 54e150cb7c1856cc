// HTTP as addons see it: a flow with its request and its response.
import { bracketed, hostPort } from '../addresses.js'
import { Flow, type FlowOrigin } from './flow.js'
import { HttpHeaders, type HttpHeadersInit } from './headers.js'
import { bodyStreamed, HttpMessage, type HttpVersion } from './http-message.js'
import { FLOW_SIZE, headersSize } from './size.js'
import type { StreamMessages } from './stream-messages.js'
import type { WebSocketData } from './websocket.js'

export interface HttpRequestParts {
  method: string
  /** As in the request line, in origin-form: `/path?query`, or `*`. */
  path: string
  scheme: 'http' | 'https'
  host: string
  port: number
  version: HttpVersion
  headers: HttpHeaders
  /** Default: none. */
  absolute?: string | undefined
  /** Default: none. */
  authority?: string | undefined
  /** Default: none. */
  protocol?: string | undefined
  /** Default: none. */
  pseudoOrder?: readonly string[] | undefined
  /** Default: none. */
  irregularities?: readonly string[] | undefined
}

/** A URL as a browser shows it. */
export function shownUrl(scheme: 'http' | 'https', host: string, port: number, path: string): string {
  const shown = port === (scheme === 'https' ? 443 : 80) ? '' : `:${port}`
  return `${scheme}://${bracketed(host)}${shown}${path === '*' ? '' : path}`
}

export class HttpRequest extends HttpMessage {
  method: string
  /** `/path?query`; `*` for a server-wide OPTIONS; empty for CONNECT. */
  path: string
  scheme: 'http' | 'https'
  /** The server that the request goes to: an addon that changes `host` or `port` sends the request elsewhere. */
  host: string
  port: number
  /**
   * The beginning of a request line in absolute-form, `http://example.org:8000`, of a client that takes its server for a proxy: it goes on
   * like this. Undefined for origin-form, and where midwire is that proxy.
   */
  absolute: string | undefined
  /** Of HTTP/2: the value of `:authority`, which has the place of the field Host there. Undefined in HTTP/1. */
  authority: string | undefined
  /** Of an extended CONNECT (RFC 8441): the protocol that the stream shall speak, `websocket`. */
  protocol: string | undefined
  /** Of HTTP/2: the names of its pseudo-header fields, in the order in which they came, and go on. */
  readonly pseudoOrder: readonly string[] | undefined

  constructor(parts: HttpRequestParts, bodyLimit: number, now: number) {
    super(parts, parts.headers, bodyLimit, now)
    this.method = parts.method
    this.path = parts.path
    this.scheme = parts.scheme
    this.host = parts.host
    this.port = parts.port
    this.absolute = parts.absolute
    this.authority = parts.authority
    this.protocol = parts.protocol
    this.pseudoOrder = parts.pseudoOrder
  }

  protected override get side() {
    return 'request' as const
  }

  /** The request target in the request line to a server (RFC 9112, 3.2). */
  get target(): string {
    if (this.method !== 'CONNECT')
      return this.absolute === undefined ? this.path : `${this.absolute}${this.path === '*' ? '' : this.path}`
    return hostPort(this.host, this.port)
  }

  /** The host as the client names it: that of the Host field or of `authority`, without its port; without these `host`. */
  get prettyHost(): string {
    const field = this.headers.get('host') ?? this.authority
    return field ? knownHostOf(field) : this.host
  }

  /** The URL that a browser would show in its address bar. */
  get url(): string {
    const host = this.prettyHost
    if (this.method === 'CONNECT' && this.protocol === undefined) return `${bracketed(host)}:${this.port}`
    return shownUrl(this.scheme, host, this.port, this.path)
  }

  /**
   * Sends the request elsewhere: sets scheme, host, port, path and the Host field. Throws a TypeError for a text that is not an http
   * or https URL.
   */
  set url(text: string) {
    const url = new URL(text)
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new TypeError(`${text} is no http or https URL`)
    this.absolute = undefined
    this.scheme = url.protocol === 'https:' ? 'https' : 'http'
    this.host = hostOf(url.host)
    this.port = url.port ? Number(url.port) : this.scheme === 'https' ? 443 : 80
    this.path = url.pathname + url.search
    if (this.authority !== undefined) this.authority = url.host
    if (this.authority === undefined || this.headers.has('host')) this.headers.set('Host', url.host)
  }
}

/** A CONNECT to a host, with nothing but its Host field. `now`: milliseconds since the epoch. */
export function connectRequest(host: string, port: number, now: number): HttpRequest {
  const parts = { method: 'CONNECT', path: '', scheme: 'https', host, port, version: '1.1' } as const
  const request = new HttpRequest({ ...parts, headers: new HttpHeaders() }, 0, now)
  request.headers.set('Host', request.target)
  return request
}

/** The last authority that a host was asked of, and that host: the filters of all addons ask for that of one request, one after the other. */
let known = { authority: '', host: '' }

function knownHostOf(authority: string): string {
  if (known.authority !== authority) known = { authority, host: hostOf(authority) }
  return known.host
}

/** The host of `host[:port]`, without the brackets of IPv6. */
function hostOf(authority: string): string {
  if (authority.startsWith('[')) return authority.slice(1, authority.indexOf(']'))
  const colon = authority.indexOf(':')
  return colon === -1 ? authority : authority.slice(0, colon)
}

/** A body that comes piece by piece: a generator, a ReadableStream, a Node stream. Texts are written in UTF-8. */
export type BodySource = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>

export interface HttpResponseParts {
  /** A whole number from 100 to 999. */
  status: number
  /** Default: the usual one of that status (RFC 9110, 15), else empty. */
  reason?: string
  /** Default: `1.1`. */
  version?: HttpVersion
  /** Default: none. Content-Length follows the content by itself. */
  headers?: HttpHeaders | HttpHeadersInit
  /** The body; a string is written in UTF-8. Default: none. */
  content?: Uint8Array | string
  /** Default: none. */
  source?: BodySource | undefined
  /** How its form was odd when it came. Default: none. */
  irregularities?: readonly string[] | undefined
}

export class HttpResponse extends HttpMessage {
  reason: string
  /**
   * Of an addon's own response: the body, in the place of `content`. It is read as fast as the client takes it, and its pieces go out as they
   * come. The hook `response` runs before them. What throws in it fails the flow.
   */
  source: BodySource | undefined
  #status = 0

  /** An addon's own answer: `flow.response = new HttpResponse({ status: 404, content: 'no' })`. Throws a RangeError for the status. */
  constructor(parts: HttpResponseParts, bodyLimit = Number.MAX_SAFE_INTEGER, now = 0) {
    const headers = parts.headers instanceof HttpHeaders ? parts.headers : HttpHeaders.from(parts.headers ?? [])
    super(parts, headers, bodyLimit, now)
    this.status = parts.status
    this.source = parts.source
    this.reason = parts.reason ?? reasonOf(parts.status)
    if (parts.content !== undefined) this.content = parts.content
  }

  protected override get side() {
    return 'response' as const
  }

  /** A whole number from 100 to 999 (RFC 9110, 15); setting another throws a RangeError. */
  get status(): number {
    return this.#status
  }

  set status(status: number) {
    if (!Number.isInteger(status) || status < 100 || status > 999) {
      throw new RangeError(`the status of a response is a whole number from 100 to 999, not ${String(status)}`)
    }
    this.#status = status
  }
}

function messageSize(message: HttpMessage | undefined): number {
  if (!message) return 0
  return message.body.recorded + headersSize(message.headers) + headersSize(message.trailers)
}

/** Whether a value is an HttpResponse, also one of another copy of midwire: a package that a program uses may bring its own copy. */
function isResponse(value: unknown): value is HttpResponse {
  if (value instanceof HttpResponse) return true
  const { status, headers, body } = (value ?? {}) as Partial<HttpResponse>
  return typeof status === 'number' && typeof headers?.get === 'function' && typeof body?.trim === 'function'
}

/** The usual reason phrase of a status; empty for one without. */
export const reasonOf = (status: number): string => REASONS[status] ?? ''

/** Reason phrases for responses that midwire and addons make (RFC 9110, 15). */
const REASONS: Record<number, string> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  206: 'Partial Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  416: 'Range Not Satisfiable',
  418: "I'm a teapot",
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
}

export class HttpFlow extends Flow {
  readonly type = 'http'
  request: HttpRequest
  /** The protocol that the connection speaks after a 101, in lower case: `websocket`. Undefined without a 101. */
  upgrade: string | undefined
  /** The WebSocket that the connection is after a 101: its messages, and how it was closed. Undefined for all else. */
  websocket: WebSocketData | undefined
  /**
   * The messages within bodies that have passed: events, gRPC messages, lines of JSON, as the hook `http_message` gets them. Undefined where
   * none has come.
   */
  messages: StreamMessages | undefined
  #response: HttpResponse | undefined

  constructor(origin: FlowOrigin, request: HttpRequest) {
    super(origin)
    this.request = request
  }

  /**
   * Sends a WebSocket message in the name of one side: to the client, or to the server. A string is a text message, bytes are a binary one.
   * It runs the hook `websocket_message`, too. Does nothing where the flow is no WebSocket that is open.
   */
  inject(to: 'client' | 'server', content: string | Uint8Array): void {
    const kind = typeof content === 'string' ? 'text' : 'binary'
    this.post({ toClient: to === 'client', kind, content: Buffer.from(content as Uint8Array) })
  }

  override get size(): number {
    const messages = (this.websocket?.size ?? 0) + (this.messages?.size ?? 0)
    return FLOW_SIZE + messageSize(this.request) + messageSize(this.#response) + messages
  }

  /**
   * An addon that sets it before the server is asked answers the request by itself. Throws a TypeError for a value that is not an
   * HttpResponse, and ERR_BODY_STREAMED where it would replace a response whose body has passed, or begun to.
   */
  get response(): HttpResponse | undefined {
    return this.#response
  }

  set response(response: HttpResponse | undefined) {
    if (response !== undefined && !isResponse(response)) {
      throw new TypeError("flow.response must be an HttpResponse: new HttpResponse({ status: 418, content: 'x' })")
    }
    if (this.#response?.streamed && response !== this.#response) throw bodyStreamed('response')
    this.#response = response
  }
}
