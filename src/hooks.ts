// Every hook by its name, with what it is given. An addon is an object with some of them as methods.
import type { ClientConnection, ServerConnection } from './connection.js'
import type { DnsFlow } from './flow/dns.js'
import type { HttpFlow } from './flow/http.js'
import type { TcpFlow, UdpFlow } from './flow/messages.js'
import type { OptionDefinitions, OptionSnapshot } from './options/definitions.js'

/** A server's leg, with the client that it is for. */
export interface ServerHook {
  readonly client: ClientConnection
  readonly server: ServerConnection
}

/** A ClientHello before anything is answered. */
export interface ClientHelloHook {
  readonly client: ClientConnection
  readonly server: ServerConnection | undefined
  /** Set to true: the connection passes as it is, without interception. */
  ignore: boolean
}

/** A TLS handshake of one leg that is over. */
export interface TlsHook {
  readonly client: ClientConnection
  readonly server: ServerConnection | undefined
  /** What went wrong, in the `tls_failed_` hooks. */
  readonly error?: string | undefined
}

/** Options as they are from now on. */
export interface ConfigureHook {
  /** All options, with those that addons and scripts have defined: `options.flow_detail`, `options.my_header`. */
  readonly options: OptionSnapshot
  /** The names of those that have changed; all of them where the addon is told for the first time. */
  readonly changed: ReadonlySet<string>
}

/** The names are mitmproxy's. Where no comment says more, a hook may change what it is given. */
export interface Hooks {
  /**
   * Options have changed; and once when the addon is added, before anything is listened on. To refuse the values, throw: an
   * update then changes nothing, and a start fails. It is not waited for.
   */
  configure: ConfigureHook
  /** All listeners are bound. */
  running: undefined
  /** The proxy is closing. */
  done: undefined
  client_connected: ClientConnection
  client_disconnected: ClientConnection
  /** Before a server is dialled. */
  server_connect: ServerHook
  server_connected: ServerHook
  server_connect_error: ServerHook
  server_disconnected: ServerHook
  tls_clienthello: ClientHelloHook
  tls_established_client: TlsHook
  tls_established_server: TlsHook
  tls_failed_client: TlsHook
  tls_failed_server: TlsHook
  /** The head of a request; its body has not been read. Setting `flow.response` answers it. */
  requestheaders: HttpFlow
  /**
   * The whole request. Setting `flow.response` answers it without asking the server; not where the body was streamed
   * (`flow.request.stream`, `stream_large_bodies`): the hook then runs when the server has all of it.
   */
  request: HttpFlow
  responseheaders: HttpFlow
  /** The whole response; the last hook of a flow that did not fail. */
  response: HttpFlow
  /** The flow has failed or was killed; the last hook then. */
  error: HttpFlow
  /** A CONNECT. Setting `flow.response` to anything but 2xx refuses it. */
  http_connect: HttpFlow
  tcp_start: TcpFlow
  /** `flow.last` is the message. */
  tcp_message: TcpFlow
  tcp_end: TcpFlow
  tcp_error: TcpFlow
  udp_start: UdpFlow
  udp_message: UdpFlow
  udp_end: UdpFlow
  udp_error: UdpFlow
  /** Setting `flow.response` answers the query. */
  dns_request: DnsFlow
  dns_response: DnsFlow
  dns_error: DnsFlow
}

export type HookName = keyof Hooks

/** Kept whole by its type. */
const NAMES: Record<HookName, true> = {
  ...{ configure: true, running: true, done: true, client_connected: true, client_disconnected: true },
  ...{ server_connect: true, server_connected: true, server_connect_error: true, server_disconnected: true },
  ...{ tls_clienthello: true, tls_established_client: true, tls_established_server: true },
  ...{ tls_failed_client: true, tls_failed_server: true },
  ...{ requestheaders: true, request: true, responseheaders: true, response: true, error: true, http_connect: true },
  ...{ tcp_start: true, tcp_message: true, tcp_end: true, tcp_error: true },
  ...{ udp_start: true, udp_message: true, udp_end: true, udp_error: true },
  ...{ dns_request: true, dns_response: true, dns_error: true },
}

/** Every hook there is. */
export const HOOK_NAMES = Object.keys(NAMES) as readonly HookName[]

/** Hooks of mitmproxy's that midwire does not have; `load` and `update` may be anybody's methods, and are not in the list. */
export const FOREIGN_HOOKS: readonly string[] = [
  ...['next_layer', 'tls_start_client', 'tls_start_server', 'quic_start_client', 'quic_start_server', 'socks5_auth'],
  ...['http_connect_upstream', 'http_connected', 'http_connect_error', 'add_log'],
  ...['websocket_start', 'websocket_message', 'websocket_end'],
]

type HookMethods = {
  [Name in HookName]?: Hooks[Name] extends undefined
    ? () => void | Promise<void>
    : (subject: Hooks[Name]) => void | Promise<void>
}

/** An object with hooks as methods, run in the order in which addons were given. Asynchronous ones are waited for. */
export interface Addon extends HookMethods {
  /** Shown where the addon fails. */
  readonly name?: string
  /**
   * Options of its own: `{ my_header: { type: 'string', default: 'X-Debug', help: 'the header that is added' } }`. They are there
   * while the addon is, are given as midwire's own are (`--set my_header=X-Test`, config.yaml, `Midwire.start`), and are read
   * in the hook `configure`.
   */
  readonly options?: OptionDefinitions
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

/** A line of the log. */
export interface LogEntry {
  readonly level: LogLevel
  readonly message: string
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}
