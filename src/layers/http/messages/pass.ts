// A body on its way with its messages: each runs the hook `http_message`, and goes on as it came, changed, or not at all.
import type { HttpFlow } from '../../../flow/http.js'
import { StreamMessage } from '../../../flow/stream-message.js'
import { type Context, hook, type Step, wants } from '../../layer.js'
import { type Splitter, splitterOf, type Unit } from './splitter.js'

const EMPTY = Buffer.alloc(0)

/**
 * The way of a request's or a response's messages; undefined where its body has none, or no addon has the hook `http_message`. It is asked
 * for when the head goes on, before the body: what the head says then counts.
 */
export function messagePass(context: Context, flow: HttpFlow, side: 'request' | 'response'): MessagePass | undefined {
  const headers = flow[side]?.headers
  const splitter = headers && wants(context, 'http_message') ? splitterOf(headers) : undefined
  return splitter && new MessagePass(context, flow, side === 'request', splitter)
}

export class MessagePass {
  readonly #context: Context
  readonly #flow: HttpFlow
  readonly #fromClient: boolean
  readonly #splitter: Splitter

  constructor(context: Context, flow: HttpFlow, fromClient: boolean, splitter: Splitter) {
    this.#context = context
    this.#flow = flow
    this.#fromClient = fromClient
    this.#splitter = splitter
  }

  /**
   * Takes a piece of the body. Returns the bytes to send on, which may be none while a message is not whole; undefined where an addon has
   * killed the flow, or has failed: nothing more of the body is sent.
   */
  push(chunk: Buffer): Step<Buffer | undefined> {
    return this.#run(this.#splitter.push(chunk))
  }

  /** The body has ended. Returns the last bytes to send on, or undefined as `push` does. */
  end(): Step<Buffer | undefined> {
    return this.#run(this.#splitter.end())
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
    yield* hook(this.#context, 'http_message', { flow: this.#flow, message })
    return message.replacement() ?? raw
  }

  get #now(): number {
    return this.#context.machine.world.now()
  }
}
