// Reads heads of HTTP/1 out of a connection.
import type { AnyChannel } from '../../channel.js'
import { type Context, more, type Step } from '../../layer.js'
import { TIMEOUT } from '../../world.js'
import { fault, HttpError, type Side, senderOf } from '../error.js'
import { findHeadEnd, HEAD_OVERLAP, limitHead, skipEmptyLines } from './head.js'

/**
 * Takes exactly the next head from the channel; undefined where it has not come whole. `searched` is the number of bytes that a call
 * before has searched for its end. Throws an HttpError where the head is too long.
 */
export function takeHead(channel: AnyChannel, side: Side, searched = 0): Buffer | undefined {
  if (channel.buffered <= searched) return undefined
  const bytes = channel.takeAll()
  const start = skipEmptyLines(bytes, 0)
  const end = findHeadEnd(bytes, Math.max(start, searched - HEAD_OVERLAP))
  if (end === -1) {
    // Empty lines before a head are dropped: a client may send any number of them.
    channel.unread(start === 0 ? bytes : bytes.subarray(start))
    limitHead(bytes, start, bytes.length, side)
    return undefined
  }
  if (end < bytes.length) channel.unread(bytes.subarray(end))
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end)
}

/**
 * Waits for a head of which `takeHead` has found no end; undefined where the connection ends before the head begins. `milliseconds` are
 * for the whole head; 0: no limit. Throws an HttpError.
 */
export function* readHead(
  { machine: { world } }: Context,
  channel: AnyChannel,
  side: Side,
  milliseconds: number,
): Step<Buffer | undefined> {
  const deadline = world.now() + milliseconds
  for (;;) {
    const searched = channel.buffered
    const left = milliseconds === 0 ? 0 : Math.max(1, deadline - world.now())
    const arrived = yield* more(channel, left)
    const head = takeHead(channel, side, searched)
    if (head) return head
    if (arrived === TIMEOUT)
      throw new HttpError(408, `the client has sent no whole head within ${milliseconds / 1000} s`)
    if (arrived) continue
    if (channel.buffered > 0) throw fault(side, `${senderOf(side)} has ended the connection in the middle of a head`)
    return undefined
  }
}
