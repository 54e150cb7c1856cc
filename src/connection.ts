// The types of connections: addresses, WireGuard peers, and the two legs of a flow with their TLS.

/** One end of a TCP connection or a datagram. */
export interface Address {
  /** The IP address in its shortest form, without brackets. */
  readonly address: string
  /** 0 for ICMP, which has no ports. */
  readonly port: number
  readonly family: 4 | 6
}

/** A WireGuard peer as its streams and datagrams name it. */
export interface Peer {
  /** Base64, 44 characters. */
  readonly publicKey: string
  /** The name that the peer was added with. */
  readonly name?: string | undefined
}

/** The kinds of keys in certificates for clients: ECDSA on P-256 or P-384, or RSA with 2048 bits. */
export type LeafKey = 'p256' | 'rsa2048' | 'p384'

/** The TLS of one leg. Each field is set once its value is known. */
export interface TlsState {
  /** The name that the client asked for (RFC 6066), in lower case. */
  sni?: string | undefined
  /** The protocols that the client offered by ALPN, in the client's order. */
  alpnOffers?: readonly string[] | undefined
  /** The protocol that was agreed on; empty for none. Set when the handshake is over. */
  alpn?: string | undefined
  /** OpenSSL's name of the version: `TLSv1.3`. */
  version?: string | undefined
  /** OpenSSL's name of the cipher: `TLS_AES_128_GCM_SHA256`. */
  cipher?: string | undefined
  /** The JA3 fingerprint of the ClientHello; only in the client's leg. */
  ja3?: string | undefined
  /** The JA4 fingerprint of the ClientHello; only in the client's leg. */
  ja4?: string | undefined
  /**
   * The certificates of the other end as DER, its own first. In the client's leg those that the client has shown (`request_client_cert`), which
   * are not verified; after a resumed session its own alone.
   */
  certificates?: readonly Buffer[] | undefined
  /** Milliseconds since the epoch at which the handshake was over. */
  establishedAt?: number | undefined
}

/** One leg of a flow: the client's to midwire, or midwire's to the server. Times are milliseconds since the epoch. */
export interface Connection {
  readonly id: string
  readonly transport: 'tcp' | 'udp'
  /** midwire's end. */
  local?: Address | undefined
  /** The end of the client or the server. */
  remote?: Address | undefined
  tls?: TlsState | undefined
  openedAt?: number | undefined
  closedAt?: number | undefined
  /**
   * The number of datagrams of this leg that were dropped: too many waited for a hook or for the other side, and the newest were
   * dropped; or a datagram was too long to be sent. Of a SOCKS client's TCP connection: those that have come to its relay, and were
   * not from the client or not of SOCKS5. Undefined for none.
   */
  dropped?: number | undefined
  /** Why the connection could not be opened, or was lost. */
  error?: string | undefined
}

/** The process of a client on this machine. */
export interface ClientProcess {
  readonly pid: number
  /** The path of the program; undefined where midwire may not read it. ` (deleted)` stands at its end where the file is gone. */
  readonly path: string | undefined
  /** The arguments, with the program's own name first and spaces between them; cut after 4 KiB. */
  readonly commandLine: string
  /**
   * The id of the container that the process runs in: 64 hexadecimal digits of Docker, containerd, Podman, CRI-O or Kubernetes; the
   * machine's name of systemd-nspawn or LXC. Undefined outside a container.
   */
  readonly container: string | undefined
}

/** What a client of HTTP/2 says of itself before its first request, by which clients can be told apart. */
export interface Http2Introduction {
  /** Ids and values of SETTINGS, in the order in which they came (RFC 9113, 6.5). */
  readonly settings: readonly (readonly [number, number])[]
  /** By how much the client has made the connection's window larger, in bytes; 0 for not at all. */
  readonly windowUpdate: number
  /** PRIORITY frames (RFC 7540, 6.3). `weight` is from 1 to 256. */
  readonly priorities: readonly {
    readonly stream: number
    readonly exclusive: boolean
    readonly dependency: number
    readonly weight: number
  }[]
  /** The order of the first request's pseudo-header fields: `m,a,s,p`. */
  readonly pseudoOrder: string
  /** All of that in the usual form: `1:65536;2:0;4:6291456|15663105|0|m,a,s,p`. */
  readonly fingerprint: string
}

/** The client's leg. `remote` is the client's address, and `local` the one that it connected to; in a tunnel that may be any address. */
export interface ClientConnection extends Connection {
  readonly remote: Address
  readonly local: Address
  /** The spec of the mode, as it was given: `wireguard`, `regular@8080`. */
  readonly mode: string
  /** The client uses midwire as its proxy (HTTP, SOCKS) and names its destination itself; false where the mode knows the destination. */
  readonly explicit: boolean
  /** The WireGuard peer; undefined for a client that is not in a tunnel. */
  readonly peer?: Peer | undefined
  /** How the client has introduced itself in HTTP/2; known from its first request on. */
  http2?: Http2Introduction | undefined
  /**
   * The process of a client on this machine, on Linux, where option `client_process` has it looked up: known to all hooks. Undefined for clients of other
   * machines, for processes that midwire may not see, and for those that ended first.
   */
  process?: ClientProcess | undefined
}

/** The server's leg. Flows whose requests share a server connection share this object. */
export interface ServerConnection extends Connection {
  /** The name or the address to connect to. */
  readonly host: string
  readonly port: number
  /** The proxies on the way, without passwords, the nearest first: `['socks5://user@host:1080']`. Undefined for a direct connection. */
  readonly via?: readonly string[] | undefined
}

/** The side of a flow that a connection is with. */
export const sideOf = (connection: Connection): 'client' | 'server' => ('host' in connection ? 'server' : 'client')
