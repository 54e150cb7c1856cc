// The Content-Length of a held message, where its body goes on in the frames of a stream.
import type { HttpRequest, HttpResponse } from '../../flow/http.js'
import type { Framing } from './ends.js'

/** Sets Content-Length where an addon has changed the body, or has made the message; `framing`: how the body came. */
export function planLength(message: HttpRequest | HttpResponse, framing: Framing): void {
  const { length } = message.content
  const isSame = framing.kind === 'chunked' || (framing.kind === 'length' && framing.length === length && length > 0)
  if (isSame && !message.contentChanged) return
  message.headers.set('content-length', String(length))
}
