// Writes answers: JSON, bytes as a whole, in a range or piece by piece, and errors.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promises as streams } from 'node:stream'
import type { BytesAnswer } from './call.js'
import { type ApiError, failureOf } from './failure.js'
import { API_HEADERS, RECORDED_HEADERS } from './headers.js'

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  const text = JSON.stringify(value)
  response.writeHead(status, {
    ...API_HEADERS,
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
  })
  response.end(text)
}

export function sendNothing(response: ServerResponse): void {
  response.writeHead(204, API_HEADERS)
  response.end()
}

export async function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  { type, content, name, recorded = false }: BytesAnswer,
): Promise<void> {
  const headers: Record<string, string | number> = {
    ...(recorded ? RECORDED_HEADERS : API_HEADERS),
    'Content-Type': type,
    ...(name !== undefined && { 'Content-Disposition': disposition(name) }),
  }
  if (typeof content !== 'string' && !Buffer.isBuffer(content)) {
    response.writeHead(200, headers)
    await streams.pipeline(content, response)
    return
  }
  const bytes = Buffer.from(content)
  headers['Accept-Ranges'] = 'bytes'
  const range = rangeOf(request.headers.range, bytes.length)
  if (range === 'none') {
    response.writeHead(416, { ...API_HEADERS, 'Content-Range': `bytes */${bytes.length}` })
    response.end()
    return
  }
  const part = range ? bytes.subarray(range.from, range.to + 1) : bytes
  if (range) headers['Content-Range'] = `bytes ${range.from}-${range.to}/${bytes.length}`
  response.writeHead(range ? 206 : 200, { ...headers, 'Content-Length': part.length })
  response.end(part)
}

/** `name` is of our own making, but may have any characters of a peer's name in it. */
const disposition = (name: string): string => {
  const ascii = name.replace(/[^\w.-]/g, '_')
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(name)}`
}

/** One range (RFC 9110, 14.1.2); undefined for the whole: several ranges, and other units, are answered so. `none`: nothing is there. */
function rangeOf(header: string | undefined, length: number): { from: number; to: number } | 'none' | undefined {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
  const from = first === '' ? Math.max(0, length - Number(last)) : Number(first)
  const to = first === '' || last === '' ? length - 1 : Math.min(Number(last), length - 1)
  if (first !== '' && last !== '' && Number(last) < from) return undefined
  return from >= length || from > to ? 'none' : { from, to }
}

/** An answer that has begun cannot be taken back: its connection is closed. */
export function sendFailure(response: ServerResponse, thrown: unknown): void {
  const error = failureOf(thrown)
  if (response.headersSent) {
    response.destroy()
    return
  }
  const { status, code, message, at } = error
  // What is left of the request is not read.
  if (isUnread(response, error)) response.setHeader('Connection', 'close')
  if (status === 429) response.setHeader('Retry-After', '60')
  sendJson(response, { error: { code, message, ...(at !== undefined && { at }) } }, status)
}

const isUnread = ({ req }: ServerResponse, { status }: ApiError): boolean => status === 413 || !req.complete
