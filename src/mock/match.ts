// Which flows are meant: a filter, a function, or an object that names the parts of a request.
import { isDeepStrictEqual } from 'node:util'
import { MidwireError, nearest } from '../errors.js'
import { parseFilter, seeksProcesses } from '../flow/filter.js'
import { sameName } from '../flow/host-name.js'
import type { HttpFlow, HttpRequest } from '../flow/http.js'
import type { AnyFlow } from '../flow/index.js'

/** A text that is compared as a whole, or an expression that is searched for. */
export type TextMatch = string | RegExp

/**
 * The parts of a request; all that are given have to match. `{}` matches every request.
 *
 * ```ts
 * proxy.mock({ method: 'POST', host: 'api.test', path: '/users', jsonIncludes: { name: 'Ada' } }).respond(201)
 * ```
 */
export interface RequestMatch {
  /** `GET`, or several: `['GET', 'HEAD']`; in any case. */
  readonly method?: string | readonly string[]
  /** The URL as a browser shows it: `https://api.test/users`. A text without a query matches whatever query there is. */
  readonly url?: TextMatch
  /** The name, or `name:port`. */
  readonly host?: TextMatch
  /** `/users`. A text without a query matches whatever query there is. */
  readonly path?: TextMatch
  /** Parameters of the query, decoded; there may be others. Of a list each value has to be there. */
  readonly query?: Readonly<Record<string, TextMatch | readonly string[]>>
  /** Fields by their names in any case; there may be others. */
  readonly headers?: Readonly<Record<string, TextMatch>>
  /** Cookies by their names; there may be others. */
  readonly cookies?: Readonly<Record<string, TextMatch>>
  /** The body, without its Content-Encoding. */
  readonly body?: TextMatch | Uint8Array
  /** A body of JSON with this value, whatever its spaces and the order of its keys. */
  readonly json?: unknown
  /** A body of JSON with at least these keys and elements. */
  readonly jsonIncludes?: unknown
  /** Fields of a form (`application/x-www-form-urlencoded`), decoded; there may be others. */
  readonly form?: Readonly<Record<string, TextMatch>>
  /** True: only requests that open a WebSocket. False: only others. */
  readonly websocket?: boolean
  /** Whatever else has to be true. */
  readonly when?: (flow: HttpFlow) => boolean
}

/** Flows of each type by its name. */
export interface FlowTypes {
  http: HttpFlow
  tcp: Extract<AnyFlow, { type: 'tcp' }>
  udp: Extract<AnyFlow, { type: 'udp' }>
  dns: Extract<AnyFlow, { type: 'dns' }>
}

/** A filter (`~d api.test & ~m POST`), a function, or the parts of a request. */
export type FlowMatch<F extends AnyFlow = HttpFlow> = string | ((flow: F) => boolean) | RequestMatch

/** A FlowMatch that is ready. */
export interface Matcher<F extends AnyFlow = HttpFlow> {
  /** Throws what a user's function throws. */
  matches(flow: F): boolean
  /** For messages. */
  readonly shown: string
  /** The filter asks for clients' processes. */
  readonly seeksProcesses: boolean
}

type Test = (flow: HttpFlow) => boolean

/** Makes it ready. Throws ERR_FILTER, and ERR_ARGUMENT for a part that is unknown. */
export function matcherOf<F extends AnyFlow = HttpFlow>(given: FlowMatch<F>): Matcher<F> {
  if (typeof given === 'string')
    return { matches: parseFilter(given), shown: given, seeksProcesses: seeksProcesses(given) }
  if (typeof given === 'function')
    return { matches: given, shown: given.name || 'the given function', seeksProcesses: false }
  const tests: Test[] = []
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    const part = PARTS[name as keyof RequestMatch] as ((value: unknown) => Test) | undefined
    if (!part) throw unknownPart(name)
    tests.push(part(value))
  }
  const matches = (flow: AnyFlow) => flow.type === 'http' && tests.every((test) => test(flow))
  return { matches, shown: shownMatch(given), seeksProcesses: false }
}

function unknownPart(name: string): MidwireError {
  const near = nearest(name, Object.keys(PARTS))
  const hint = near ? `did you mean ${near}?` : `there are ${Object.keys(PARTS).join(', ')}`
  return new MidwireError('ERR_ARGUMENT', `a request has no part ${JSON.stringify(name)} to match: ${hint}`)
}

const PARTS: { [Part in keyof Required<RequestMatch>]: (value: Required<RequestMatch>[Part]) => Test } = {
  method: (wanted) => {
    const methods = (typeof wanted === 'string' ? [wanted] : wanted).map((one) => one.toUpperCase())
    return ({ request }) => methods.includes(request.method.toUpperCase())
  },
  url: (wanted) => {
    const text = typeof wanted === 'string' ? plainUrl(wanted) : wanted
    return ({ request }) => isText(text, withQueryOf(text, request.url))
  },
  host: (wanted) => (flow) => isHost(wanted, flow.request),
  path: (wanted) => (flow) => isText(wanted, withQueryOf(wanted, flow.request.path)),
  query: (wanted) => (flow) => {
    const [, ...rest] = flow.request.path.split('?')
    return hasParameters(new URLSearchParams(rest.join('?')), wanted)
  },
  headers: (wanted) => (flow) =>
    Object.entries(wanted).every(([name, value]) => isText(value, flow.request.headers.get(name))),
  cookies: (wanted) => (flow) => {
    const cookies = cookiesOf(flow.request)
    return Object.entries(wanted).every(([name, value]) => isText(value, cookies.get(name)))
  },
  body: (wanted) => (flow) =>
    wanted instanceof Uint8Array
      ? Buffer.compare(flow.request.decodedContent, wanted) === 0
      : isText(wanted, flow.request.text),
  json: (wanted) => {
    const value = plain(wanted)
    return (flow) => isDeepStrictEqual(jsonOf(flow.request), value)
  },
  jsonIncludes: (wanted) => {
    const part = plain(wanted)
    return (flow) => includes(jsonOf(flow.request), part)
  },
  form: (wanted) => (flow) => hasParameters(new URLSearchParams(flow.request.text), wanted),
  websocket: (wanted) => (flow) => opensWebSocket(flow.request) === wanted,
  when: (wanted) => wanted,
}

function isText(wanted: TextMatch, text: string | undefined): boolean {
  if (text === undefined) return false
  // An expression with the flag g or y would go on where it has found something before.
  return typeof wanted === 'string' ? wanted === text : text.search(wanted) !== -1
}

/** What is compared with a text: with its query where that has one, else without. Expressions see all of it. */
function withQueryOf(wanted: TextMatch, text: string): string {
  return typeof wanted === 'string' && !wanted.includes('?') ? (text.split('?', 1)[0] ?? '') : text
}

/** A URL as requests show theirs: with a path, without a default port. */
function plainUrl(text: string): string {
  return URL.canParse(text) ? new URL(text).href : text
}

function isHost(wanted: TextMatch, { prettyHost, port }: HttpRequest): boolean {
  if (typeof wanted !== 'string') return isText(wanted, prettyHost)
  return sameName(wanted, prettyHost) || sameName(wanted, `${prettyHost}:${port}`)
}

function hasParameters(
  parameters: URLSearchParams,
  wanted: Readonly<Record<string, TextMatch | readonly string[]>>,
): boolean {
  return Object.entries(wanted).every(([name, value]) => {
    const all = parameters.getAll(name)
    if (typeof value === 'string' || value instanceof RegExp) return all.some((one) => isText(value, one))
    return value.every((one) => all.includes(one))
  })
}

function cookiesOf(request: HttpRequest): Map<string, string> {
  const pairs = request.headers.getAll('cookie').flatMap((field) => field.split(';'))
  return new Map(
    pairs.map((pair) => {
      const [name = '', ...value] = pair.split('=')
      return [name.trim(), value.join('=').trim()]
    }),
  )
}

/** The value of a body of JSON; a symbol, which equals nothing, where it is none. */
function jsonOf(request: HttpRequest): unknown {
  try {
    return JSON.parse(request.text)
  } catch {
    return Symbol('no JSON')
  }
}

/** A value as JSON would carry it: dates are texts, what is undefined is not there. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}

/** Whether a value of JSON has all keys of another, and for each element of its lists one that includes it. */
function includes(value: unknown, part: unknown): boolean {
  if (typeof part !== 'object' || part === null) return value === part
  if (typeof value !== 'object' || value === null || Array.isArray(value) !== Array.isArray(part)) return false
  if (Array.isArray(part)) return part.every((one) => (value as unknown[]).some((other) => includes(other, one)))
  return Object.entries(part).every(
    ([key, one]) => Object.hasOwn(value, key) && includes((value as Record<string, unknown>)[key], one),
  )
}

/** Whether a request opens a WebSocket, by HTTP/1 (RFC 6455, 4.1) or HTTP/2 (RFC 8441). */
export function opensWebSocket(request: HttpRequest): boolean {
  return request.protocol === 'websocket' || request.headers.get('upgrade')?.toLowerCase() === 'websocket'
}

function shownMatch(given: RequestMatch): string {
  const show = (_key: string, value: unknown) =>
    value instanceof RegExp ? String(value) : typeof value === 'function' ? `[function ${value.name}]` : value
  return JSON.stringify(given, show)
}
