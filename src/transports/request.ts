// A SYN that waits for the owner's word.
import type { Address, Peer } from '../connection.js'
import { MidwireError } from '../errors.js'
import { destinationOf, sourceOf } from './addresses.js'
import { COMMAND, headerOf, isHeld, keptHeader, REFUSAL } from './records.js'
import { type StreamOwner, WireGuardStream } from './stream.js'

/** What a request needs of its server. */
export interface RequestOwner extends StreamOwner {
  /** Makes the stream of an accepted request known. */
  adopt(id: number, stream: WireGuardStream): void
}

/**
 * A peer wants a TCP connection. Nothing is answered until one of the methods is called; the first call counts.
 * A request that is never answered leaves the peer without an answer, as a host that is down does; after 30 s it is over.
 */
export class ConnectionRequest {
  readonly #owner: RequestOwner
  readonly #id: number
  readonly #header: string
  readonly #peer: Peer
  /** In a flood of SYNs the handshake comes first (MAX_HELD in src/wire/stack.rs). What the peer says meanwhile waits here. */
  readonly #early: WireGuardStream | undefined
  #answered = false
  /** The peer has given up, or the server has ended, before there was an answer. */
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
   * Answers the SYN. The stream may be written to at once; `onConnection` is not called for it. When the peer has given up
   * meanwhile, the stream fails as one that was reset. Throws ERR_ARGUMENT when the request was answered before.
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

  /** The port is closed: RST, which the peer sees as ECONNREFUSED. */
  refuse(): void {
    this.#refuse(REFUSAL.reset)
  }

  /** ICMP destination unreachable, which the peer sees as ENETUNREACH or EHOSTUNREACH. */
  unreachable(what: 'network' | 'host' | 'prohibited'): void {
    this.#refuse(REFUSAL[what])
  }

  /** Says nothing at all: the peer tries again, and times out. */
  ignore(): void {
    this.#refuse(REFUSAL.silent)
  }

  /** @internal The peer has taken its SYN back, or it has waited for too long. The program learns of it when it answers. */
  handleReset(reason: number): void {
    this.#lost = (stream) => stream.handleReset(reason)
  }

  /** @internal The server has ended. */
  handleGone(error: Error): void {
    this.#lost = (stream) => stream.handleGone(error)
  }

  #refuse(how: number): void {
    if (this.#answered) return
    this.#answered = true
    if (this.#lost) return
    this.#owner.forget(this.#id)
    // After the handshake there is only RST.
    if (this.#early) this.#early.resetAndDestroy()
    else this.#owner.bridge.number(COMMAND.refuse, this.#id, how)
  }
}
