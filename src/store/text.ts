// A flow's record as a text and bytes, and back: the bytes stand beside the text, which has their numbers in their places.
import type { ClientConnection, ServerConnection } from '../connection.js'
import type { StoredBytes } from '../flow/body.js'
import type { DnsMessage, DnsRecord } from '../flow/dns-message.js'
import type { BodyRecord, FlowRecord, RequestRecord, ResponseRecord } from '../flow/record.js'
import { readHttpText } from './http-text.js'
import { OLD_HTTP_TEXT, readOldHttpText } from './old-http-text.js'
import { addBody, type Bodies, type BodyPlace, type Parts } from './parts.js'
import type { Text } from './text-bytes.js'

/** Takes a record apart. Of a body no more than `most` bytes are kept. */
export function takeApart(record: FlowRecord, most: number): Parts {
  const bodies: Bodies = { short: [], long: [] }
  const bytes = (content: Buffer): number => bodies.short.push(content) - 1
  const body = ({ length, stored }: BodyRecord) => {
    return { length, ...addBody(stored.size === 0 ? undefined : stored.bytes(), bodies, most) }
  }
  const message = <M extends RequestRecord | ResponseRecord>(one: M) => ({ ...one, body: body(one.body) })
  const contents = <M extends { readonly content: Buffer }>(messages: readonly M[]) =>
    messages.map((one) => ({ ...one, content: bytes(one.content) }))
  const common = { client: leg(record.client, bytes), server: record.server && leg(record.server, bytes) }
  let plain: object
  if (record.type === 'http') {
    const { request, response, websocket, messages } = record
    plain = {
      ...record,
      ...common,
      request: message(request),
      response: response && message(response),
      websocket: websocket && { ...websocket, messages: contents(websocket.messages) },
      messages: messages && { ...messages, recorded: contents(messages.recorded) },
    }
  } else if (record.type === 'dns') {
    const { request, response } = record
    plain = { ...record, ...common, request: dns(request, bytes), response: response && dns(response, bytes) }
  } else plain = { ...record, ...common, messages: contents(record.messages) }
  return { text: { text: JSON.stringify(plain), numbers: undefined }, ...bodies }
}

function leg<C extends ClientConnection | ServerConnection>(connection: C, bytes: (content: Buffer) => number): object {
  const { tls } = connection
  if (!tls?.certificates) return connection
  return { ...connection, tls: { ...tls, certificates: tls.certificates.map(bytes) } }
}

function dns(message: DnsMessage, bytes: (content: Buffer) => number): object {
  const records = (list: DnsRecord[]) => list.map((one) => ({ ...one, data: bytes(one.data) }))
  return {
    ...message,
    answers: records(message.answers),
    authorities: records(message.authorities),
    additionals: records(message.additionals),
    raw: message.raw && bytes(message.raw),
  }
}

// biome-ignore lint/suspicious/noExplicitAny: what JSON.parse gives has no type until its bytes are back in their places.
type Plain = any

/** Puts the record of a flow that began at `createdAt` together. Throws for a text that no record was taken apart to. */
export function putTogether(
  { text, numbers }: Text,
  createdAt: number,
  short: readonly Buffer[],
  long: readonly StoredBytes[],
): FlowRecord {
  if (numbers) return readHttpText({ text, numbers }, createdAt, short, long)
  if (text.startsWith(OLD_HTTP_TEXT)) return readOldHttpText(text, createdAt, short, long)
  const plain: Plain = JSON.parse(text)
  const bytes = (number: number): Buffer => short[number] ?? EMPTY
  const body = (message: Plain) => {
    const { length, n, l }: { length: number } & BodyPlace = message.body
    const content = bytes(n ?? -1)
    message.body = { length, stored: long[l ?? -1] ?? { size: content.length, bytes: () => content } }
  }
  const contents = (messages: Plain[]) => {
    for (const one of messages) one.content = bytes(one.content)
  }
  for (const { tls } of [plain.client, plain.server ?? {}]) {
    if (tls?.certificates) tls.certificates = tls.certificates.map(bytes)
  }
  if (plain.type === 'http') {
    body(plain.request)
    if (plain.response) body(plain.response)
    if (plain.websocket) contents(plain.websocket.messages)
    if (plain.messages) contents(plain.messages.recorded)
  } else if (plain.type === 'dns') {
    for (const message of [plain.request, plain.response ?? {}]) {
      for (const list of ['answers', 'authorities', 'additionals']) {
        for (const one of message[list] ?? []) one.data = bytes(one.data)
      }
      if (message.raw !== undefined) message.raw = bytes(message.raw)
    }
  } else contents(plain.messages)
  return plain
}

const EMPTY = Buffer.alloc(0)
