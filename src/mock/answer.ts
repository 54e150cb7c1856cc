// What a mock answers with: statuses, texts, JSON, files and streams, made to responses.
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { HttpHeadersInit } from '../flow/headers.js'
import { HttpHeaders } from '../flow/headers.js'
import { type BodySource, HttpResponse } from '../flow/http.js'

/** A body: a text; bytes; a stream or generator of them; any other value is JSON. */
export type MockBody = string | Uint8Array | BodySource | unknown

/** A response. At most one of `text`, `json`, `body`, `file` and `stream` is given; without one it has no body. */
export interface MockResponse {
  /** Default: 200. */
  readonly status?: number
  /** Default: the usual one of that status. */
  readonly reason?: string
  /** Content-Length follows by itself, and Content-Type where it is not given: JSON, text, or that of the file's name. */
  readonly headers?: HttpHeadersInit
  readonly text?: string
  readonly json?: unknown
  /** Bytes, without a Content-Type. */
  readonly body?: Uint8Array
  /** The path of a file, which is read for each answer. */
  readonly file?: string
  /** A body that comes piece by piece: a generator, a ReadableStream, a Node stream. A stream can be read once, so it is for one answer. */
  readonly stream?: BodySource
}

/** What a function of `respond` returns: a status, the parts of a response, or a response; undefined lets the request pass. */
export type MockAnswer = number | MockResponse | HttpResponse | undefined

/** The Content-Type of files by the ends of their names; others are bytes. */
const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.gif': 'image/gif',
  '.htm': 'text/html; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webp': 'image/webp',
  '.xml': 'application/xml',
}

/** The parts of a response with this body. */
export function partsOf(status: number, body: MockBody, headers: HttpHeadersInit | undefined): MockResponse {
  const rest = { status, ...(headers && { headers }) }
  if (body === undefined) return rest
  if (typeof body === 'string') return { ...rest, text: body }
  if (body instanceof Uint8Array) return { ...rest, body }
  return isSource(body) ? { ...rest, stream: body } : { ...rest, json: body }
}

const isSource = (body: unknown): body is BodySource =>
  typeof body === 'object' &&
  body !== null &&
  (Symbol.asyncIterator in body || (Symbol.iterator in body && !Array.isArray(body)))

/** Makes a response of an answer. Rejects where its file cannot be read, and with a RangeError for a status that is none. */
export async function responseOf(answer: Exclude<MockAnswer, undefined>): Promise<HttpResponse> {
  if (answer instanceof HttpResponse) return answer
  if (typeof answer === 'number') return new HttpResponse({ status: answer })
  const { status = 200, reason, text, json, body, file, stream } = answer
  const headers = HttpHeaders.from(answer.headers ?? [])
  const typed = (type: string) => headers.has('content-type') || headers.set('Content-Type', type)
  let content: Uint8Array | string | undefined = body
  if (text !== undefined) {
    content = text
    typed('text/plain; charset=utf-8')
  } else if (json !== undefined) {
    content = JSON.stringify(json)
    typed('application/json')
  } else if (file !== undefined) {
    content = await readFile(file)
    typed(TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream')
  }
  return new HttpResponse({
    status,
    headers,
    ...(reason !== undefined && { reason }),
    ...(content !== undefined && { content }),
    ...(stream && { source: stream }),
  })
}
