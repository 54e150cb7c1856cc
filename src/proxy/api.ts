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
