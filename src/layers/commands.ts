// What layers want of the world, and what they wait for.
import type { LeafKey, ServerConnection } from '../connection.js'
import type { Flow } from '../flow/flow.js'
import type { HookName, Hooks, LogLevel } from '../hooks.js'
import type { AnyChannel, Channel } from './channel.js'
import type { Task } from './task.js'
import type { Timed } from './world.js'

/** How to do TLS with a server. */
export interface ServerTls {
  /** Undefined: none is sent. */
  sni: string | undefined
  alpn: readonly string[]
}

/** How to do TLS with a client. */
export interface ClientTls {
  sni: string | undefined
  /** The one protocol to agree on; undefined for none. */
  alpn: string | undefined
  /** Whose names the certificate copies (DER), if the server was asked. */
  upstream: Buffer | undefined
  /** What the client can verify signatures of. */
  key: LeafKey
}

/** Where a new server connection goes. */
export interface Destination {
  /** A name or an address. */
  host: string
  port: number
  transport: 'tcp' | 'udp'
}

/** Done at once; nothing is answered. */
export type Deed =
  | { type: 'send'; channel: AnyChannel; data: Buffer }
  /** Nothing more will be sent: FIN, or TLS's close_notify and FIN. */
  | { type: 'end'; channel: AnyChannel }
  /** Let go of the connection: what was sent is delivered still. */
  | { type: 'close'; channel: AnyChannel }
  /** RST. */
  | { type: 'reset'; channel: AnyChannel }
  | { type: 'pause' | 'resume'; channel: AnyChannel }
  /** The client's SYN is answered. */
  | { type: 'accept' }
  /** The client is told that nobody is there. */
  | { type: 'refuse'; reason: 'refused' | 'unreachable' | 'prohibited' }
  /** A server connection that another flow may use: it lies idle, with nothing sent or expected. */
  | { type: 'release'; channel: Channel<ServerConnection>; tls: ServerTls | undefined }
  /** The flow is over: it goes to the outputs. */
  | { type: 'finished'; flow: Flow }
  | { type: 'log'; level: LogLevel; message: string }
  | { type: 'timer'; of: Timed; milliseconds: number }
  | { type: 'cancel'; of: Timed }

/** What open answers: the channel, or why there is none. */
export type Opened = Channel<ServerConnection> | OpenFailure

export class OpenFailure {
  readonly message: string
  /** Node's code: ECONNREFUSED, ETIMEDOUT, ENOTFOUND ...; or one of ours. */
  readonly code: string
  /** Set when the connection was there, and TLS failed. */
  readonly certificate: boolean
  readonly server: ServerConnection

  constructor(server: ServerConnection, code: string, message: string, certificate = false) {
    this.server = server
    this.code = code
    this.message = message
    this.certificate = certificate
  }
}

/** Answered at once. */
export type Question =
  /** Whether a connection to that place lies idle, which shows that the server can be reached. Answers a boolean. */
  { type: 'known'; to: Destination }

/** An operation that may take time. A task that yields one is resumed with the answer: at once, or when the world's `reply` comes. */
export type Operation =
  /**
   * Connects to a server, with TLS if `tls` is given. `pooled`: an idle connection to the same place with the same TLS will
   * do, and `only` that. Answers an Opened, or undefined where `only` found none.
   */
  | { type: 'open'; to: Destination; tls: ServerTls | undefined; pooled: boolean | 'only' }
  /** TLS with a server that is connected. Answers undefined, or an OpenFailure. */
  | { type: 'secureServer'; channel: Channel<ServerConnection>; tls: ServerTls }
  /** TLS with the client; what it has said is in the channel. Answers undefined, or why it failed. */
  | { type: 'secureClient'; channel: AnyChannel; tls: ClientTls }
  | { type: 'hook'; name: HookName; subject: Hooks[HookName] }
  /** Asks the world's resolver: a DNS message in; one out, both as bytes, or an Error that says why there is none. */
  | { type: 'resolve'; query: Buffer }
  /** Waits for data, the end, or the loss of a channel, or of another one. 0 milliseconds: for as long as it takes. */
  | { type: 'receive'; channel: AnyChannel; or?: AnyChannel | undefined; milliseconds: number }
  /** Waits until a channel takes more. */
  | { type: 'room'; channel: AnyChannel }
  | { type: 'join'; task: Task }
  | { type: 'sleep'; milliseconds: number }

export type Command =
  | Deed
  | Question
  | Operation
  /** Waits for an operation that the world has begun already, and for which it gave PENDING. */
  | { type: 'pending'; operation: Operation }
