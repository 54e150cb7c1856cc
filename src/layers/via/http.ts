// Connects through an HTTP proxy by CONNECT (RFC 9110, 9.3.6). For an https proxy, TLS with it has been established before.
import { connectRequest, HttpFlow, HttpResponse } from '../../flow/http.js'
import { basic } from '../../flow/via.js'
import { HttpError } from '../http/error.js'
import { parseResponseHead } from '../http/h1/head.js'
import { readHead, takeHead } from '../http/h1/read-head.js'
import { writeRequestHead } from '../http/h1/write.js'
import { hook, origin, push, type Step } from '../layer.js'
import { HOP_MILLISECONDS, type HopFailure, type HopLayer, WANTS_CREDENTIALS } from './hop.js'

export const throughHttp: HopLayer = function* (context, channel, hop, to): Step<HopFailure | undefined> {
  const { world } = context.machine
  const request = connectRequest(to.host, to.port, world.now())
  if (hop.credentials) request.headers.set('Proxy-Authorization', basic(hop.credentials))
  const flow = new HttpFlow(origin(context, undefined), request)
  yield* hook(context, 'http_connect_upstream', flow)
  if (flow.error) return { code: 'KILLED', message: flow.error.message }
  try {
    push(context, channel, writeRequestHead(request))
    for (;;) {
      const bytes = takeHead(channel, 'response') ?? (yield* readHead(context, channel, 'response', HOP_MILLISECONDS))
      if (!bytes)
        return { code: 'ECONNRESET', message: channel.error ?? 'it has closed the connection without an answer' }
      const head = parseResponseHead(bytes, 0, bytes.length)
      if (head.end !== undefined) channel.unread(bytes.subarray(head.end))
      const { status, reason } = head
      if (status < 200) continue
      if (status < 300) return undefined
      flow.response = new HttpResponse(head, 0, world.now())
      if (status === 407) return { code: 'VIA', message: WANTS_CREDENTIALS }
      return { code: status === 504 ? 'ETIMEDOUT' : 'VIA', message: `it answers ${status} ${reason}`.trim() }
    }
  } catch (error) {
    if (!(error instanceof HttpError)) throw error
    const late = error.status === 408
    return late
      ? { code: 'ETIMEDOUT', message: `it has not answered within ${HOP_MILLISECONDS / 1000} s` }
      : { code: 'VIA', message: error.message }
  }
}
