// What a body that passes goes through: the hook of its messages, and the function or TransformStream of an addon.
import type { HttpHeaders } from '../../flow/headers.js'
import type { HttpFlow } from '../../flow/http.js'
import { type Context, isTransformed, type Step, transform } from '../layer.js'
import type { Framing } from './ends.js'
import { messagePass } from './messages/pass.js'
import type { BodyFilter } from './transfer.js'

/** The filters of a request's or a response's body, in the order in which its pieces go through them. */
export function filtersOf(context: Context, flow: HttpFlow, side: 'request' | 'response'): readonly BodyFilter[] {
  const messages = messagePass(context, flow, side)
  const message = flow[side]
  const transforms = message && isTransformed(message) ? new TransformFilter(flow, side) : undefined
  if (!transforms) return messages ? [messages] : NONE
  return messages ? [messages, transforms] : [transforms]
}

const NONE: readonly BodyFilter[] = []

/** How a message is framed whose body goes through filters: where one of them may alter the body, its length is not known before its end. */
export function framingThrough(
  filters: readonly BodyFilter[],
  { headers }: { readonly headers: HttpHeaders },
  framing: Framing,
): Framing {
  if (filters.length === 0 || !filters.some(({ alters }) => alters)) return framing
  headers.delete('content-length')
  return { kind: 'chunked' }
}

const END = Buffer.alloc(0)

/** The `stream` of a message. */
class TransformFilter implements BodyFilter {
  readonly alters = true
  readonly #flow: HttpFlow
  readonly #side: 'request' | 'response'

  constructor(flow: HttpFlow, side: 'request' | 'response') {
    this.#flow = flow
    this.#side = side
  }

  /** An empty piece would be the end for the addon. */
  *push(piece: Buffer): Step<Buffer | undefined> {
    return piece.length === 0 ? piece : yield* transform(this.#flow, this.#side, piece)
  }

  end(): Step<Buffer | undefined> {
    return transform(this.#flow, this.#side, END)
  }
}
