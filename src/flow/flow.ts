// What all flows have in common: the two legs, an identity, notes, and the right to end it.
import type { ClientConnection, ServerConnection } from '../connection.js'

/** Why a flow failed. */
export interface FlowError {
  /** A sentence for people. */
  readonly message: string
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

/** What a flow is made of: what only the world knows (an identity, the time) comes from outside. */
export interface FlowOrigin {
  readonly world: { newId(): string; now(): number }
  readonly client: ClientConnection
  readonly server: ServerConnection | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

export abstract class Flow {
  abstract readonly type: 'http' | 'tcp' | 'udp' | 'dns'
  readonly client: ClientConnection
  /** Undefined while none was needed: a flow that an addon answers has no server. */
  server: ServerConnection | undefined
  error: FlowError | undefined
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** When the flow was over: answered, ended, or failed. */
  endedAt: number | undefined
  /** A user's mark; empty for none. */
  marked = ''
  comment = ''
  /** Notes of addons, by names of theirs. */
  readonly metadata: Record<string, unknown> = {}

  readonly #world: FlowOrigin['world']
  #id: string | undefined
  #killed = false

  constructor(origin: FlowOrigin) {
    this.#world = origin.world
    this.client = origin.client
    this.server = origin.server
    this.createdAt = origin.now
  }

  /** A UUID, made when somebody asks for it: most flows go by without. */
  get id(): string {
    this.#id ??= this.#world.newId()
    return this.#id
  }

  /** True until the flow is over. */
  get live(): boolean {
    return this.endedAt === undefined
  }

  /**
   * The bytes of memory that this flow takes, about: what was recorded of its bodies or messages, its header fields or records,
   * and 1 KiB for the rest.
   */
  abstract get size(): number

  /** True once `kill()` has ended the flow, whatever `error` says. */
  get killed(): boolean {
    return this.#killed
  }

  /**
   * Ends the flow: the client's connection is closed without an answer, and nothing more goes to the server. `error` says
   * `killed`; an addon may put a better reason there. Does nothing where the flow is over.
   */
  kill(): void {
    if (!this.live) return
    this.#killed = true
    this.error = { message: 'killed', timestamp: this.#world.now() }
  }
}
