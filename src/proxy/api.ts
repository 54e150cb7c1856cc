// The types that programs start a proxy with and read from it; proxy.ts is the proxy itself.
import type { Addon } from '../hooks.js'
import type { GivenOptions } from '../options/definitions.js'
import type { Sink } from '../sinks/sink.js'

export interface MidwireOptions {
  /** The modes, as `--mode` has them: `['wireguard', 'regular@8080']`. Default: option `mode`, else wireguard and regular. */
  modes?: readonly string[]
  /** The folder of keys, certificates and config.yaml. Default: MIDWIRE_CONFDIR, else `~/.midwire`. */
  confdir?: string
  /** Values of options, as `--set` has them, those of addons and scripts, too: `{ ssl_insecure: true }`. config.yaml is not read. */
  options?: GivenOptions
  /** Addons, called in this order, after the built-in ones and before option `scripts`. Default: none. */
  addons?: readonly Addon[]
  /** Outputs: `[terminalSink(process.stdout)]`. Default: none. */
  sinks?: readonly Sink[]
}

/** One address that a mode listens on. */
export interface ListenerInfo {
  /** The mode's spec, as the user gave it, with `...` for passwords of proxies. */
  readonly spec: string
  /** The mode's name. */
  readonly mode: string
  /** An IP address, without brackets. */
  readonly host: string
  readonly port: number
  readonly transport: 'tcp' | 'udp'
  /** The number of datagrams of new clients that were dropped, because there were too many flows. Undefined for TCP and for tunnels. */
  readonly dropped?: number | undefined
}

/** A mode of the list. */
export interface ModeState {
  /** As the user gave it, with `...` for passwords of proxies. */
  readonly spec: string
  readonly name: string
  readonly state: 'running' | 'starting' | 'failed'
  /** Why it has failed: a sentence. Undefined for one that has not. */
  readonly error: string | undefined
  /** Where it listens; none while it does not. */
  readonly listeners: readonly ListenerInfo[]
}

/** What a tunnel has seen of a client since it was started. */
export interface PeerTraffic {
  /** `host:port` from which the client has last sent something that was authentic; undefined for none. */
  readonly endpoint: string | undefined
  /** Milliseconds since the epoch: the last handshake of a session that is not over; undefined for none. */
  readonly handshakeAt: number | undefined
  /** Bytes of IP packets from the client, and to it. */
  readonly receivedBytes: number
  readonly sentBytes: number
  /** The messages and packets of the client that were dropped: replays, wrong inner sources, lost sessions. */
  readonly dropped: number
}

/** Whether a client trusts our certificate, as far as it has shown. */
export interface ClientTrust {
  /** The peer's name, else its IP address. */
  readonly client: string
  /** The peer's public key, else its IP address. */
  readonly key: string
  /** True: it has spoken over TLS that midwire decrypts. False: it has refused our certificate, and never trusted it. */
  readonly trusts: boolean
  /** The name that it asked for then; undefined where it named none. */
  readonly name: string | undefined
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** A client of the tunnel. */
export interface PeerInfo {
  /** The spec of the client's mode. */
  readonly spec: string
  readonly name: string
  /** Base64. */
  readonly publicKey: string
  /** The client's addresses in the tunnel: `10.0.0.1/32`, `fd6d:6964:7769:7265::1/128`. */
  readonly addresses: readonly string[]
  /** The text of its WireGuard configuration, for a file or a QR code; undefined where its private key is not known. */
  readonly config: string | undefined
  /** The endpoints that the client can dial, `host:port`, the best first; `config` has the best. */
  readonly endpoints: readonly string[]
  /** Undefined where the tunnel does not run. */
  readonly traffic?: PeerTraffic | undefined
  /** Whether it trusts our certificate (`ClientTrust`); undefined where it has not shown that yet. */
  readonly trusts?: boolean | undefined
}

/** A client whose connections to a name pass without being decrypted, because it has refused our certificate (option `tls_fail_open`). */
export interface PassedThrough {
  /** The peer's name, or its public key where it has none; the IP address of a client that is not in a tunnel. */
  readonly client: string
  /** The name in the client's ClientHello; the destination's host where it has none. */
  readonly name: string
  /** Milliseconds since the epoch: from then on midwire tries to decrypt again. */
  readonly until: number
}
