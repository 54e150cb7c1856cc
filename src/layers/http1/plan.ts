// How a message that is here as a whole is framed when it goes out.
import { HttpRequest, type HttpResponse } from '../../flow/http.js'
import type { Framing } from './framing.js'

/** How a held message is framed, with the fields that say so: as it came, unless somebody has changed its body. */
export function planFraming(
  message: HttpRequest | HttpResponse,
  framing: Framing,
  bodiless: boolean,
  chunks: boolean,
): Framing {
  if (bodiless) return { kind: 'none' }
  const { headers } = message
  const { length } = message.content
  if (!message.contentChanged) {
    if (framing.kind === 'chunked' && chunks) return framing
    if (framing.kind === 'length' && framing.length === length && headers.has('content-length')) return framing
    if (framing.kind === 'none' && message instanceof HttpRequest) return framing
  }
  headers.delete('transfer-encoding')
  headers.set('Content-Length', String(length))
  return { kind: 'length', length }
}
