// What looks at a body that passes: the hook of its messages.
import type { HttpFlow } from '../../flow/http.js'
import type { Context } from '../layer.js'
import { messagePass } from './messages/pass.js'
import type { BodyFilter } from './transfer.js'

/** The filters of a request's or a response's body, in the order in which its pieces go through them; undefined for none. */
export function filtersOf(
  context: Context,
  flow: HttpFlow,
  side: 'request' | 'response',
): readonly BodyFilter[] | undefined {
  const messages = messagePass(context, flow, side)
  return messages && [messages]
}
