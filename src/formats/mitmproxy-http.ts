// Requests, responses and WebSockets as mitmproxy writes them.

import type { HttpVersion } from '../flow/http-message.js'
import type {
  BodyRecord,
  FieldsRecord,
  HttpRecord,
  RequestRecord,
  ResponseRecord,
  WebSocketRecord,
} from '../flow/record.js'
import { inMemory } from '../flow/snapshot.js'
import { dict, list, maybe, present, type Shaped, shapedOrNone, tuple } from './shape.js'
import { milliseconds, seconds } from './times.js'
import type { Tnet, TnetDict } from './tnetstring.js'

const FIELDS = list(tuple('bytes', 'bytes'))

const MESSAGE = {
  http_version: 'bytes',
  headers: FIELDS,
  content: maybe('bytes'),
  trailers: maybe(FIELDS),
  timestamp_start: maybe('number'),
  timestamp_end: maybe('number'),
} as const

export const REQUEST = dict({
  ...MESSAGE,
  host: 'text',
  port: 'number',
  method: 'bytes',
  scheme: 'bytes',
  authority: 'bytes',
  path: 'bytes',
})

export const RESPONSE = dict({ ...MESSAGE, status_code: 'number', reason: 'bytes' })

export const WEBSOCKET = dict({
  messages: list(tuple('number', 'boolean', 'bytes', 'number', 'boolean', 'boolean')),
  closed_by_client: maybe('boolean'),
  close_code: maybe('number'),
  close_reason: maybe('text'),
  timestamp_end: maybe('number'),
})

const OWN_MESSAGE = dict({
  length: maybe('number'),
  irregularities: maybe(list('text')),
  pseudoOrder: maybe(list('text')),
  protocol: maybe('text'),
  absolute: maybe('text'),
})

const OWN_WEBSOCKET = dict({
  startedAt: maybe('number'),
  lengths: maybe(list('number')),
  messagesFromClient: maybe('number'),
  messagesFromServer: maybe('number'),
  bytesFromClient: maybe('number'),
  bytesFromServer: maybe('number'),
  injected: maybe('number'),
  truncated: maybe('boolean'),
})

/** What midwire has no place for, kept in the notes of the flow: texts of odd versions and schemes, and that a body was not kept. */
const FOREIGN = dict({
  http_version: maybe('text'),
  scheme: maybe('text'),
  authority: maybe('text'),
  content: maybe('boolean'),
})

type MessageState = Shaped<{ dict: typeof MESSAGE }>

export function readRequest(
  state: Shaped<typeof REQUEST>,
  given: unknown,
  createdAt: number,
): { request: RequestRecord; foreign: Record<string, unknown> } {
  const own = shapedOrNone(given, OWN_MESSAGE)
  const { message, foreign } = readMessage(state, own, createdAt)
  const [method, written, authority] = [latin1(state.method), latin1(state.scheme), latin1(state.authority)]
  const isTunnel = method === 'CONNECT' && own?.protocol == null
  const usual = isTunnel || state.port === 443 ? 'https' : 'http'
  const scheme = written === 'http' || written === 'https' ? written : usual
  const isBinary = message.version === '2.0' || message.version === '3.0'
  const isAbsolute = !isBinary && !isTunnel && authority !== ''
  const request: RequestRecord = {
    ...message,
    method,
    path: latin1(state.path),
    scheme,
    host: state.host,
    port: state.port,
    absolute: own?.absolute ?? (isAbsolute ? `${scheme}://${authority}` : undefined),
    authority: isBinary ? authority : undefined,
    protocol: own?.protocol ?? undefined,
    pseudoOrder: own?.pseudoOrder ?? undefined,
  }
  const again = targetOf(request)
  const odd = {
    scheme: again.scheme === written ? undefined : written,
    authority: again.authority === authority ? undefined : authority,
  }
  return { request, foreign: present({ ...foreign, ...odd }) }
}

export function readResponse(
  state: Shaped<typeof RESPONSE>,
  given: unknown,
  createdAt: number,
): { response: ResponseRecord; foreign: Record<string, unknown> } {
  const { status_code: status } = state
  if (!Number.isInteger(status) || status < 100 || status > 999)
    throw new TypeError(`response.status_code is ${status}`)
  const { message, foreign } = readMessage(state, shapedOrNone(given, OWN_MESSAGE), createdAt)
  return { response: { ...message, status, reason: latin1(state.reason) }, foreign: present(foreign) }
}

function readMessage(state: MessageState, own: Shaped<typeof OWN_MESSAGE> | undefined, createdAt: number) {
  const written = latin1(state.http_version)
  const version: HttpVersion = VERSIONS[written] ?? '1.1'
  const content = state.content ?? EMPTY
  const body: BodyRecord = { length: Math.max(own?.length ?? 0, content.length), stored: inMemory(content) }
  const message = {
    version,
    headers: readFields(state.headers),
    trailers: state.trailers ? readFields(state.trailers) : undefined,
    irregularities: own?.irregularities ?? [],
    body,
    startedAt: state.timestamp_start == null ? createdAt : milliseconds(state.timestamp_start),
    endedAt: state.timestamp_end == null ? undefined : milliseconds(state.timestamp_end),
  }
  const foreign = {
    http_version: WRITTEN[version] === written ? undefined : written,
    content: state.content === null && body.length === 0 ? false : undefined,
  }
  return { message, foreign }
}

/** Texts that stand for a version, and the text that is written for it. */
const VERSIONS: Readonly<Record<string, HttpVersion>> = {
  ...{ 'HTTP/1.0': '1.0', 'HTTP/1.1': '1.1', 'HTTP/2.0': '2.0', 'HTTP/2': '2.0', 'HTTP/3': '3.0', 'HTTP/3.0': '3.0' },
}
const WRITTEN: Readonly<Record<HttpVersion, string>> = {
  ...{ '1.0': 'HTTP/1.0', '1.1': 'HTTP/1.1', '2.0': 'HTTP/2.0', '3.0': 'HTTP/3' },
}

/** What mitmproxy has as scheme and authority. */
function targetOf({ method, protocol, scheme, host, port, absolute, authority }: RequestRecord) {
  if (method === 'CONNECT' && protocol === undefined) return { scheme: '', authority: authority ?? `${host}:${port}` }
  return { scheme, authority: authority ?? absolute?.replace(/^[a-z]*:\/\//i, '') ?? '' }
}

export function writeRequest(request: RequestRecord, notes: unknown): { state: TnetDict; own: TnetDict } {
  const foreign = shapedOrNone(notes, FOREIGN)
  const { scheme, authority } = targetOf(request)
  const { absolute, protocol, pseudoOrder } = request
  const isUsual = absolute === undefined || absolute === `${request.scheme}://${authority}`
  return {
    state: {
      ...writeMessage(request, foreign),
      host: request.host,
      port: request.port,
      method: bytes(request.method),
      scheme: bytes(foreign?.scheme ?? scheme),
      authority: bytes(foreign?.authority ?? authority),
      path: bytes(request.path),
    },
    own: ownMessage(request, {
      pseudoOrder: pseudoOrder && [...pseudoOrder],
      protocol,
      absolute: isUsual ? undefined : absolute,
    }),
  }
}

export function writeResponse(response: ResponseRecord, notes: unknown): { state: TnetDict; own: TnetDict } {
  return {
    state: {
      ...writeMessage(response, shapedOrNone(notes, FOREIGN)),
      status_code: response.status,
      reason: bytes(response.reason),
    },
    own: ownMessage(response, {}),
  }
}

type AnyMessage = RequestRecord | ResponseRecord

function writeMessage(message: AnyMessage, foreign: Shaped<typeof FOREIGN> | undefined) {
  const { version, body, startedAt, endedAt } = message
  const content = body.stored.bytes()
  // mitmproxy's word for a body that was not kept.
  const isMissing = content.length === 0 && (body.length > 0 || foreign?.content === false)
  return {
    http_version: bytes(foreign?.http_version ?? WRITTEN[version]),
    headers: writeFields(message.headers),
    content: isMissing ? null : content,
    trailers: message.trailers ? writeFields(message.trailers) : null,
    timestamp_start: seconds(startedAt),
    timestamp_end: endedAt === undefined ? null : seconds(endedAt),
  }
}

function ownMessage({ body, irregularities }: AnyMessage, more: Record<string, unknown>): TnetDict {
  return present({
    length: body.length > body.stored.size ? body.length : undefined,
    irregularities: irregularities.length > 0 ? [...irregularities] : undefined,
    ...more,
  }) as TnetDict
}

export function readWebSocket(state: Shaped<typeof WEBSOCKET>, given: unknown, createdAt: number): WebSocketRecord {
  const own = shapedOrNone(given, OWN_WEBSOCKET)
  const messages = state.messages.map(([opcode, fromClient, content, stamp, dropped, injected], index) => ({
    fromClient,
    kind: opcode === TEXT ? ('text' as const) : ('binary' as const),
    content,
    length: Math.max(own?.lengths?.[index] ?? 0, content.length),
    timestamp: milliseconds(stamp),
    injected,
    dropped,
  }))
  const count = (fromClient: boolean) => {
    const counted = messages.filter((one) => one.fromClient === fromClient && !one.injected)
    return { messages: counted.length, bytes: counted.reduce((sum, { length }) => sum + length, 0) }
  }
  const [client, server] = [count(true), count(false)]
  return {
    messages,
    messagesFromClient: own?.messagesFromClient ?? client.messages,
    messagesFromServer: own?.messagesFromServer ?? server.messages,
    bytesFromClient: own?.bytesFromClient ?? client.bytes,
    bytesFromServer: own?.bytesFromServer ?? server.bytes,
    injected: own?.injected ?? messages.filter((one) => one.injected).length,
    truncated: own?.truncated ?? false,
    closedByClient: state.closed_by_client ?? undefined,
    closeCode: state.close_code ?? undefined,
    closeReason: state.close_reason ?? '',
    startedAt: own?.startedAt ?? messages[0]?.timestamp ?? createdAt,
    endedAt: state.timestamp_end == null ? undefined : milliseconds(state.timestamp_end),
  }
}

const TEXT = 1
const BINARY = 2

export function writeWebSocket(data: WebSocketRecord): { state: TnetDict; own: TnetDict } {
  const { messages, closedByClient, closeCode, closeReason, endedAt, startedAt, truncated, ...counts } = data
  const isCut = truncated || messages.some(({ length, content }) => length > content.length)
  return {
    state: {
      messages: messages.map(
        (one): Tnet => [
          one.kind === 'text' ? TEXT : BINARY,
          one.fromClient,
          one.content,
          seconds(one.timestamp),
          one.dropped,
          one.injected,
        ],
      ),
      closed_by_client: closedByClient ?? null,
      close_code: closeCode ?? null,
      close_reason: closeCode === undefined && closeReason === '' ? null : closeReason,
      timestamp_end: endedAt === undefined ? null : seconds(endedAt),
    },
    own: {
      ...(startedAt !== messages[0]?.timestamp && { startedAt }),
      ...(isCut && { ...counts, truncated, lengths: messages.map(({ length }) => length) }),
    },
  }
}

const EMPTY = Buffer.alloc(0)
const latin1 = (bytes: Buffer) => bytes.toString('latin1')
const bytes = (text: string) => Buffer.from(text, 'latin1')

const readFields = (fields: readonly (readonly Buffer[])[]): FieldsRecord =>
  fields.flatMap(([name = EMPTY, value = EMPTY]) => [latin1(name), latin1(value)])

function writeFields(fields: FieldsRecord): Tnet[] {
  const pairs: Tnet[] = []
  for (let at = 0; at < fields.length; at += 2) pairs.push([bytes(fields[at] ?? ''), bytes(fields[at + 1] ?? '')])
  return pairs
}

/** The time at which a flow of HTTP was over. */
export const httpEnd = ({ request, response, websocket }: Pick<HttpRecord, 'request' | 'response' | 'websocket'>) =>
  websocket?.endedAt ?? response?.endedAt ?? response?.startedAt ?? request.endedAt ?? request.startedAt
