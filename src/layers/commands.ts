// The commands of layers: what they want the world to do, ask it, or wait for.
import type { LeafKey, ServerConnection } from '../connection.js'
import type { Flow, FlowNews } from '../flow/flow.js'
import type { HttpFlow } from '../flow/http.js'
import type { HookName, Hooks, LogLevel, TlsStartClientHook } from '../hooks.js'
import type { AnyChannel, Channel } from './channel.js'
import type { Place, Route } from './route.js'
import type { SocksPlace } from './socks/address.js'
import type { Task } from './task.js'
import type { Timed } from './world.js'

/** What addons have set for a handshake with a client. The fields are those of the hook's argument. */
export type SetForClient = Partial<
  Pick<TlsStartClientHook, 'certificate' | 'context' | 'minVersion' | 'maxVersion' | 'ciphers'>
>

/** How to do TLS with a client. */
export interface ClientTls {
  /** The name in the client's ClientHello; undefined where it has none. */
  sni: string | undefined
  /** The one protocol to agree on; undefined for none. */
  alpn: string | undefined
  /** The server's certificate (DER), of which ours copies the names; undefined where no server was asked. */
  upstream: Buffer | undefined
  /** Certificates to send after ours (DER): the server's chain, where option `add_upstream_certs_to_client_chain` says so. */
  extras?: readonly Buffer[] | undefined
  /** The client is asked for a certificate. */
  asks?: boolean | undefined
  /** What the hook `tls_start_client` has set in place of the options; undefined for nothing. */
  set?: SetForClient | undefined
  /** The kind of key that our certificate has, chosen so that the client can verify its signatures. */
  key: LeafKey
  /** With these keys in a certificate rustls serves the client as well as OpenSSL does. */
  rustlsKeys: readonly LeafKey[]
}

/** A deed that is done to one channel: by the engine that carries the channel, or by the world. */
export type ChannelDeed =
  /** `moreComes`: a connection with many streams, which others write to in this turn of the event loop, too. */
  | { type: 'send'; channel: AnyChannel; data: Buffer; moreComes?: boolean }
  /** Sends FIN, after close_notify where there is TLS: nothing more will be sent. */
  | { type: 'end'; channel: AnyChannel }
  /** Closes the connection, after the data that was sent has been delivered. */
  | { type: 'close'; channel: AnyChannel }
  /** Sends RST. */
  | { type: 'reset'; channel: AnyChannel }
  | { type: 'pause' | 'resume'; channel: AnyChannel }

/** A deed is done at once and has no answer. */
export type Deed =
  | ChannelDeed
  /** From now on data of the client goes straight to the server, and the server's to the client. Ends and losses still rise. */
  | { type: 'splice'; server: Channel<ServerConnection> }
  /** Accepts the client: its SYN is answered. */
  | { type: 'accept' }
  /** Refuses the client, with RST or an ICMP error. */
  | { type: 'refuse'; reason: 'refused' | 'unreachable' | 'prohibited' }
  /** Gives an idle server connection, on which no response is outstanding, to the pool for other flows. */
  | { type: 'release'; channel: Channel<ServerConnection> }
  /** Tells the outputs of a flow: it has begun, has changed while it runs, or is over. */
  | { type: FlowNews; flow: Flow }
  | { type: 'log'; level: LogLevel; message: string }
  | { type: 'timer'; of: Timed; milliseconds: number }
  | { type: 'cancel'; of: Timed }

/** The answer of `open`: the channel, or why there is none. */
export type Opened = Channel<ServerConnection> | OpenFailure

export class OpenFailure {
  readonly message: string
  /** Node's code: ECONNREFUSED, ETIMEDOUT, ENOTFOUND ...; or one of midwire's, such as LOOP. */
  readonly code: string
  readonly server: ServerConnection
  /** Another attempt may succeed: it is made by another implementation of TLS. */
  readonly again: boolean

  constructor(server: ServerConnection, code: string, message: string, again = false) {
    this.server = server
    this.code = code
    this.message = message
    this.again = again
  }
}

/** Answered at once. */
export type Question =
  /** Whether a connection to that place lies idle, which shows that the server can be reached. Answers a boolean. */
  | { type: 'known'; place: Place }
  /**
   * Whether the client has refused our certificate for that name (the one in its ClientHello, else the destination's host) so lately that
   * option `tls_fail_open` lets it pass. Asked before the handshake: the world learns which name a refusal would be about. Answers a boolean.
   */
  | { type: 'failsOpen'; host: string; port: number }

/** The operations of the machine itself; all others are the world's. */
export type Wait = Extract<Operation, { type: 'receive' | 'room' | 'join' | 'sleep' | 'intercepted' }>

/** An operation that may take time. A task that yields one is resumed with the answer: at once, or when the world's `reply` comes. */
export type Operation =
  /**
   * Connects to the server of a route, with its TLS; where proxies are on the way, to the first of them, without TLS. `pooled`: true
   * allows, and `only` demands, an idle connection of the same route, which is ready. The answer is an Opened, or undefined where
   * `only` found none.
   */
  | { type: 'open'; route: Route; pooled: boolean | 'only' }
  /**
   * Does the TLS of a route over a connection. `isHop`: it is that of a proxy on the way, and not the server's. The answer is undefined,
   * or an OpenFailure.
   */
  | { type: 'secureServer'; channel: Channel<ServerConnection>; route: Route; isHop: boolean }
  /**
   * Puts datagrams in the place of a connection with a SOCKS5 proxy: they pass by the proxy's relay, `at`, until that connection ends. Where
   * `at` has no host, 0.0.0.0 or ::, the relay is at the proxy's address. The answer is undefined, or an OpenFailure.
   */
  | { type: 'relay'; channel: Channel<ServerConnection>; route: Route; at: SocksPlace }
  /**
   * Opens a relay for the client's datagrams, each of which names its destination; it ends with the connection. `port`: where the
   * datagrams are to come from; 0 where that is not known. The answer is the relay's Address, or an Error that says why there is none.
   */
  | { type: 'associate'; port: number }
  /** Does TLS with the client, whose ClientHello is in the channel. The answer is undefined, or why the handshake failed. */
  | { type: 'secureClient'; channel: AnyChannel; tls: ClientTls }
  /** Runs the methods that addons have for a hook. No answer. */
  | { type: 'hook'; name: HookName; subject: Hooks[HookName] }
  /**
   * Puts a piece of a body through the function or TransformStream that an addon has set as `stream` of its message; an empty piece is the
   * end. The answer is the bytes to send on, a Buffer; undefined where that has failed, and `flow.error` says why.
   */
  | { type: 'transform'; flow: HttpFlow; side: 'request' | 'response'; data: Buffer }
  /**
   * Asks for the next piece of `flow.response.source`. The answer is a Buffer, empty at the end; undefined where that has failed, and
   * `flow.error` says why.
   */
  | { type: 'pull'; flow: HttpFlow }
  /** Asks the tunnel's resolver. `query` is a DNS message; the answer is another, or an Error that says why there is none. */
  | { type: 'resolve'; query: Buffer }
  /** Waits for data, the end or the loss of `channel`, or of `or`. The answer is TIMEOUT after so many milliseconds; 0: no limit. */
  | { type: 'receive'; channel: AnyChannel; or?: AnyChannel | undefined; milliseconds: number }
  /** Waits until a channel that was full has room, or is lost. */
  | { type: 'room'; channel: AnyChannel }
  /** Waits for the end of another task. */
  | { type: 'join'; task: Task }
  | { type: 'sleep'; milliseconds: number }
  /** Waits until the user resumes a flow that an addon has intercepted. */
  | { type: 'intercepted'; flow: Flow }

export type Command =
  | Deed
  | Question
  | Operation
  /** Waits for an operation that the world has begun already, and for which it gave PENDING. */
  | { type: 'pending'; operation: Operation }

type Kind = 'deed' | 'question' | 'wait' | 'operation' | 'pending'

/** What each command is. The type makes the compiler check that none is missing. */
const KINDS: Record<Command['type'], Kind> = {
  ...({ send: 'deed', end: 'deed', close: 'deed', reset: 'deed', pause: 'deed', resume: 'deed' } as const),
  ...({ splice: 'deed', accept: 'deed', refuse: 'deed', release: 'deed', log: 'deed' } as const),
  ...({ begun: 'deed', changed: 'deed', finished: 'deed', timer: 'deed', cancel: 'deed' } as const),
  ...({ known: 'question', failsOpen: 'question' } as const),
  ...({ receive: 'wait', room: 'wait', join: 'wait', sleep: 'wait', intercepted: 'wait' } as const),
  ...({ open: 'operation', secureServer: 'operation', secureClient: 'operation', relay: 'operation' } as const),
  ...({
    associate: 'operation',
    hook: 'operation',
    resolve: 'operation',
    transform: 'operation',
    pull: 'operation',
  } as const),
  pending: 'pending',
}

export const isDeed = (command: Command): command is Deed => KINDS[command.type] === 'deed'
export const isWait = (command: Command): command is Wait => KINDS[command.type] === 'wait'
export const isQuestion = (command: Command): command is Question => KINDS[command.type] === 'question'

/** Operations that a task may still begin once its scope is over: an addon hears of the end. */
const LAST = new Set<Command['type']>(['hook', 'pending'])

/** Whether a task is interrupted in the place of this command, once its scope is over. */
export const mayNotBegin = (command: Command): boolean =>
  !isDeed(command) && !isQuestion(command) && !LAST.has(command.type)
