// Error pages: midwire's own answers to requests that it refuses, or whose server fails.
import { HttpHeaders } from '../../../flow/headers.js'
import { HttpResponse } from '../../../flow/http.js'
import { writeResponseHead } from './write.js'

/** The bytes of a whole response with `message` as its text. The connection has to be closed after it. */
export function errorPage(status: number, message: string, headOnly = false): Buffer {
  const content = Buffer.from(`midwire: ${message}\n`)
  const headers = new HttpHeaders([
    ...['Content-Type', 'text/plain; charset=utf-8'],
    ...['Content-Length', String(content.length)],
    ...['Connection', 'close'],
  ])
  const head = writeResponseHead(new HttpResponse({ status, headers }))
  return headOnly ? head : Buffer.concat([head, content])
}
