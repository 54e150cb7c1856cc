// A body on its way with its messages: each is recorded, and where somebody has the hook `http_message`, goes on as it came, changed, or not at all.
import type { HttpFlow } from '../../../flow/http.js'
import { StreamMessage } from '../../../flow/stream-message.js'
import { StreamMessages } from '../../../flow/stream-messages.js'
import { type Context, hook, type Step, wants } from '../../layer.js'
import type { BodyFilter } from '../transfer.js'
import { type Splitter, splitterOf, type Unit } from './splitter.js'

const EMPTY = Buffer.alloc(0)

/**
 * The way of a request's or a response's messages; undefined where its body has none. It is asked for when the head goes on, before the
 * body: what the head says then counts.
 */
export function messagePass(context: Context, flow: HttpFlow, side: 'request' | 'response'): BodyFilter | undefined {
  const headers = flow[side]?.headers
  const splitter = headers && splitterOf(headers)
  return splitter && new MessagePass(context, flow, side === 'request', splitter)
}

class MessagePass implements BodyFilter {
  /** Somebody has the hook. Else the body passes as it comes, whole messages or not. */
  readonly alters: boolean
  readonly #context: Context
  readonly #flow: HttpFlow
  readonly #fromClient: boolean
  readonly #splitter: Splitter

  constructor(context: Context, flow: HttpFlow, fromClient: boolean, splitter: Splitter) {
    this.alters = wants(context, 'http_message')
    this.#context = context
    this.#flow = flow
    this.#fromClient = fromClient
    this.#splitter = splitter
  }

  /**
   * Takes a piece of the body. Returns the bytes to send on, which may be none while a message is not whole; undefined where an addon has
   * killed the flow, or has failed: nothing more of the body is sent.
   */
  *push(chunk: Buffer): Step<Buffer | undefined> {
    const out = yield* this.#run(this.#splitter.push(chunk))
    return this.alters ? out : chunk
  }

  /** The body has ended. Returns the last bytes to send on, or undefined as `push` does. */
  *end(): Step<Buffer | undefined> {
    const out = yield* this.#run(this.#splitter.end())
    return this.alters ? out : EMPTY
  }

  *#run(units: readonly Unit[]): Step<Buffer | undefined> {
    const out: Buffer[] = []
    for (const { raw, message } of units) {
      out.push(message ? yield* this.#message(raw, new StreamMessage(message, this.#fromClient, this.#now)) : raw)
      if (this.#flow.error) return undefined
    }
    return out.length === 1 ? (out[0] as Buffer) : out.length === 0 ? EMPTY : Buffer.concat(out)
  }

  *#message(raw: Buffer, message: StreamMessage): Step<Buffer> {
    const flow = this.#flow
    if (this.alters) yield* hook(this.#context, 'http_message', { flow, message })
    flow.messages ??= new StreamMessages(this.#context.options.body_record_limit)
    flow.messages.record(message, raw.length)
    this.#context.machine.perform({ type: 'changed', flow })
    return message.replacement() ?? raw
  }

  get #now(): number {
    return this.#context.machine.world.now()
  }
}
