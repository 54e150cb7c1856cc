// Applies changes that a client sends to a flow: to its request, its response, or its messages.

import type { InferOutput } from 'valibot'
import { type AnyFlow, HttpHeaders, type HttpRequest, HttpResponse } from '../../index.js'
import type { FlowChanges, RequestChanges, ResponseChanges } from '../api/schemas/flow.js'
import { conflict, notFound } from '../server/failure.js'
import { messagesOf, waitingMessages } from '../shape/message.js'
import { httpOf } from './found.js'

type OfRequest = InferOutput<typeof RequestChanges>
type OfResponse = InferOutput<typeof ResponseChanges>
type MessageChanges = NonNullable<FlowChanges['messages']>[number]

/** Bytes of a text or of Base64. */
export const bytesOf = (content: { text: string } | { base64: string }): Buffer =>
  'text' in content ? Buffer.from(content.text) : Buffer.from(content.base64, 'base64')

/** Throws an ApiError, a TypeError or a RangeError for what cannot be, and ERR_BODY_STREAMED for a body that has gone. */
export function changeFlow(flow: AnyFlow, { marked, comment, request, response, messages = [] }: FlowChanges): void {
  if (marked !== undefined) flow.marked = marked
  if (comment !== undefined) flow.comment = comment
  if (request) changeRequest(httpOf(flow).request, request)
  if (response) {
    const http = httpOf(flow)
    if (http.response) changeResponse(http.response, response)
    else http.response = newResponse(response)
  }
  for (const message of messages) changeMessage(flow, message)
}

export function changeRequest(request: HttpRequest, { method, url, path, ...rest }: OfRequest): void {
  if (url !== undefined) request.url = url
  if (path !== undefined) request.path = path
  if (method !== undefined) request.method = method
  changeParts(request, rest)
}

function changeResponse(response: HttpResponse, { status, reason, ...rest }: OfResponse): void {
  if (status !== undefined) {
    // The reason of another status would be wrong.
    if (status !== response.status && reason === undefined) response.reason = new HttpResponse({ status }).reason
    response.status = status
  }
  if (reason !== undefined) response.reason = reason
  changeParts(response, rest)
}

function newResponse(changes: OfResponse): HttpResponse {
  const response = new HttpResponse({ status: changes.status ?? 200 })
  changeResponse(response, changes)
  return response
}

function changeParts(
  message: HttpRequest | HttpResponse,
  { headers, fields, trailers, content }: Pick<OfRequest, 'headers' | 'fields' | 'trailers' | 'content'>,
): void {
  if (fields) message.headers = headersOf(fields)
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value === null) message.headers.delete(name)
    else message.headers.set(name, value)
  }
  if (trailers) message.trailers = trailers.length > 0 ? headersOf(trailers) : undefined
  if (content) message.decodedContent = bytesOf(content)
}

function headersOf(fields: readonly (readonly [string, string])[]): HttpHeaders {
  const headers = new HttpHeaders()
  for (const [name, value] of fields) headers.append(name, value)
  return headers
}

/** Throws an ApiError, 404 and 409, a TypeError for a text that is no UTF-8. */
function changeMessage(flow: AnyFlow, { index, content, drop = false }: MessageChanges): void {
  const waiting = waitingMessages(flow).get(index)
  const message = waiting ?? messagesOf(flow)[index]
  if (!message) throw notFound(`message ${index}`)
  if (drop && !waiting) throw conflict(`message ${index} does not wait`)
  if (content) message.content = bytesOf(content)
  if (!drop) return
  // A raw message that is empty is not sent on.
  if (flow.type === 'http') flow.websocket?.passing?.drop()
  else message.content = Buffer.alloc(0)
}
