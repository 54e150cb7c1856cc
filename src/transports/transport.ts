// The interface of all byte pipes: a socket, a stream out of the tunnel, TLS over either of them, or the datagrams of one flow.
import type { Duplex } from 'node:stream'
import type { Address } from '../connection.js'

/** Handles the events of a transport. */
export interface Receiver {
  handleData(data: Buffer): void
  /** The peer has sent FIN. */
  handleEnd(): void
  /** The transport was full and has room again. */
  handleDrain(): void
  /** A datagram was dropped: too many waited, or it could not be sent. `total` were dropped so far. Streams never call this. */
  handleDropped?(total: number): void
  /** So many bytes of the peer's have gone to another connection below JavaScript; 0: bytes for the peer have. */
  handlePassed?(bytes: number): void
  /** The transport is gone. No other call follows. */
  handleClose(error: NodeJS.ErrnoException | undefined): void
}

/** How the line of a TCP connection is worse than the real one. */
export interface Impairment {
  /** The part of packets that are lost, each way, from 0 to 1. */
  readonly loss: number
  /** Milliseconds by which packets to the peer come later. */
  readonly latency: number
}

export interface Transport {
  readonly local: Address | undefined
  readonly remote: Address | undefined
  /** Gets the events of the transport; may be changed at any time. */
  receiver: Receiver
  /**
   * Sends. False when the transport is full: `handleDrain` follows. Never throws: a transport that cannot send calls `handleClose`.
   * `moreComes`: others will send on it in this turn of the event loop, too, and all of that may leave together.
   */
  write(data: Uint8Array, moreComes?: boolean): boolean
  /** Sends the written data, and then FIN. */
  end(): void
  /** Closes the transport. Data that was written is still delivered, for a while. */
  close(): void
  /** Closes the transport at once, with RST where the protocol has one. */
  reset(): void
  pause(): void
  resume(): void
  /**
   * Impairs the connection's line from now on. Undefined: no longer, as soon as the peer has got what was written until now. False, or
   * not there, where others make the packets and nothing can be done to them.
   */
  impair?(impairment: Impairment | undefined): boolean
}

/** A transport over a Node stream, which TLS can be put over. */
export interface StreamTransport extends Transport {
  readonly duplex: Duplex
  /** The stream under all TLS, which alone can send RST. */
  readonly lowest: Duplex
  /** Gives the stream away: the receiver gets no more events. */
  detach(): Duplex
}

/** The receiver of a transport that is not in use: ignores all events. */
export const noReceiver: Receiver = { handleData() {}, handleEnd() {}, handleDrain() {}, handleClose() {} }
