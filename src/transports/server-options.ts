// The options of startWireGuardServer, which are all checked before a socket is opened.
import { isIP, isIPv6 } from 'node:net'
import { MidwireError } from '../errors.js'
import type { NativePeer, NativeServerOptions } from '../native/load.js'
import { addressBytes } from './addresses.js'
import type { Datagram, IcmpMessage } from './datagram.js'
import { keyBytes } from './keys.js'
import type { ConnectionRequest } from './request.js'
import type { WireGuardStream } from './stream.js'

/** A WireGuard peer. */
export interface PeerOptions {
  /** Base64, 44 characters. */
  publicKey: string
  /** A further secret that both ends share: 32 bytes in base64. */
  presharedKey?: string
  /** The peer's addresses or ranges inside the tunnel. Default: the next free pair of 10.0.0.N/32 and fd6d:6964:7769:7265::N/128. */
  allowedIps?: string[]
  /** Seconds between keepalives, 1 to 65535. Default: 0, none. */
  keepalive?: number
  /** `address:port` (IPv6 in brackets) of a peer that this side sends the first handshake to, as its client. */
  endpoint?: string
  /** Any name, for logs and flows. */
  name?: string
}

export type CongestionControl = 'bbr' | 'cubic'

export type LogLevel = 'off' | 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** A line of the addon's log. */
export interface LogLine {
  level: Exclude<LogLevel, 'off'>
  target: string
  message: string
}

export interface WireGuardServerOptions {
  /** One IPv4 and/or one IPv6 address to listen on. Default: `0.0.0.0` and `::`, as far as the machine has the family. */
  host?: string | string[]
  /** UDP port. Default 51820; 0 takes a free one, the same for both families. */
  port?: number
  /** The server's private key in base64, 44 characters. */
  privateKey: string
  peers?: PeerOptions[]
  /** The tunnel's own addresses: echo requests to them are answered, `connect` starts from them. Default 10.0.0.53 and fd6d:6964:7769:7265::53. */
  addresses?: string[]
  /**
   * The longest IP packet that is sent into the tunnel, in bytes, 576 to 9000. Default 1420; IPv6 needs 1280. A peer whose SYNs and
   * fragments show that it takes less is sent less. Set `mtu` where the path is known to be narrower: `clientConfig` then has it, too.
   */
  mtu?: number
  /**
   * Bytes that each of the two buffers of a TCP connection may grow to, if its path needs that: 64 KiB to 16 MiB. Only queued data takes
   * memory. Default 6 MiB, as in Linux.
   */
  bufferSize?: number
  /**
   * Bytes that the buffers of all TCP connections together may hold, 1 MiB or more. From half of that on windows shrink; beyond all of it
   * a connection that holds 64 KiB already drops received data, which its peer sends again. Default 256 MiB.
   */
  bufferMemory?: number
  /**
   * How TCP finds its rate: `bbr` (version 1) measures it, so that a loss costs no more than the segment; `cubic` (RFC 9438), which most
   * systems use, slows down at every loss, and makes room for other traffic sooner. Default `bbr`: without loss the two are equal, and
   * where 1 % of the packets are lost `bbr` moves fifty times as much.
   */
  congestion?: CongestionControl
  /** As in net.createServer: unless true, a stream ends its own side once the peer has ended its side. Default: false. */
  allowHalfOpen?: boolean
  /** Called when a peer wants a TCP connection; the SYN waits for the request's answer. Without this callback every connection is accepted. */
  onRequest?(request: ConnectionRequest): void
  /** Called with each open TCP connection, but not for those that `onRequest` was called for. */
  onConnection?(stream: WireGuardStream): void
  /** Called with each UDP datagram. Without this callback every datagram is refused (port unreachable). */
  onDatagram?(datagram: Datagram): void
  /** Called with the number of a flow that has ended, because no datagram has passed for 60 s. */
  onDatagramFlowEnd?(flow: number): void
  /** Called with each ICMP message to an address that is not the tunnel's own. Without this callback they are dropped and counted. */
  onIcmp?(message: IcmpMessage): void
  /** Called when the server itself has failed (ERR_NATIVE_PANIC). It is closed then, and `closed` rejects. */
  onError?(error: MidwireError): void
  onLog?(line: LogLine): void
  /** Default 'off', or 'warn' with `onLog`. */
  logLevel?: LogLevel
  /** The firewall mark of the server's own packets, as wg-quick's FwMark. Linux, and root or CAP_NET_ADMIN. Default: none. */
  mark?: number
}

export const LOG_LEVELS: LogLevel[] = ['off', 'error', 'warn', 'info', 'debug', 'trace']

export const DEFAULT_PORT = 51_820
export const DEFAULT_MTU = 1420
const DEFAULT_BUFFER = 6 << 20
const MAX_BUFFER = 16 << 20
const DEFAULT_MEMORY = 256 << 20
export const CONGESTION_CONTROLS: CongestionControl[] = ['bbr', 'cubic']
const MIN_BUFFER = 64 << 10
const DEFAULT_ADDRESSES = ['10.0.0.53', 'fd6d:6964:7769:7265::53']
const PREFIX4 = '10.0.0.'
const PREFIX6 = 'fd6d:6964:7769:7265::'
/** The last byte of the virtual resolver's addresses. */
const RESOLVER = 53

/** Options that were checked. */
export interface CheckedOptions {
  /** The options in the form in which the addon takes them. */
  native: NativeServerOptions
  /** The program has named no host, so a family that the machine lacks may be left out. */
  anyHost: boolean
}

export function checkOptions(options: WireGuardServerOptions): CheckedOptions {
  const { host, port = DEFAULT_PORT, mtu = DEFAULT_MTU, bufferSize = DEFAULT_BUFFER } = options
  const privateKey = keyBytes(options.privateKey, 'privateKey')
  const hosts = host === undefined ? ['0.0.0.0', '::'] : [host].flat()
  for (const one of hosts) addressBytes(one, 'host')
  if (hosts.length === 0 || new Set(hosts.map(isIPv6)).size < hosts.length) {
    throw new MidwireError('ERR_ARGUMENT', `host takes one IPv4 and/or one IPv6 address, not ${JSON.stringify(host)}`)
  }
  whole(port, 0, 65_535, () => new MidwireError('ERR_PORT', `port ${port}`))
  whole(mtu, 576, 9000, () => new MidwireError('ERR_ARGUMENT', `mtu ${mtu}: a whole number from 576 to 9000 (bytes)`))
  const buffer = () =>
    new MidwireError(
      'ERR_ARGUMENT',
      `bufferSize ${bufferSize}: a whole number from ${MIN_BUFFER} to ${MAX_BUFFER} (bytes)`,
    )
  whole(bufferSize, MIN_BUFFER, MAX_BUFFER, buffer)
  const { bufferMemory: memory = DEFAULT_MEMORY, congestion = 'bbr', mark } = options
  const marks = () => new MidwireError('ERR_ARGUMENT', `mark ${mark}: a whole number from 1 to 4294967295`)
  if (mark !== undefined) whole(mark, 1, 0xffff_ffff, marks)
  whole(
    memory,
    1 << 20,
    Number.MAX_SAFE_INTEGER,
    () => new MidwireError('ERR_ARGUMENT', `bufferMemory ${memory}: a whole number from 1048576 on (bytes)`),
  )
  if (!CONGESTION_CONTROLS.includes(congestion)) {
    throw new MidwireError('ERR_ARGUMENT', `congestion ${congestion}: one of ${CONGESTION_CONTROLS.join(', ')}`)
  }
  const addresses = options.addresses ?? DEFAULT_ADDRESSES
  for (const address of addresses) addressBytes(address, 'addresses')
  const logLevel = LOG_LEVELS.indexOf(options.logLevel ?? (options.onLog ? 'warn' : 'off'))
  if (logLevel < 0) {
    throw new MidwireError('ERR_ARGUMENT', `logLevel ${options.logLevel}: one of ${LOG_LEVELS.join(', ')}`)
  }
  const holdSyn = options.onRequest !== undefined
  const peers = new PeerTable().addAll(options.peers ?? [])
  const raiseIcmp = options.onIcmp !== undefined
  const native = {
    hosts,
    port,
    privateKey,
    peers,
    addresses,
    mtu,
    bufferSize,
    memory,
    congestion,
    holdSyn,
    raiseIcmp,
    logLevel,
    ...(mark !== undefined && { mark }),
  }
  return { native, anyHost: host === undefined }
}

function whole(value: unknown, least: number, most: number, wrong: () => MidwireError): void {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) throw wrong()
}

/** The keys and ranges of all peers. Gives addresses to a new peer, and refuses a key or range that a peer has already. */
export class PeerTable {
  readonly #keys = new Set<string>()
  readonly #ranges = new Set<string>()

  addAll(peers: PeerOptions[]): NativePeer[] {
    return peers.map((peer) => this.add(peer))
  }

  add(peer: PeerOptions): NativePeer {
    const what = peer.name === undefined ? `peer ${peer.publicKey}` : `peer ${JSON.stringify(peer.name)}`
    const publicKey = keyBytes(peer.publicKey, `the publicKey of ${what}`)
    if (this.#keys.has(peer.publicKey)) throw new MidwireError('ERR_PEER_DUPLICATE', `${what} is there twice`)
    const { keepalive = 0 } = peer
    const seconds = () => new MidwireError('ERR_ARGUMENT', `the keepalive of ${what}: whole seconds from 0 to 65535`)
    whole(keepalive, 0, 65_535, seconds)
    const ranges = (peer.allowedIps ?? this.#freePair()).map((text) => canonicalRange(text, what))
    for (const [index, range] of ranges.entries()) {
      if (this.#ranges.has(range) || ranges.indexOf(range) < index) {
        throw new MidwireError('ERR_PEER_ADDRESSES', `${range} of ${what} belongs to a peer already`)
      }
    }
    const native: NativePeer = { publicKey, allowedIps: ranges, keepalive }
    if (peer.presharedKey !== undefined)
      native.presharedKey = keyBytes(peer.presharedKey, `the presharedKey of ${what}`)
    if (peer.endpoint !== undefined) native.endpoint = checkEndpoint(peer.endpoint, what)
    this.#keys.add(peer.publicKey)
    for (const range of ranges) this.#ranges.add(range)
    return native
  }

  remove(peer: { publicKey: string; allowedIps: string[] }): void {
    this.#keys.delete(peer.publicKey)
    for (const range of peer.allowedIps) this.#ranges.delete(range)
  }

  #freePair(): string[] {
    for (let n = 1; n < 255; n++) {
      const pair = [`${PREFIX4}${n}/32`, canonicalRange(`${PREFIX6}${n}/128`, '')]
      if (n !== RESOLVER && !pair.some((range) => this.#ranges.has(range))) return pair
    }
    throw new MidwireError('ERR_PEER_ADDRESSES', `${PREFIX4}0/24 is full`)
  }
}

/** One spelling for each range: `10.0.0.1` becomes `10.0.0.1/32`, and IPv6 addresses their shortest form. */
export function canonicalRange(text: string, what: string): string {
  const wrong = () =>
    new MidwireError(
      'ERR_ARGUMENT',
      `allowedIps of ${what}: ${JSON.stringify(text)} is no range like 10.0.0.0/24 or fd00::/64`,
    )
  if (typeof text !== 'string') throw wrong()
  const [address = '', prefix, ...more] = text.split('/')
  const family = isIP(address)
  const most = family === 4 ? 32 : 128
  const bits = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1
  if (family === 0 || address.includes('%') || more.length > 0 || bits < 0 || bits > most) throw wrong()
  const bytes = addressBytes(address, 'allowedIps')
  // Bits after the prefix are cleared, as by `wg set`.
  bytes.forEach((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - 8 * index))
    bytes[index] = byte & (0xff00 >> kept)
  })
  const canonical = family === 4 ? bytes.join('.') : new URL(`http://[${hextets(bytes)}]`).hostname.slice(1, -1)
  return `${canonical}/${bits}`
}

function hextets(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/(....)(?=.)/g, '$1:')
}

function checkEndpoint(endpoint: string, what: string): string {
  const wrong = () =>
    new MidwireError(
      'ERR_ARGUMENT',
      `the endpoint of ${what}: ${JSON.stringify(endpoint)} is no address and port like 192.0.2.1:51820 or [2001:db8::1]:51820`,
    )
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(endpoint) ?? []
  if (v6 ? isIP(v6) !== 6 : isIP(v4 ?? '') !== 4) throw wrong()
  if (Number(port) < 1 || Number(port) > 65_535) throw wrong()
  return endpoint
}
