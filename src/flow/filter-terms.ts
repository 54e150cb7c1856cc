// The operators of filters: what each of them takes and searches.
import { hostPort } from '../addresses.js'
import { messageText } from './dns-text.js'
import type { Search } from './filter-regexp.js'
import type { HttpHeaders } from './headers.js'
import { canonicalName, spellings } from './host-name.js'
import type { HttpFlow, HttpRequest, HttpResponse } from './http.js'
import type { AnyFlow } from './index.js'

type Test = (flow: AnyFlow) => boolean

interface Help {
  readonly help: string
}

/** What an operator takes after its name, and how it becomes a test of flows. */
export type Term = Help &
  (
    | { readonly takes: 'nothing'; readonly make: () => Test }
    | { readonly takes: 'number'; readonly make: (number: number) => Test }
    | {
        readonly takes: 'regexp'
        readonly make: (search: Search) => Test
        readonly bytes?: boolean
        readonly lines?: boolean
        readonly dotAll?: boolean
      }
  )

const plain = (help: string, test: Test) => ({ takes: 'nothing', help, make: () => test }) as const
const regexp = (help: string, make: (search: Search) => Test) => ({ takes: 'regexp', help, make }) as const
/** An operator that searches bodies: in bytes, where the dot matches newlines. */
const body = (help: string, request: boolean, response: boolean) =>
  ({
    takes: 'regexp',
    help,
    bytes: true,
    dotAll: true,
    make: (search: Search) => bodies(search, request, response),
  }) as const
/** An operator that searches the fields of a head, each of which is a line. */
const header = (help: string, request: boolean, response: boolean) =>
  ({
    takes: 'regexp',
    help,
    bytes: true,
    lines: true,
    make: (search: Search) => heads(search, request, response),
  }) as const
const contentType = (help: string, request: boolean, response: boolean) =>
  ({ takes: 'regexp', help, bytes: true, make: (search: Search) => contentTypes(search, request, response) }) as const

const ASSET = /text\/javascript|application\/(x-)?javascript|text\/css|image\/|font\/|application\/font/i

/** The operators by their names, without the `~`. */
export const TERMS = {
  a: plain(
    'asset in the response: CSS, JavaScript, image or font, by Content-Type',
    contentTypes((value) => ASSET.test(value), false, true),
  ),
  all: plain('everything', () => true),
  b: body('body of request or response; messages of TCP, UDP and WebSocket; DNS as text', true, true),
  bq: body('body of the request; messages of the client', true, false),
  bs: body('body of the response; messages of the server', false, true),
  c: {
    takes: 'number',
    help: 'status of the response',
    make: (status: number) => (flow: AnyFlow) => flow.type === 'http' && flow.response?.status === status,
  },
  comment: { ...regexp('comment', (search) => (flow) => search(flow.comment)), lines: true },
  container: regexp("container of a local client's process: its id", (search) => ({ client }) => {
    return client.process?.container !== undefined && search(client.process.container)
  }),
  d: regexp('host of the request, or the host that its Host field names', (search) => {
    const [isHost, isShown] = [inName(search), inName(search)]
    return (flow) => {
      if (flow.type !== 'http') return false
      const { host, prettyHost } = flow.request
      return isHost(host) || (prettyHost !== host && isShown(prettyHost))
    }
  }),
  dns: plain('DNS', ({ type }) => type === 'dns'),
  dst: regexp('where it goes to, `host:port` or `address:port`', (search) => (flow) => destinations(flow).some(search)),
  e: plain('it has failed', ({ error }) => error !== undefined),
  h: header('header of request or response: a line `name: value`', true, true),
  hq: header('header of the request', true, false),
  hs: header('header of the response', false, true),
  http: plain('HTTP', ({ type }) => type === 'http'),
  m: regexp('method', (search) => (flow) => flow.type === 'http' && search(flow.request.method)),
  marked: plain('it is marked', ({ marked }) => marked !== ''),
  marker: regexp('the text of its mark', (search) => (flow) => search(flow.marked)),
  meta: { ...regexp('notes of addons: lines `name: value`', (search) => (flow) => search(notes(flow))), lines: true },
  process: regexp('process of a local client: its path or command line', (search) => ({ client }) => {
    if (!client.process) return false
    const { path, commandLine } = client.process
    return search(commandLine) || (path !== undefined && search(path))
  }),
  q: plain('request without a response', (flow) => hasResponse(flow) === false),
  replay: plain('it was replayed', ({ replayed }) => replayed !== undefined),
  replayq: plain('its request was replayed', ({ replayed }) => replayed === 'request'),
  replays: plain('its response was replayed', ({ replayed }) => replayed === 'response'),
  s: plain('it has a response', (flow) => hasResponse(flow) === true),
  src: regexp('the client, `address:port`', (search) => (flow) => {
    const { address, port } = flow.client.remote
    return places(address, port).some(search)
  }),
  t: contentType('Content-Type of request or response', true, true),
  tcp: plain('raw TCP', ({ type }) => type === 'tcp'),
  tq: contentType('Content-Type of the request', true, false),
  ts: contentType('Content-Type of the response', false, true),
  u: regexp('URL of the request; name in a DNS question', (search) => (flow) => {
    if (flow.type === 'http') return search(flow.request.url)
    return flow.type === 'dns' && flow.request.questions.some(({ name }) => search(name))
  }),
  udp: plain('raw UDP', ({ type }) => type === 'udp'),
  websocket: plain('WebSocket', (flow) => flow.type === 'http' && flow.upgrade === 'websocket'),
} as const satisfies Record<string, Term>

/** Every operator as a user writes it, and what it matches. */
export const FILTER_HELP: readonly { readonly term: string; readonly help: string }[] = [
  ...Object.entries<Term>(TERMS).map(([name, { takes, help }]) => {
    return { term: takes === 'nothing' ? `~${name}` : `~${name} ${takes}`, help }
  }),
  { term: 'regexp', help: 'the same as ~u' },
  { term: '!', help: 'not' },
  { term: '&', help: 'and; so are terms side by side' },
  { term: '|', help: 'or' },
  { term: '( )', help: 'together' },
]

/**
 * Whether one of the spellings of a host's name has a match. The last name is remembered: a rule is asked of a flow at each of its hooks, and of
 * many flows for one host.
 */
function inName(search: Search): Search {
  let last: string | undefined
  let found = false
  return (name) => {
    if (name === last) return found
    const canonical = canonicalName(name)
    found = search(name) || (canonical !== name && search(canonical))
    last = name
    return found
  }
}

/** Undefined for flows that have neither requests nor responses. */
function hasResponse(flow: AnyFlow): boolean | undefined {
  return flow.type === 'http' || flow.type === 'dns' ? flow.response !== undefined : undefined
}

function messagesOf(flow: HttpFlow, request: boolean, response: boolean): (HttpRequest | HttpResponse)[] {
  const asked = request ? [flow.request] : []
  return response && flow.response ? [...asked, flow.response] : asked
}

function bodies(search: Search, request: boolean, response: boolean): Test {
  const inBytes = (bytes: Buffer) => search(bytes.toString('latin1'))
  return (flow) => {
    const said = flow.type === 'http' ? flow.websocket?.messages : flow.type === 'dns' ? undefined : flow.messages
    if (said?.some(({ fromClient, content }) => (fromClient ? request : response) && inBytes(content))) return true
    if (flow.type === 'http') {
      return messagesOf(flow, request, response).some(({ body, decodedContent }) => {
        return body.length > 0 && inBytes(decodedContent)
      })
    }
    if (flow.type === 'dns') {
      const messages = [request ? flow.request : undefined, response ? flow.response : undefined]
      return messages.some((message) => message !== undefined && inBytes(Buffer.from(messageText(message))))
    }
    return false
  }
}

function headersOf(search: (headers: HttpHeaders) => boolean, request: boolean, response: boolean): Test {
  return (flow) => flow.type === 'http' && messagesOf(flow, request, response).some(({ headers }) => search(headers))
}

function heads(search: Search, request: boolean, response: boolean): Test {
  return headersOf((headers) => search(headers.toString()), request, response)
}

function contentTypes(search: Search, request: boolean, response: boolean): Test {
  return headersOf((headers) => headers.getAll('content-type').some(search), request, response)
}

/** The texts of an address that are searched: `address:port`, for IPv6 with brackets and, as in mitmproxy, without. */
function places(host: string, port: number): string[] {
  if (host.includes(':')) return [hostPort(host, port), `${host}:${port}`]
  return spellings(host).map((name) => `${name}:${port}`)
}

function destinations(flow: AnyFlow): string[] {
  const { server, client } = flow
  if (server) {
    const { host, port, remote } = server
    return [...places(host, port), ...(remote ? places(remote.address, remote.port) : [])]
  }
  if (flow.type === 'http') return places(flow.request.host, flow.request.port)
  return places(client.local.address, client.local.port)
}

function notes({ metadata }: AnyFlow): string {
  return Object.entries(metadata)
    .map(([name, value]) => `${name}: ${noteText(value)}`)
    .join('\n')
}

/** The text of an addon's note, which may be any value. */
function noteText(value: unknown): string {
  try {
    return (typeof value === 'object' ? JSON.stringify(value) : undefined) ?? String(value)
  } catch {
    return Object.prototype.toString.call(value)
  }
}
