// Whether a body is held until its hook, or passes as it comes.
import type { HttpMessage } from '../../flow/http-message.js'
import type { LayerOptions } from '../layer.js'
import type { Framing } from './ends.js'
import { comesInMessages } from './messages/splitter.js'

/** The most bytes for which a body is held; undefined where it passes at once: by an addon's word, for its length, or since it comes in messages. */
export function holdLimit(
  { headers, stream }: HttpMessage,
  framing: Framing,
  { stream_large_bodies }: LayerOptions,
): number | undefined {
  if (stream !== undefined) return stream === false ? Number.POSITIVE_INFINITY : undefined
  const passes = framing.kind === 'length' ? framing.length > stream_large_bodies : comesInMessages(headers)
  return passes ? undefined : stream_large_bodies
}
