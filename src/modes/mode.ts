// A mode is a way in for clients. Each has a file with its listener and the name of its first layer; spec.ts has their grammar.
import type { Address, ClientConnection, Peer } from '../connection.js'
import type { Hop } from '../flow/via.js'
import type { LogLevel } from '../hooks.js'
import type { Entrance } from '../layers/entrance.js'
import type { Options } from '../options/definitions.js'
import type { Transport } from '../transports/transport.js'

/** `name[:data][@[host:]port][ via PROXIES]`, taken apart (features 4.1). */
export interface ModeSpec {
  /** The spec as the user wrote it. */
  readonly text: string
  /** The same without the passwords of proxies, for flows, listeners and messages. */
  readonly shown: string
  readonly name: string
  readonly data: string | undefined
  /** Without brackets; empty for every address; undefined where the spec names none. */
  readonly host: string | undefined
  readonly port: number | undefined
  /** The proxies by which its connections leave, where the spec ends in ` via PROXIES`. */
  readonly via: readonly Hop[] | undefined
}

/** A client connection that has come in by a mode and is not accepted or refused yet: a TCP connection or a UDP flow. */
export interface Arrival {
  readonly transport: 'tcp' | 'udp'
  readonly source: Address
  /** The address that the client connected to: the listener's own, or in a tunnel any address at all. */
  readonly destination: Address
  readonly peer: Peer | undefined
  /** Accepts the connection. A TCP connection out of a tunnel has its SYN answered now; the system has done so for a socket. */
  accept(): Transport
  /** Refuses the connection: with RST or port unreachable, or in a tunnel with the ICMP error of the reason. */
  refuse(reason: 'refused' | 'unreachable' | 'prohibited'): void
  readonly entrance: Entrance
  /** The client's connection as it was, where a request of that client is replayed. Undefined for a client that has come. */
  readonly client?: ClientConnection
  /** The client uses midwire as its proxy, also where the entrance has a destination; undefined: where it has none. */
  readonly explicit?: boolean
}

/** The proxy, as a mode needs it. */
export interface ModeContext {
  readonly options: Options
  /** The absolute path of the conf dir, which exists. */
  readonly confdir: string
  /** The specs of all modes of the proxy, this one's too. */
  readonly specs: readonly ModeSpec[]
  /** Hands a new client connection to the proxy. */
  arrived(mode: RunningMode, arrival: Arrival): void
  log(level: LogLevel, message: string): void
}

/** One address that a mode listens on. */
export interface Listener {
  readonly host: string
  readonly port: number
  readonly transport: 'tcp' | 'udp'
  /** The number of datagrams of new clients that were dropped, because there were too many flows. Undefined for TCP and for tunnels. */
  readonly dropped?: number | undefined
}

/** A client of a tunnel, as the key file sets it up. */
export interface TunnelPeer {
  readonly name: string
  readonly publicKey: string
  readonly addresses: readonly string[]
  /** The text of its WireGuard configuration, where its private key is known. */
  readonly config: string | undefined
  /** What the tunnel has seen of it; undefined while the tunnel does not run. Times are milliseconds since the epoch. */
  readonly traffic: PeerTraffic | undefined
}

interface PeerTraffic {
  readonly endpoint: string | undefined
  readonly handshakeAt: number | undefined
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly dropped: number
}

/** The key file of a tunnel, which is changed and followed at once. Both throw ERR_WIREGUARD_CONF. */
export interface KeyFile {
  /** Without `publicKey` with a new key pair. */
  addPeer(name: string, publicKey: string | undefined): Promise<void>
  removePeer(name: string): Promise<void>
}

export interface RunningMode {
  readonly spec: ModeSpec
  readonly mode: Mode
  readonly listeners: readonly Listener[]
  /** Tunnels only: the clients as they are now. `midwire wg add` and `remove` change them while the mode runs. */
  readonly peers?: readonly TunnelPeer[]
  /** Tunnels only. */
  readonly keyFile?: KeyFile
  /** Why it does not listen at present, where it fails while it runs and is started again; undefined where it does. */
  readonly failure?: Error | undefined
  /** Tunnels only: the endpoints that clients can dial, `host:port`, the best first. */
  readonly endpoints?: readonly string[]
  /** Tunnels only: the addresses of the tunnel's own resolver. The onboarding page is at the same addresses. */
  readonly resolver?: readonly string[]
  /** The firewall mark that all of midwire's packets have to have while the mode runs, so that its rules leave them alone. */
  readonly mark?: number | undefined
  /** The proxies by which its connections leave; undefined where there are none but those of `spec`. */
  readonly via?: readonly Hop[] | undefined
  /** Stops listening. Sockets that were accepted stay open; a tunnel's connections end with the tunnel. */
  close(): Promise<void>
}

type Transports = 'tcp' | 'udp'

/** Where a mode listens when nobody says otherwise. */
export interface ListenDefaults {
  readonly defaultPort: number
  readonly transports: readonly Transports[]
}

export interface Mode extends ListenDefaults {
  readonly name: string
  /** One line, for --help. */
  readonly description: string
  /** Empty for every address. */
  readonly defaultHost: string
  /** The defaults that the data of a spec change. Throws ERR_MODE for data that are wrong. */
  parse?(spec: ModeSpec): Partial<ListenDefaults>
  /** The data that may stand after the colon of a spec, for --help; undefined for a mode that takes nothing there. */
  readonly data?: { readonly placeholder: string; readonly help: string }
  /** Whether servers can see the addresses of the mode's clients (`Entrance.source`). Default: no. */
  keepsSource?(spec: ModeSpec): boolean
  /** Reads the mode's files before any mode listens. Throws a MidwireError for files that are missing or wrong. */
  check?(spec: ModeSpec, context: ModeContext): Promise<void>
  /** Starts to listen. Throws a MidwireError. */
  start(spec: ModeSpec, context: ModeContext): Promise<RunningMode>
}
