// The outside, as a machine knows it: the driver, or a test.
import type { Flow } from '../flow/flow.js'
import type { HookName } from '../hooks.js'
import type { Deed, Operation, Question } from './commands.js'

/** What `perform` answers when the reply comes later, as an event. */
export const PENDING = Symbol('pending')

/** What a wait that took too long is answered. */
export const TIMEOUT = Symbol('timeout')

export interface World {
  /** Does a deed, or begins an operation: gives the answer of the operation, or PENDING. Deeds have no answer. */
  perform(command: Deed | Operation): unknown
  ask(question: Question): boolean
  /** Milliseconds since the epoch. */
  now(): number
  /** A new UUID. */
  newId(): string
  /** A flow was killed: the machine is told of it by an event. */
  killed(flow: Flow): void
  /** Whether any addon has the hook. */
  wants(name: HookName): boolean
}

/** What the world keeps a timer for. */
export interface Timed {
  /** The world's own: its timer, which may serve one wait after the other, until the world is told to cancel it. */
  timer: unknown
}
