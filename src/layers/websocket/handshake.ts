// The opening handshake of WebSocket (RFC 6455, 4) as it passes through HTTP: which extensions are offered, and whether midwire reads the rest.
import type { HttpHeaders } from '../../flow/headers.js'
import type { HttpFlow } from '../../flow/http.js'
import { type Context, log } from '../layer.js'
import { agreementOf, keepKnownExtensions } from './extensions.js'

/** The one version of WebSocket that was standardised (RFC 6455, 4.1). */
const VERSION = '13'

/** Takes extensions that midwire cannot read out of a client's request for a WebSocket. */
export function offerKnownExtensions(
  context: Context,
  { headers, protocol = headers.get('upgrade') }: { headers: HttpHeaders; protocol?: string | undefined },
): void {
  if (!context.options.websocket || protocol?.toLowerCase() !== 'websocket') return
  const takenOut = keepKnownExtensions(headers)
  if (takenOut !== undefined) log(context, 'debug', `the WebSocket extensions ${takenOut} were taken out of the offer`)
}

/** Whether midwire reads what follows a 101. Else it passes as raw bytes, and the log says why. */
export function isReadable(context: Context, { request, response, upgrade }: HttpFlow): boolean {
  if (!context.options.websocket || upgrade !== 'websocket' || !response) return false
  const version = request.headers.get('sec-websocket-version')
  if (version !== VERSION) {
    log(context, 'info', `a WebSocket of version ${version ?? 'none'}, which midwire does not read`)
    return false
  }
  if (agreementOf(response.headers)) return true
  log(context, 'info', 'a WebSocket with extensions that midwire does not read')
  return false
}
