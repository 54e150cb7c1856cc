// The shape of the proxy as programs see it; proxy.ts is what stands behind it.
import type { Addon } from '../hooks.js'
import type { GivenOptions } from '../options/definitions.js'
import type { Sink } from '../sinks/sink.js'

export interface MidwireOptions {
  /** Ways in, as `--mode` has them: `['wireguard', 'regular@8080']`. Default: option `mode`, else wireguard and regular. */
  modes?: readonly string[]
  /** Where keys, certificates and config.yaml are. Default: MIDWIRE_CONFDIR, else `~/.midwire`. */
  confdir?: string
  /** As `--set` has them, those of addons and scripts, too: `{ ssl_insecure: true }`. config.yaml is not read. */
  options?: GivenOptions
  /** Run in this order, after the built-in ones and before option `scripts`. Default: none. */
  addons?: readonly Addon[]
  /** Outputs: `[terminalSink(process.stdout)]`. Default: none. */
  sinks?: readonly Sink[]
}

/** One address that is listened on. */
export interface ListenerInfo {
  /** The mode's spec, as it was given. */
  readonly spec: string
  /** The mode's name. */
  readonly mode: string
  /** An IP address, without brackets. */
  readonly host: string
  readonly port: number
  readonly transport: 'tcp' | 'udp'
}

/** A client of the tunnel. */
export interface PeerInfo {
  /** The spec of the mode that it belongs to. */
  readonly spec: string
  readonly name: string
  /** Base64. */
  readonly publicKey: string
  /** Its own in the tunnel: `10.0.0.1/32`, `fd6d:6964:7769:7265::1/128`. */
  readonly addresses: readonly string[]
  /** The text of its WireGuard configuration, for a file or a QR code; undefined where its private key is not ours to know. */
  readonly config: string | undefined
  /** What it can dial, `host:port`, the best first: that one is in `config`. */
  readonly endpoints: readonly string[]
}
