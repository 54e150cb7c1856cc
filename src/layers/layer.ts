// What a layer is, and the words that it is written in.
import type { ClientConnection, ServerConnection } from '../connection.js'
import type { Flow, FlowOrigin } from '../flow/flow.js'
import type { HookName, Hooks, LogLevel } from '../hooks.js'
import type { Options } from '../options/definitions.js'
import type { AnyChannel, Channel } from './channel.js'
import type { ClientTls, Command, Destination, Opened, OpenFailure, Operation, ServerTls } from './commands.js'
import type { Machine } from './machine.js'
import type { Task } from './task.js'
import { PENDING, TIMEOUT } from './world.js'

/** A piece of a layer: it yields commands, is resumed with their answers, and returns a T. */
export type Step<T> = Generator<Command, T, unknown>

/** A piece of a layer that has nothing to wait for as a rule, and then is no generator: `NOTHING`. */
export type MaybeStep = Iterable<Command, unknown, unknown>

const OVER: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined })
const over: Iterator<Command, void, unknown> = { next: () => OVER }
export const NOTHING: MaybeStep = { [Symbol.iterator]: () => over }

/**
 * The layers, by the words that they and the modes name each other with. index.ts says which is which: a layer that names the
 * next one need not know it.
 */
export type LayerName = 'transparent' | 'explicit' | 'next' | 'ignore' | 'tls' | 'http-proxy' | 'http1' | 'dns' | 'raw'

/** A protocol: it runs until its connection is over, or names the layer that goes on. */
export type Layer = (context: Context) => Step<LayerName | undefined>

export type Layers = Readonly<Record<LayerName, Layer>>

/** The options that layers read, in the form in which they read them. */
export interface LayerOptions {
  readonly connection_strategy: 'eager' | 'lazy'
  readonly upstream_cert: boolean
  readonly tls_version_client_min: Options['tls_version_client_min']
  readonly tls_version_client_max: Options['tls_version_client_max']
  readonly rawtcp: boolean
  readonly ignore_hosts: readonly RegExp[]
  readonly allow_hosts: readonly RegExp[]
  readonly tcp_hosts: readonly RegExp[]
  readonly udp_hosts: readonly RegExp[]
  readonly show_ignored_hosts: boolean
  /** Bytes. */
  readonly body_record_limit: number
  /** Bytes; bodies longer than this pass before their hook. */
  readonly stream_large_bodies: number
  /** Bytes; 0 for no limit. */
  readonly body_size_limit: number
  /** Off: heads and chunks of requests that are odd and have one meaning are made regular, as those of responses are, and more of both. */
  readonly validate_inbound_headers: boolean
  /** Seconds. */
  readonly tcp_timeout: number
  /** Names that are answered inside, by addons: nothing is dialled for them. */
  readonly inside: readonly string[]
}

/** Everything that the layers of one client connection share. */
export interface Context {
  readonly machine: Machine
  readonly client: Channel<ClientConnection>
  /** The mode's name: `wireguard`, `regular` ... */
  readonly mode: string
  readonly options: LayerOptions
  /** Where the client wants to go, once it is known. */
  destination: Destination | undefined
  /** The server's channel, if it was opened before its protocol was known. */
  server: Channel<ServerConnection> | undefined
  /** How TLS was done with the server, or is to be done when it is opened. */
  serverTls: ServerTls | undefined
  /** The destination is the tunnel's own resolver. */
  readonly virtualResolver: boolean
  /** Nobody is dialled for this connection: its requests are answered by addons, or not at all. */
  inside: boolean
  /** Why the server could not be reached before the client's TLS, or its TLS failed. The client is told inside its own TLS, in an error page. */
  serverFailure: OpenFailure | undefined
}

export function* receive(channel: AnyChannel): Step<Buffer | undefined> {
  if (channel.chunks.length === 0 && !channel.ended && !channel.closed) {
    yield { type: 'receive', channel, milliseconds: 0 }
  }
  return channel.take()
}

/** As `receive`, or TIMEOUT after so many milliseconds of silence. */
export function* receiveWithin(channel: AnyChannel, milliseconds: number): Step<Buffer | undefined | typeof TIMEOUT> {
  if (channel.chunks.length === 0 && !channel.ended && !channel.closed) {
    const answer = yield { type: 'receive', channel, milliseconds }
    if (answer === TIMEOUT) return TIMEOUT
  }
  return channel.take()
}

/**
 * Waits for more than is in the channel, and leaves it there. False at the end, and when it is the `or` channel that has
 * something; TIMEOUT after so many milliseconds (0: never).
 */
export function* more(channel: AnyChannel, milliseconds: number, or?: AnyChannel): Step<boolean | typeof TIMEOUT> {
  if (channel.ended || channel.closed) return false
  const before = channel.buffered
  const answer = yield { type: 'receive', channel, or, milliseconds }
  if (answer === TIMEOUT) return TIMEOUT
  return channel.buffered > before
}

/** Sends. False when the connection is gone; a task that sends much waits for `room` after it. */
export function push({ machine }: Context, channel: AnyChannel, data: Buffer): boolean {
  if (channel.closed) return false
  machine.perform({ type: 'send', channel, data })
  return true
}

/** Waits while a channel is full. False when the connection is gone, or over. */
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

export function* open(
  to: Destination,
  tls: ServerTls | undefined = undefined,
  pooled: boolean | 'only' = false,
): Step<Opened | undefined> {
  return (yield { type: 'open', to, tls, pooled }) as Opened | undefined
}

export function* secureServer(channel: Channel<ServerConnection>, tls: ServerTls): Step<OpenFailure | undefined> {
  return (yield { type: 'secureServer', channel, tls }) as OpenFailure | undefined
}

/** Undefined, or why the handshake failed. */
export function* secureClient(channel: AnyChannel, tls: ClientTls): Step<string | undefined> {
  return (yield { type: 'secureClient', channel, tls }) as string | undefined
}

/** Whether any addon has the hook: a layer that asks first saves the making of what the hook is given. */
export const wants = (context: Context, name: HookName): boolean => context.machine.world.wants(name)

/** Runs a hook's methods, and waits for those that take time. A hook that no addon has costs nothing. */
export function hook<Name extends HookName>(context: Context, name: Name, subject: Hooks[Name]): MaybeStep {
  const { world } = context.machine
  if (!world.wants(name)) return NOTHING
  const operation = { type: 'hook', name, subject } as const
  return world.perform(operation) === PENDING ? pending(operation) : NOTHING
}

function* pending(operation: Operation): Step<void> {
  yield { type: 'pending', operation }
}

export function* join(task: Task): Step<void> {
  if (!task.done) yield { type: 'join', task }
}

export function* sleep(milliseconds: number): Step<void> {
  yield { type: 'sleep', milliseconds }
}

export function log(context: Context, level: LogLevel, message: string): void {
  context.machine.world.perform({ type: 'log', level, message })
}

/** What a new flow of this connection is made of. */
export function origin(context: Context, server = context.server?.connection): FlowOrigin {
  const { world } = context.machine
  return { world, client: context.client.connection, server, now: world.now() }
}

/** The flow is over. */
export function finish(context: Context, flow: Flow): void {
  flow.endedAt = context.machine.world.now()
  context.machine.world.perform({ type: 'finished', flow })
}

/** A host's name as SNI: without a dot at its end; an address is sent as none (RFC 6066, 3). */
export function serverName(host: string | undefined): string | undefined {
  return host === undefined || host.includes(':') || /^[\d.]+$/.test(host) ? undefined : host.replace(/\.$/, '')
}
