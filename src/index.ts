// The public names of midwire, and nothing else.

export type { Address, Peer } from './connection.js'
export { type ErrorCode, MidwireError } from './errors.js'
export type { ClientConfigOptions } from './transports/client-config.js'
export type { Datagram, IcmpMessage } from './transports/datagram.js'
export { generatePrivateKey, publicKey } from './transports/keys.js'
export type { ConnectionRequest } from './transports/request.js'
export type { LogLevel, LogLine, PeerOptions, WireGuardServerOptions } from './transports/server-options.js'
export type { WireGuardStream } from './transports/stream.js'
export {
  type AddressLike,
  type PeerStatus,
  startWireGuardServer,
  type WireGuardServer,
} from './transports/wireguard.js'
