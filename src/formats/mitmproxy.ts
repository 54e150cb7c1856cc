// mitmproxy's flow file, format version 21: each flow is one typed netstring, one after the other, without a head.
import type { RawMessage } from '../flow/messages.js'
import { type FlowRecord, RECORD_VERSION, type StreamMessagesRecord } from '../flow/record.js'
import { CLIENT, readClient, readServer, SERVER, writeClient, writeServer } from './mitmproxy-connections.js'
import { DNS, readDns, writeDns } from './mitmproxy-dns.js'
import * as http from './mitmproxy-http.js'
import { FLOW_FORMAT, migrate } from './mitmproxy-versions.js'
import { fromNotes, toNotes } from './notes.js'
import { dict, list, maybe, present, type Shaped, shaped, shapedOrNone, tuple } from './shape.js'
import { milliseconds, seconds } from './times.js'
import { readTnet, type Tnet, type TnetDict, writeTnet } from './tnetstring.js'

const FLOW = dict({
  type: 'text',
  id: 'text',
  error: maybe(dict({ msg: 'text', timestamp: 'number' })),
  client_conn: CLIENT,
  server_conn: SERVER,
  intercepted: maybe('boolean'),
  is_replay: maybe('text'),
  marked: maybe('text'),
  metadata: maybe(dict({})),
  comment: maybe('text'),
  timestamp_created: maybe('number'),
})

const HTTP = dict({ request: http.REQUEST, response: maybe(http.RESPONSE), websocket: maybe(http.WEBSOCKET) })
const RAW = dict({ messages: list(tuple('boolean', 'bytes', 'number')) })
const DNS_FLOW = dict({ request: DNS, response: maybe(DNS) })

/** What midwire knows and mitmproxy has no place for; it stands in mitmproxy's notes under this name, and mitmproxy keeps it there. */
const OWN_NAME = 'midwire'

const OWN = dict({
  client: maybe('any'),
  server: maybe('any'),
  request: maybe('any'),
  response: maybe('any'),
  websocket: maybe('any'),
  messages: maybe('any'),
  upgrade: maybe('text'),
  createdAt: maybe('number'),
  endedAt: maybe('number'),
  killed: maybe('boolean'),
  bytesFromClient: maybe('number'),
  bytesFromServer: maybe('number'),
  truncated: maybe('boolean'),
})

/** The note of a record that has all that mitmproxy knows of the flow and midwire has no place for. */
const FOREIGN_NAME = 'mitmproxy'

const FOREIGN = dict({
  client: maybe('any'),
  server: maybe('any'),
  request: maybe('any'),
  response: maybe('any'),
})

const KILLED = 'Connection killed.'

/** The bytes of a flow in a flow file of mitmproxy's. They can be added to a file that has others. */
export function writeMitmproxyFlow(record: FlowRecord): Buffer {
  const { backup } = record
  // mitmproxy's `revert` sets all that a backup has, and so the id, too.
  const before = backup ? stateOf({ ...backup, id: record.id }) : null
  return writeTnet({ ...stateOf(record), backup: before })
}

/** The flow that these bytes of a flow file are: one typed netstring. Throws an Error that says what is wrong. */
export function readMitmproxyFlow(bytes: Buffer): FlowRecord {
  const state = readTnet(bytes)
  if (!isDict(state)) throw new TypeError('it is no flow')
  migrate(state as Record<string, unknown>)
  const record = recordOf(state)
  const backup = backupOf(state.backup, record)
  return backup ? { ...record, backup } : record
}

const isDict = (state: Tnet | undefined): state is TnetDict =>
  typeof state === 'object' && state !== null && !Array.isArray(state) && !(state instanceof Uint8Array)

/** A backup that is broken is left out: the flow itself can be read, and mitmproxy looks at its backup no sooner than it is asked to revert. */
function backupOf(state: Tnet | undefined, { id, type }: FlowRecord): FlowRecord | undefined {
  if (!isDict(state)) return undefined
  try {
    migrate(state as Record<string, unknown>)
    const backup = recordOf(state)
    return backup.type === type ? { ...backup, id } : undefined
  } catch {
    return undefined
  }
}

function recordOf(state: TnetDict): FlowRecord {
  const flow = shaped(state, FLOW)
  const { metadata } = flow
  const notes = metadata as Record<string, Tnet> | null | undefined
  const own = shapedOrNone(notes?.[OWN_NAME], OWN)
  const created = flow.timestamp_created ?? flow.client_conn.timestamp_start ?? 0
  const createdAt = own?.createdAt ?? milliseconds(created)
  const { client, foreign: foreignClient } = readClient(flow.client_conn, own?.client, createdAt)
  const { server, foreign: foreignServer } = readServer(flow.server_conn, own?.server, flow.id)
  const foreign: Record<string, unknown> = { client: foreignClient, server: foreignServer }
  const { [OWN_NAME]: _, ...others } = notes ?? {}
  const base = {
    version: RECORD_VERSION,
    id: flow.id,
    client,
    server,
    error: flow.error ? { message: flow.error.msg, timestamp: milliseconds(flow.error.timestamp) } : undefined,
    createdAt,
    killed: own?.killed ?? flow.error?.msg === KILLED,
    replayed: REPLAYED[flow.is_replay ?? ''],
    marked: flow.marked ?? '',
    comment: flow.comment ?? '',
  }
  // Read last: by then `foreign` is complete.
  const common = (end: number) => ({
    ...base,
    endedAt: own?.endedAt ?? base.error?.timestamp ?? end,
    metadata: { ...toNotes(others), ...foreignNotes(foreign) },
  })
  if (flow.type === 'http') {
    const parts = shaped(state, HTTP)
    const asked = http.readRequest(parts.request, own?.request, createdAt)
    const answered = parts.response ? http.readResponse(parts.response, own?.response, createdAt) : undefined
    const websocket = parts.websocket ? http.readWebSocket(parts.websocket, own?.websocket, createdAt) : undefined
    Object.assign(foreign, { request: asked.foreign, response: answered?.foreign })
    const body = { request: asked.request, response: answered?.response, websocket }
    const upgrade = own?.upgrade ?? (websocket ? 'websocket' : undefined)
    return { ...common(http.httpEnd(body)), type: 'http', ...body, upgrade, messages: readStream(own?.messages) }
  }
  if (flow.type === 'dns') {
    const parts = shaped(state, DNS_FLOW)
    const end = parts.response?.timestamp ?? parts.request.timestamp
    return {
      ...common(end == null ? createdAt : milliseconds(end)),
      type: 'dns',
      request: readDns(parts.request, own?.request),
      response: parts.response ? readDns(parts.response, own?.response) : undefined,
    }
  }
  if (flow.type !== 'tcp' && flow.type !== 'udp')
    throw new TypeError(`the type of the flow is ${JSON.stringify(flow.type)}`)
  const messages = shaped(state, RAW).messages.map(
    ([fromClient, content, stamp]): RawMessage => ({ fromClient, content, timestamp: milliseconds(stamp) }),
  )
  return {
    ...common(messages.at(-1)?.timestamp ?? createdAt),
    type: flow.type,
    messages,
    bytesFromClient: own?.bytesFromClient ?? bytesOf(messages, true),
    bytesFromServer: own?.bytesFromServer ?? bytesOf(messages, false),
    truncated: own?.truncated ?? false,
  }
}

const bytesOf = (messages: readonly RawMessage[], fromClient: boolean): number =>
  messages.filter((one) => one.fromClient === fromClient).reduce((sum, { content }) => sum + content.length, 0)

/** The end of a flow that did not fail, as it is read from what the file has. */
function naturalEnd(record: FlowRecord): number | undefined {
  if (record.type === 'http') return http.httpEnd(record)
  if (record.type === 'dns') return record.response ? record.endedAt : record.createdAt
  return record.messages.at(-1)?.timestamp ?? record.createdAt
}

const REPLAYED: Readonly<Record<string, FlowRecord['replayed']>> = { request: 'request', response: 'response' }

function foreignNotes(foreign: Record<string, unknown>): Record<string, unknown> {
  const parts = Object.entries(foreign).filter(([, part]) => part && Object.keys(part).length > 0)
  return parts.length > 0 ? { [FOREIGN_NAME]: Object.fromEntries(parts) } : {}
}

function stateOf(record: FlowRecord): TnetDict {
  const { [FOREIGN_NAME]: known, [OWN_NAME]: _, ...notes } = record.metadata
  const foreign = shapedOrNone(known, FOREIGN)
  const client = writeClient(record.client, foreign?.client, record.createdAt)
  const server = writeServer(record.server, foreign?.server, record.id)
  const { state, own } = partsOf(record, foreign)
  const created = seconds(record.createdAt)
  const all = present({
    client: client.own,
    server: server.own,
    ...own,
    endedAt: record.endedAt === (record.error?.timestamp ?? naturalEnd(record)) ? undefined : record.endedAt,
    killed: record.killed || undefined,
    createdAt: milliseconds(created) === record.createdAt ? undefined : record.createdAt,
  })
  const filled = Object.entries(all).filter(([, part]) => typeof part !== 'object' || Object.keys(part).length > 0)
  return {
    version: FLOW_FORMAT,
    type: record.type,
    id: record.id,
    error: record.error ? { msg: record.error.message, timestamp: seconds(record.error.timestamp) } : null,
    client_conn: client.state,
    server_conn: server.state,
    intercepted: false,
    is_replay: record.replayed ?? null,
    marked: record.marked,
    metadata: {
      ...fromNotes(known !== undefined && !foreign ? { ...notes, [FOREIGN_NAME]: known } : notes),
      ...(filled.length > 0 && { [OWN_NAME]: Object.fromEntries(filled) as TnetDict }),
    },
    comment: record.comment,
    timestamp_created: created,
    backup: null,
    ...state,
  }
}

/** The parts of a flow that its type has, and what mitmproxy has no place for. */
function partsOf(
  record: FlowRecord,
  foreign: Shaped<typeof FOREIGN> | undefined,
): { state: TnetDict; own: Record<string, unknown> } {
  if (record.type === 'http') {
    const request = http.writeRequest(record.request, foreign?.request)
    const response = record.response && http.writeResponse(record.response, foreign?.response)
    const websocket = record.websocket && http.writeWebSocket(record.websocket)
    const { upgrade } = record
    return {
      state: { request: request.state, response: response?.state ?? null, websocket: websocket?.state ?? null },
      own: {
        ...{ request: request.own, response: response?.own, websocket: websocket?.own },
        upgrade: upgrade === (websocket && 'websocket') ? undefined : upgrade,
        messages: record.messages && writeStream(record.messages),
      },
    }
  }
  if (record.type === 'dns') {
    const request = writeDns(record.request, record.createdAt)
    const response = record.response && writeDns(record.response, record.endedAt ?? record.createdAt)
    return {
      state: { request: request.state, response: response?.state ?? null },
      own: { request: request.own, response: response?.own },
    }
  }
  const { messages, bytesFromClient, bytesFromServer, truncated } = record
  return {
    state: {
      messages: messages.map(({ fromClient, content, timestamp }): Tnet => [fromClient, content, seconds(timestamp)]),
    },
    own: {
      bytesFromClient: bytesFromClient === bytesOf(messages, true) ? undefined : bytesFromClient,
      bytesFromServer: bytesFromServer === bytesOf(messages, false) ? undefined : bytesFromServer,
      truncated: truncated || undefined,
    },
  }
}

const STREAM = dict({
  recorded: list(
    dict({
      fromClient: 'boolean',
      kind: 'text',
      content: 'bytes',
      timestamp: 'number',
      dropped: 'boolean',
      event: maybe('text'),
      id: maybe('text'),
      retry: maybe('number'),
    }),
  ),
  fromClient: 'number',
  fromServer: 'number',
  truncated: 'boolean',
})

const KINDS = ['sse', 'grpc', 'ndjson'] as const

function readStream(given: unknown): StreamMessagesRecord | undefined {
  const stream = shapedOrNone(given, STREAM)
  return (
    stream && {
      ...stream,
      recorded: stream.recorded.map((one) => ({
        ...one,
        kind: KINDS.find((kind) => kind === one.kind) ?? 'ndjson',
        event: one.event ?? undefined,
        id: one.id ?? undefined,
        retry: one.retry ?? undefined,
      })),
    }
  )
}

const writeStream = (stream: StreamMessagesRecord) => ({
  ...stream,
  recorded: stream.recorded.map((one) => present({ ...one })),
})
