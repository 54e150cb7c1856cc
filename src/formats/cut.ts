// Cuts single values out of flows, by mitmproxy's names for them, and writes them as CSV.

import type { Connection } from '../connection.js'
import { MidwireError, nearest } from '../errors.js'
import type { HttpRequest, HttpResponse } from '../flow/http.js'
import type { AnyFlow } from '../flow/index.js'

type Value = string | number | boolean | Buffer | undefined

/** A value of a flow: a text, or the bytes of a body. Empty where the flow has none. */
export type Cut = string | Buffer

const seconds = (milliseconds: number | undefined) => milliseconds && milliseconds / 1000

/** Fields of any flow. Times are seconds since the epoch. */
const FLOW: Record<string, (flow: AnyFlow) => Value> = {
  id: ({ id }) => id,
  type: ({ type }) => type,
  marked: ({ marked }) => marked,
  comment: ({ comment }) => comment,
  timestamp_created: ({ createdAt }) => seconds(createdAt),
  'error.msg': ({ error }) => error?.message,
  'error.timestamp': ({ error }) => seconds(error?.timestamp),
}

const MESSAGE: Record<string, (message: HttpRequest | HttpResponse) => Value> = {
  http_version: ({ version }) => `HTTP/${version}`,
  content: (message) => message.decodedContent,
  raw_content: (message) => message.content,
  text: (message) => message.text,
  timestamp_start: ({ startedAt }) => seconds(startedAt),
  timestamp_end: ({ endedAt }) => seconds(endedAt),
}

const REQUEST: Record<string, (request: HttpRequest) => Value> = {
  method: ({ method }) => method,
  scheme: ({ scheme }) => scheme,
  host: ({ host }) => host,
  port: ({ port }) => port,
  path: ({ path }) => path,
  url: ({ url }) => url,
  pretty_host: ({ prettyHost }) => prettyHost,
  pretty_url: ({ url }) => url,
  authority: ({ authority }) => authority,
}

const RESPONSE: Record<string, (response: HttpResponse) => Value> = {
  status_code: ({ status }) => status,
  reason: ({ reason }) => reason,
}

const CONNECTION: Record<string, (leg: Connection) => Value> = {
  id: ({ id }) => id,
  'peername.host': ({ remote }) => remote?.address,
  'peername.port': ({ remote }) => remote?.port,
  'sockname.host': ({ local }) => local?.address,
  'sockname.port': ({ local }) => local?.port,
  transport_protocol: ({ transport }) => transport,
  sni: ({ tls }) => tls?.sni,
  alpn: ({ tls }) => tls?.alpn,
  cipher: ({ tls }) => tls?.cipher,
  tls_version: ({ tls }) => tls?.version,
  tls_established: ({ tls }) => tls?.establishedAt !== undefined,
  certificate_list: ({ tls }) => tls?.certificates?.[0] && pem(tls.certificates[0]),
  error: ({ error }) => error,
  timestamp_start: ({ openedAt }) => seconds(openedAt),
  timestamp_end: ({ closedAt }) => seconds(closedAt),
  timestamp_tls_setup: ({ tls }) => seconds(tls?.establishedAt),
}

const HEADER = /^(request|response)\.header\[([^\]]+)\]$/

/** The names of all fields. */
export const CUT_FIELDS: readonly string[] = [
  ...Object.keys(FLOW),
  ...[...Object.keys(REQUEST), ...Object.keys(MESSAGE), 'header[NAME]'].map((name) => `request.${name}`),
  ...[...Object.keys(RESPONSE), ...Object.keys(MESSAGE), 'header[NAME]'].map((name) => `response.${name}`),
  ...['client_conn', 'server_conn'].flatMap((leg) => Object.keys(CONNECTION).map((name) => `${leg}.${name}`)),
]

/** Reads a flow: one value for each field of the list. */
export type Cutter = (flow: AnyFlow) => Cut[]

/** The reader of a list with commas: `request.method,request.header[host]`. Throws ERR_ARGUMENT for an empty list and an unknown field. */
export function parseCuts(list: string): Cutter {
  const fields = list.split(',').map((field) => cutter(field.trim()))
  return (flow) => fields.map((field) => shown(field(flow)))
}

function cutter(field: string): (flow: AnyFlow) => Value {
  const header = HEADER.exec(field)
  if (header) return (flow) => messageOf(flow, header[1] as 'request' | 'response')?.headers.get(header[2] ?? '')
  const known = own(FLOW, field)
  if (known) return known
  const at = field.indexOf('.')
  const [place, name] = [field.slice(0, at), field.slice(at + 1)]
  if (place === 'request' || place === 'response') {
    const read = own(MESSAGE, name) ?? own<(message: never) => Value>(place === 'request' ? REQUEST : RESPONSE, name)
    if (read)
      return (flow) => {
        const message = messageOf(flow, place)
        return message && read(message as never)
      }
  }
  const leg = own(CONNECTION, name)
  if (leg && place === 'client_conn') return (flow) => leg(flow.client)
  if (leg && place === 'server_conn') return (flow) => flow.server && leg(flow.server)
  const meant = nearest(field, CUT_FIELDS)
  throw new MidwireError(
    'ERR_ARGUMENT',
    `there is no field ${JSON.stringify(field.slice(0, 100))} to cut${meant ? `, did you mean ${meant}?` : ''}`,
  )
}

const own = <T>(table: Record<string, T>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined

function messageOf(flow: AnyFlow, side: 'request' | 'response'): HttpRequest | HttpResponse | undefined {
  return flow.type === 'http' ? flow[side] : undefined
}

const shown = (value: Value): Cut => (Buffer.isBuffer(value) ? value : value === undefined ? '' : String(value))

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/**
 * Rows as CSV (RFC 4180), a line for each, in UTF-8. Bytes that are no UTF-8 have U+FFFD in their place: `cut.save` of a single value
 * keeps them.
 */
export function csv(rows: readonly (readonly Cut[])[]): string {
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

function cell(value: Cut): string {
  const text = value.toString()
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
