// A copy of a flow before a change: of what commands change, and without its bytes, which no command writes into.
import type { Flow } from '../flow/flow.js'
import { HttpHeaders } from '../flow/headers.js'
import { HttpFlow, type HttpRequest, type HttpResponse } from '../flow/http.js'

/** Brings the flow back. Throws ERR_BODY_STREAMED where a body that was changed has gone meanwhile. */
export type Backup = () => void

export function backupOf(flow: Flow): Backup {
  const { marked, comment } = flow
  const parts = flow instanceof HttpFlow ? [backupOfRequest(flow.request), backupOfResponse(flow.response)] : []
  return () => {
    Object.assign(flow, { marked, comment })
    for (const bringBack of parts) bringBack()
  }
}

function backupOfRequest(request: HttpRequest): Backup {
  const { method, path, scheme, host, port, absolute, authority } = request
  const message = backupOfMessage(request)
  return () => {
    Object.assign(request, { method, path, scheme, host, port, absolute, authority })
    message()
  }
}

function backupOfResponse(response: HttpResponse | undefined): Backup {
  if (!response) return () => {}
  const { status, reason } = response
  const message = backupOfMessage(response)
  return () => {
    Object.assign(response, { status, reason })
    message()
  }
}

function backupOfMessage(message: HttpRequest | HttpResponse): Backup {
  const fields = [...message.headers.raw]
  const { content } = message
  return () => {
    message.headers = new HttpHeaders(fields)
    // A body that nobody has changed may have passed: setting it would be refused.
    if (message.content !== content) message.content = content
  }
}
