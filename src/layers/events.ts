// What has happened, as layers are told.
import type { Flow } from '../flow/flow.js'
import type { AnyChannel } from './channel.js'
import type { Operation } from './commands.js'
import type { Timed } from './world.js'

export type Event =
  | { type: 'data'; channel: AnyChannel; data: Buffer }
  /** FIN. */
  | { type: 'end'; channel: AnyChannel }
  /** The connection is gone; `error` where it did not end by itself. */
  | { type: 'closed'; channel: AnyChannel; error: string | undefined }
  /** A channel that was full has room. */
  | { type: 'drain'; channel: AnyChannel }
  /** A flow of the connection was killed. */
  | { type: 'killed'; flow: Flow }
  /** An operation is done; `value` is its answer. */
  | { type: 'reply'; operation: Operation; value: unknown }
  | { type: 'timeout'; of: Timed }
