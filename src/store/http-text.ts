// A usual HTTP flow as values, one behind the other. They take a small part of the time of JSON, and say the same.
import type { ClientConnection, ServerConnection } from '../connection.js'
import type { RecordedBody, StoredBytes } from '../flow/body.js'
import type { HttpFlow } from '../flow/http.js'
import type { HttpVersion } from '../flow/http-message.js'
import {
  type BodyRecord,
  type FlowRecord,
  type HttpRecord,
  RECORD_VERSION,
  type RequestRecord,
  type ResponseRecord,
} from '../flow/record.js'
import { connectionText, readConnection } from './connection-text.js'
import { addBody, type Bodies, type Parts } from './parts.js'
import { joined } from './text-bytes.js'

/** Stands for undefined where a text may be empty. */
const NONE = '\x01'

/** The values before the request; of a request, and of a response, before their header fields. */
const COMMON = 9
const REQUEST = 15
const RESPONSE = 7

/** The parts of an HTTP flow; undefined for one that has what is unusual, and takes JSON. Of a body no more than `most` bytes are kept. */
export function httpParts(flow: HttpFlow, most: number): Parts | undefined {
  const { request, response, createdAt, endedAt } = flow
  if (isUnusual(flow)) return undefined
  const short: Buffer[] = []
  const long: Buffer[] = []
  const bodies: Bodies = { short, long }
  const values = [
    flow.id,
    connectionText(flow.client, short),
    flow.server ? connectionText(flow.server, short) : '',
    since(createdAt, endedAt),
    flow.killed ? 'k' : '',
    flow.replayed ?? '',
    flow.marked,
    flow.comment,
    flow.error ? JSON.stringify(flow.error) : '',
    request.method,
    request.path,
    request.scheme,
    request.host,
    `${request.port}`,
    request.absolute ?? NONE,
    request.authority ?? NONE,
    request.protocol ?? NONE,
    request.pseudoOrder?.join('\x01') ?? '',
    request.version,
    since(createdAt, request.startedAt),
    since(createdAt, request.endedAt),
    `${request.body.length}`,
    place(request.body, bodies, most),
    `${request.headers.raw.length}`,
  ]
  for (const text of request.headers.raw) values.push(text)
  if (response) {
    values.push(`${response.status}`, response.reason, response.version)
    values.push(since(createdAt, response.startedAt), since(createdAt, response.endedAt))
    values.push(`${response.body.length}`, place(response.body, bodies, most))
    for (const text of response.headers.raw) values.push(text)
  }
  const text = joined(values)
  return text && { text, short, long }
}

function isUnusual({ request, response, websocket, messages, upgrade, metadata }: HttpFlow): boolean {
  if (websocket || messages || upgrade || request.trailers || response?.trailers) return true
  if (request.irregularities.length > 0 || (response && response.irregularities.length > 0)) return true
  for (const _ in metadata) return true
  return false
}

const since = (start: number, time: number | undefined): string => (time === undefined ? '' : `${time - start}`)

/** Where the body lies: among the short ones, or the long ones; empty for a body without bytes. */
function place(body: RecordedBody, bodies: Bodies, most: number): string {
  const { n, l } = addBody(body.recorded === 0 ? undefined : body.content, bodies, most)
  return n === undefined ? (l === undefined ? '' : `l${l}`) : `${n}`
}

/** The record of such values, of a flow that began at `createdAt`. */
export function httpRecord(
  values: readonly string[],
  createdAt: number,
  short: readonly Buffer[],
  long: readonly StoredBytes[],
): FlowRecord {
  const value = (at: number) => values[at] ?? ''
  const optional = (at: number) => (value(at) === NONE ? undefined : value(at))
  const time = (at: number) => (value(at) === '' ? undefined : createdAt + Number(value(at)))
  const body = (at: number): BodyRecord => {
    const where = value(at + 1)
    const content = short[where === '' ? -1 : Number(where)] ?? EMPTY
    const stored = where.startsWith('l') ? long[Number(where.slice(1))] : undefined
    return { length: Number(value(at)), stored: stored ?? { size: content.length, bytes: () => content } }
  }
  const headersAt = COMMON + REQUEST
  const responseAt = headersAt + Number(value(headersAt - 1))
  const request: RequestRecord = {
    method: value(9),
    path: value(10),
    scheme: value(11) === 'https' ? 'https' : 'http',
    host: value(12),
    port: Number(value(13)),
    absolute: optional(14),
    authority: optional(15),
    protocol: optional(16),
    pseudoOrder: value(17) === '' ? undefined : value(17).split('\x01'),
    version: value(18) as HttpVersion,
    headers: values.slice(headersAt, responseAt),
    trailers: undefined,
    irregularities: [],
    body: body(21),
    startedAt: time(19) ?? createdAt,
    endedAt: time(20),
  }
  const response: ResponseRecord | undefined =
    responseAt >= values.length
      ? undefined
      : {
          status: Number(value(responseAt)),
          reason: value(responseAt + 1),
          version: value(responseAt + 2) as HttpVersion,
          headers: values.slice(responseAt + RESPONSE),
          trailers: undefined,
          irregularities: [],
          body: body(responseAt + 5),
          startedAt: time(responseAt + 3) ?? createdAt,
          endedAt: time(responseAt + 4),
        }
  const record: HttpRecord = {
    version: RECORD_VERSION,
    type: 'http',
    id: value(0),
    client: readConnection(value(1), short) as ClientConnection,
    server: value(2) === '' ? undefined : (readConnection(value(2), short) as ServerConnection),
    error: value(8) === '' ? undefined : JSON.parse(value(8)),
    createdAt,
    endedAt: time(3),
    killed: value(4) !== '',
    replayed: (value(5) || undefined) as HttpRecord['replayed'],
    marked: value(6),
    comment: value(7),
    metadata: {},
    request,
    response,
    upgrade: undefined,
    websocket: undefined,
    messages: undefined,
  }
  return record
}

const EMPTY = Buffer.alloc(0)
