// The ends of a connection: addresses, and the peer that a connection came from.

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
