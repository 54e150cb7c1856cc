// A connection request: a SYN out of the tunnel that is not answered before the program decides.
import type { Address, Peer } from '../connection.js'
import { MidwireError } from '../errors.js'
import { destinationOf, sourceOf } from './addresses.js'
import { COMMAND, headerOf, isHeld, keptHeader, REFUSAL } from './records.js'
import { type StreamOwner, WireGuardStream } from './stream.js'

/** What a connection request needs of its server. */
export interface RequestOwner extends StreamOwner {
  /** Registers the stream of an accepted request. */
  adopt(id: number, stream: WireGuardStream): void
}

/**
 * A peer's request for a TCP connection. The SYN is not answered until one of the methods is called; the first call counts. Where none
 * is called, the peer gets no answer, as from a host that is down, and the request is over after 30 s.
 */
export class ConnectionRequest {
  readonly #owner: RequestOwner
  readonly #id: number
  readonly #header: string
  readonly #peer: Peer
  /**
   * The stream of a connection whose handshake is done already, as in a flood of SYNs (MAX_HELD in src/wire/stack.rs). The peer's data
   * waits here for the program's decision.
   */
  readonly #early: WireGuardStream | undefined
  #answered = false
  /** Fails the stream. Set where the peer has given up, or the server has ended, before the program has decided. */
  #lost: ((stream: WireGuardStream) => void) | undefined

  /** @internal */
  constructor(owner: RequestOwner, id: number, header: Buffer) {
    this.#owner = owner
    this.#id = id
    this.#header = keptHeader(header)
    this.#peer = owner.peer(header)
    if (isHeld(header)) return
    this.#early = new WireGuardStream(owner, id, header)
    owner.adopt(id, this.#early)
  }

  get source(): Address {
    return sourceOf(headerOf(this.#header))
  }

  get destination(): Address {
    return destinationOf(headerOf(this.#header))
  }

  get peer(): Peer {
    return this.#peer
  }

  /**
   * Answers the SYN. The stream may be written to at once; `onConnection` is not called for it. Where the peer has given up
   * meanwhile, the stream fails like one that was reset. Throws ERR_ARGUMENT where the request was answered before.
   */
  accept(): WireGuardStream {
    if (this.#answered) throw new MidwireError('ERR_ARGUMENT', 'the connection request was answered before')
    this.#answered = true
    const stream = this.#early ?? new WireGuardStream(this.#owner, this.#id, headerOf(this.#header))
    if (this.#lost) {
      this.#lost(stream)
      return stream
    }
    this.#owner.adopt(this.#id, stream)
    if (!this.#early) this.#owner.bridge.command(COMMAND.accept, this.#id)
    return stream
  }

  /** Sends RST, as for a closed port: the peer sees ECONNREFUSED. */
  refuse(): void {
    this.#refuse(REFUSAL.reset)
  }

  /** Sends an ICMP destination unreachable: the peer sees ENETUNREACH or EHOSTUNREACH. */
  unreachable(what: 'network' | 'host' | 'prohibited'): void {
    this.#refuse(REFUSAL[what])
  }

  /** Sends no answer at all: the peer tries again, and times out. */
  ignore(): void {
    this.#refuse(REFUSAL.silent)
  }

  /** @internal Called when the peer has given up, or the request has waited for too long. A later `accept()` gives a failed stream. */
  handleReset(reason: number): void {
    this.#lost = (stream) => stream.handleReset(reason)
  }

  /** @internal Called when the server has ended. */
  handleGone(error: Error): void {
    this.#lost = (stream) => stream.handleGone(error)
  }

  #refuse(how: number): void {
    if (this.#answered) return
    this.#answered = true
    if (this.#lost) return
    this.#owner.forget(this.#id)
    // After the handshake RST is the only way to refuse.
    if (this.#early) this.#early.resetAndDestroy()
    else this.#owner.bridge.number(COMMAND.refuse, this.#id, how)
  }
}
