// A row of a list of flows: what a table shows of a flow, and how it is read from one.
import { typeName } from '../../flow/dns-names.js'
import type { AnyFlow } from '../../flow/index.js'

/** What a table shows of a flow. Texts that a peer has sent are cut: the path at 512 characters, others at 256. */
export interface FlowRow {
  /** The number of the row, from 1 on, in the order in which flows have come. It stays as long as the proxy runs. */
  readonly number: number
  readonly id: string
  readonly type: 'http' | 'tcp' | 'udp' | 'dns'
  /** The HTTP flow has become a WebSocket. */
  readonly websocket: boolean
  /** Of DNS the type of the question, `A`; empty for raw flows. */
  readonly method: string
  /** `http` or `https`; of other flows their type. */
  readonly scheme: string
  /** The name that the client asked for, else the address of the server. */
  readonly host: string
  readonly port: number
  /** With the query. Of DNS the name that was asked for; empty for raw flows. */
  readonly path: string
  /** 0 without a response. */
  readonly status: number
  /** The media type of the response without its parameters; empty for none. */
  readonly contentType: string
  /** Bytes of both bodies, or of all messages, recorded or not. */
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** Milliseconds; -1 while the flow runs. */
  readonly duration: number
  /** It is not over. */
  readonly live: boolean
  /** It waits for `flow.resume`. */
  readonly intercepted: boolean
  /** It was replayed, or answered by a replay. */
  readonly replayed: boolean
  /** Why it has failed; empty where it has not. */
  readonly error: string
  readonly marked: string
  readonly comment: string
  /** The name of the client's WireGuard peer, else the client's IP address. */
  readonly client: string
  /** The spec of the client's mode. */
  readonly mode: string
}

/** The most characters of a path, and of other texts. */
const PATH = 512
const TEXT = 256

/** The row of a flow but for its number and id. */
export function rowOf(flow: AnyFlow): Omit<FlowRow, 'number' | 'id'> {
  const { client, createdAt, endedAt } = flow
  return {
    ...{ type: flow.type, createdAt, duration: endedAt === undefined ? -1 : endedAt - createdAt },
    ...(flow.type === 'http' ? ofHttp(flow) : flow.type === 'dns' ? ofDns(flow) : ofRaw(flow)),
    live: flow.live,
    intercepted: flow.intercepted,
    replayed: flow.replayed !== undefined,
    error: flow.error ? flow.error.message.slice(0, TEXT) : '',
    marked: flow.marked.slice(0, TEXT),
    comment: flow.comment.slice(0, TEXT),
    client: client.peer?.name ?? client.remote.address,
    mode: client.mode,
  }
}

function ofHttp({ request, response, upgrade }: AnyFlow & { type: 'http' }) {
  const type = response?.headers.get('content-type') ?? ''
  return {
    websocket: upgrade === 'websocket',
    method: request.method.slice(0, TEXT),
    scheme: request.scheme,
    host: request.prettyHost.slice(0, TEXT),
    port: request.port,
    path: whole(request.path),
    status: response?.status ?? 0,
    contentType: type.split(';', 1)[0]?.trim().toLowerCase().slice(0, TEXT) ?? '',
    size: request.body.length + (response?.body.length ?? 0),
  }
}

function ofDns(flow: AnyFlow & { type: 'dns' }) {
  const { request, response } = flow
  const [question] = request.questions
  return {
    ...NO_HTTP,
    ...whereTo(flow),
    method: question ? typeName(question.type) : '',
    path: question?.name.slice(0, TEXT) ?? '',
    size: (request.raw?.length ?? 0) + (response?.raw?.length ?? 0),
  }
}

function ofRaw(flow: AnyFlow & { type: 'tcp' | 'udp' }) {
  return { ...NO_HTTP, ...whereTo(flow), method: '', path: '', size: flow.bytesFromClient + flow.bytesFromServer }
}

const NO_HTTP = { websocket: false, status: 0, contentType: '' }

const whereTo = ({ type, server, client }: AnyFlow) => ({
  scheme: type,
  host: server?.host ?? client.local.address,
  port: server?.port ?? client.local.port,
})

/** The beginning of a text, which does not hold the head that it was cut out of in memory. */
const whole = (text: string) => Buffer.from(text.slice(0, PATH), 'utf16le').toString('utf16le')
