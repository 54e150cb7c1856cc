// The outside of a machine, which performs its commands: the driver, or a test.
import type { Flow, ThrottleLimits, UserAct } from '../flow/flow.js'
import type { HookName } from '../hooks.js'
import type { Deed, Operation, Question, Wait } from './commands.js'

/** The result of `perform` for an operation whose answer comes later, as a `reply` event. */
export const PENDING = Symbol('pending')

/** The answer to a wait that took too long. */
export const TIMEOUT = Symbol('timeout')

export interface World {
  /** Does a deed, or begins an operation. Returns the operation's answer, or PENDING; undefined for a deed. */
  perform(command: Deed | Exclude<Operation, Wait>): unknown
  /** Answers a question. */
  ask(question: Question): boolean
  /** Milliseconds since the epoch. */
  now(): number
  /** A new UUID. */
  newId(): string
  /** Called by a flow on which the user acts: sends the machine a `user` event. */
  act(flow: Flow, act: UserAct): void
  /** Called by a flow: slows the connection of its client. Not there where nothing can be slowed. */
  throttle?(flow: Flow, limits: ThrottleLimits): void
  /** Whether any addon has the hook. */
  wants(name: HookName): boolean
}

/** An owner of a timer: a task, or the watchdog. */
export interface Timed {
  /** The world's own value for the timer. One timer serves one wait after the other, until `cancel`. */
  timer: unknown
}
