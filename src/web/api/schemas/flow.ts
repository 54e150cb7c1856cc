// One whole flow as JSON: a `FlowRecord` without the bytes of its bodies and messages, which are asked for by themselves.
import * as v from 'valibot'
import { Content, count, line, MAX_ROWS, Milliseconds } from './common.js'
import { Type } from './row.js'

const time = v.optional(Milliseconds)
const text = v.optional(v.string())

/** Names and values, in their order and case; a character is a byte. */
export const Fields = v.array(v.tuple([v.string(), v.string()]))

export const Address = v.object({ address: v.string(), port: count(), family: v.picklist([4, 6]) })

/** The fields are those of `CertificateInfo`. */
export const Certificate = v.object({
  subject: v.string(),
  issuer: v.string(),
  names: v.array(v.string()),
  validFrom: Milliseconds,
  validTo: Milliseconds,
  fingerprint: v.string(),
  serialNumber: v.string(),
  key: v.string(),
  isAuthority: v.boolean(),
  pem: v.string(),
  error: text,
})

export const Tls = v.object({
  sni: text,
  alpnOffers: v.optional(v.array(v.string())),
  alpn: text,
  version: text,
  cipher: text,
  ja3: text,
  ja4: text,
  certificates: v.optional(v.array(Certificate)),
  establishedAt: time,
})

const leg = {
  id: v.string(),
  transport: v.picklist(['tcp', 'udp']),
  tls: v.optional(Tls),
  openedAt: time,
  closedAt: time,
  dropped: v.optional(count()),
  error: text,
}

export const Client = v.object({
  ...leg,
  local: Address,
  remote: Address,
  mode: v.string(),
  explicit: v.boolean(),
  peer: v.optional(v.object({ publicKey: v.string(), name: text })),
  /** What a client of HTTP/2 says of itself, in the usual form: `1:65536;2:0|15663105|0|m,a,s,p`. */
  http2: text,
  process: v.optional(v.object({ pid: v.number(), path: text, commandLine: v.string(), container: text })),
})

export const Server = v.object({
  ...leg,
  local: v.optional(Address),
  remote: v.optional(Address),
  host: v.string(),
  port: count(),
  via: v.optional(v.array(v.string())),
})

/** What was recorded of a body; its bytes are at `/flows/:id/request/content`. */
const Body = v.object({ length: count(), recorded: count() })

const message = {
  version: v.string(),
  headers: Fields,
  trailers: v.optional(Fields),
  irregularities: v.array(v.string()),
  body: Body,
  startedAt: Milliseconds,
  endedAt: time,
}

export const Request = v.object({
  ...message,
  method: v.string(),
  /** As a browser shows it. */
  url: v.string(),
  path: v.string(),
  scheme: v.picklist(['http', 'https']),
  host: v.string(),
  port: count(),
  absolute: text,
  authority: text,
  protocol: text,
  pseudoOrder: v.optional(v.array(v.string())),
})

export const Response = v.object({ ...message, status: count(), reason: v.string() })

const Question = v.object({ name: v.string(), type: v.string(), class: v.string() })
const Answer = v.object({ name: v.string(), type: v.string(), ttl: count(), text: v.string() })

export const Dns = v.object({
  id: count(),
  opcode: v.string(),
  rcode: v.string(),
  questions: v.array(Question),
  answers: v.array(Answer),
  authorities: v.array(Answer),
  additionals: v.array(Answer),
  /** All of it, as `dig` shows it. */
  text: v.string(),
})

/** How many messages there are, and how the conversation was closed. The messages are at `/flows/:id/messages`. */
export const Messages = v.object({
  fromClient: count(),
  fromServer: count(),
  bytesFromClient: count(),
  bytesFromServer: count(),
  recorded: count(),
  truncated: v.boolean(),
  closedByClient: v.optional(v.boolean()),
  closeCode: v.optional(count()),
  closeReason: text,
})

export const MESSAGE_PREVIEW = 64 * 1024

export const Message = v.object({
  index: count(),
  fromClient: v.boolean(),
  /** `text`, `binary`, `ping`, `pong` of a WebSocket; `sse`, `grpc`, `ndjson` of a body; `bytes` of a raw flow. */
  kind: v.string(),
  length: count(),
  timestamp: Milliseconds,
  injected: v.boolean(),
  dropped: v.boolean(),
  event: text,
  id: text,
  /** The content, at most its first 64 KiB: as text where it is one, else as Base64. */
  text: text,
  base64: text,
})

export type Message = v.InferOutput<typeof Message>

export const Flow = v.object({
  id: v.string(),
  /** That of its row. Undefined where the flow is in no list. */
  number: v.optional(count(1)),
  type: Type,
  client: Client,
  server: v.optional(Server),
  error: v.optional(v.object({ message: v.string(), timestamp: Milliseconds })),
  createdAt: Milliseconds,
  endedAt: time,
  live: v.boolean(),
  intercepted: v.boolean(),
  /** It was changed, and can be reverted. */
  modified: v.boolean(),
  killed: v.boolean(),
  replayed: v.optional(v.picklist(['request', 'response'])),
  marked: v.string(),
  comment: v.string(),
  metadata: v.record(v.string(), v.unknown()),
  request: v.optional(Request),
  response: v.optional(Response),
  upgrade: text,
  /** Of DNS. */
  query: v.optional(Dns),
  answer: v.optional(Dns),
  /** Of a WebSocket, a raw flow, or a body that comes in messages. */
  messages: v.optional(Messages),
  /** The messages of a WebSocket or a raw flow that wait, where they do: they go on together. Their indices are those of `/flows/:id/messages`. */
  waiting: v.optional(v.array(Message)),
})

export type Flow = v.InferOutput<typeof Flow>

const HeaderChanges = v.record(line(), v.nullable(line(1_000_000)))

/** Changes of a request: what is left out stays. A header that is null is taken away; `fields` are all header fields. */
export const RequestChanges = v.object({
  method: v.optional(line(100)),
  url: v.optional(line(100_000)),
  path: v.optional(line(100_000)),
  headers: v.optional(HeaderChanges),
  fields: v.optional(Fields),
  trailers: v.optional(Fields),
  /** The body, decoded: the Content-Encoding that the header fields name is applied. */
  content: v.optional(Content),
})

export const ResponseChanges = v.object({
  status: v.optional(count(100, 999)),
  reason: v.optional(line()),
  headers: v.optional(HeaderChanges),
  fields: v.optional(Fields),
  trailers: v.optional(Fields),
  content: v.optional(Content),
})

export const FlowChanges = v.object({
  marked: v.optional(line(100)),
  comment: v.optional(line(100_000)),
  request: v.optional(RequestChanges),
  /** Where the request has no answer yet, this is its answer. */
  response: v.optional(ResponseChanges),
  /** Messages by their indices: those that wait go on with this content, or not at all; in those that have passed the record changes. */
  messages: v.optional(
    v.pipe(
      v.array(v.object({ index: count(), content: v.optional(Content), drop: v.optional(v.boolean()) })),
      v.maxLength(MAX_ROWS),
    ),
  ),
})

export type FlowChanges = v.InferOutput<typeof FlowChanges>

const Styled = v.union([
  v.string(),
  v.tuple([v.picklist(['name', 'string', 'number', 'literal', 'comment', 'mark', 'error']), v.string()]),
])

/** Lines of styled parts, as views write them. */
export const Rendered = v.object({
  view: v.string(),
  lines: v.array(v.array(Styled)),
  cut: v.boolean(),
  note: text,
})

export const ViewQuery = v.object({
  /** Default: `auto`. */
  view: v.optional(line(100)),
  /** Default: 1,000. */
  lines: v.optional(count(1, 200_000)),
  /** Bytes of the content at most. Default: 1 MiB. */
  bytes: v.optional(count(1, 64 * 1024 * 1024)),
})

export const ContentQuery = v.object({
  /** Without its Content-Encoding. Default: true. */
  decoded: v.optional(v.boolean()),
})
