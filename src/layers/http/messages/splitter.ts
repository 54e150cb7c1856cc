// Splitters cut a body that passes into its messages; which of them a body needs, its head says.
import type { HttpHeaders } from '../../../flow/headers.js'
import type { MessageView, StreamKind } from '../../../flow/stream-message.js'
import { GrpcSplitter } from './grpc.js'
import { JsonSequenceSplitter } from './json-sequence.js'
import { NdjsonSplitter } from './ndjson.js'
import { SseSplitter } from './sse.js'

/** A piece of a body. */
export interface Unit {
  /** The bytes as they came. */
  readonly raw: Buffer
  /** The message that `raw` is; undefined for bytes that are no whole message, and pass as they are. */
  readonly message?: MessageView
}

export interface Splitter {
  readonly kind: StreamKind
  /** Takes a piece of the body; returns the units that it completes. Each byte is in exactly one unit: joined they are the body. */
  push(chunk: Buffer): Unit[]
  /** The body has ended: what is left. */
  end(): Unit[]
}

/** Media types of JSON texts, one a line. */
const LINES =
  /^application\/(x-)?(ndjson|jsonl|jsonlines|json-lines|ldjson|stream\+json|json-stream|json-stream\+json)$/
/** gRPC-Web as text is base64, in which the borders of messages are within characters: it passes without messages. */
const GRPC = /^application\/grpc(-web)?(\+[\w.-]+)?$/
const SSE = 'text/event-stream'

const isGrpc = (type: string) => GRPC.test(type) || /^application\/grpc-web-text\b/.test(type)

const isSequence = (type: string) => /^application\/(.+\+)?json-seq$/.test(type)

/** What all media types have whose bodies come in messages: nearly all others are told apart by this alone. */
const MAY_BE = /event-stream|grpc|json[l-s]|json-l|json-seq|json-stream|ndjson|ldjson|stream\+json/i

/** The media type of a body that may come in messages; undefined for all others. */
function mediaType(headers: HttpHeaders): string | undefined {
  const value = headers.get('content-type')
  return value !== undefined && MAY_BE.test(value) ? value.split(';', 1)[0]?.trim().toLowerCase() : undefined
}

/**
 * Whether a body with these fields comes message by message, in whatever coding: nobody knows when it ends, and its messages are not to wait
 * for that.
 */
export function comesInMessages(headers: HttpHeaders): boolean {
  const type = mediaType(headers)
  return type !== undefined && (type === SSE || LINES.test(type) || isSequence(type) || isGrpc(type))
}

/**
 * The splitter for a body with these fields; undefined where the body has no messages. A body in a content coding has none either: zlib
 * in Node.js decodes whole bodies, or as a stream with a wait for each piece. (gRPC compresses its messages, and not the body.)
 */
export function splitterOf(headers: HttpHeaders): Splitter | undefined {
  const type = mediaType(headers)
  if (type === undefined) return undefined
  const coding = headers.get('content-encoding')?.trim().toLowerCase()
  if (coding !== undefined && coding !== '' && coding !== 'identity') return undefined
  if (type === SSE) return new SseSplitter()
  if (LINES.test(type)) return new NdjsonSplitter()
  if (isSequence(type)) return new JsonSequenceSplitter()
  const grpc = GRPC.exec(type)
  return grpc ? new GrpcSplitter(headers.get('grpc-encoding'), grpc[1] !== undefined) : undefined
}
