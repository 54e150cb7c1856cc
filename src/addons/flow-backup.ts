// Copies of flows before a change: of what commands change, and without their bytes, which no command writes into. They are kept by the ids of flows.
import type { Flow } from '../flow/flow.js'
import { HttpHeaders } from '../flow/headers.js'
import { HttpFlow, type HttpRequest, type HttpResponse } from '../flow/http.js'

/** How many flows can be brought back, and the bytes of them all (`flow.size`). Beyond either bound those that were changed first cannot. */
const MAX_BACKUPS = 1_000
const MAX_BYTES = 64 << 20

/** Brings a flow, or a copy of it, back. Throws ERR_BODY_STREAMED where a body that was changed has gone meanwhile. */
type Backup = (flow: Flow) => void

export class Backups {
  readonly #kept = new Map<string, { readonly bringBack: Backup; readonly size: number }>()
  #bytes = 0

  /** Whether a flow was changed, and can be brought back. */
  has({ id }: Pick<Flow, 'id'>): boolean {
    return this.#kept.has(id)
  }

  /** Keeps a flow as it is now, unless it was changed before. */
  keep(flow: Flow): void {
    if (this.#kept.has(flow.id)) return
    const { size } = flow
    this.#kept.set(flow.id, { bringBack: backupOf(flow), size })
    this.#bytes += size
    for (const id of this.#kept.keys()) {
      if (this.#kept.size <= MAX_BACKUPS && (this.#bytes <= MAX_BYTES || this.#kept.size === 1)) return
      this.forget(id)
    }
  }

  /** Brings a flow back as it was before the first change. Does nothing where it was not changed. */
  bringBack(flow: Flow): void {
    this.#kept.get(flow.id)?.bringBack(flow)
    this.forget(flow.id)
  }

  forget(id: string): void {
    this.#bytes -= this.#kept.get(id)?.size ?? 0
    this.#kept.delete(id)
  }
}

function backupOf(flow: Flow): Backup {
  const { marked, comment } = flow
  const parts = flow instanceof HttpFlow ? [backupOfRequest(flow), backupOfResponse(flow)] : []
  return (target) => {
    Object.assign(target, { marked, comment })
    if (target instanceof HttpFlow) for (const bringBack of parts) bringBack(target)
  }
}

function backupOfRequest({ request }: HttpFlow): (flow: HttpFlow) => void {
  const { method, path, scheme, host, port, absolute, authority } = request
  const message = backupOfMessage(request)
  return (flow) => {
    Object.assign(flow.request, { method, path, scheme, host, port, absolute, authority })
    message(flow.request)
  }
}

function backupOfResponse({ response }: HttpFlow): (flow: HttpFlow) => void {
  if (!response) {
    // A response that has come since to a flow that runs is its own.
    return (flow) => {
      if (!flow.live) flow.response = undefined
    }
  }
  const { status, reason } = response
  const message = backupOfMessage(response)
  return (flow) => {
    flow.response ??= response
    Object.assign(flow.response, { status, reason })
    message(flow.response)
  }
}

function backupOfMessage(message: HttpRequest | HttpResponse): (message: HttpRequest | HttpResponse) => void {
  const fields = [...message.headers.raw]
  const { content } = message
  return (target) => {
    target.headers = new HttpHeaders(fields)
    // A body that nobody has changed may have passed: setting it would be refused.
    if (target.content !== content && !target.content.equals(content)) target.content = content
  }
}
