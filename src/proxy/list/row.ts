// A row of a list of flows: what a table shows of a flow, and how it is read from one.
import { typeName } from '../../flow/dns-names.js'
import type { HttpHeaders } from '../../flow/headers.js'
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
export const MAX_PATH = 512
export const MAX_TEXT = 256

/** Where texts are copied. */
const scratch = Buffer.alloc(MAX_PATH)

/** The beginning of a path, which does not hold the head that it was cut out of in memory. */
function own(text: string): string {
  const start = text.length > MAX_PATH ? text.slice(0, MAX_PATH) : text
  scratch.write(start, 0, 'latin1')
  const copy = scratch.toString('latin1', 0, start.length)
  // Other characters do not come out as they went in.
  return copy === start ? copy : start
}

const cut = (text: string): string => (text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text)

export function methodOf(flow: AnyFlow): string {
  if (flow.type === 'http') return cut(flow.request.method)
  const question = flow.type === 'dns' ? flow.request.questions[0] : undefined
  return question ? typeName(question.type) : ''
}

export function hostOf(flow: AnyFlow): string {
  if (flow.type === 'http') return cut(flow.request.prettyHost)
  return flow.server?.host ?? flow.client.local.address
}

export const portOf = (flow: AnyFlow): number =>
  flow.type === 'http' ? flow.request.port : (flow.server?.port ?? flow.client.local.port)

export function pathOf(flow: AnyFlow): string {
  if (flow.type === 'http') return own(flow.request.path)
  return flow.type === 'dns' ? own(flow.request.questions[0]?.name ?? '') : ''
}

export function contentTypeOf(flow: AnyFlow): string {
  const type = flow.type === 'http' ? flow.response?.headers.get('content-type') : undefined
  if (!type) return ''
  const end = type.indexOf(';')
  return cut((end === -1 ? type : type.slice(0, end)).trim().toLowerCase())
}

/** Where a flow goes to: the port, the port and the address that were found for it (empty before), and the host, each in a line. Empty without a server. */
export function serverOf({ server }: AnyFlow): string {
  if (!server) return ''
  const { host, port, remote } = server
  return `${port}\n${remote?.port ?? ''}\n${remote?.address ?? ''}\n${cut(host)}`
}

/** Text that is too long for a row. */
const TOO_LONG = ' '.repeat(MAX_TEXT)

/** The values of all Content-Types of a message, each with the end of a line; cut at 256 characters. */
export function typesOf(headers: HttpHeaders | undefined): string {
  const values = headers?.getAll('content-type') ?? []
  if (values.length === 0) return ''
  // An addon may have written anything.
  return values.some((value) => value.includes('\n')) ? TOO_LONG : cut(values.map((value) => `${value}\n`).join(''))
}

/** What few flows have; undefined for one that has nothing of it. */
export function notesOf({
  error,
  marked,
  comment,
}: AnyFlow): Pick<FlowRow, 'error' | 'marked' | 'comment'> | undefined {
  if (!error && !marked && !comment) return undefined
  return { error: error ? cut(error.message) : '', marked: cut(marked), comment: cut(comment) }
}
