// The events of layers: what has happened on the connections, and to the operations, of a machine.
import type { Flow, UserAct } from '../flow/flow.js'
import type { AnyChannel } from './channel.js'
import type { Operation } from './commands.js'
import type { Step } from './layer.js'
import type { Scope } from './scope.js'
import type { Timed } from './world.js'

export type Event =
  | { type: 'data'; channel: AnyChannel; data: Buffer }
  /** The peer has sent FIN. */
  | { type: 'end'; channel: AnyChannel }
  /** The connection is gone, both ways; `error` says why where it was lost. */
  | { type: 'closed'; channel: AnyChannel; error: string | undefined }
  /** A channel that was full has room. */
  | { type: 'drain'; channel: AnyChannel }
  /** The head of a message has come, which the engine of its stream keeps. */
  | { type: 'head'; channel: AnyChannel }
  /** A stream has come: its steps run in a scope of its own. */
  | { type: 'stream'; scope: Scope; steps: Step<unknown> }
  /** The user acts on a flow that runs: ends it, lets it go on after an interception, or sends something in its name. */
  | ({ type: 'user'; flow: Flow } & UserAct)
  /** An operation is done; `value` is its answer. */
  | { type: 'reply'; operation: Operation; value: unknown }
  /** A timer has gone off. */
  | { type: 'timeout'; of: Timed }
