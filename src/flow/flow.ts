// What flows of every protocol have in common: the connections of client and server, an identity, notes, and `kill()`.
import type { ClientConnection, ServerConnection } from '../connection.js'
import { MidwireError } from '../errors.js'
import { type Hop, parseVia } from './via.js'

/** Why a flow failed. */
export interface FlowError {
  /** A sentence for people. */
  readonly message: string
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}

/** What the user sends in the name of one side of a flow. */
export interface Injection {
  readonly toClient: boolean
  readonly content: Buffer
  /** Of a WebSocket message; other protocols have bytes alone. */
  readonly kind: 'text' | 'binary'
}

/** What the user does to a flow that runs. */
export type UserAct = { act: 'kill' } | { act: 'resume' } | { act: 'inject'; injection: Injection }

/** How `kill()` ends a client's connection: by RST, or in order, by FIN. */
export type KillWay = 'reset' | 'close'

/** What outputs are told of a flow: it has begun, has changed while it runs, or is over. */
export type FlowNews = 'begun' | 'changed' | 'finished'

/** To what the connection of a client is slowed. */
export interface ThrottleLimits {
  /** Bytes a second to the client, and from the client; at least 1. Undefined for as fast as they come. */
  readonly down?: number | undefined
  readonly up?: number | undefined
  /** Milliseconds by which everything comes later to the client, and so every round trip. Default: 0. */
  readonly latency?: number | undefined
  /**
   * The part, each way, that is lost, from 0 to 1: of datagrams, and of the packets of TCP where the client is in the WireGuard tunnel.
   * TCP sends those again. Elsewhere the system makes TCP's packets, and none is lost. Default: 0.
   */
  readonly loss?: number | undefined
}

/** What a flow is made of. Ids and times come from `world`, so that a test can say them. */
export interface FlowOrigin {
  readonly world: {
    newId(): string
    now(): number
    /** The user acts on the flow, at whatever time: it takes effect at once. */
    act(flow: Flow, act: UserAct): void
    /** Slows the connection of the flow's client, where that is a connection. */
    throttle?(flow: Flow, limits: ThrottleLimits): void
  }
  readonly client: ClientConnection
  readonly server: ServerConnection | undefined
  /** Milliseconds since the epoch. */
  readonly now: number
}

export abstract class Flow {
  abstract readonly type: 'http' | 'tcp' | 'udp' | 'dns'
  readonly client: ClientConnection
  /** Undefined until a server is needed: a flow that an addon answers has none. */
  server: ServerConnection | undefined
  error: FlowError | undefined
  /** Milliseconds since the epoch. */
  readonly createdAt: number
  /** Milliseconds since the epoch; undefined until the flow is over: answered, ended, or failed. */
  endedAt: number | undefined
  /** A side that midwire has replayed: `request` of client replay, `response` of server replay. Undefined for a flow as it came. */
  replayed: 'request' | 'response' | undefined
  /** The user's mark, such as `:star:`; empty for none. */
  marked = ''
  comment = ''
  /** Notes of addons, by names that they choose. */
  readonly metadata: Record<string, unknown> = {}

  #place: object | undefined
  readonly #world: FlowOrigin['world']
  #via: readonly Hop[] | undefined
  #id: string | undefined
  #killed: KillWay | undefined
  #intercepted = false

  constructor(origin: FlowOrigin) {
    this.#world = origin.world
    this.client = origin.client
    this.server = origin.server
    this.createdAt = origin.now
  }

  /**
   * The proxies by which the flow leaves, the nearest first; none for a direct connection; undefined for what options and the mode say.
   * Set it before the server is connected to (`requestheaders`, `request`, `http_connect`, `tcp_start`), also as a text:
   * `direct`, `socks5://user:password@host:1080`, `http://a:3128,https://b`. A CONNECT has it for all that is in its tunnel. Throws
   * ERR_VIA for a text that is none of these.
   */
  get via(): readonly Hop[] | undefined {
    return this.#via
  }

  set via(via: readonly Hop[] | string | undefined) {
    this.#via = typeof via === 'string' ? parseVia(via) : via
  }

  /** A UUID. It is made at the first look, because most flows pass without one. */
  get id(): string {
    this.#id ??= this.#world.newId()
    return this.#id
  }

  /** Where the proxy keeps the flow among those that run; undefined where it does not run there. @internal */
  get place(): object | undefined {
    return this.#place
  }

  /** @internal */
  set place(place: object | undefined) {
    this.#place = place
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
    return this.#killed !== undefined
  }

  /** How the connections of a flow that is broken off end. @internal */
  get ending(): KillWay {
    return this.#killed ?? 'reset'
  }

  /**
   * Ends the flow at once, in the middle of a body, too: the client's connection ends without an answer, or without the rest of it, and
   * nothing more goes to the server. `error` says `killed`; an addon may put a better reason there. Does nothing where the flow is over.
   *
   * `how` is `reset` by default: TCP's RST, and RST_STREAM with CANCEL where the flow is a stream of HTTP/2. `close` ends the connection in
   * order, as a server does that has nothing to say: FIN; in HTTP/2, whose connection serves other streams, RST_STREAM with NO_ERROR, and
   * with CANCEL where a part of the response has gone, for it would be taken for the whole. Throws ERR_ARGUMENT for another word.
   */
  kill(how: KillWay = 'reset'): void {
    if (how !== 'reset' && how !== 'close') {
      throw new MidwireError('ERR_ARGUMENT', `flow.kill() takes 'reset' or 'close', not ${JSON.stringify(how)}`)
    }
    if (!this.live) return
    this.#killed = how
    this.error = { message: 'killed', timestamp: this.#world.now() }
    this.#intercepted = false
    this.#world.act(this, { act: 'kill' })
  }

  /**
   * Slows the connection of the flow's client until the flow is over: also for other flows on that connection, as in HTTP/2. Where
   * several are slowed, the last one counts. Flows of one client that are given the same object share its rates. What has come before
   * passes as it has come: call it in `requestheaders`, `tcp_start`, `udp_start` or `dns_request`.
   */
  throttle(limits: ThrottleLimits): void {
    if (this.live) this.#world.throttle?.(this, limits)
  }

  /** True while the flow waits for `resume()`. */
  get intercepted(): boolean {
    return this.#intercepted
  }

  /** Called in a hook: once the hook has run in all addons, the flow waits, however long, until `resume()` or `kill()`. */
  intercept(): void {
    if (this.live && !this.killed) this.#intercepted = true
  }

  /** Lets a flow that was intercepted go on. Does nothing where it was not. */
  resume(): void {
    if (!this.#intercepted) return
    this.#intercepted = false
    this.#world.act(this, { act: 'resume' })
  }

  /** Sends something in the name of one side, for the protocols that can. */
  protected post(injection: Injection): void {
    this.#world.act(this, { act: 'inject', injection })
  }
}
