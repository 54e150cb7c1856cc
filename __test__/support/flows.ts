// Flows that are over, as outputs get them.
import type { ClientConnection, ServerConnection } from '../../src/connection.js'
import { DnsFlow } from '../../src/flow/dns.js'
import type { DnsMessage } from '../../src/flow/dns-message.js'
import { aRecord, dnsReply } from '../../src/flow/dns-reply.js'
import { HttpHeaders } from '../../src/flow/headers.js'
import { HttpFlow, HttpRequest, HttpResponse } from '../../src/flow/http.js'
import { TcpFlow, UdpFlow } from '../../src/flow/messages.js'
import { type MessageView, StreamMessage } from '../../src/flow/stream-message.js'
import { StreamMessages } from '../../src/flow/stream-messages.js'
import { WebSocketData, WebSocketMessage } from '../../src/flow/websocket.js'

export const client: ClientConnection = {
  id: 'client',
  transport: 'tcp',
  mode: 'wireguard',
  explicit: false,
  remote: { address: '10.0.0.1', port: 51_234, family: 4 },
  local: { address: '93.184.216.34', port: 443, family: 4 },
  peer: { publicKey: 'k'.repeat(43), name: 'phone' },
}

export const server: ServerConnection = {
  id: 'server',
  transport: 'tcp',
  host: '93.184.216.34',
  port: 443,
  remote: { address: '93.184.216.34', port: 443, family: 4 },
}

const origin = { world: { newId: () => 'flow', now: () => 1000, act() {} }, client, server, now: 1000 }

export interface HttpFacts {
  client?: ClientConnection
  method?: string
  path?: string
  requestHeaders?: string[]
  requestBody?: string
  status?: number
  reason?: string
  responseHeaders?: string[]
  responseBody?: string | Buffer
  limit?: number
}

export function httpFlow(facts: HttpFacts = {}): HttpFlow {
  const { method = 'GET', path = '/', status = 200, limit = 1024, requestHeaders = ['Host', 'example.com'] } = facts
  const where = { scheme: 'https', host: '93.184.216.34', port: 443, version: '1.1' } as const
  const flow = new HttpFlow(
    { ...origin, client: facts.client ?? client },
    new HttpRequest({ method, path, ...where, headers: new HttpHeaders(requestHeaders) }, limit, 1000),
  )
  flow.request.body.append(Buffer.from(facts.requestBody ?? ''))
  const parts = { status, headers: new HttpHeaders(facts.responseHeaders ?? ['Content-Type', 'text/plain']) }
  flow.response = new HttpResponse(
    { ...parts, ...(facts.reason !== undefined && { reason: facts.reason }) },
    limit,
    1010,
  )
  flow.response.body.append(Buffer.from(facts.responseBody ?? 'hello\n'))
  flow.endedAt = 1035
  return flow
}

/** Two messages of each way, of which one was dropped and one injected. */
export function webSocketFlow(): HttpFlow {
  const flow = httpFlow({ status: 101, reason: 'Switching Protocols', responseBody: '' })
  const data = new WebSocketData(1024, 1010)
  const add = (fromClient: boolean, content: Buffer, rest: { drop?: boolean; injected?: boolean } = {}) => {
    const kind = content[0] === 1 ? 'binary' : 'text'
    const message = new WebSocketMessage({
      fromClient,
      kind,
      content,
      timestamp: 1020,
      injected: rest.injected ?? false,
    })
    data.begin(message)
    if (rest.drop) message.drop()
    data.record(message)
  }
  add(true, Buffer.from('hello'))
  add(false, Buffer.from([1, 2, 3]), { drop: true })
  add(false, Buffer.from('back'))
  add(true, Buffer.from('own'), { injected: true })
  data.closeCode = 1000
  data.closedByClient = true
  flow.upgrade = 'websocket'
  flow.websocket = data
  return flow
}

export function tcpFlow(): TcpFlow {
  const flow = new TcpFlow({ ...origin, server: { ...server, host: 'ssh.example.com', port: 22 } }, 1024)
  flow.record(true, Buffer.from('SSH-2.0-a\r\n'), 1001)
  flow.record(false, Buffer.from([0, 1, 2, 0xff]), 1002)
  flow.endedAt = 3100
  return flow
}

export function udpFlow(): UdpFlow {
  const flow = new UdpFlow(origin, 4)
  flow.record(true, Buffer.from('four'), 1001)
  flow.record(false, Buffer.from('more'), 1002)
  flow.endedAt = 1000
  return flow
}

const query: DnsMessage = {
  id: 7,
  response: false,
  opcode: 0,
  authoritative: false,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: false,
  reserved: false,
  authenticData: false,
  checkingDisabled: false,
  rcode: 0,
  questions: [{ name: 'example.com', type: 1, class: 1 }],
  answers: [],
  authorities: [],
  additionals: [],
  raw: undefined,
}

/** The answer has these addresses, or this response code. */
export function dnsFlow(...answer: string[] | [number]): DnsFlow {
  const flow = new DnsFlow(origin, query)
  const [first] = answer
  flow.response =
    typeof first === 'number'
      ? dnsReply(query, { rcode: first })
      : dnsReply(query, { answers: (answer as string[]).map((one) => aRecord('example.com', one, 60)) })
  flow.endedAt = 1004
  return flow
}

/** What was recorded of a response that is an event stream: one event, `tick`. */
export function eventMessages(): StreamMessages {
  const content = Buffer.from('tick')
  const view: MessageView = {
    ...{ kind: 'sse', event: 'clock', id: '7', retry: 50 },
    read: () => ({ content, error: undefined }),
    refuse: () => undefined,
    write: () => content,
  }
  const messages = new StreamMessages(1024)
  messages.record(new StreamMessage(view, false, 1012), 10)
  return messages
}
