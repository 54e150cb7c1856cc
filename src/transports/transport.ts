// A byte pipe, whatever it is made of: a socket, a stream out of the tunnel, TLS over either, or datagrams of one flow.
import type { Duplex } from 'node:stream'
import type { Address } from '../connection.js'

/** Who hears what happens to a transport. */
export interface Receiver {
  handleData(data: Buffer): void
  /** The other side has said all that it will (FIN). */
  handleEnd(): void
  /** What was written has left, and there is room again. */
  handleDrain(): void
  /** A datagram was dropped: too many waited, or it could not be sent. `total` were dropped so far. Streams drop nothing. */
  handleDropped?(total: number): void
  /** It is gone; nothing is heard after this. */
  handleClose(error: NodeJS.ErrnoException | undefined): void
}

export interface Transport {
  readonly local: Address | undefined
  readonly remote: Address | undefined
  /** Who hears it; may be changed at any time. */
  receiver: Receiver
  /** False when it is full: `handleDrain` follows. Never throws; what cannot be sent ends in `handleClose`. */
  write(data: Uint8Array): boolean
  /** FIN, after what was written. */
  end(): void
  /** Lets go; what was written is still delivered, for a while. */
  close(): void
  /** RST, where there is such a thing. */
  reset(): void
  pause(): void
  resume(): void
}

/** Transports of bytes stand on a Node stream, which TLS can be put over. */
export interface StreamTransport extends Transport {
  readonly duplex: Duplex
  /** Gives the stream away: nothing is heard of it any more. */
  detach(): Duplex
}

/** Hears nothing: for a transport that nobody holds yet. */
export const deaf: Receiver = { handleData() {}, handleEnd() {}, handleDrain() {}, handleClose() {} }
