// One thread of a layer: a generator, and the operation that it waits for.
import type { Operation } from './commands.js'
import type { Step } from './layer.js'
import type { Scope } from './scope.js'
import type { Timed } from './world.js'

/** Takes a task out of a list. Mostly it is the last one, and `pop` makes no list of what was taken. */
export function takeOut(tasks: Task[], task: Task): void {
  if (tasks.at(-1) === task) tasks.pop()
  else if (tasks.includes(task)) tasks.splice(tasks.indexOf(task), 1)
}

/** Thrown into the tasks of a scope that is over, since the operations that they wait for will not end. */
export class Gone extends Error {}

/** The client is gone. */
export class ClientGone extends Gone {
  constructor(error: string | undefined) {
    super(error ?? 'the client has closed the connection')
  }
}

/** Neither side has sent or taken data for the time that the watchdog allows. */
export class Idle extends Gone {
  constructor(milliseconds: number) {
    super(`no data has passed for ${milliseconds / 1000} s`)
  }
}

/** The flow that the connection carries was killed. */
export class Killed extends Gone {}

/** A fault of midwire's own in another task of the connection. */
export class Faulted extends Gone {
  constructor(error: unknown) {
    super(`midwire has failed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Waits that are refused to a task that tidies up, before its persistence is taken for a fault. */
const MAX_REFUSED = 10_000

export class Task implements Timed {
  readonly steps: Step<unknown>
  readonly scope: Scope
  /** The operation that the task waits for; undefined while it runs, and when it is done. */
  waitsFor: Operation | undefined
  /** The operation has a time limit. Where it has none, a timer of the task that goes off is left from an earlier wait and is ignored. */
  timed = false
  done = false
  /** A Gone was thrown into the task. It may still tidy up, without waiting for either side, and is not interrupted again. */
  interrupted = false
  /** The task that waits for the end of this one. */
  joined: Task | undefined
  timer: unknown
  /** Waits that were refused since it was told. */
  #refused = 0

  constructor(steps: Step<unknown>, scope: Scope) {
    this.steps = steps
    this.scope = scope
  }

  /** The task was told that its scope is over, and wants to wait all the same. Throws where that has no end. */
  waitsOn(): void {
    this.#refused += 1
    if (this.#refused > MAX_REFUSED) throw new Error('a task goes on waiting, though its connection is over')
  }

  /** The task waits for the user, or for an operation with a time limit of its own: a hook, a connect, a handshake, a lookup, a timer. */
  get hasClock(): boolean {
    return this.timed || (this.waitsFor !== undefined && CLOCKED.has(this.waitsFor.type))
  }
}

const CLOCKED = new Set<Operation['type']>([
  ...([
    'hook',
    'open',
    'secureServer',
    'secureClient',
    'resolve',
    'relay',
    'associate',
    'intercepted',
    'transform',
    'pull',
  ] as const),
])
