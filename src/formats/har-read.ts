// Reads the entries of a HAR as flows of HTTP: midwire's own, Chromium's, Firefox's, mitmproxy's, and what other tools write.
import type { ClientConnection, ServerConnection } from '../connection.js'
import type { HttpVersion } from '../flow/http-message.js'
import {
  type BodyRecord,
  type HttpRecord,
  RECORD_VERSION,
  type StreamMessagesRecord,
  type WebSocketRecord,
} from '../flow/record.js'
import { inMemory } from '../flow/snapshot.js'
import { dict, list, maybe, type Shaped, shaped, shapedOrNone } from './shape.js'

const BODY = dict({
  text: maybe('text'),
  encoding: maybe('text'),
  _encoding: maybe('text'),
  params: maybe('any'),
  mimeType: maybe('text'),
})

const ENTRY = dict({
  startedDateTime: 'text',
  time: maybe('number'),
  request: dict({
    method: 'text',
    url: 'text',
    httpVersion: maybe('text'),
    headers: maybe(list('any')),
    postData: maybe(BODY),
  }),
  response: maybe(
    dict({
      status: maybe('number'),
      statusText: maybe('text'),
      httpVersion: maybe('text'),
      headers: maybe(list('any')),
      content: maybe(BODY),
      bodySize: maybe('number'),
      _error: maybe('text'),
    }),
  ),
  timings: maybe(
    dict({ connect: maybe('number'), send: maybe('number'), wait: maybe('number'), receive: maybe('number') }),
  ),
  serverIPAddress: maybe('text'),
  connection: maybe('any'),
  comment: maybe('text'),
  _id: maybe('text'),
  _marked: maybe('text'),
  _replayed: maybe('text'),
  _webSocketMessages: maybe(
    list(
      dict({
        type: 'text',
        time: 'number',
        opcode: 'number',
        data: 'text',
        _dropped: maybe('boolean'),
        _injected: maybe('boolean'),
      }),
    ),
  ),
  _webSocketClose: maybe(dict({ code: 'number', reason: maybe('text'), fromClient: maybe('boolean') })),
  _streamMessages: maybe(
    list(
      dict({
        type: 'text',
        time: 'number',
        kind: 'text',
        text: 'text',
        encoding: maybe('text'),
        event: maybe('text'),
        id: maybe('text'),
        retry: maybe('number'),
        _dropped: maybe('boolean'),
      }),
    ),
  ),
})

type Entry = Shaped<typeof ENTRY>

/** The entries of a HAR that was parsed as JSON. Throws a TypeError where there are none. */
export const harEntries = (har: unknown): unknown[] =>
  shaped(har, dict({ log: dict({ entries: list('any') }) }), '').log.entries

/**
 * An entry as a flow. Bodies in a HAR are without their Content-Encoding, so that field is left out of the flow, and Content-Length is
 * that of the body. `number` makes the id of a flow without one. Throws a TypeError for an entry that is none.
 */
export function readHarEntry(value: unknown, number: number): HttpRecord {
  const entry = shaped(value, ENTRY)
  const startedAt = Date.parse(entry.startedDateTime)
  if (Number.isNaN(startedAt))
    throw new TypeError(`startedDateTime is ${JSON.stringify(entry.startedDateTime)}, no time`)
  const { send, answered, ended } = timesOf(entry, startedAt)
  const request = requestOf(entry, startedAt, send)
  const response = responseOf(entry, answered, ended)
  const id = entry._id ?? `har-${number}`
  const error = entry.response?._error
  const websocket = webSocketOf(entry, startedAt, ended)
  return {
    version: RECORD_VERSION,
    type: 'http',
    id,
    client: { ...CLIENT, id: `${id}-client`, openedAt: startedAt },
    server: serverOf(entry, request, id),
    error: error ? { message: error, timestamp: ended } : undefined,
    createdAt: startedAt,
    endedAt: ended,
    killed: false,
    replayed: entry._replayed === 'request' || entry._replayed === 'response' ? entry._replayed : undefined,
    marked: entry._marked ?? '',
    comment: entry.comment ?? '',
    metadata: {},
    request,
    response,
    upgrade: websocket && 'websocket',
    websocket,
    messages: streamOf(entry),
  }
}

const NOWHERE = { address: '127.0.0.1', port: 0, family: 4 } as const
const CLIENT: Omit<ClientConnection, 'id'> = {
  ...{ transport: 'tcp', mode: 'regular', explicit: true, remote: NOWHERE, local: NOWHERE },
}

function timesOf({ time, timings }: Entry, startedAt: number) {
  const part = (milliseconds: number | null | undefined) => Math.max(0, milliseconds ?? 0)
  const total = part(time)
  const receive = Math.min(total, part(timings?.receive))
  const ended = startedAt + total
  return { send: Math.min(ended, startedAt + part(timings?.send)), answered: ended - receive, ended }
}

function serverOf(
  { serverIPAddress, connection }: Entry,
  to: { host: string; port: number },
  id: string,
): ServerConnection {
  const address = serverIPAddress?.replace(/^\[|\]$/g, '')
  return {
    id: typeof connection === 'string' && connection !== '' ? connection : `${id}-server`,
    transport: 'tcp',
    host: to.host,
    port: to.port,
    ...(address && { remote: { address, port: to.port, family: address.includes(':') ? 6 : 4 } }),
  }
}

function requestOf({ request: from }: Entry, startedAt: number, endedAt: number) {
  const url = urlOf(from.url)
  const secure = url.protocol === 'https:' || url.protocol === 'wss:'
  const { pseudo, fields } = fieldsOf(from.headers ?? [])
  const version = versionOf(from.httpVersion)
  const isTunnel = from.method === 'CONNECT' && !pseudo.has(':protocol')
  return {
    version,
    method: from.method,
    path: isTunnel ? '' : (pseudo.get(':path') ?? url.pathname + url.search),
    scheme: secure ? ('https' as const) : ('http' as const),
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port ? Number(url.port) : secure ? 443 : 80,
    absolute: undefined,
    authority: version === '2.0' || version === '3.0' ? (pseudo.get(':authority') ?? url.host) : undefined,
    protocol: pseudo.get(':protocol'),
    pseudoOrder: pseudo.size > 0 ? [...pseudo.keys()] : undefined,
    ...message(fields, postData(from.postData)),
    startedAt,
    endedAt,
  }
}

function urlOf(text: string): URL {
  try {
    const url = new URL(text)
    if (/^(https?|wss?):$/.test(url.protocol)) return url
  } catch {
    // The same error is thrown below.
  }
  throw new TypeError(`request.url is ${JSON.stringify(text.slice(0, 100))}, no URL of http or https`)
}

/** Undefined where there was no response: status 0, and in Firefox's files no status. */
function responseOf({ response: from }: Entry, startedAt: number, endedAt: number) {
  if (!from?.status) return undefined
  const { status } = from
  if (!Number.isInteger(status) || status < 100 || status > 999) throw new TypeError(`response.status is ${status}`)
  const { fields } = fieldsOf(from.headers ?? [])
  return {
    version: versionOf(from.httpVersion),
    status,
    reason: from.statusText ?? '',
    ...message(fields, bytesOf(from.content, typeOf(fields))),
    startedAt,
    endedAt,
  }
}

function message(fields: string[], content: Buffer) {
  const headers: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const [name = '', value = ''] = [fields[at], fields[at + 1]]
    const lower = name.toLowerCase()
    if (lower === 'content-encoding') continue
    headers.push(name, lower === 'content-length' && content.length > 0 ? String(content.length) : value)
  }
  const body: BodyRecord = { length: content.length, stored: inMemory(content) }
  return { headers, trailers: undefined, irregularities: [], body }
}

function versionOf(text: string | null | undefined): HttpVersion {
  const found = /^(?:http\/|h|quic\/?)([123])(?:\.([01]))?/i.exec(text ?? '')
  if (found?.[1] === '3') return '3.0'
  if (found?.[1] === '2') return '2.0'
  return found?.[2] === '0' ? '1.0' : '1.1'
}

const FIELD = dict({ name: 'text', value: 'text' })

/** Header fields: most tools write them as `{ name, value }`, some as pairs. Those whose names begin with a colon are HTTP/2's. */
function fieldsOf(headers: readonly unknown[]): { pseudo: Map<string, string>; fields: string[] } {
  const pseudo = new Map<string, string>()
  const fields: string[] = []
  for (const one of headers) {
    const { name, value } = Array.isArray(one)
      ? shaped({ name: one[0], value: one[1] }, FIELD, 'a header field')
      : shaped(one, FIELD, 'a header field')
    if (name.startsWith(':')) pseudo.set(name, octets(value))
    // Chromium joins the values of fields that have come several times by line breaks.
    else for (const part of value.split(/\r?\n/)) fields.push(octets(name), octets(part))
  }
  return { pseudo, fields }
}

/** A character is a byte: those that are more are written in UTF-8. */
const octets = (text: string) => (/[\u0100-\uffff]/.test(text) ? Buffer.from(text).toString('latin1') : text)

function typeOf(fields: readonly string[]): string {
  const at = fields.findIndex((one, index) => index % 2 === 0 && one.toLowerCase() === 'content-type')
  return at === -1 ? '' : (fields[at + 1] ?? '')
}

type Body = Shaped<typeof BODY> | null | undefined

/** The bytes of a text, in the charset that its media type names. */
function bytesOf(body: Body, type: string): Buffer {
  const { text, encoding, _encoding } = body ?? {}
  if (text == null) return Buffer.alloc(0)
  if (encoding === 'base64' || _encoding === 'base64') return Buffer.from(text, 'base64')
  const isLatin1 = /;\s*charset="?(iso-8859-1|latin1|windows-1252)\b/i.test(type) && !/[\u0100-\uffff]/.test(text)
  return Buffer.from(text, isLatin1 ? 'latin1' : 'utf8')
}

/** Some tools write a form's parameters, and no text. */
function postData(body: Body): Buffer {
  const params = shapedOrNone(body?.params, list(FIELD))
  if (body?.text == null && params && params.length > 0 && /urlencoded/i.test(body?.mimeType ?? '')) {
    return Buffer.from(new URLSearchParams(params.map(({ name, value }): [string, string] => [name, value])).toString())
  }
  return bytesOf(body, '')
}

function webSocketOf(entry: Entry, startedAt: number, endedAt: number): WebSocketRecord | undefined {
  if (!entry._webSocketMessages) return undefined
  const messages = entry._webSocketMessages.map((one) => {
    const isText = one.opcode === 1
    const content = Buffer.from(one.data, isText ? 'utf8' : 'base64')
    return {
      fromClient: one.type === 'send',
      kind: isText ? ('text' as const) : ('binary' as const),
      content,
      length: content.length,
      timestamp: one.time * 1000,
      injected: one._injected ?? false,
      dropped: one._dropped ?? false,
    }
  })
  const own = messages.filter((one) => !one.injected)
  const [sent, received] = [own.filter((one) => one.fromClient), own.filter((one) => !one.fromClient)]
  const bytes = (some: typeof own) => some.reduce((sum, { length }) => sum + length, 0)
  return {
    messages,
    messagesFromClient: sent.length,
    messagesFromServer: received.length,
    bytesFromClient: bytes(sent),
    bytesFromServer: bytes(received),
    injected: messages.length - own.length,
    truncated: false,
    closedByClient: entry._webSocketClose?.fromClient ?? undefined,
    closeCode: entry._webSocketClose?.code,
    closeReason: entry._webSocketClose?.reason ?? '',
    startedAt,
    endedAt: Math.max(endedAt, messages.at(-1)?.timestamp ?? 0),
  }
}

const KINDS = ['sse', 'grpc', 'ndjson'] as const

function streamOf({ _streamMessages: given }: Entry): StreamMessagesRecord | undefined {
  if (!given) return undefined
  const recorded = given.map((one) => ({
    fromClient: one.type === 'send',
    kind: KINDS.find((kind) => kind === one.kind) ?? 'ndjson',
    content: bytesOf({ text: one.text, encoding: one.encoding } as Body, ''),
    timestamp: one.time * 1000,
    dropped: one._dropped ?? false,
    event: one.event ?? undefined,
    id: one.id ?? undefined,
    retry: one.retry ?? undefined,
  }))
  const fromClient = recorded.filter((one) => one.fromClient).length
  return { recorded, fromClient, fromServer: recorded.length - fromClient, truncated: false }
}
