// Makes a flow of a record: it can be read, filtered, shown, exported, edited and replayed, but it does not run.
import { DnsFlow } from './dns.js'
import type { FlowOrigin } from './flow.js'
import { HttpHeaders } from './headers.js'
import { HttpFlow, HttpRequest, HttpResponse } from './http.js'
import type { HttpMessage } from './http-message.js'
import type { AnyFlow } from './index.js'
import { TcpFlow, UdpFlow } from './messages.js'
import type {
  FieldsRecord,
  FlowRecord,
  HttpRecord,
  RequestRecord,
  ResponseRecord,
  StreamMessageRecord,
  StreamMessagesRecord,
  WebSocketRecord,
} from './record.js'
import { type MessageView, StreamMessage } from './stream-message.js'
import { StreamMessages } from './stream-messages.js'
import { WebSocketData, WebSocketMessage } from './websocket.js'

const ALL = Number.MAX_SAFE_INTEGER

/** The flow that the record was made of, as far as it was recorded. Bodies are read from where they lie when they are asked for. */
export function revive(record: FlowRecord): AnyFlow {
  const origin: FlowOrigin = {
    world: { newId: () => record.id, now: () => record.endedAt ?? record.createdAt, act: () => {} },
    client: record.client,
    server: record.server,
    now: record.createdAt,
  }
  const flow = made(record, origin)
  if (record.killed) flow.kill()
  flow.error = record.error
  flow.endedAt = record.endedAt
  flow.replayed = record.replayed
  flow.marked = record.marked
  flow.comment = record.comment
  Object.assign(flow.metadata, record.metadata)
  return flow
}

function made(record: FlowRecord, origin: FlowOrigin): AnyFlow {
  if (record.type === 'http') return httpFlow(record, origin)
  if (record.type === 'dns') {
    const flow = new DnsFlow(origin, { ...record.request })
    flow.response = record.response && { ...record.response }
    return flow
  }
  const flow = record.type === 'tcp' ? new TcpFlow(origin, ALL) : new UdpFlow(origin, ALL)
  for (const { fromClient, content, timestamp } of record.messages) flow.record(fromClient, content, timestamp)
  flow.bytesFromClient = record.bytesFromClient
  flow.bytesFromServer = record.bytesFromServer
  flow.truncated = record.truncated
  return flow
}

function httpFlow(record: HttpRecord, origin: FlowOrigin): HttpFlow {
  const flow = new HttpFlow(origin, reviveRequest(record.request))
  flow.response = record.response && reviveResponse(record.response)
  flow.upgrade = record.upgrade
  flow.websocket = record.websocket && webSocket(record.websocket)
  flow.messages = record.messages && streamMessages(record.messages)
  return flow
}

/** A request that goes with no flow yet. */
export function reviveRequest(record: RequestRecord): HttpRequest {
  const request = new HttpRequest({ ...record, headers: headers(record.headers) }, ALL, record.startedAt)
  return finished(request, record)
}

/** A response that goes with no flow yet. */
export function reviveResponse(record: ResponseRecord): HttpResponse {
  const { status, reason, version, irregularities, startedAt } = record
  const parts = { status, reason, version, irregularities, headers: headers(record.headers) }
  return finished(new HttpResponse(parts, ALL, startedAt), record)
}

const headers = (record: FieldsRecord) => new HttpHeaders([...record])

function finished<M extends HttpMessage>(message: M, { trailers, body, endedAt }: RequestRecord | ResponseRecord): M {
  message.trailers = trailers && headers(trailers)
  message.body.store(body.stored, body.length)
  message.endedAt = endedAt
  return message
}

function webSocket(record: WebSocketRecord): WebSocketData {
  const data = new WebSocketData(ALL, record.startedAt)
  for (const one of record.messages) {
    const message = new WebSocketMessage(one)
    if (one.dropped) message.drop()
    data.messages.push(message)
    data.last = message
  }
  const { messages: _, startedAt: __, ...counts } = record
  return Object.assign(data, counts)
}

function streamMessages(record: StreamMessagesRecord): StreamMessages {
  const messages = new StreamMessages(ALL)
  for (const one of record.recorded) {
    const message = new StreamMessage(viewOf(one), one.fromClient, one.timestamp)
    if (one.dropped) message.drop()
    messages.record(message, one.content.length)
  }
  messages.fromClient = record.fromClient
  messages.fromServer = record.fromServer
  messages.truncated = record.truncated
  return messages
}

/** A message that was recorded stands in no body any more: its content is all of it. */
const viewOf = ({ kind, event, id, retry, content }: StreamMessageRecord): MessageView => ({
  ...{ kind, event, id, retry },
  read: () => ({ content, error: undefined }),
  refuse: () => undefined,
  write: (parts) => parts.content ?? content,
})
