// What a flow is taken apart to before it is written: a text, bytes that are read with it, and long bodies, which are read when they are asked for.
import type { Text } from './text-bytes.js'

/** A body that is longer lies behind the record, and is read only when it is asked for. */
export const SHORT_BODY = 64 * 1024

export interface Bodies {
  readonly short: Buffer[]
  readonly long: Buffer[]
}

export interface Parts extends Bodies {
  readonly text: Text
}

/** A body's number among the short ones, or among the long ones; neither for a body without bytes. */
export interface BodyPlace {
  readonly n?: number
  readonly l?: number
}

/** Puts a body among the bodies: `most` bytes of it at most. */
export function addBody(content: Buffer | undefined, { short, long }: Bodies, most: number): BodyPlace {
  if (!content || content.length === 0) return NOWHERE
  if (content.length <= SHORT_BODY) return { n: short.push(content) - 1 }
  return { l: long.push(content.length > most ? content.subarray(0, most) : content) - 1 }
}

const NOWHERE: BodyPlace = {}
