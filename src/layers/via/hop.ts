// What every kind of hop is: a conversation with a proxy, after which the connection leads to the next place.
import type { Hop } from '../../flow/via.js'
import type { AnyChannel } from '../channel.js'
import { type Context, receiveWithin, type Step } from '../layer.js'
import type { Destination } from '../route.js'
import { TIMEOUT } from '../world.js'

/** Milliseconds that a proxy has for each of its answers; it may have to connect first. */
export const HOP_MILLISECONDS = 30_000

/** Why a proxy did not connect: a code of Node's where one says it, and a sentence. */
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

/** Exactly `length` bytes, or why they did not come. What follows them stays in the channel. */
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
