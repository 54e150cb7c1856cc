// Requests and responses as HTTP/2 carries them (RFC 9113, 8): fields in, and fields out, from and to what a flow holds.
import { bracketed, hostPort } from '../../../addresses.js'
import { HttpHeaders } from '../../../flow/headers.js'
import type { HttpRequest, HttpResponse } from '../../../flow/http.js'
import type { Framing } from '../ends.js'
import { HttpError } from '../error.js'

/** Fields that concern a connection of HTTP/1, and that HTTP/2 cannot have (RFC 9113, 8.2.2). */
const OF_CONNECTION = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'])
/** The lengths of these names, by which nearly all others are told apart without a look at the set. */
const LENGTHS: readonly boolean[] = Array.from({ length: 18 }, (_, length) => [7, 10, 16, 17].includes(length))

const isOfConnection = (name: string): boolean => LENGTHS[name.length] === true && OF_CONNECTION.has(name)

/** The order of pseudo-header fields of a request that has come by HTTP/1: Chromium's. */
const USUAL_ORDER = [':method', ':authority', ':scheme', ':path', ':protocol']

/** How a body ends, by the head before it. */
export function framingOf(headers: HttpHeaders, end: boolean): Framing {
  if (end) return NONE
  const length = headers.get('content-length')
  // The session has seen that it is a number.
  return length === undefined ? STREAM : { kind: 'length', length: Number(length) }
}

const NONE: Framing = Object.freeze({ kind: 'none' })
const STREAM: Framing = Object.freeze({ kind: 'chunked' })

/** The pseudo-header fields of a head. */
export interface Pseudo {
  readonly method: string
  readonly scheme: string
  /** Undefined where there is none. */
  readonly authority: string | undefined
  readonly path: string
  /** Of an extended CONNECT (RFC 8441). */
  readonly protocol: string | undefined
  /** Their names, in the order in which they came. */
  readonly order: readonly string[]
}

export function pseudoOf(fields: readonly string[]): Pseudo {
  const order: string[] = []
  let method = ''
  let scheme = ''
  let path = ''
  let authority: string | undefined
  let protocol: string | undefined
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string
    if (name.charCodeAt(0) !== 58) break
    order.push(name)
    const value = fields[at + 1] as string
    if (name === ':method') method = value
    else if (name === ':path') path = value
    else if (name === ':authority') authority = value
    else if (name === ':scheme') scheme = value
    else protocol = value
  }
  return { method, scheme, authority, path, protocol, order }
}

/** The head of a request. */
export function requestFields(request: HttpRequest): string[] {
  const fields: string[] = []
  for (const name of request.pseudoOrder ?? USUAL_ORDER) {
    const value = pseudoValue(request, name)
    if (value !== undefined) fields.push(name, value)
  }
  const cameBy2 = request.version === '2.0'
  const { raw } = request.headers
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase()
    const value = raw[at + 1] as string
    if (isOfConnection(name)) continue
    // Host is what :authority says (RFC 9113, 8.3.1). A client that sends both means the same by them.
    if (name === 'host' && !cameBy2) continue
    if (name === 'te' && value.toLowerCase() !== 'trailers') continue
    if (name === 'cookie' && !cameBy2) for (const crumb of value.split(/; */)) fields.push(name, crumb)
    else fields.push(name, value)
  }
  return fields
}

function pseudoValue(request: HttpRequest, name: string): string | undefined {
  const { method, protocol } = request
  if (name === ':method') return method
  const isTunnel = method === 'CONNECT' && protocol === undefined
  if (name === ':authority') {
    if (isTunnel) return hostPort(request.host, request.port)
    return request.authority ?? request.headers.get('host') ?? authorityOf(request)
  }
  if (name === ':protocol') return protocol
  if (isTunnel) return undefined
  return name === ':scheme' ? request.scheme : request.path
}

function authorityOf({ host, port, scheme }: HttpRequest): string {
  return port === (scheme === 'https' ? 443 : 80) ? bracketed(host) : hostPort(host, port)
}

/** The head of a response, final or interim. */
export function responseFields({ status, headers }: Pick<HttpResponse, 'status' | 'headers'>): string[] {
  const fields = [':status', String(status)]
  const { raw } = headers
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase()
    if (!isOfConnection(name)) fields.push(name, raw[at + 1] as string)
  }
  return fields
}

/** Trailers; undefined where none are left that HTTP/2 can have. */
export function trailerFields(trailers: HttpHeaders | undefined): string[] | undefined {
  if (!trailers || trailers.raw.length === 0) return undefined
  const fields: string[] = []
  for (const [name, value] of trailers) {
    const lower = name.toLowerCase()
    if (!OF_CONNECTION.has(lower)) fields.push(lower, value)
  }
  return fields.length > 0 ? fields : undefined
}

/** Does what may find fields that HTTP/2 cannot carry: an addon may have set them. */
export function sending(work: () => void): void {
  try {
    work()
  } catch (error) {
    throw new HttpError(502, error instanceof Error ? error.message : String(error))
  }
}

/** The head of a request that has come by HTTP/2, as HTTP/1 writes it: Host first, one Cookie (RFC 9113, 8.2.3 and 8.3.1). */
export function headersForHttp1({ headers, authority }: HttpRequest): HttpHeaders {
  const raw: string[] = []
  const host = headers.get('host') ?? authority
  if (host !== undefined) raw.push('Host', host)
  let cookie: number | undefined
  for (const [name, value] of headers) {
    if (name.toLowerCase() === 'host') continue
    if (name.toLowerCase() !== 'cookie') raw.push(name, value)
    else if (cookie === undefined) cookie = raw.push(name, value) - 1
    else raw[cookie] += `; ${value}`
  }
  return new HttpHeaders(raw)
}
