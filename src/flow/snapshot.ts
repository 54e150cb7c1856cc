// Makes a record of a flow as it is now. What the flow does later does not change the record.
import type { ClientConnection, Connection, ServerConnection } from '../connection.js'
import type { RecordedBody, StoredBytes } from './body.js'
import type { HttpHeaders } from './headers.js'
import type { HttpFlow, HttpRequest, HttpResponse } from './http.js'
import type { AnyFlow } from './index.js'
import {
  type BodyRecord,
  type FlowRecord,
  RECORD_VERSION,
  type RequestRecord,
  type ResponseRecord,
  type StreamMessagesRecord,
  type WebSocketRecord,
} from './record.js'
import type { StreamMessages } from './stream-messages.js'
import type { WebSocketData } from './websocket.js'

/** A flow of any protocol, over or not, as a record. */
export function snapshot(flow: AnyFlow): FlowRecord {
  const common = {
    version: RECORD_VERSION,
    id: flow.id,
    client: connection(flow.client),
    server: flow.server && connection(flow.server),
    error: flow.error,
    createdAt: flow.createdAt,
    endedAt: flow.endedAt,
    killed: flow.killed,
    replayed: flow.replayed,
    marked: flow.marked,
    comment: flow.comment,
    metadata: plainNotes(flow.metadata),
  }
  if (flow.type === 'http') return { ...common, ...httpParts(flow), type: 'http' }
  if (flow.type === 'dns') {
    return { ...common, type: 'dns', request: { ...flow.request }, response: flow.response && { ...flow.response } }
  }
  const { bytesFromClient, bytesFromServer, truncated } = flow
  const messages = flow.messages.map(({ fromClient, content, timestamp }) => ({ fromClient, content, timestamp }))
  return { ...common, type: flow.type, messages, bytesFromClient, bytesFromServer, truncated }
}

function connection<C extends ClientConnection | ServerConnection>(leg: C): C {
  const { tls } = leg as Connection
  return tls ? { ...leg, tls: { ...tls } } : { ...leg }
}

/** The notes that are plain data. An addon may have put functions there, sockets, or what leads round in a circle. */
function plainNotes(metadata: Record<string, unknown>): Record<string, unknown> {
  const notes: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(metadata)) {
    try {
      const text = JSON.stringify(value)
      if (text !== undefined) notes[name] = JSON.parse(text)
    } catch {
      // This note stays with the flow alone.
    }
  }
  return notes
}

function httpParts({ request, response, upgrade, websocket, messages }: HttpFlow) {
  return {
    request: requestRecord(request),
    response: response && responseRecord(response),
    upgrade,
    websocket: websocket && webSocketRecord(websocket),
    messages: messages && streamMessagesRecord(messages),
  }
}

function requestRecord(request: HttpRequest): RequestRecord {
  const { method, path, scheme, host, port, absolute, authority, protocol, pseudoOrder } = request
  return {
    ...{ method, path, scheme, host, port, absolute, authority, protocol, pseudoOrder },
    ...messageRecord(request),
  }
}

function responseRecord(response: HttpResponse): ResponseRecord {
  return { status: response.status, reason: response.reason, ...messageRecord(response) }
}

function messageRecord({
  version,
  headers,
  trailers,
  irregularities,
  body,
  startedAt,
  endedAt,
}: HttpRequest | HttpResponse) {
  return {
    version,
    headers: fields(headers),
    trailers: trailers && fields(trailers),
    irregularities: [...irregularities],
    body: bodyRecord(body),
    startedAt,
    endedAt,
  }
}

const fields = (headers: HttpHeaders): string[] => headers.raw.slice()

function bodyRecord(body: RecordedBody): BodyRecord {
  return { length: body.length, stored: body.stored ?? inMemory(body.content) }
}

/** Bytes in memory in the form of those that lie elsewhere. */
export const inMemory = (bytes: Buffer): StoredBytes => ({ size: bytes.length, bytes: () => bytes })

function webSocketRecord(data: WebSocketData): WebSocketRecord {
  return {
    messages: data.messages.map(({ fromClient, kind, content, length, timestamp, injected, dropped }) => {
      return { fromClient, kind, content, length, timestamp, injected, dropped }
    }),
    messagesFromClient: data.messagesFromClient,
    messagesFromServer: data.messagesFromServer,
    bytesFromClient: data.bytesFromClient,
    bytesFromServer: data.bytesFromServer,
    injected: data.injected,
    truncated: data.truncated,
    closedByClient: data.closedByClient,
    closeCode: data.closeCode,
    closeReason: data.closeReason,
    startedAt: data.startedAt,
    endedAt: data.endedAt,
  }
}

function streamMessagesRecord({ recorded, fromClient, fromServer, truncated }: StreamMessages): StreamMessagesRecord {
  return {
    recorded: recorded.map((message) => ({
      fromClient: message.fromClient,
      kind: message.kind,
      content: message.content,
      timestamp: message.timestamp,
      dropped: message.dropped,
      event: message.event,
      id: message.id,
      retry: message.retry,
    })),
    fromClient,
    fromServer,
    truncated,
  }
}
