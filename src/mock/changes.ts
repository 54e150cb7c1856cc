// What `passthrough()` changes in the request and in the response that pass.
import { type HttpFlow, type HttpRequest, type HttpResponse, reasonOf } from '../flow/http.js'

interface MessageChanges {
  /** Fields to set; undefined takes one away. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** A new body, one of these: a text, a value as JSON, or bytes. */
  readonly text?: string
  readonly json?: unknown
  readonly body?: Uint8Array
}

export interface RequestChanges extends MessageChanges {
  readonly method?: string
  /** With its query. */
  readonly path?: string
  /** Sends the request elsewhere. */
  readonly url?: string
}

export interface ResponseChanges extends MessageChanges {
  readonly status?: number
}

/** Changes, or a function that makes them in the flow itself: `(flow) => { flow.response.status = 500 }`. */
export interface Passthrough {
  readonly request?: RequestChanges | ((flow: HttpFlow) => void | Promise<void>)
  readonly response?: ResponseChanges | ((flow: HttpFlow & { response: HttpResponse }) => void | Promise<void>)
}

function changeMessage(message: HttpRequest | HttpResponse, { headers = {}, text, json, body }: MessageChanges): void {
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) message.headers.delete(name)
    else message.headers.set(name, value)
  }
  if (text !== undefined) message.text = text
  else if (json !== undefined) message.text = JSON.stringify(json)
  else if (body !== undefined) message.decodedContent = body
}

export async function changeRequest(flow: HttpFlow, changes: Passthrough['request']): Promise<void> {
  if (typeof changes === 'function') return changes(flow)
  if (!changes) return
  const { method, path, url } = changes
  if (url !== undefined) flow.request.url = url
  if (method !== undefined) flow.request.method = method
  if (path !== undefined) flow.request.path = path
  changeMessage(flow.request, changes)
}

export async function changeResponse(flow: HttpFlow, changes: Passthrough['response']): Promise<void> {
  const { response } = flow
  if (!response || !changes) return
  if (typeof changes === 'function') return changes(flow as HttpFlow & { response: HttpResponse })
  if (changes.status !== undefined) {
    response.status = changes.status
    response.reason = reasonOf(changes.status)
  }
  changeMessage(response, changes)
}
