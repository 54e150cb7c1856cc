// The datagrams between one client in the tunnel and one address, as a transport: one `handleData` each.
import type { Address, Peer } from '../connection.js'
import type { Datagram } from './datagram.js'
import { deaf, type Receiver, type Transport } from './transport.js'

/** Datagrams of a flow that wait for a receiver that is not there yet or is paused; the newest are lost beyond it. */
const MAX_WAITING = 64
/** Bytes of them. */
const MAX_WAITING_BYTES = 128 * 1024

export class DatagramFlow implements Transport {
  readonly local: Address
  readonly remote: Address
  readonly peer: Peer
  /** Datagrams that did not pass, either way. */
  dropped = 0
  readonly #first: Datagram
  readonly #forget: (flow: number) => void
  #receiver: Receiver = deaf
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #paused = false
  #over = false
  #told = false
  #error: NodeJS.ErrnoException | undefined
  #due = false

  constructor(first: Datagram, forget: (flow: number) => void) {
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

  /** Never full: what does not leave is lost, as datagrams are. */
  write(data: Uint8Array): boolean {
    if (this.#over) return true
    try {
      this.#first.reply(data)
    } catch {
      // Longer than a datagram can be, or the server has just ended.
      this.#drop()
    }
    return true
  }

  end(): void {}

  close(): void {
    this.handleOver()
  }

  /** As close, and the client hears that nobody is there: port unreachable. */
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

  /** The next datagram has come. */
  handleDatagram(data: Buffer): void {
    if (this.#over) return
    if (this.#waiting.length > 0 || this.#paused || this.#receiver === deaf) this.#keep(data)
    else this.#receiver.handleData(data)
  }

  /** No more will come: 60 s have passed without one, or the server has ended. */
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

  /** Not at once: who sets a receiver or resumes is in the middle of something. */
  #deliverSoon(): void {
    if (this.#due || this.#receiver === deaf || (this.#waiting.length === 0 && !this.#over)) return
    this.#due = true
    queueMicrotask(() => {
      this.#due = false
      this.#deliver()
    })
  }

  #deliver(): void {
    while (!this.#paused && this.#receiver !== deaf) {
      const data = this.#waiting[0]
      if (data === undefined) break
      // It stays in the list while it is heard, so that what comes meanwhile is behind it.
      this.#receiver.handleData(data)
      if (this.#waiting[0] !== data) break
      this.#waiting.shift()
      this.#waitingBytes -= data.length
    }
    if (this.#over && !this.#told && this.#receiver !== deaf) {
      this.#told = true
      this.#receiver.handleClose(this.#error)
    }
  }
}

/** The flows of a server by their numbers. */
export class DatagramFlows {
  readonly #flows = new Map<number, DatagramFlow>()
  readonly #opened: (flow: DatagramFlow) => void
  readonly #forget = (flow: number): void => {
    this.#flows.delete(flow)
  }

  constructor(opened: (flow: DatagramFlow) => void) {
    this.#opened = opened
  }

  get size(): number {
    return this.#flows.size
  }

  handleDatagram(datagram: Datagram): void {
    const known = this.#flows.get(datagram.flow)
    if (known) {
      known.handleDatagram(datagram.data)
      return
    }
    const flow = new DatagramFlow(datagram, this.#forget)
    this.#flows.set(datagram.flow, flow)
    this.#opened(flow)
  }

  /** The server says that a flow is idle. */
  handleFlowEnd(flow: number): void {
    this.#flows.get(flow)?.handleOver()
  }

  /** The server has ended. */
  handleGone(error?: NodeJS.ErrnoException): void {
    for (const flow of [...this.#flows.values()]) flow.handleOver(error)
  }
}
