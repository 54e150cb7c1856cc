// The ends of a connection: addresses, the peer that it came from, and what is known of each leg.

/** One end of a TCP connection or a datagram. */
export interface Address {
  /** In its shortest form, without brackets. */
  readonly address: string
  /** 0 for ICMP, which has none. */
  readonly port: number
  readonly family: 4 | 6
}

/** A WireGuard peer as its streams and datagrams name it. */
export interface Peer {
  /** Base64, 44 characters. */
  readonly publicKey: string
  /** The name that it was added with. */
  readonly name?: string | undefined
}

/** The key of a certificate that a client is shown: ECDSA on P-256 or P-384, or RSA with 2048 bits. */
export type LeafKey = 'p256' | 'rsa2048' | 'p384'

/** What is known of the TLS of one leg; filled in as it becomes known. */
export interface TlsState {
  /** The name that the client asked for (RFC 6066), in lower case. */
  sni?: string | undefined
  /** What the client offered, in its order. */
  alpnOffers?: readonly string[] | undefined
  /** What was agreed on; empty for none. Present when the handshake is over. */
  alpn?: string | undefined
  /** As OpenSSL names them: `TLSv1.3`, `TLS_AES_128_GCM_SHA256`. */
  version?: string | undefined
  cipher?: string | undefined
  /** Fingerprints of the ClientHello; of the client's leg only. */
  ja3?: string | undefined
  ja4?: string | undefined
  /** DER, the end entity's first; of the server's leg only. */
  certificates?: readonly Buffer[] | undefined
  /** Milliseconds since the epoch at which the handshake was over. */
  establishedAt?: number | undefined
}

/** One leg of a flow: the client's to midwire, or midwire's to the server. Times are milliseconds since the epoch. */
export interface Connection {
  readonly id: string
  readonly transport: 'tcp' | 'udp'
  /** Our end. */
  local?: Address | undefined
  /** The other end. */
  remote?: Address | undefined
  tls?: TlsState | undefined
  openedAt?: number | undefined
  closedAt?: number | undefined
  /**
   * Datagrams of this leg that were dropped, the newest first of all: too many waited for a hook or for the other side, or the datagram was
   * too long to be sent. Undefined for none, and for TCP.
   */
  dropped?: number | undefined
  /** Why it could not be opened, or was lost. */
  error?: string | undefined
}

/** The client's leg. `remote` is the client; `local` is where it connected to: in a tunnel, any address. */
export interface ClientConnection extends Connection {
  readonly remote: Address
  readonly local: Address
  /** The mode's spec, as it was given: `wireguard`, `regular@8080`. */
  readonly mode: string
  /** The WireGuard peer, in a tunnel. */
  readonly peer?: Peer | undefined
}

/** The server's leg. One that carries the requests of several flows is one object in all of them. */
export interface ServerConnection extends Connection {
  /** What to connect to: a name or an address, and a port. */
  readonly host: string
  readonly port: number
}
