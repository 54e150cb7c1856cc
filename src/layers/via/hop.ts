// The interface of all kinds of hops: a conversation with a proxy, after which the connection leads to the next place.
import type { ProxyHop } from '../../flow/via.js'
import type { AnyChannel } from '../channel.js'
import type { Context, Step } from '../layer.js'
import { takeBytes } from '../octets.js'
import type { Destination } from '../route.js'
import { TIMEOUT } from '../world.js'

/** Milliseconds that a proxy has for each of its answers: it may have to connect to the next place first. */
export const HOP_MILLISECONDS = 30_000

/** Of a 407. The proxy's own answer would make a client send the credentials that it has for midwire. */
export const WANTS_CREDENTIALS =
  'it wants a user name and a password, or others than it was given (407): write them before its host, http://user:password@host'

/** Why a proxy did not connect: Node's code where one fits, else VIA; and a sentence about the proxy. */
export interface HopFailure {
  readonly code: string
  readonly message: string
}

/** Asks a proxy, to which `channel` is connected, for a connection to `to`. */
export type HopLayer = (
  context: Context,
  channel: AnyChannel,
  hop: ProxyHop,
  to: Destination,
) => Step<HopFailure | undefined>

/** Exactly `length` bytes of the proxy's answer, or why they did not come. */
export function* take(context: Context, channel: AnyChannel, length: number): Step<Buffer | HopFailure> {
  const bytes = yield* takeBytes(context, channel, length, context.machine.world.now() + HOP_MILLISECONDS)
  if (bytes === TIMEOUT)
    return { code: 'ETIMEDOUT', message: `it has not answered within ${HOP_MILLISECONDS / 1000} s` }
  return bytes ?? { code: 'ECONNRESET', message: channel.error ?? 'it has closed the connection' }
}
