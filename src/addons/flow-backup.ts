// Flows as they were before a change, by their ids: what brings them back, and what flow files have of that.
import type { Flow } from '../flow/flow.js'
import { HttpHeaders } from '../flow/headers.js'
import { HttpFlow, type HttpRequest, type HttpResponse } from '../flow/http.js'
import type { AnyFlow } from '../flow/index.js'
import type { FlowRecord, RequestRecord, ResponseRecord } from '../flow/record.js'
import { revive, reviveResponse } from '../flow/revive.js'
import { inMemory, snapshot } from '../flow/snapshot.js'

/** How many flows can be brought back, and the bytes of them all (`flow.size`). Beyond either bound those that were changed first cannot. */
const MAX_BACKUPS = 1_000
const MAX_BYTES = 64 << 20

export class Backups {
  readonly #kept = new Map<string, { readonly before: FlowRecord; readonly size: number }>()
  #bytes = 0

  /** Whether a flow was changed, and can be brought back. */
  has({ id }: Pick<Flow, 'id'>): boolean {
    return this.#kept.has(id)
  }

  /** The flow as it was before it was changed; undefined where it was not. */
  of({ id }: Pick<Flow, 'id'>): FlowRecord | undefined {
    return this.#kept.get(id)?.before
  }

  /** Keeps a flow as it is now, unless it was changed before. */
  keep(flow: Flow): void {
    if (!this.has(flow)) this.take(flow.id, inMemoryAlone(snapshot(flow as AnyFlow)), flow.size)
  }

  /** Takes what a flow was before it was changed: a file says so. */
  take(id: string, before: FlowRecord, size = revive(before).size): void {
    this.forget(id)
    this.#kept.set(id, { before, size })
    this.#bytes += size
    for (const first of this.#kept.keys()) {
      if (this.#kept.size <= MAX_BACKUPS && (this.#bytes <= MAX_BYTES || this.#kept.size === 1)) return
      this.forget(first)
    }
  }

  /** Brings a flow, or a copy of it, back as it was before the first change. Does nothing where it was not changed. Throws ERR_BODY_STREAMED where a body that was changed has gone meanwhile. */
  bringBack(flow: Flow): void {
    const before = this.of(flow)
    if (before) bringBack(flow, before)
    this.forget(flow.id)
  }

  forget(id: string): void {
    this.#bytes -= this.#kept.get(id)?.size ?? 0
    this.#kept.delete(id)
  }
}

/** Bodies that lie on disk may be gone from there when the flow is to be brought back. */
function inMemoryAlone(record: FlowRecord): FlowRecord {
  if (record.type !== 'http') return record
  const held = <M extends RequestRecord | ResponseRecord>(message: M): M => ({
    ...message,
    body: { ...message.body, stored: inMemory(message.body.stored.bytes()) },
  })
  return { ...record, request: held(record.request), response: record.response && held(record.response) }
}

function bringBack(flow: Flow, before: FlowRecord): void {
  const { marked, comment } = before
  Object.assign(flow, { marked, comment })
  if (!(flow instanceof HttpFlow) || before.type !== 'http') return
  const { method, path, scheme, host, port, absolute, authority } = before.request
  Object.assign(flow.request, { method, path, scheme, host, port, absolute, authority })
  bringBackMessage(flow.request, before.request)
  if (before.response) {
    const { status, reason } = before.response
    flow.response ??= reviveResponse(before.response)
    Object.assign(flow.response, { status, reason })
    bringBackMessage(flow.response, before.response)
  } else if (!flow.live) flow.response = undefined
  // A response that has come since to a flow that runs is its own.
}

function bringBackMessage(message: HttpRequest | HttpResponse, before: RequestRecord | ResponseRecord): void {
  const { headers, trailers, body } = before
  message.headers = new HttpHeaders([...headers])
  message.trailers = trailers && new HttpHeaders([...trailers])
  const content = body.stored.bytes()
  // A body that nobody has changed may have passed: setting it would be refused.
  if (message.content !== content && !message.content.equals(content)) message.content = content
}
