// The interface of layers, and the functions that layers are written with.
import type { ClientConnection, ServerConnection } from '../connection.js'
import { Flow, type FlowOrigin } from '../flow/flow.js'
import type { HttpFlow } from '../flow/http.js'
import type { BodyStream } from '../flow/http-message.js'
import type { Hop } from '../flow/via.js'
import type { HookName, Hooks, LogLevel } from '../hooks.js'
import type { Options } from '../options/definitions.js'
import type { AnyChannel, Channel } from './channel.js'
import type { ClientTls, Command, OpenFailure, Operation } from './commands.js'
import type { Entrance } from './entrance.js'
import type { Machine } from './machine.js'
import type { Destination, Route, ServerTls, Source } from './route.js'
import type { Scope } from './scope.js'
import type { Task } from './task.js'
import type { ViaRule } from './via/rules.js'
import { PENDING, TIMEOUT } from './world.js'

/** A piece of a layer: a generator that yields commands, is resumed with their answers, and returns a T. */
export type Step<T> = Generator<Command, T, unknown>

/** A piece of a layer that seldom has to wait. When it need not, it is `NOTHING`, which costs less than a generator. */
export type MaybeStep = Iterable<Command, unknown, unknown>

const OVER: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined })
const over: Iterator<Command, void, unknown> = { next: () => OVER }
export const NOTHING: MaybeStep = { [Symbol.iterator]: () => over }

/**
 * The names of layers. A layer, or a mode, that hands a connection on names the next layer and need not import it: `index.ts` has
 * the list.
 */
export type LayerName =
  | 'reach'
  | 'accept'
  | 'by-name'
  | 'socks'
  | 'next'
  | 'ignore'
  | 'tls'
  | 'http-proxy'
  | 'http1'
  | 'http2'
  | 'websocket'
  | 'dns'
  | 'raw'
  | 'refuse'
  | 'replay'

/** A protocol. It runs until its connection is over, or returns the name of the layer that goes on. */
export type Layer = (context: Context) => Step<LayerName | undefined>

export type Layers = Readonly<Record<LayerName, Layer>>

/** The options that layers read, parsed: lists of hosts are expressions, sizes are bytes. */
export interface LayerOptions {
  readonly connection_strategy: 'eager' | 'lazy'
  readonly upstream_cert: boolean
  readonly keep_host_header: boolean
  readonly keep_alt_svc_header: boolean
  readonly upstream_auth: string | undefined
  readonly tls_version_client_min: Options['tls_version_client_min']
  readonly tls_version_client_max: Options['tls_version_client_max']
  readonly tls_version_server_min: Options['tls_version_server_min']
  readonly tls_version_server_max: Options['tls_version_server_max']
  readonly ciphers_client: string | undefined
  readonly ciphers_server: string | undefined
  readonly request_client_cert: boolean
  readonly add_upstream_certs_to_client_chain: boolean
  readonly ssl_insecure: boolean
  readonly rawtcp: boolean
  /** HTTP/2 is offered and accepted. */
  readonly http2: boolean
  /** Seconds without a word on a connection of HTTP/2 with streams that are open, after which it is asked for one; 0: never. */
  readonly http2_ping_keepalive: number
  /** Servers get the SETTINGS, WINDOW_UPDATE and PRIORITY frames of the client. */
  readonly mirror_http2: boolean
  /** WebSocket messages are read; else they pass as raw bytes. */
  readonly websocket: boolean
  /** `off`, `on` or a filter. The world applies the filter, and is not asked where it is `off`. */
  readonly tls_fail_open: string
  readonly ignore_hosts: readonly RegExp[]
  readonly allow_hosts: readonly RegExp[]
  readonly tcp_hosts: readonly RegExp[]
  readonly udp_hosts: readonly RegExp[]
  readonly show_ignored_hosts: boolean
  readonly strip_ech: boolean
  /** `block`: clients are made to do without HTTP/3. */
  readonly http3: 'block' | 'pass'
  /** Bytes. */
  readonly body_record_limit: number
  /** Bodies are recorded whole, also those that pass before their hook. */
  readonly store_streamed_bodies: boolean
  /** Bytes; bodies longer than this pass before their hook. */
  readonly stream_large_bodies: number
  /** Bytes; 0 for no limit. */
  readonly body_size_limit: number
  /**
   * True: a request whose head or chunks have an odd form is refused. False: it is made regular where it has only one meaning, as
   * responses always are, and in both more odd forms are accepted.
   */
  readonly validate_inbound_headers: boolean
  /** Seconds. */
  readonly tcp_timeout: number
  /** The local address of connections to servers; undefined for the system's choice. */
  readonly connect_addr: Source | undefined
  /** Servers see the client's address where its entrance has one. */
  readonly spoof_source_address: boolean
  /** A connection to a transparent proxy that nothing has redirected goes where its first bytes say. */
  readonly transparent_by_name: boolean
  /** Which connections leave by which proxies, unless a hook says. */
  readonly via: readonly ViaRule[]
  /** Names that addons answer by themselves (`mitm.it`): no server is dialled for them. */
  readonly inside: readonly string[]
}

/** Everything that the layers of one client connection share. */
export interface Context {
  readonly machine: Machine
  /** What ends with the client: the connection, or the stream of it that `client` is. */
  readonly scope: Scope
  readonly client: Channel<ClientConnection>
  readonly entrance: Entrance
  readonly options: LayerOptions
  /** The server that the client wants; undefined until that is known. */
  destination: Destination | undefined
  /** The client speaks TLS with the destination, and midwire decrypts it. TLS with midwire as a proxy does not count after CONNECT. */
  secured: boolean
  /** The server's channel; undefined until a layer has opened it. A layer may do so before the protocol is known. */
  server: Channel<ServerConnection> | undefined
  /** How TLS was done with the server, or will be when the server is opened; undefined for plaintext. */
  serverTls: ServerTls | undefined
  /** How TLS is done with servers by the hook `tls_start_server`, by what midwire had planned; undefined where nobody was asked yet. */
  plans: Map<string, ServerTls> | undefined
  /** The proxies through which all connections of this client leave; undefined where no hook of a CONNECT has chosen them. */
  via: readonly Hop[] | undefined
  /** The flow whose 101 has made this connection a WebSocket, for the layer `websocket`; it is not over. */
  upgraded: HttpFlow | undefined
  /** No server is dialled for this connection: addons answer its requests, or they fail. */
  inside: boolean
  /**
   * Why the server could not be reached, or TLS with it failed, when that was tried before the client's handshake. The client is told in an
   * error page, inside its own TLS.
   */
  serverFailure: OpenFailure | undefined
  /** The name for which the client does not trust our certificate, where `tls_fail_open` lets the connection pass for that reason. */
  failedOpen: string | undefined
}

/** Waits for data and takes one chunk; undefined once the channel is over. A head of a stream of HTTP/2 is no data. */
export function* receive(channel: AnyChannel): Step<Buffer | undefined> {
  while (channel.chunks.length === 0 && !channel.ended && !channel.closed) {
    // A task whose scope is over waits no more.
    if ((yield { type: 'receive', channel, milliseconds: 0 }) === TIMEOUT) return undefined
  }
  return channel.take()
}

/** Like `receive`, but gives TIMEOUT after so many milliseconds without data (0: never). */
export function* receiveWithin(channel: AnyChannel, milliseconds: number): Step<Buffer | undefined | typeof TIMEOUT> {
  if (channel.chunks.length === 0 && !channel.ended && !channel.closed) {
    const answer = yield { type: 'receive', channel, milliseconds }
    if (answer === TIMEOUT) return TIMEOUT
  }
  return channel.take()
}

/**
 * Waits until the channel has more data than now, and takes none. False when the channel ends, and when something happens on the
 * channel `or` instead; TIMEOUT after so many milliseconds (0: never).
 */
export function* more(channel: AnyChannel, milliseconds: number, or?: AnyChannel): Step<boolean | typeof TIMEOUT> {
  if (channel.ended || channel.closed) return false
  const before = channel.buffered
  const answer = yield { type: 'receive', channel, or, milliseconds }
  if (answer === TIMEOUT) return TIMEOUT
  return channel.buffered > before
}

/** Sends without waiting. False when the connection is gone. A task that sends much has to wait for `room` afterwards. */
export function push({ machine }: Context, channel: AnyChannel, data: Buffer): boolean {
  if (channel.closed) return false
  machine.perform({ type: 'send', channel, data })
  return true
}

/** Waits while a channel is full. False when the channel, or the client's connection, is gone. */
export function* room(channel: AnyChannel): Step<boolean> {
  while (channel.full && !channel.closed) if ((yield { type: 'room', channel }) === TIMEOUT) return false
  return !channel.closed
}

/** Sends, and waits while the channel is full. False when the connection is gone. */
export function* send(channel: AnyChannel, data: Buffer): Step<boolean> {
  if (channel.closed) return false
  yield { type: 'send', channel, data }
  return yield* room(channel)
}

/** Does TLS with a server that is connected, or with a proxy on the way to it. Undefined, or why the handshake failed. */
export function* secureServer(
  channel: Channel<ServerConnection>,
  route: Route,
  isHop = false,
): Step<OpenFailure | undefined> {
  const failure = (yield { type: 'secureServer', channel, route, isHop }) as OpenFailure | undefined
  if (!failure) channel.route = route
  return failure
}

/** Does TLS with the client. Undefined, or why the handshake failed. */
export function* secureClient(channel: AnyChannel, tls: ClientTls): Step<string | undefined> {
  return (yield { type: 'secureClient', channel, tls }) as string | undefined
}

/** Whether any addon has the hook. A layer that asks first need not make the hook's argument for nothing. */
export const wants = (context: Context, name: HookName): boolean => context.machine.world.wants(name)

/** Runs the addons' methods for a hook, and waits for those that take time. A hook that no addon has costs nothing. */
export function hook<Name extends HookName>(context: Context, name: Name, subject: Hooks[Name]): MaybeStep {
  const { world } = context.machine
  if (!world.wants(name)) return NOTHING
  const operation = { type: 'hook', name, subject } as const
  const isPending = world.perform(operation) === PENDING
  return isPending || isIntercepted(subject) ? settled(operation, isPending) : NOTHING
}

/** Waits for the addons, and then for the user where one of them has intercepted the flow. */
function* settled(operation: Operation & { type: 'hook' }, isPending: boolean): Step<void> {
  if (isPending) yield { type: 'pending', operation }
  const { subject } = operation
  if (!isIntercepted(subject)) return
  // Somebody has to know of it, who will let it go on.
  yield { type: 'changed', flow: subject }
  yield { type: 'intercepted', flow: subject }
  yield { type: 'changed', flow: subject }
}

const isIntercepted = (subject: unknown): subject is Flow => subject instanceof Flow && subject.intercepted

/** Whether an addon has set a function or a TransformStream for a body, whose length is not known then until its end. */
export function isTransformed({ stream }: { readonly stream: BodyStream | undefined }): boolean {
  return stream !== undefined && typeof stream !== 'boolean'
}

/**
 * Puts a piece of a body that passes through the `stream` of its message; an empty piece is the end. Returns the bytes to send on, which
 * may be none; undefined where that has failed, and `flow.error` says why.
 */
export function* transform(flow: HttpFlow, side: 'request' | 'response', data: Buffer): Step<Buffer | undefined> {
  return (yield { type: 'transform', flow, side, data }) as Buffer | undefined
}

/** The most bytes of a message's body that are recorded as it passes. */
export function recordLimit(options: LayerOptions): number {
  return options.store_streamed_bodies ? Number.POSITIVE_INFINITY : options.body_record_limit
}

/** Waits for the end of a task. */
export function* join(task: Task): Step<void> {
  if (!task.done) yield { type: 'join', task }
}

export function* sleep(milliseconds: number): Step<void> {
  yield { type: 'sleep', milliseconds }
}

export function log(context: Context, level: LogLevel, message: string): void {
  context.machine.world.perform({ type: 'log', level, message })
}

/** The arguments for the constructor of a new flow of this connection. */
export function origin(context: Context, server = context.server?.connection): FlowOrigin {
  const { world } = context.machine
  return { world, client: context.client.connection, server, now: world.now() }
}

/** Ends a flow: it goes to the outputs. */
export function finish(context: Context, flow: Flow): void {
  flow.endedAt = context.machine.world.now()
  context.machine.world.perform({ type: 'finished', flow })
}

/** A host's name as it stands in SNI, without a dot at its end; undefined for an address, which SNI cannot have (RFC 6066, 3). */
export function serverName(host: string | undefined): string | undefined {
  return host === undefined || host.includes(':') || /^[\d.]+$/.test(host) ? undefined : host.replace(/\.$/, '')
}
