// What the exports have in common: the request of a flow as programs can send it again.
import { bracketed } from '../../addresses.js'
import { MidwireError } from '../../errors.js'
import { HttpHeaders, isToken, sameName } from '../../flow/headers.js'
import type { HttpFlow, HttpRequest, HttpResponse } from '../../flow/http.js'
import type { AnyFlow } from '../../flow/index.js'

/** Settings of all exports. */
export interface ExportOptions {
  /** Of the curl command: connect to the address that the flow's server had, whatever its name leads to now. Default: false. */
  readonly preserveOriginalIp?: boolean
}

/** A field, with its value as it can be sent: a character is a byte. */
export type Field = readonly [name: string, value: string]

/** A request that can be sent by a program. */
export interface Sendable {
  readonly flow: HttpFlow
  readonly request: HttpRequest
  /** The host to connect to, without brackets: that which the client has named, where it is one. */
  readonly host: string
  /** `http://host[:port]`. */
  readonly origin: string
  /** As in the request line: `/path?query`, `*`, or a URL for a server that is a proxy. Without bytes that would end the line. */
  readonly target: string
  /** In their order, without any whose name is none. */
  readonly fields: readonly Field[]
  readonly body: Buffer
}

const HOST = /^[A-Za-z0-9._-]+$|^[0-9A-Fa-f:.]+$/

/** The flow's request. Throws ERR_ARGUMENT for a flow that is not of HTTP, a CONNECT, and a body that was not recorded whole. */
export function sendable(flow: AnyFlow): Sendable {
  const { request } = httpFlow(flow)
  const body = whole(request, 'request')
  if (request.method === 'CONNECT') throw refused('a CONNECT begins a tunnel, and is no request that can be sent again')
  const { scheme, port, prettyHost } = request
  const host = HOST.test(prettyHost) ? prettyHost : request.host
  const usual = port === (scheme === 'https' ? 443 : 80)
  const origin = `${scheme}://${bracketed(host)}${usual ? '' : `:${port}`}`
  return {
    flow: flow as HttpFlow,
    request,
    host,
    origin,
    target: request.target.replace(/[\0\r\n]/g, percent),
    fields: fieldsOf(request.headers),
    body,
  }
}

/**
 * The URL for programs that want one, in ASCII: a byte that no URL has is written as its percent code. A target that is no path has no
 * place in it.
 */
export function urlOf({ origin, target }: Sendable): string {
  return `${origin}${target.startsWith('/') ? target : '/'}`.replace(/[^\x21-\x7e]|#/g, percent)
}

const percent = (one: string): string => `%${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

/** The flow, which has to be of HTTP. Throws ERR_ARGUMENT. */
export function httpFlow(flow: AnyFlow): HttpFlow {
  if (flow.type !== 'http') throw refused(`a flow of ${flow.type.toUpperCase()} has no request of HTTP`)
  return flow
}

/** The body. Throws ERR_ARGUMENT where only its beginning was recorded: something else would be sent. */
export function whole({ body }: HttpRequest | HttpResponse, side: 'request' | 'response'): Buffer {
  if (body.truncated) {
    throw refused(
      `of the ${side}'s body only ${body.recorded} of ${body.length} bytes were recorded: see body_record_limit and store_streamed_bodies`,
    )
  }
  return body.content
}

/**
 * The fields as they can be sent. What the proxy has read is regular; a file may have names and values that would end their line, and
 * RFC 9110, 5.5 has these bytes replaced by spaces.
 */
export function fieldsOf(headers: HttpHeaders): Field[] {
  return [...headers].flatMap(([name, value]) => (isToken(name) ? [[name, value.replace(/[\0\r\n]/g, ' ')]] : []))
}

/** Whether there is a field of that name. */
export const hasField = (fields: readonly Field[], name: string): boolean => fields.some(([one]) => sameName(one, name))

/** The fields but for those of these names, which are in lower case. */
export const without = (fields: readonly Field[], ...names: string[]): Field[] =>
  fields.filter(([name]) => !names.includes(name.toLowerCase()))

/** Fields of one name as one, because the program takes each name once: joined as RFC 9110, 5.3 allows, in the place of the first. */
export function joined(fields: readonly Field[]): Field[] {
  const all = new HttpHeaders(fields.flat())
  const names = new Set(fields.map(([name]) => name.toLowerCase()))
  return [...names].map((lower) => {
    const [name = lower] = fields.find((field) => sameName(field[0], lower)) ?? []
    return [name, all.get(lower) ?? '']
  })
}

/** Fields that say where a message ends, or that are for the next hop alone: a program writes its own. In lower case. */
export const OF_THE_CONNECTION = [
  ...[
    'content-length',
    'transfer-encoding',
    'connection',
    'proxy-connection',
    'keep-alive',
    'upgrade',
    'te',
    'trailer',
  ],
  'expect',
]

/** The bytes as text; undefined where they are no UTF-8, or have characters that control a terminal, or cannot be seen. */
export function plainText(bytes: Buffer, allowed = /\p{Z}/u): string | undefined {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
  for (const [one] of text.matchAll(/[\p{C}\u2028\u2029]/gu)) if (!allowed.test(one)) return undefined
  return text
}

export const refused = (text: string) => new MidwireError('ERR_ARGUMENT', `the flow cannot be exported: ${text}`)
