// A transport for the datagrams between one client and one address, in the tunnel or at a socket, with one `handleData` for each.
import type { Address, Peer } from '../connection.js'
import { Living } from './living.js'
import { noReceiver, type Receiver, type Transport } from './transport.js'

/** The most datagrams that wait while a flow has no receiver, or is paused. The newest beyond them are dropped. */
const MAX_WAITING = 64
/** The most bytes of these datagrams. */
const MAX_WAITING_BYTES = 128 * 1024

/** A datagram that a client has sent, wherever it came from. */
export interface FlowDatagram {
  /** The same for all datagrams between two ends. */
  readonly flow: number | string
  readonly source: Address
  readonly destination: Address
  /** The WireGuard peer, in a tunnel. */
  readonly peer: Peer | undefined
  readonly data: Buffer
  /** Sends an answer. May throw for data that are too long. */
  reply(data: Uint8Array): void
  /** A copy without data, to send answers with. */
  bare(): FlowDatagram
  /** Refuses the client, as far as that can be said. */
  refuse(): void
}

export class DatagramFlow implements Transport {
  readonly local: Address
  readonly remote: Address
  readonly peer: Peer | undefined
  /** The number of datagrams that were dropped, in both directions. */
  dropped = 0
  readonly #first: FlowDatagram
  readonly #forget: (flow: number | string) => void
  #receiver: Receiver = noReceiver
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #paused = false
  #over = false
  #closeDelivered = false
  #error: NodeJS.ErrnoException | undefined
  #due = false

  constructor(first: FlowDatagram, forget: (flow: number | string) => void) {
    this.local = first.destination
    this.remote = first.source
    this.peer = first.peer
    this.#first = first.bare()
    this.#forget = forget
    this.#keep(first.data)
  }

  get receiver(): Receiver {
    return this.#receiver
  }

  set receiver(receiver: Receiver) {
    this.#receiver = receiver
    if (this.dropped > 0) receiver.handleDropped?.(this.dropped)
    this.#deliverSoon()
  }

  /** Always true: a datagram that cannot be sent is dropped. */
  write(data: Uint8Array): boolean {
    if (this.#over) return true
    try {
      this.#first.reply(data)
    } catch {
      // The data is longer than a datagram can be, or the server has just ended.
      this.#drop()
    }
    return true
  }

  end(): void {}

  close(): void {
    this.handleOver()
  }

  /** Closes the flow, and sends the client an ICMP port unreachable. */
  reset(): void {
    if (!this.#over) this.#first.refuse()
    this.handleOver()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#deliverSoon()
  }

  /** Called with the next datagram. */
  handleDatagram(data: Buffer): void {
    if (this.#over) return
    if (this.#waiting.length > 0 || this.#paused || this.#receiver === noReceiver) this.#keep(data)
    else this.#receiver.handleData(data)
  }

  /** Called when the flow is over: no datagram has come for 60 s, or the server has ended. */
  handleOver(error?: NodeJS.ErrnoException): void {
    if (this.#over) return
    this.#over = true
    this.#error = error
    this.#waiting = []
    this.#forget(this.#first.flow)
    this.#deliverSoon()
  }

  #keep(data: Buffer): void {
    if (this.#waiting.length >= MAX_WAITING || this.#waitingBytes + data.length > MAX_WAITING_BYTES) {
      this.#drop()
      return
    }
    this.#waiting.push(data)
    this.#waitingBytes += data.length
  }

  #drop(): void {
    this.dropped += 1
    this.#receiver.handleDropped?.(this.dropped)
  }

  /** Delivers in a microtask, because the code that sets a receiver or resumes does not expect data before it is done. */
  #deliverSoon(): void {
    if (this.#due || this.#receiver === noReceiver || (this.#waiting.length === 0 && !this.#over)) return
    this.#due = true
    queueMicrotask(() => {
      this.#due = false
      this.#deliver()
    })
  }

  #deliver(): void {
    while (!this.#paused && this.#receiver !== noReceiver) {
      const data = this.#waiting[0]
      if (data === undefined) break
      // The datagram stays in the list while the receiver handles it, so that one that comes meanwhile is put behind it.
      this.#receiver.handleData(data)
      if (this.#waiting[0] !== data) break
      this.#waiting.shift()
      this.#waitingBytes -= data.length
    }
    if (this.#over && !this.#closeDelivered && this.#receiver !== noReceiver) {
      this.#closeDelivered = true
      this.#receiver.handleClose(this.#error)
    }
  }
}

/** The flows that one socket of the system may have; flows end when they are silent. */
export const MAX_SOCKET_FLOWS = 10_000

/** The flows of a server, by their numbers. */
export class DatagramFlows<Kind extends FlowDatagram = FlowDatagram> {
  readonly #flows = new Living<number | string, DatagramFlow>()
  /** The number of datagrams that were dropped because there were too many flows. */
  dropped = 0
  readonly #opened: (flow: DatagramFlow, first: Kind) => void
  readonly #most: number
  readonly #oldestLeaves: boolean
  readonly #forget = (flow: number | string): void => {
    this.#flows.delete(flow)
  }

  /**
   * Datagrams that would begin more flows than `most` are dropped, and counted; or the flow leaves that got a datagram least recently, with `oldestLeaves`.
   * The tunnel's engine has a bound of its own.
   */
  constructor(
    opened: (flow: DatagramFlow, first: Kind) => void,
    most = Number.POSITIVE_INFINITY,
    { oldestLeaves = false } = {},
  ) {
    this.#opened = opened
    this.#most = most
    this.#oldestLeaves = oldestLeaves
  }

  get size(): number {
    return this.#flows.size
  }

  handleDatagram(datagram: Kind): void {
    const known = this.#flows.get(datagram.flow)
    if (known) {
      if (this.#oldestLeaves) {
        this.#flows.delete(datagram.flow)
        this.#flows.set(datagram.flow, known)
      }
      known.handleDatagram(datagram.data)
      return
    }
    if (this.#flows.size >= this.#most) {
      if (!this.#oldestLeaves) {
        this.dropped += 1
        return
      }
      const [oldest] = this.#flows.values()
      oldest?.handleOver()
    }
    const flow = new DatagramFlow(datagram, this.#forget)
    this.#flows.set(datagram.flow, flow)
    this.#opened(flow, datagram)
  }

  /** Called when the server has ended a flow that was idle. */
  handleFlowEnd(flow: number | string): void {
    this.#flows.get(flow)?.handleOver()
  }

  /** Called when the server has ended. */
  handleGone(error?: NodeJS.ErrnoException): void {
    for (const flow of [...this.#flows.values()]) flow.handleOver(error)
  }
}
