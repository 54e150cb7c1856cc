// The table of hooks: the name of each, and the type of its argument. An addon is an object with hooks as methods.
import type { SecureContext } from 'node:tls'
import type { CommandDefinitions } from './commands.js'
import type { ClientConnection, ServerConnection } from './connection.js'
import type { DnsFlow } from './flow/dns.js'
import type { HttpFlow } from './flow/http.js'
import type { AnyFlow } from './flow/index.js'
import type { TcpFlow, UdpFlow } from './flow/messages.js'
import type { StreamMessage } from './flow/stream-message.js'
import type { OptionDefinitions, OptionSnapshot } from './options/definitions.js'
import type { Midwire } from './proxy/proxy.js'
import type { View } from './views/view.js'

/** A server's leg, with the client that it is for. */
export interface ServerHook {
  readonly client: ClientConnection
  readonly server: ServerConnection
}

/** A client's TLS handshake of which only the ClientHello has come, and nothing has been answered yet. */
export interface ClientHelloHook {
  readonly client: ClientConnection
  readonly server: ServerConnection | undefined
  /** An addon that sets this to true lets the connection pass as it is, without interception. */
  ignore: boolean
}

/** A TLS handshake, of the client's leg or the server's, that has succeeded or failed. */
export interface TlsHook {
  readonly client: ClientConnection
  readonly server: ServerConnection | undefined
  /** Why the handshake has failed, in the `tls_failed_` hooks. */
  readonly error?: string | undefined
}

/** A certificate with its private key, as PEM. */
export interface CertificateAndKey {
  /** The certificate, and behind it those above it. */
  readonly cert: string
  /** Without a passphrase. */
  readonly key: string
}

/** A version of TLS in the words of the options. */
export type TlsVersion = 'UNBOUNDED' | 'TLS1' | 'TLS1_1' | 'TLS1_2' | 'TLS1_3'

/**
 * How midwire is about to do TLS with a client. The fields have what the options say, and an addon may change them. A value that OpenSSL
 * refuses fails the handshake with a sentence.
 */
export interface TlsStartClientHook {
  readonly client: ClientConnection
  readonly server: ServerConnection | undefined
  /** The certificate to show, in place of one of midwire's or of option `certs`. Undefined for those. */
  certificate: CertificateAndKey | undefined
  /**
   * A context of `tls.createSecureContext`, which is used as it is: certificate, versions and ciphers of this hook are not. Give it a
   * `sessionIdContext` where clients are asked for certificates: without one OpenSSL refuses to resume their sessions.
   */
  context: SecureContext | undefined
  /** The one protocol to agree on, which should be one that the client offers; undefined for none. */
  alpn: string | undefined
  minVersion: TlsVersion
  maxVersion: TlsVersion
  /** OpenSSL's list; undefined for midwire's own. */
  ciphers: string | undefined
  /** The client is asked for a certificate (`client.tls.certificates`), which is not verified. */
  requestCertificate: boolean
}

/**
 * How midwire is about to do TLS with a server. The hook runs once for each server that a client connection wants, before the
 * connection is looked for among idle ones: connections with other settings never stand in for each other.
 */
export interface TlsStartServerHook {
  readonly client: ClientConnection
  /** Where the connection goes. */
  readonly host: string
  readonly port: number
  /** The connection to the server where it is open already; undefined where it is still to be opened. */
  readonly server: ServerConnection | undefined
  /** The name in the ClientHello, for which the server's certificate has to be; undefined for none: the host is verified then. */
  sni: string | undefined
  /** The protocols to offer. */
  alpn: readonly string[]
  /** The certificate for a server that asks for one, in place of that of option `client_certs`. Undefined for that. */
  certificate: CertificateAndKey | undefined
  minVersion: TlsVersion
  maxVersion: TlsVersion
  /** OpenSSL's list; undefined for its own. */
  ciphers: string | undefined
  /** False: the server's certificate is not verified. */
  verify: boolean
}

/** The user name and the password that a SOCKS5 client has sent (RFC 1929). */
export interface Socks5AuthHook {
  readonly client: ClientConnection
  readonly username: string
  readonly password: string
  /** Set to true: the client is let in. */
  valid: boolean
}

/** A message within a body, with the flow that it belongs to. */
export interface HttpMessageHook {
  readonly flow: HttpFlow
  /** Its `content` may be changed, and `message.drop()` keeps it back. */
  readonly message: StreamMessage
}

/** The options from now on. */
export interface ConfigureHook {
  /** All options, with those that addons and scripts have defined: `options.flow_detail`, `options.my_header`. */
  readonly options: OptionSnapshot
  /** The names of the options that have changed; all names in the first call of an addon's `configure`. */
  readonly changed: ReadonlySet<string>
}

/**
 * What a connection may go on as. `tls`: TLS to decrypt; `http1`, `http2`, `dns`: these protocols; `raw`: bytes or datagrams of a
 * protocol that is not read; `ignore`: the same, without hooks and flow; `refuse`: the datagrams are dropped. A client of an explicit
 * proxy that has not named its destination speaks `http-proxy`, `socks` or `tls`.
 */
export type ProtocolName = 'tls' | 'http1' | 'http2' | 'http-proxy' | 'socks' | 'dns' | 'raw' | 'ignore' | 'refuse'

/** A connection, or what is inside its TLS or tunnel, whose protocol is about to be decided by its first bytes. */
export interface NextLayerHook {
  readonly client: ClientConnection
  /** The connection to the server where it is open already. */
  readonly server: ServerConnection | undefined
  /** Where the client wants to go; undefined where it has not said so yet, as with an explicit proxy. */
  readonly destination: { readonly host: string; readonly port: number } | undefined
  /** What the client has sent so far: all bytes of TCP, the first datagram of UDP. It may be empty. */
  readonly clientData: Buffer
  /** What the server has sent so far, before it got anything from the client. */
  readonly serverData: Buffer
  /** The bytes are plaintext from inside TLS. */
  readonly decrypted: boolean
  /** What midwire has decided; undefined where it waits for more bytes. Set it to decide otherwise, or sooner. */
  protocol: ProtocolName | undefined
}

/** The names of the hooks are mitmproxy's. Where no comment says more, a hook may change its argument. */
export interface Hooks {
  /**
   * The addon was added, before `configure`: once, with the proxy that runs or is about to listen. A hook that throws refuses the addon,
   * and a start fails. A promise that the hook returns is not waited for.
   */
  load: Midwire
  /**
   * Options have changed. The hook is also called once when the addon is added, before midwire listens. A hook that throws refuses the
   * values: an update then changes nothing, and a start fails. A promise that the hook returns is not waited for.
   */
  configure: ConfigureHook
  /** All listeners are bound. */
  running: undefined
  /** The proxy is closing. */
  done: undefined
  /** A command, or a program by `proxy.update`, has changed these flows. They may be running or over. */
  update: readonly AnyFlow[]
  /** A line of the log. What the hook logs itself before it returns is no line for the hook, nor is its own failure. */
  add_log: LogEntry
  client_connected: ClientConnection
  client_disconnected: ClientConnection
  /** midwire is about to connect to a server. */
  server_connect: ServerHook
  server_connected: ServerHook
  server_connect_error: ServerHook
  server_disconnected: ServerHook
  /**
   * The first bytes of a connection are there; the hook runs again when more come, until the protocol is decided. Setting `protocol`
   * decides. What cannot be, such as TLS over UDP, is logged and has no effect.
   */
  next_layer: NextLayerHook
  tls_clienthello: ClientHelloHook
  /** Just before the handshake with a client. */
  tls_start_client: TlsStartClientHook
  /** Before TLS with a server. */
  tls_start_server: TlsStartServerHook
  tls_established_client: TlsHook
  tls_established_server: TlsHook
  tls_failed_client: TlsHook
  tls_failed_server: TlsHook
  /**
   * The head of a request; its body has not been read. Setting `flow.response` answers the request, and no server is asked. Setting
   * `flow.request.content` sends that in the place of the body, which is dropped as it comes.
   */
  requestheaders: HttpFlow
  /**
   * The whole request. Setting `flow.response` answers the request, and no server is asked; not where the body was streamed
   * (`flow.request.stream`, `stream_large_bodies`): the hook then runs when the server has all of it.
   */
  request: HttpFlow
  /**
   * The head of a response; its body has not been read. Setting `flow.response`, or its `content`, sends that in its place, and the
   * server's connection is closed where a body was still to come.
   */
  responseheaders: HttpFlow
  /**
   * A message within a body that passes, as soon as it has come: an event of `text/event-stream`, a gRPC message, a JSON text of
   * `application/x-ndjson`, `application/jsonl` or `application/json-seq`. It may be changed or dropped, and goes on when the hook is over;
   * what is not changed goes on byte for byte. An event or line of more than 1 MiB, a gRPC message of more than 4 MiB, and a body in a
   * content coding pass without the hook.
   */
  http_message: HttpMessageHook
  /**
   * The whole response; the last hook of the flow, but for a WebSocket's. What fails after it, such as a client that is gone, is in
   * `flow.error`, and `error` does not run.
   */
  response: HttpFlow
  /** The flow has failed or was killed before `response`; its last hook, in the place of that. A WebSocket that has begun ends with `websocket_end`. */
  error: HttpFlow
  /** A CONNECT request. Setting `flow.response` to a response other than 2xx refuses it. */
  http_connect: HttpFlow
  /** A CONNECT that midwire is about to send to a proxy on the way (`via`): its fields may be changed. */
  http_connect_upstream: HttpFlow
  /** The way that a client's CONNECT asks for is open, and the client is about to be told so with a 200. */
  http_connected: HttpFlow
  /** A client's CONNECT has failed or was refused; `flow.response` or `flow.error` says how. */
  http_connect_error: HttpFlow
  /**
   * A SOCKS5 client has sent a user name and a password: set `valid`. While an addon has this hook, clients have to send them. An addon that
   * fails has not said that they are valid.
   */
  socks5_auth: Socks5AuthHook
  /** A WebSocket has begun, after the hook `response` of its 101: `flow.websocket` is there from now on. */
  websocket_start: HttpFlow
  /**
   * A whole message: `flow.websocket.last`. Its `content` or `text` may be set, and `drop()` does not send it on. While no addon has this
   * hook, messages pass frame by frame as they come.
   */
  websocket_message: HttpFlow
  /** The WebSocket is over, with `flow.error` where it has failed; the last hook of such a flow: `error` does not run. */
  websocket_end: HttpFlow
  tcp_start: TcpFlow
  /** `flow.last` is the message. */
  tcp_message: TcpFlow
  tcp_end: TcpFlow
  tcp_error: TcpFlow
  udp_start: UdpFlow
  udp_message: UdpFlow
  udp_end: UdpFlow
  udp_error: UdpFlow
  /** Setting `flow.response` answers the query, and no server is asked. */
  dns_request: DnsFlow
  dns_response: DnsFlow
  dns_error: DnsFlow
}

export type HookName = keyof Hooks

/** The names as values. The type makes the compiler check that none is missing. */
const NAMES: Record<HookName, true> = {
  ...{ load: true, configure: true, running: true, done: true, update: true, add_log: true },
  ...{ client_connected: true, client_disconnected: true, next_layer: true },
  ...{ server_connect: true, server_connected: true, server_connect_error: true, server_disconnected: true },
  ...{ tls_clienthello: true, tls_start_client: true, tls_start_server: true },
  ...{ tls_established_client: true, tls_established_server: true },
  ...{ tls_failed_client: true, tls_failed_server: true },
  ...{ requestheaders: true, request: true, responseheaders: true, response: true, error: true },
  ...{ http_message: true },
  ...{ http_connect: true, http_connect_upstream: true, http_connected: true, http_connect_error: true },
  ...{ socks5_auth: true },
  ...{ websocket_start: true, websocket_message: true, websocket_end: true },
  ...{ tcp_start: true, tcp_message: true, tcp_end: true, tcp_error: true },
  ...{ udp_start: true, udp_message: true, udp_end: true, udp_error: true },
  ...{ dns_request: true, dns_response: true, dns_error: true },
}

/** The names of all hooks. */
export const HOOK_NAMES = Object.keys(NAMES) as readonly HookName[]

/** Hooks of mitmproxy's that midwire does not have: it does not speak QUIC. */
export const FOREIGN_HOOKS: readonly string[] = ['quic_start_client', 'quic_start_server']

type HookMethods = {
  [Name in HookName]?: Hooks[Name] extends undefined
    ? () => void | Promise<void>
    : (subject: Hooks[Name]) => void | Promise<void>
}

/** An object with hooks as methods. Addons run in the order in which they were given, and asynchronous hooks are waited for. */
export interface Addon extends HookMethods {
  /** The name that errors of the addon are shown with. */
  readonly name?: string
  /**
   * Options of the addon's own: `{ my_header: { type: 'string', default: 'X-Debug', help: 'the header that is added' } }`. They are
   * defined while the addon is loaded. Users give them like midwire's own (`--set my_header=X-Test`, config.yaml, `Midwire.start`), and
   * the addon reads them in its hook `configure`.
   */
  readonly options?: OptionDefinitions
  /**
   * What a script keeps when its file changes and it is loaded anew: `export const state = { seen: 0 }`. The new script's state gets the
   * values of the old one, for the names that both have, before its hooks run.
   */
  readonly state?: Record<string, unknown>
  /** Commands of the addon's own, by their names: `{ 'my.count': command({ help: 'count flows', arguments: [], run: () => count }) }`. */
  readonly commands?: CommandDefinitions
  /** Views of the addon's own, which show content of a kind that it knows: `midwire help views`, `dumper_default_contentview`. */
  readonly views?: readonly View[]
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug'

/** A line of the log. */
export interface LogEntry {
  readonly level: LogLevel
  readonly message: string
  /** Milliseconds since the epoch. */
  readonly timestamp: number
}
