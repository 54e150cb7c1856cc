// What a mode is: a way in. Grammar, listener and first layer of each are in one file of its own.
import type { Address, Peer } from '../connection.js'
import type { LogLevel } from '../hooks.js'
import type { LayerName } from '../layers/layer.js'
import type { Options } from '../options/definitions.js'
import type { Transport } from '../transports/transport.js'

/** `name[:data][@[host:]port]`, taken apart (features 4.1). */
export interface ModeSpec {
  /** As it was written. */
  readonly text: string
  readonly name: string
  readonly data: string | undefined
  /** Without brackets; empty for every address. */
  readonly host: string | undefined
  readonly port: number | undefined
}

/** A client that has come by a mode. */
export interface Arrival {
  readonly transport: 'tcp' | 'udp'
  readonly source: Address
  /** Where it connected to; in a tunnel, any address. */
  readonly destination: Address
  readonly peer: Peer | undefined
  /** Takes it: TCP's SYN is answered here, if it was not before. */
  accept(): Transport
  /** Nobody is there: RST or port unreachable, or another ICMP error where there is such a thing. */
  refuse(reason: 'refused' | 'unreachable' | 'prohibited'): void
  /** Where it goes is the tunnel's own resolver. */
  readonly virtualResolver: boolean
}

/** What a mode needs of the proxy. */
export interface ModeContext {
  readonly options: Options
  /** Absolute path of the conf dir, which exists. */
  readonly confdir: string
  /** The modes that are to run together, this one among them. */
  readonly specs: readonly ModeSpec[]
  /** A client has come. */
  arrived(mode: RunningMode, arrival: Arrival): void
  log(level: LogLevel, message: string): void
}

/** One address that a mode listens on. */
export interface Listener {
  readonly host: string
  readonly port: number
  readonly transport: 'tcp' | 'udp'
}

/** A client of a tunnel, as it was set up. */
export interface TunnelPeer {
  readonly name: string
  readonly publicKey: string
  readonly addresses: readonly string[]
  /** The text of its WireGuard configuration, where its private key is known. */
  readonly config: string | undefined
}

export interface RunningMode {
  readonly spec: ModeSpec
  readonly mode: Mode
  readonly listeners: readonly Listener[]
  /** Of a tunnel: its clients as they are now; `midwire wg add` and `remove` change them while it runs. */
  readonly peers?: readonly TunnelPeer[]
  /** Of a tunnel: what clients can dial, `host:port`, the best first. */
  readonly endpoints?: readonly string[]
  /** Of a tunnel: the addresses of its own resolver, which are also where the onboarding page is. */
  readonly resolver?: readonly string[]
  /** Stops listening; connections that were accepted are their owner's. */
  close(): Promise<void>
}

export interface Mode {
  readonly name: string
  /** One line, for --help. */
  readonly description: string
  readonly defaultPort: number
  /** Empty for every address. */
  readonly defaultHost: string
  readonly transport: 'tcp' | 'udp'
  /** What may stand after the colon, for --help; undefined where nothing may. */
  readonly data?: string
  /** Reads what it needs from the disk, before any mode listens; throws a MidwireError for what is wrong with it. */
  check?(spec: ModeSpec, context: ModeContext): Promise<void>
  /** Listens; throws a MidwireError. */
  start(spec: ModeSpec, context: ModeContext): Promise<RunningMode>
  /** The layer that every flow of the mode begins with. */
  readonly layer: LayerName
}
