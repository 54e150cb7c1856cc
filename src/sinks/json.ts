// Flows as JSON lines, for programs: one object when the proxy is ready, then one for each flow that is over, and for those that run if asked.
import { isUtf8 } from 'node:buffer'
import type { ClientConnection, Connection, ServerConnection } from '../connection.js'
import type { DnsMessage, DnsRecord } from '../flow/dns-message.js'
import { className, typeName } from '../flow/dns-names.js'
import { recordText, statusText } from '../flow/dns-text.js'
import { parseFilter } from '../flow/filter.js'
import type { HttpFlow, HttpRequest, HttpResponse } from '../flow/http.js'
import type { AnyFlow } from '../flow/index.js'
import type { WebSocketData } from '../flow/websocket.js'
import type { Options } from '../options/definitions.js'
import { LineWriter, type TextOutput } from './lines.js'
import { afterChange, urlByAddress } from './shown.js'
import type { Sink } from './sink.js'

/** Where the proxy listens and which peers it has, once it is ready; `spec` is the mode's, as the user gave it. */
export interface ReadyFacts {
  readonly listeners: readonly {
    readonly spec: string
    readonly mode: string
    readonly host: string
    readonly port: number
    readonly transport: 'tcp' | 'udp'
  }[]
  readonly peers: readonly {
    readonly name: string
    readonly publicKey: string
    readonly addresses: readonly string[]
  }[]
}

export interface JsonSink extends Sink {
  /** Writes the first line, `{"event":"ready",...}`. Flows that ended before it come after it. */
  ready(facts: ReadyFacts): void
}

/** Characters of flows' lines that wait for the first line. Beyond them flows are dropped, and counted; hardly any flow comes so early. */
const MAX_EARLY = 1024 * 1024

const NAMES = ['dumper_filter', 'showhost', 'json_progress', 'json_bodies'] as const

type ShownOptions = Pick<Options, (typeof NAMES)[number]>

/**
 * Writes each flow that matches `dumper_filter` once it is over, with what was recorded of its bodies only where `json_bodies` (default: off)
 * is set; with `json_progress` (default: off) also when it begins and when it changes. Without `showhost` (default: on) URLs have the address of the
 * server in place of the host that the client has named. Throws ERR_FILTER.
 */
export function jsonSink(output: TextOutput, options: Partial<ShownOptions> = {}): JsonSink {
  let shown = shownOptions(options)
  let accepts = filterOf(shown)
  const writer = new LineWriter(output, (count) => line({ event: 'dropped', count }))
  let early: string | undefined = ''
  let dropped = 0
  const put = (flow: AnyFlow, event: string, more: object = {}): void => {
    if (!accepts(flow)) return
    const text = line({ event, ...flowObject(flow, shown), ...more })
    if (early === undefined) writer.write(text)
    else if (early.length < MAX_EARLY) early += text
    else dropped += 1
  }
  return {
    name: 'json',
    ready({ listeners, peers }) {
      const listening = listeners.map(({ spec, mode, host, port, transport }) => ({
        spec,
        mode,
        host,
        port,
        transport,
      }))
      // A peer's configuration has a private key in it, so it is not written here: `midwire wg show` tells it to those who ask.
      const clients = peers.map(({ name, publicKey, addresses }) => ({ name, publicKey, addresses }))
      writer.write(line({ event: 'ready', listeners: listening, peers: clients }))
      if (early) writer.write(early)
      if (dropped > 0) writer.write(line({ event: 'dropped', count: dropped }))
      early = undefined
      writer.flush()
    },
    begun(flow) {
      if (shown.json_progress) put(flow, 'begun')
    },
    changed(flow) {
      if (shown.json_progress) put(flow, 'changed', { message: lastMessage(flow) })
    },
    flow: (flow) => put(flow, 'flow'),
    configure(change) {
      const after = afterChange(shown, NAMES, change)
      accepts = filterOf(after)
      shown = after
    },
    close: () => writer.flush(),
  }
}

/** A flow as the line that `jsonSink` writes when it is over. */
export const flowLine = (flow: AnyFlow, options: Partial<ShownOptions> = {}): string =>
  line({ event: 'flow', ...flowObject(flow, shownOptions(options)) })

const shownOptions = ({
  dumper_filter,
  showhost = true,
  json_progress = false,
  json_bodies = false,
}: Partial<ShownOptions>): ShownOptions => ({ dumper_filter, showhost, json_progress, json_bodies })

const filterOf = ({ dumper_filter }: ShownOptions): ((flow: AnyFlow) => boolean) =>
  dumper_filter ? parseFilter(dumper_filter) : () => true

/**
 * An object as a line. JSON.stringify leaves DEL, C1 controls and Unicode's line separators as they are,
 * and they would control a terminal, or split the line.
 */
const line = (object: object): string =>
  `${JSON.stringify(object).replace(/[\x7f-\x9f\u2028\u2029]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`

function flowObject(flow: AnyFlow, options: ShownOptions): object {
  const { id, type, client, server, createdAt, endedAt, error, comment } = flow
  return {
    id,
    type,
    client: clientObject(client),
    server: server ? serverObject(server) : null,
    createdAt,
    endedAt: endedAt ?? null,
    ...contents(flow, options),
    error: error?.message ?? null,
    comment: comment || undefined,
    replayed: flow.replayed,
    intercepted: flow.intercepted || undefined,
  }
}

function contents(flow: AnyFlow, options: ShownOptions): object {
  if (flow.type === 'http') return httpObject(flow, options)
  if (flow.type === 'dns') {
    return { request: dnsObject(flow.request), response: flow.response ? dnsObject(flow.response) : null }
  }
  const { messages, bytesFromClient, bytesFromServer, truncated } = flow
  return { messages: messages.length, bytesFromClient, bytesFromServer, truncated }
}

const clientObject = (client: ClientConnection) => ({
  address: client.remote.address,
  port: client.remote.port,
  mode: client.mode,
  peer: client.peer?.name ?? client.peer?.publicKey ?? null,
  process: client.process ?? null,
  destination: { address: client.local.address, port: client.local.port },
  http2: client.http2?.fingerprint,
  tls: client.tls ? { ...tlsObject(client), certificates: certificatesOf(client) } : null,
})

const serverObject = (server: ServerConnection) => ({
  host: server.host,
  port: server.port,
  address: server.remote?.address ?? null,
  tls: tlsObject(server),
})

/** The certificates that a client has shown, as base64 of their DER; undefined for none. */
const certificatesOf = ({ tls }: ClientConnection) => tls?.certificates?.map((der) => der.toString('base64'))

function tlsObject({ tls }: Connection): object | null {
  if (!tls) return null
  const { sni, alpn, version, cipher, ja3, ja4 } = tls
  return { sni, alpn, version, cipher, ja3, ja4 }
}

function httpObject(flow: HttpFlow, { showhost, json_bodies }: ShownOptions): object {
  const { request, response, upgrade, websocket, messages } = flow
  const { method, scheme, host, port, path } = request
  const url = showhost ? request.url : urlByAddress(request)
  return {
    request: { method, url, scheme, host, port, path, ...messageObject(request, json_bodies) },
    response: response
      ? { status: response.status, reason: response.reason, ...messageObject(response, json_bodies) }
      : null,
    upgrade,
    websocket: websocket && webSocketObject(websocket),
    messages: messages && { fromClient: messages.fromClient, fromServer: messages.fromServer },
  }
}

/** The message that has come last within a flow of HTTP; undefined for none. */
function lastMessage(flow: AnyFlow): object | undefined {
  const last = flow.type === 'http' ? (flow.websocket?.last ?? flow.messages?.last) : undefined
  if (!last) return undefined
  const { fromClient, kind, content, timestamp, dropped } = last
  const length = 'length' in last ? last.length : content.length
  return { fromClient, kind, length, timestamp, dropped }
}

/** `messages`: those that were recorded. */
const webSocketObject = (data: WebSocketData) => ({
  messages: data.messages.length,
  messagesFromClient: data.messagesFromClient,
  messagesFromServer: data.messagesFromServer,
  bytesFromClient: data.bytesFromClient,
  bytesFromServer: data.bytesFromServer,
  injected: data.injected,
  truncated: data.truncated,
  closedByClient: data.closedByClient ?? null,
  closeCode: data.closeCode ?? null,
  closeReason: data.closeReason,
})

/** What requests and responses have in common. Header fields are in the order and case in which they came; a character is a byte. */
function messageObject(message: HttpRequest | HttpResponse, withBody: boolean): object {
  const { version, headers, trailers, body, decodeError, irregularities } = message
  return {
    version,
    headers: [...headers],
    trailers: trailers && [...trailers],
    bodyLength: body.length,
    bodyTruncated: body.truncated,
    ...(withBody && bodyObject(message)),
    decodeError,
    irregularities: irregularities.length > 0 ? irregularities : undefined,
  }
}

/** What was recorded of a body, without its Content-Encoding: `body` where it is UTF-8 without NUL, else `bodyBase64`. No byte is lost. */
function bodyObject({ decodedContent }: HttpRequest | HttpResponse): object {
  if (isUtf8(decodedContent) && !decodedContent.includes(0)) return { body: decodedContent.toString() }
  return { bodyBase64: decodedContent.toString('base64') }
}

const dnsObject = (message: DnsMessage) => ({
  id: message.id,
  status: message.response ? statusText(message) : undefined,
  questions: message.questions.map((one) => ({
    name: one.name,
    class: className(one.class),
    type: typeName(one.type),
  })),
  answers: message.response ? message.answers.map(recordObject) : undefined,
})

const recordObject = (record: DnsRecord) => ({
  name: record.name,
  ttl: record.ttl,
  class: className(record.class),
  type: typeName(record.type),
  data: recordText(record),
})
