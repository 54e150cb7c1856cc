// A SYN that waits for the owner's word.
import type { Address, Peer } from '../connection.js'
import { destinationOf, sourceOf } from './addresses.js'
import { COMMAND, isHeld, REFUSAL } from './records.js'
import { type StreamOwner, WireGuardStream } from './stream.js'

/** What a request needs of its server. */
export interface RequestOwner extends StreamOwner {
  /** Makes the stream of an accepted request known. */
  adopt(id: number, stream: WireGuardStream): void
}

/**
 * A peer wants a TCP connection. Nothing is answered until one of the methods is called; the first call counts.
 * A request that is never answered leaves the peer without an answer, as a host that is down does.
 */
export class ConnectionRequest {
  readonly #owner: RequestOwner
  readonly #id: number
  readonly #header: Buffer
  #answered = false

  /** @internal */
  constructor(owner: RequestOwner, id: number, header: Buffer) {
    this.#owner = owner
    this.#id = id
    this.#header = header
  }

  get source(): Address {
    return sourceOf(this.#header)
  }

  get destination(): Address {
    return destinationOf(this.#header)
  }

  get peer(): Peer {
    return this.#owner.peer(this.#header)
  }

  /** Answers the SYN. The stream may be written to at once; `onConnection` is not called for it. */
  accept(): WireGuardStream {
    if (this.#answered) throw new Error('the connection request was answered before')
    const stream = new WireGuardStream(this.#owner, this.#id, this.#header)
    this.#answer(() => {
      if (isHeld(this.#header)) this.#owner.bridge.command(COMMAND.accept, this.#id)
    })
    this.#owner.adopt(this.#id, stream)
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

  /** @internal The peer has taken its SYN back. */
  handleReset(): void {
    this.#answered = true
  }

  #refuse(how: number): void {
    this.#answer(() => {
      // In a flood of SYNs the handshake came first (MAX_HELD in src/wire/stack.rs): then there is only RST.
      if (isHeld(this.#header)) this.#owner.bridge.number(COMMAND.refuse, this.#id, how)
      else this.#owner.bridge.command(COMMAND.reset, this.#id)
    })
  }

  #answer(send: () => void): void {
    if (this.#answered) return
    this.#answered = true
    this.#owner.forget(this.#id)
    send()
  }
}
