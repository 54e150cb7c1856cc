// Decides how a held message is framed when it is sent.
import type { HttpHeaders } from '../../../flow/headers.js'
import { HttpRequest, type HttpResponse } from '../../../flow/http.js'
import type { Framing } from '../ends.js'

/**
 * Frames a held message as it came, unless an addon has changed its body, and sets the fields that say so: in `headers`, which are copies
 * where the message has come by another version.
 */
export function planFraming(
  message: HttpRequest | HttpResponse,
  framing: Framing,
  bodiless: boolean,
  chunks: boolean,
  headers: HttpHeaders = message.headers,
): Framing {
  if (bodiless) return { kind: 'none' }
  const { length } = message.content
  if (!message.contentChanged) {
    if (framing.kind === 'chunked' && chunks) {
      if (!headers.has('transfer-encoding')) headers.set('Transfer-Encoding', 'chunked')
      return framing
    }
    if (framing.kind === 'length' && framing.length === length && headers.has('content-length')) return framing
    if (framing.kind === 'none' && message instanceof HttpRequest) return framing
  }
  headers.delete('transfer-encoding')
  headers.set('Content-Length', String(length))
  return { kind: 'length', length }
}
