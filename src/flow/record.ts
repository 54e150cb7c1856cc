// A flow as plain data: what the store, flow files, HAR, the page and replay speak. `snapshot.ts` makes records, `revive.ts` flows of them.
import type { ClientConnection, ServerConnection } from '../connection.js'
import type { StoredBytes } from './body.js'
import type { DnsMessage } from './dns-message.js'
import type { FlowError } from './flow.js'
import type { HttpVersion } from './http-message.js'
import type { RawMessage } from './messages.js'
import type { StreamKind } from './stream-message.js'
import type { WebSocketMessageKind } from './websocket.js'

/** The version of the records that this midwire makes. Each record has one, so that older ones can be read later. */
export const RECORD_VERSION = 1

/** Header fields, names and values by turns, in their order and case; a character is a byte. */
export type FieldsRecord = readonly string[]

/** The recorded part of a body. */
export interface BodyRecord {
  /** How long the body was in all, in bytes, recorded or not. */
  readonly length: number
  /** The bytes that were recorded, as they passed: compressed bodies are compressed. */
  readonly stored: StoredBytes
}

interface MessageRecord {
  readonly version: HttpVersion
  readonly headers: FieldsRecord
  readonly trailers: FieldsRecord | undefined
  readonly irregularities: readonly string[]
  readonly body: BodyRecord
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly endedAt: number | undefined
}

/** The fields are those of HttpRequest. */
export interface RequestRecord extends MessageRecord {
  readonly method: string
  readonly path: string
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  readonly absolute: string | undefined
  readonly authority: string | undefined
  readonly protocol: string | undefined
  readonly pseudoOrder: readonly string[] | undefined
}

/** The fields are those of HttpResponse. */
export interface ResponseRecord extends MessageRecord {
  readonly status: number
  readonly reason: string
}

/** A message of a WebSocket. `length` is that of the whole message, of which `content` may be the beginning. */
export interface WebSocketMessageRecord {
  readonly fromClient: boolean
  readonly kind: WebSocketMessageKind
  readonly content: Buffer
  readonly length: number
  readonly timestamp: number
  readonly injected: boolean
  readonly dropped: boolean
}

/** The fields are those of WebSocketData. */
export interface WebSocketRecord {
  readonly messages: readonly WebSocketMessageRecord[]
  readonly messagesFromClient: number
  readonly messagesFromServer: number
  readonly bytesFromClient: number
  readonly bytesFromServer: number
  readonly injected: number
  readonly truncated: boolean
  readonly closedByClient: boolean | undefined
  readonly closeCode: number | undefined
  readonly closeReason: string
  readonly startedAt: number
  readonly endedAt: number | undefined
}

/** A message within a body: an event, a line of JSON, a gRPC message. `content` is without compression. */
export interface StreamMessageRecord {
  readonly fromClient: boolean
  readonly kind: StreamKind
  readonly content: Buffer
  readonly timestamp: number
  readonly dropped: boolean
  readonly event: string | undefined
  readonly id: string | undefined
  readonly retry: number | undefined
}

export interface StreamMessagesRecord {
  readonly recorded: readonly StreamMessageRecord[]
  readonly fromClient: number
  readonly fromServer: number
  readonly truncated: boolean
}

interface CommonRecord {
  readonly version: number
  readonly id: string
  readonly client: ClientConnection
  readonly server: ServerConnection | undefined
  readonly error: FlowError | undefined
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  readonly endedAt: number | undefined
  readonly killed: boolean
  readonly replayed: 'request' | 'response' | undefined
  readonly marked: string
  readonly comment: string
  /** Of the notes of addons those that are plain data. */
  readonly metadata: Readonly<Record<string, unknown>>
  /**
   * The flow as it was before it was first changed, of the same type and without a backup of its own: command `flow.revert` brings it back. Only flow files of
   * mitmproxy's have it. Default: the flow was not changed.
   */
  readonly backup?: FlowRecord | undefined
}

export interface HttpRecord extends CommonRecord {
  readonly type: 'http'
  readonly request: RequestRecord
  readonly response: ResponseRecord | undefined
  readonly upgrade: string | undefined
  readonly websocket: WebSocketRecord | undefined
  readonly messages: StreamMessagesRecord | undefined
}

export interface RawRecord extends CommonRecord {
  readonly type: 'tcp' | 'udp'
  readonly messages: readonly RawMessage[]
  readonly bytesFromClient: number
  readonly bytesFromServer: number
  readonly truncated: boolean
}

export interface DnsFlowRecord extends CommonRecord {
  readonly type: 'dns'
  readonly request: DnsMessage
  readonly response: DnsMessage | undefined
}

/** Plain, versioned data: but for the bytes of bodies, which are read when they are asked for, a record can be cloned and serialized. */
export type FlowRecord = HttpRecord | RawRecord | DnsFlowRecord
