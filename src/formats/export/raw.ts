// Exports the bytes of messages as HTTP/1 has them (RFC 9112): request, response, or both.
import type { HttpResponse } from '../../flow/http.js'
import type { AnyFlow } from '../../flow/index.js'
import { type Field, fieldsOf, hasField, httpFlow, refused, sendable, whole } from './message.js'

const CHUNKED = /(^|[\s,])chunked\s*$/i

/**
 * The request as it could be sent over HTTP/1: one of HTTP/2 becomes one of HTTP/1.1. Where the fields say chunked, the body is one chunk.
 * Throws ERR_ARGUMENT for a flow that is not of HTTP, a CONNECT, and a body that was not recorded whole.
 */
export function rawRequest(flow: AnyFlow): Buffer {
  const { request, target, body } = sendable(flow)
  const fields = fieldsOf(request.headers)
  const old = request.version === '1.0' || request.version === '1.1'
  // HTTP/2 has the host in a pseudo-header field.
  if (!old && !hasField(fields, 'host')) fields.unshift(['Host', request.authority ?? request.prettyHost])
  if (!old && body.length > 0) addLength(fields, body)
  const head = `${request.method} ${target} HTTP/${old ? request.version : '1.1'}\r\n`
  return message(head, fields, body, request.trailers && fieldsOf(request.trailers))
}

/** The response, in the same way. Throws ERR_ARGUMENT for a flow without one, too. */
export function rawResponse(flow: AnyFlow): Buffer {
  const { request, response } = httpFlow(flow)
  if (!response) throw refused('it has no response')
  const body = whole(response, 'response')
  const fields = fieldsOf(response.headers)
  const old = response.version === '1.0' || response.version === '1.1'
  if (!old && request.method !== 'HEAD' && hasBody(response)) addLength(fields, body)
  const head = `HTTP/${old ? response.version : '1.1'} ${response.status} ${response.reason.replace(/[\0\r\n]/g, ' ')}\r\n`
  if (body.length === 0 && (request.method === 'HEAD' || !hasBody(response))) return write(head, fields)
  return message(head, fields, body, response.trailers && fieldsOf(response.trailers))
}

/** Request and response with an empty line between them; the request alone where there is no response. */
export function raw(flow: AnyFlow): Buffer {
  const request = rawRequest(flow)
  if (!httpFlow(flow).response) return request
  return Buffer.concat([request, Buffer.from('\r\n\r\n'), rawResponse(flow)])
}

const hasBody = ({ status }: HttpResponse): boolean => status >= 200 && status !== 204 && status !== 304

function addLength(fields: Field[], body: Buffer): void {
  if (!hasField(fields, 'content-length')) fields.push(['Content-Length', `${body.length}`])
}

function message(head: string, fields: readonly Field[], body: Buffer, trailers: readonly Field[] = []): Buffer {
  const [, coding] = fields.findLast(([name]) => name.toLowerCase() === 'transfer-encoding') ?? []
  const begin = write(head, fields)
  if (coding === undefined || !CHUNKED.test(coding)) return Buffer.concat([begin, body])
  const chunk = body.length > 0 ? [Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n')] : []
  return Buffer.concat([begin, ...chunk, write('0\r\n', trailers)])
}

const write = (head: string, fields: readonly Field[]): Buffer =>
  Buffer.from(`${head}${fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`, 'latin1')
