// Answers that midwire gives itself when a request or its server cannot be dealt with.
import { HttpHeaders } from '../../flow/headers.js'
import { HttpResponse } from '../../flow/http.js'
import { writeResponseHead } from './write.js'

/** A whole response: the reason as text; the connection is closed after it. */
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
