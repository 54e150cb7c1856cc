// Every hook by its name, with what it is given. An addon is an object with some of them as methods.
import type { ClientConnection, ServerConnection } from './connection.js'
import type { DnsFlow } from './flow/dns.js'
import type { HttpFlow } from './flow/http.js'
import type { TcpFlow, UdpFlow } from './flow/messages.js'

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

/** The names are mitmproxy's. Where no comment says more, a hook may change what it is given. */
export interface Hooks {
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
  /** The whole request. Setting `flow.response` answers it without asking the server. */
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

type HookMethods = {
  [Name in HookName]?: Hooks[Name] extends undefined
    ? () => void | Promise<void>
    : (subject: Hooks[Name]) => void | Promise<void>
}

/** An object with hooks as methods, run in the order in which addons were given. Asynchronous ones are waited for. */
export interface Addon extends HookMethods {
  /** Shown where the addon fails. */
  readonly name?: string
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

/** A line of the log. */
export interface LogEntry {
  readonly level: LogLevel
  readonly message: string
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}
