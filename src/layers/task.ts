// One thread of a layer: a generator, and what it waits for.
import type { Operation } from './commands.js'
import type { Step } from './layer.js'
import type { Timed } from './world.js'

/** Thrown into the tasks of a connection that is over: what they wait for will not come. */
export class Gone extends Error {}

/** The client is gone. */
export class ClientGone extends Gone {
  constructor(error: string | undefined) {
    super(error ?? 'the client has closed the connection')
  }
}

/** Nothing has passed for as long as connections may be silent. */
export class Idle extends Gone {
  constructor(milliseconds: number) {
    super(`nothing has passed for ${milliseconds / 1000} s`)
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

export class Task implements Timed {
  readonly steps: Step<unknown>
  /** The operation that the task waits for; undefined while it runs, and when it is done. */
  waitsFor: Operation | undefined
  /** It waits for its timer, too. A timer that goes off when its task does not wait for it is of no meaning. */
  timed = false
  done = false
  /** It knows that the connection is over: it was told once, and may still tidy up, without waiting for either side. */
  told = false
  /** The task that waits for this one's end. */
  joined: Task | undefined
  timer: unknown

  constructor(steps: Step<unknown>) {
    this.steps = steps
  }

  /** It waits for something that ends by a clock of its own: a hook, a connect, a handshake, a lookup, a timer. */
  get hasClock(): boolean {
    return this.timed || (this.waitsFor !== undefined && CLOCKED.has(this.waitsFor.type))
  }
}

const CLOCKED = new Set<Operation['type']>(['hook', 'open', 'secureServer', 'secureClient', 'resolve'])
