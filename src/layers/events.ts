// The events of layers: what has happened on the connections, and to the operations, of a machine.
import type { Flow } from '../flow/flow.js'
import type { AnyChannel } from './channel.js'
import type { Operation } from './commands.js'
import type { Timed } from './world.js'

export type Event =
  | { type: 'data'; channel: AnyChannel; data: Buffer }
  /** The peer has sent FIN. */
  | { type: 'end'; channel: AnyChannel }
  /** The connection is gone, both ways; `error` says why where it was lost. */
  | { type: 'closed'; channel: AnyChannel; error: string | undefined }
  /** A channel that was full has room. */
  | { type: 'drain'; channel: AnyChannel }
  /** A flow of the connection was killed. */
  | { type: 'killed'; flow: Flow }
  /** An operation is done; `value` is its answer. */
  | { type: 'reply'; operation: Operation; value: unknown }
  /** A timer has gone off. */
  | { type: 'timeout'; of: Timed }
