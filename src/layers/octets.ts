// Reads a number of bytes of a stream, for protocols that say how long each of their parts is.
import type { AnyChannel } from './channel.js'
import { type Context, receiveWithin, type Step } from './layer.js'
import { TIMEOUT } from './world.js'

/**
 * Exactly `length` bytes; what follows them stays in the channel. Undefined where the channel is over before, TIMEOUT where they have not
 * come until `deadline`, in milliseconds since the epoch.
 */
export function* takeBytes(
  { machine: { world } }: Context,
  channel: AnyChannel,
  length: number,
  deadline: number,
): Step<Buffer | undefined | typeof TIMEOUT> {
  const parts: Buffer[] = []
  for (let missing = length; missing > 0; ) {
    const data = yield* receiveWithin(channel, Math.max(1, deadline - world.now()))
    if (data === TIMEOUT || data === undefined) return data
    const taken = data.subarray(0, missing)
    if (data.length > missing) channel.unread(data.subarray(missing))
    parts.push(taken)
    missing -= taken.length
  }
  return Buffer.concat(parts)
}
