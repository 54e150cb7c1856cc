// The interface of all kinds of hops: a conversation with a proxy, after which the connection leads to the next place.
import type { Hop } from '../../flow/via.js'
import type { AnyChannel } from '../channel.js'
import { type Context, receiveWithin, type Step } from '../layer.js'
import type { Destination } from '../route.js'
import { TIMEOUT } from '../world.js'

/** Milliseconds that a proxy has for each of its answers: it may have to connect to the next place first. */
export const HOP_MILLISECONDS = 30_000

/** Why a proxy did not connect: Node's code where one fits, else VIA; and a sentence about the proxy. */
export interface HopFailure {
  readonly code: string
  readonly message: string
}

/** Asks a proxy, to which `channel` is connected, for a connection to `to`. */
export type HopLayer = (
  context: Context,
  channel: AnyChannel,
  hop: Hop,
  to: Destination,
) => Step<HopFailure | undefined>

/** Takes exactly `length` bytes, and leaves later ones in the channel. Gives the reason where they do not come. */
export function* take(channel: AnyChannel, length: number): Step<Buffer | HopFailure> {
  const parts: Buffer[] = []
  let missing = length
  while (missing > 0) {
    const data = yield* receiveWithin(channel, HOP_MILLISECONDS)
    if (data === TIMEOUT)
      return { code: 'ETIMEDOUT', message: `it has not answered within ${HOP_MILLISECONDS / 1000} s` }
    if (!data) return { code: 'ECONNRESET', message: channel.error ?? 'it has closed the connection' }
    parts.push(data.subarray(0, missing))
    if (data.length > missing) channel.unread(data.subarray(missing))
    missing -= Math.min(missing, data.length)
  }
  return Buffer.concat(parts)
}
