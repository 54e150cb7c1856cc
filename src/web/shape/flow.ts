// A flow as the API's JSON (`schemas/flow.ts`), without the bytes of bodies and messages.
import {
  type AnyFlow,
  type ClientConnection,
  type Connection,
  DNS_OPCODE,
  DNS_RCODE,
  DNS_TYPE,
  type DnsMessage,
  type DnsRecord,
  type HttpFlow,
  type HttpHeaders,
  type HttpRequest,
  type HttpResponse,
  messageText,
  readCertificates,
  recordText,
  type ServerConnection,
  type TlsState,
} from '../../index.js'
import type * as Shape from '../api/schemas/flow.js'
import { conversationOf, messageJson as oneMessage, waitingMessages } from './message.js'

export interface FlowFacts {
  readonly number: number | undefined
  readonly modified: boolean
}

/** `flow` is the flow as outputs may see it. */
export function flowJson(flow: AnyFlow, { number, modified }: FlowFacts): Shape.Flow {
  const { id, type, error, createdAt, endedAt, live, intercepted, killed, replayed, marked, comment } = flow
  return {
    ...{ id, number, type, error, createdAt, endedAt, live, intercepted, modified, killed, replayed, marked, comment },
    client: clientJson(flow.client),
    server: flow.server && serverJson(flow.server),
    metadata: plainData(flow.metadata),
    ...(flow.type === 'http' && httpJson(flow)),
    ...(flow.type === 'dns' && { query: dnsJson(flow.request), answer: flow.response && dnsJson(flow.response) }),
    messages: conversationOf(flow),
    waiting: waitingJson(flow),
  }
}

function waitingJson(flow: AnyFlow): Shape.Flow['waiting'] {
  const waiting = [...waitingMessages(flow)].map(([index, message]) => oneMessage(message, index))
  return waiting.length > 0 ? waiting : undefined
}

function httpJson({ request, response, upgrade }: HttpFlow) {
  return { request: requestJson(request), response: response && responseJson(response), upgrade }
}

function requestJson(request: HttpRequest) {
  const { method, url, path, scheme, host, port, absolute, authority, protocol, pseudoOrder } = request
  return {
    ...{ method, url, path, scheme, host, port, absolute, authority, protocol },
    pseudoOrder: pseudoOrder && [...pseudoOrder],
    ...messageJson(request),
  }
}

const responseJson = (response: HttpResponse) => {
  const { status, reason } = response
  return { status, reason, ...messageJson(response) }
}

function messageJson({
  version,
  headers,
  trailers,
  irregularities,
  body,
  startedAt,
  endedAt,
}: HttpRequest | HttpResponse) {
  return {
    ...{ version, startedAt, endedAt },
    headers: fields(headers),
    trailers: trailers && fields(trailers),
    irregularities: [...irregularities],
    body: { length: body.length, recorded: body.recorded },
  }
}

function fields({ raw }: HttpHeaders): [string, string][] {
  const pairs: [string, string][] = []
  for (let at = 0; at + 1 < raw.length; at += 2) pairs.push([raw[at] ?? '', raw[at + 1] ?? ''])
  return pairs
}

function legJson({ id, transport, tls, openedAt, closedAt, dropped, error }: Connection) {
  return { id, transport, tls: tls && tlsJson(tls), openedAt, closedAt, dropped, error }
}

function clientJson(client: ClientConnection) {
  const { local, remote, mode, explicit, peer, http2, process } = client
  return {
    ...legJson(client),
    ...{ local, remote, mode, explicit },
    peer: peer && { publicKey: peer.publicKey, name: peer.name },
    http2: http2?.fingerprint,
    process: process && { ...process },
  }
}

function serverJson(server: ServerConnection) {
  const { local, remote, host, port, via } = server
  return { ...legJson(server), local, remote, host, port, via: via && [...via] }
}

/** Many flows have the same certificates, which take a while to read. */
const read = new WeakMap<readonly Uint8Array[], ReturnType<typeof certificates>>()

function tlsJson({ certificates: chain, alpnOffers, ...tls }: TlsState) {
  if (chain && !read.has(chain)) read.set(chain, certificates(chain))
  return { ...tls, alpnOffers: alpnOffers && [...alpnOffers], certificates: chain && read.get(chain) }
}

const certificates = (chain: readonly Uint8Array[]) =>
  readCertificates(chain).map(({ names, ...certificate }) => ({ ...certificate, names: [...names] }))

/** The name of a number in one of DNS's tables. */
const named = (table: Readonly<Record<string, number>>, value: number, prefix: string): string =>
  Object.keys(table).find((name) => table[name] === value) ?? `${prefix}${value}`

const typeName = (type: number) => named(DNS_TYPE, type, 'TYPE')

function dnsJson(message: DnsMessage): NonNullable<Shape.Flow['query']> {
  return {
    id: message.id,
    opcode: named(DNS_OPCODE, message.opcode, 'OPCODE'),
    rcode: named(DNS_RCODE, message.rcode, 'RCODE'),
    questions: message.questions.map(({ name, type, class: of }) => {
      return { name, type: typeName(type), class: of === 1 ? 'IN' : `CLASS${of}` }
    }),
    answers: message.answers.map(dnsRecord),
    authorities: message.authorities.map(dnsRecord),
    additionals: message.additionals.map(dnsRecord),
    text: messageText(message),
  }
}

const dnsRecord = (record: DnsRecord) => {
  const { name, type, ttl } = record
  return { name, type: typeName(type), ttl, text: recordText(record) }
}

/** The characters of all notes of addons that are shown. */
const MAX_METADATA = 64 * 1024

/** Of the notes of addons those that are JSON, up to a length. */
export function plainData(metadata: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  let room = MAX_METADATA
  for (const [name, value] of Object.entries(metadata)) {
    let text: string | undefined
    try {
      text = JSON.stringify(value)
    } catch {
      // A note that refers to itself, or has a bigint, is no plain data.
    }
    if (text === undefined || text.length > room) continue
    room -= text.length
    shown[name] = JSON.parse(text)
  }
  return shown
}
