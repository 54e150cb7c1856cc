// HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/), with Chromium's fields for WebSockets: writes flows of HTTP as its entries.
import { isAscii, isUtf8 } from 'node:buffer'
import { hostPort } from '../addresses.js'
import { decodeContent } from '../flow/content-coding.js'
import { HttpHeaders } from '../flow/headers.js'
import type { FieldsRecord, HttpRecord, RequestRecord, ResponseRecord } from '../flow/record.js'
import { reviveRequest } from '../flow/revive.js'
import { present } from './shape.js'

/** What stands before the entries. Between them are commas, and `HAR_END` stands after them. `version`: midwire's. */
export function harStart(version: string): string {
  const creator = JSON.stringify({ name: 'midwire', version })
  return `{"log":{"version":"1.2","creator":${creator},"pages":[],"entries":[\n`
}

export const HAR_END = '\n]}}\n'

/** A flow as an entry of a HAR. Bodies stand there without their Content-Encoding. */
export function harEntry(record: HttpRecord): object {
  const { request, response, server, websocket, messages, error } = record
  const timings = timingsOf(record)
  const { connect, send, wait, receive } = timings
  return present({
    startedDateTime: new Date(request.startedAt).toISOString(),
    time: Math.max(0, connect) + send + wait + receive,
    request: requestOf(record),
    response: { ...(response ? responseOf(response) : NO_RESPONSE), ...(error && { _error: error.message }) },
    cache: {},
    timings,
    serverIPAddress: server?.remote?.address,
    connection: server?.id,
    comment: record.comment || undefined,
    _id: record.id,
    _marked: record.marked || undefined,
    _replayed: record.replayed,
    _resourceType: websocket && 'websocket',
    _webSocketMessages: websocket?.messages.map((one) =>
      present({
        type: one.fromClient ? 'send' : 'receive',
        time: one.timestamp / 1000,
        opcode: one.kind === 'text' ? 1 : 2,
        data: one.kind === 'text' ? one.content.toString() : one.content.toString('base64'),
        _dropped: one.dropped || undefined,
        _injected: one.injected || undefined,
      }),
    ),
    _webSocketClose: websocket?.closeCode === undefined ? undefined : closeOf(websocket),
    _streamMessages: messages?.recorded.map((one) =>
      present({
        type: one.fromClient ? 'send' : 'receive',
        time: one.timestamp / 1000,
        kind: one.kind,
        ...textOrBase64(one.content),
        event: one.event,
        id: one.id,
        retry: one.retry,
        _dropped: one.dropped || undefined,
      }),
    ),
  })
}

const closeOf = ({ closeCode, closeReason, closedByClient }: NonNullable<HttpRecord['websocket']>) =>
  present({ code: closeCode, reason: closeReason, fromClient: closedByClient })

const NO_RESPONSE = {
  ...{ status: 0, statusText: '', httpVersion: '', cookies: [], headers: [], redirectURL: '' },
  ...{ content: { size: 0, mimeType: 'x-unknown' }, headersSize: -1, bodySize: -1 },
}

/** Milliseconds; -1 for what is unknown or did not happen. The server's connection counts where it was opened for this flow. */
function timingsOf({ request, response, server, endedAt }: HttpRecord) {
  const sent = request.endedAt ?? response?.startedAt ?? request.startedAt
  const answered = response?.startedAt ?? endedAt ?? sent
  const opened = server?.openedAt !== undefined && server.openedAt >= request.startedAt ? server.openedAt : undefined
  const secured = opened === undefined ? undefined : server?.tls?.establishedAt
  const connect = opened === undefined ? -1 : Math.max(opened, secured ?? opened) - request.startedAt
  const waited = Math.max(0, answered - sent)
  return {
    blocked: -1,
    dns: -1,
    connect,
    send: Math.max(0, sent - request.startedAt),
    wait: Math.max(0, waited - Math.max(0, connect)),
    receive: Math.max(0, (response?.endedAt ?? answered) - answered),
    ssl: opened === undefined || secured === undefined ? -1 : Math.max(0, secured - opened),
  }
}

function requestOf({ request, websocket }: HttpRecord): object {
  const headers = new HttpHeaders([...request.headers])
  const type = headers.get('content-type') ?? ''
  const { content, comment } = contentOf(request)
  const { method, version } = request
  const url = urlOf(request)
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(type) && isUtf8(content)
  const hasBody = request.body.length > 0 || ['POST', 'PUT', 'PATCH'].includes(method)
  const { text, encoding } = textOrBase64(content)
  return present({
    method,
    url: websocket ? url.replace(/^http/, 'ws') : url,
    httpVersion: VERSIONS[version],
    cookies: cookiesOf(headers.get('cookie')),
    headers: [...pseudoFields(request), ...fieldsOf(request.headers)],
    queryString: pairsOf(request.path.includes('?') ? request.path.slice(request.path.indexOf('?') + 1) : ''),
    headersSize: headSize(request, `${method} ${request.path} HTTP/1.1`),
    bodySize: request.body.length,
    postData: hasBody
      ? present({ mimeType: type, text, ...(isForm && { params: pairsOf(text) }), _encoding: encoding, comment })
      : undefined,
  })
}

function urlOf(request: RequestRecord): string {
  if (request.method === 'CONNECT' && request.protocol === undefined)
    return `https://${hostPort(request.host, request.port)}/`
  const { url } = reviveRequest(request)
  const isServerWide = request.path === '*'
  if (URL.canParse(url)) return isServerWide ? `${url}/` : url
  // A Host field may be anything.
  return `${request.scheme}://${hostPort(request.host, request.port)}${isServerWide ? '/' : request.path}`
}

function responseOf(response: ResponseRecord): object {
  const headers = new HttpHeaders([...response.headers])
  const type = headers.get('content-type') ?? ''
  const { content, comment } = contentOf(response)
  const { text, encoding } = textOrBase64(content, type)
  const compression = content.length - response.body.stored.size
  return {
    status: response.status,
    statusText: response.reason,
    httpVersion: VERSIONS[response.version],
    cookies: headers.getAll('set-cookie').flatMap(setCookieOf),
    headers: fieldsOf(response.headers),
    content: present({
      size: content.length,
      compression: compression === 0 ? undefined : compression,
      mimeType: type,
      text,
      encoding,
      comment,
    }),
    redirectURL: headers.get('location') ?? '',
    headersSize: headSize(response, `HTTP/1.1 ${response.status} ${response.reason}`),
    bodySize: response.body.length,
  }
}

const VERSIONS = { '1.0': 'HTTP/1.0', '1.1': 'HTTP/1.1', '2.0': 'HTTP/2.0', '3.0': 'HTTP/3' } as const

type AnyMessage = RequestRecord | ResponseRecord

/** The body without its Content-Encoding, and what is wrong with it. */
function contentOf(message: AnyMessage): { content: Buffer; comment: string | undefined } {
  const { body, headers } = message
  const stored = body.stored.bytes()
  const { content, error } = decodeContent(stored, new HttpHeaders([...headers]).get('content-encoding'))
  const cut = body.length > stored.length ? `only ${stored.length} of ${body.length} bytes were recorded` : undefined
  return { content, comment: [cut, error].filter((one) => one !== undefined).join('; ') || undefined }
}

/** A text where that gives the same bytes again, for a reader that knows the media type; else base64. */
function textOrBase64(content: Buffer, type = ''): { text: string; encoding?: 'base64' } {
  const charset = /;\s*charset="?([^\s;"]+)/i.exec(type)?.[1]?.toLowerCase() ?? 'utf-8'
  const isText = isAscii(content) || (isUtf8(content) && /^utf-?8$/.test(charset))
  const text = isText ? content.toString() : ''
  // Control characters are a sign of data, and would be escapes of six characters each.
  if (!isText || /(?![\t\n\r])\p{Cc}/u.test(text)) {
    return { text: content.toString('base64'), encoding: 'base64' }
  }
  return { text }
}

const fieldsOf = (fields: FieldsRecord) =>
  Array.from({ length: fields.length / 2 }, (_, at) => ({
    name: fields[2 * at] ?? '',
    value: fields[2 * at + 1] ?? '',
  }))

/** The pseudo-header fields of HTTP/2, which Chromium writes, too. */
function pseudoFields(request: RequestRecord): { name: string; value: string }[] {
  if (request.authority === undefined) return []
  const { method, scheme, path, authority, protocol } = request
  const values: Record<string, string | undefined> = { ':method': method, ':authority': authority, ':scheme': scheme }
  Object.assign(values, { ':path': path, ':protocol': protocol })
  const order = (request.pseudoOrder ?? Object.keys(values)).map((name) => `:${name.replace(/^:/, '')}`)
  return order.flatMap((name) => (values[name] ? [{ name, value: values[name] }] : []))
}

/** The bytes of a head of HTTP/1; -1 where it is compressed. */
function headSize({ version, headers }: AnyMessage, line: string): number {
  if (version !== '1.0' && version !== '1.1') return -1
  return headers.reduce((size, one) => size + one.length + 2, line.length + 4)
}

function pairsOf(text: string): { name: string; value: string }[] {
  return [...new URLSearchParams(text)].map(([name, value]) => ({ name, value }))
}

function cookiesOf(field: string | undefined): { name: string; value: string }[] {
  if (!field) return []
  return field.split(';').map((pair) => nameAndValue(pair))
}

function nameAndValue(pair: string): { name: string; value: string } {
  const equals = pair.indexOf('=')
  if (equals === -1) return { name: pair.trim(), value: '' }
  return { name: pair.slice(0, equals).trim(), value: pair.slice(equals + 1).trim() }
}

function setCookieOf(field: string): object[] {
  const [first = '', ...rest] = field.split(';')
  const attributes = new Map(rest.map(nameAndValue).map(({ name, value }) => [name.toLowerCase(), value]))
  const expires = Date.parse(attributes.get('expires') ?? '')
  return [
    present({
      ...nameAndValue(first),
      path: attributes.get('path'),
      domain: attributes.get('domain'),
      expires: Number.isNaN(expires) ? undefined : new Date(expires).toISOString(),
      httpOnly: attributes.has('httponly'),
      secure: attributes.has('secure'),
      sameSite: attributes.get('samesite'),
    }),
  ]
}
