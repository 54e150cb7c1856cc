// The public names of midwire, and nothing else.

export { CERTIFICATE_STEPS, type CertificateSteps, type StepPart } from './addons/certificate-steps.js'
export { type Authority, loadAuthority } from './certs/authority.js'
export { type CertificateInfo, readCertificates } from './certs/readable.js'
export {
  type ArgumentType,
  type ArgumentValues,
  type CommandArgument,
  type CommandDefinition,
  type CommandDefinitions,
  command,
} from './commands.js'
export type {
  Address,
  ClientConnection,
  ClientProcess,
  Connection,
  Http2Introduction,
  Peer,
  ServerConnection,
  TlsState,
} from './connection.js'
export { type ErrorCode, MidwireError, nearest } from './errors.js'
export type { RecordedBody, StoredBytes } from './flow/body.js'
export { DnsFlow } from './flow/dns.js'
export type { DnsMessage, DnsQuestion, DnsRecord } from './flow/dns-message.js'
export { DNS_CLASS, DNS_OPCODE, DNS_RCODE, DNS_TYPE } from './flow/dns-names.js'
export { aaaaRecord, aRecord, cnameRecord, dnsReply } from './flow/dns-reply.js'
export { messageText, recordText } from './flow/dns-text.js'
export { FILTER_HELP, type FilterOptions, type FlowFilter, parseFilter } from './flow/filter.js'
export { Flow, type FlowError, type KillWay, type ThrottleLimits } from './flow/flow.js'
export { HttpHeaders, type HttpHeadersInit } from './flow/headers.js'
export { type BodySource, HttpFlow, HttpRequest, HttpResponse, type HttpResponseParts } from './flow/http.js'
export type { BodyFunction, BodyStream, BodyTransform, HttpVersion, StreamedBytes } from './flow/http-message.js'
export type { AnyFlow } from './flow/index.js'
export { type RawMessage, TcpFlow, UdpFlow } from './flow/messages.js'
export {
  type BodyRecord,
  type DnsFlowRecord,
  type FieldsRecord,
  type FlowRecord,
  type HttpRecord,
  type RawRecord,
  RECORD_VERSION,
  type RequestRecord,
  type ResponseRecord,
  type StreamMessageRecord,
  type StreamMessagesRecord,
  type WebSocketMessageRecord,
  type WebSocketRecord,
} from './flow/record.js'
export { revive } from './flow/revive.js'
export { snapshot } from './flow/snapshot.js'
export { type StreamKind, StreamMessage } from './flow/stream-message.js'
export { StreamMessages } from './flow/stream-messages.js'
export type { Credentials, Hop, ProxyHop, TunnelHop } from './flow/via.js'
export type { WebSocketData, WebSocketMessage, WebSocketMessageKind } from './flow/websocket.js'
export { EXPORT_FORMATS, type ExportFormat, type ExportOptions, exportFlow } from './formats/export/index.js'
export { writeMitmproxyFlow } from './formats/mitmproxy.js'
export {
  type Addon,
  type CertificateAndKey,
  type ClientHelloHook,
  type ConfigureHook,
  HOOK_NAMES,
  type HookName,
  type Hooks,
  type HttpMessageHook,
  type LogEntry,
  type LogLevel,
  type NextLayerHook,
  type ProtocolName,
  type ServerHook,
  type Socks5AuthHook,
  type TlsHook,
  type TlsStartClientHook,
  type TlsStartServerHook,
  type TlsVersion,
} from './hooks.js'
export type { MockAnswer, MockBody, MockResponse } from './mock/answer.js'
export type { Passthrough, RequestChanges, ResponseChanges } from './mock/changes.js'
export type { Interception, InterceptOptions } from './mock/interception.js'
export type { FlowMatch, FlowTypes, RequestMatch, TextMatch } from './mock/match.js'
export type { Mock } from './mock/mock.js'
export type { WaitOptions } from './mock/wait.js'
export {
  type GivenOptions,
  type GivenValue,
  OPTIONS,
  type OptionDefinition,
  type OptionDefinitions,
  type OptionName,
  type OptionSnapshot,
  type Options,
  type OptionValue,
} from './options/definitions.js'
export { foreignOption, unknownOption } from './options/names.js'
export { confdirOf } from './options/paths.js'
export { parseOption, readOptions } from './options/read.js'
export type { OptionListener } from './options/store.js'
export type {
  ClientTrust,
  ListenerInfo,
  MidwireOptions,
  ModeState,
  PassedThrough,
  PeerInfo,
  PeerTraffic,
} from './proxy/api.js'
export { type CommandInfo, type Commands, usageOf } from './proxy/commands.js'
export type { FetchDispatcher } from './proxy/dispatcher.js'
export type { DumpOptions } from './proxy/editing.js'
export type { Fixture } from './proxy/fixture.js'
export type { Flows } from './proxy/flows.js'
export type { Jobs } from './proxy/jobs.js'
export { removeLeftOvers } from './proxy/left-over.js'
export type { FlowList, FlowListChanges, FlowListQuery } from './proxy/list/flow-list.js'
export type { FlowRow } from './proxy/list/row.js'
export { ROW_SORTS, type RowSort } from './proxy/list/rows.js'
export { type ModeInfo, modeInfos } from './proxy/modes.js'
export { optionDefinitions, ProxyOptions } from './proxy/options.js'
export { commandInfos } from './proxy/own-commands.js'
export { addWireGuardPeer, removeWireGuardPeer, wireGuardPeers } from './proxy/peers.js'
export { Midwire } from './proxy/proxy.js'
export { type FlowsQuery, openStore } from './proxy/recording.js'
export { flowLine, type JsonSink, jsonSink, type ReadyFacts } from './sinks/json.js'
export type { TextOutput } from './sinks/lines.js'
export { type LogOptions, logSink } from './sinks/log.js'
export type { Sink } from './sinks/sink.js'
export { flowText, type TerminalOptions, terminalSink } from './sinks/terminal.js'
export type { FlowSort } from './store/facts.js'
export { readFlowFile } from './store/flow-file.js'
export type { StoreReader } from './store/reader.js'
export type { FlowQuery } from './store/select.js'
export type { RecordedInfo } from './store/store.js'
export type { ClientConfigOptions } from './transports/client-config.js'
export type { Datagram, IcmpMessage } from './transports/datagram.js'
export { TRANSPARENT_MARK } from './transports/descriptor.js'
export { generatePrivateKey, publicKey } from './transports/keys.js'
export type { ConnectionRequest } from './transports/request.js'
export type {
  CongestionControl,
  LogLevel as WireGuardLogLevel,
  LogLine,
  PeerOptions,
  WireGuardServerOptions,
} from './transports/server-options.js'
export type { PeerStatus } from './transports/server-peers.js'
export type { WireGuardStream } from './transports/stream.js'
export { type AddressLike, startWireGuardServer, type WireGuardServer } from './transports/wireguard.js'
export type { Nest, Page, ViewLine, ViewPart, ViewStyle } from './views/page.js'
export { type Rendered, type RenderOptions, renderedText, renderView, Views, viewNames } from './views/render.js'
export type { View, ViewMetadata } from './views/view.js'
