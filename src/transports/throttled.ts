// A transport that is slower than the one below it: for a client whose connection a rule throttles.
import { noReceiver, type Receiver, type Transport } from './transport.js'

/** Bytes that wait, each way, before the transport is full, or that below it is paused. */
const HIGH_WATER = 64 * 1024
/** The most datagrams that wait, each way. */
const MAX_DATAGRAMS = 1_000
/** A chunk is let through in pieces that take so long: connections that share a rate take turns, and nothing comes in large steps. */
const PIECE_MILLISECONDS = 50
const MIN_PIECE = 256

/** A rate that several connections share. */
export interface Rate {
  readonly bytesPerSecond: number
  /** When the next piece may pass that nobody has asked for yet: milliseconds of a clock that only goes forward, whatever is done to the time of day. */
  free: number
}

/** What a connection is slowed to. `up` is what the client sends. */
export interface Link {
  readonly down: Rate | undefined
  readonly up: Rate | undefined
  /** Milliseconds by which everything comes later to the client, and so every round trip. */
  readonly latency: number
  /** The part that is lost of datagrams and, where midwire makes them, of TCP's packets: from 0 to 1. */
  readonly loss: number
}

interface Waiting {
  data: Buffer
  readonly due: number
  readonly rate: Rate | undefined
}

/** One direction: what waits, in its order, and the timer for the first of it. */
class Lane {
  readonly #pass: (data: Buffer) => boolean
  readonly #emptied: () => void
  readonly #whole: boolean
  #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | undefined
  /** When the next piece may pass. Those who share a rate ask one after the other, so that each has its turn. */
  #turn: number | undefined
  /** Nothing is let through until `resume`. */
  blocked = false
  bytes = 0

  /** `pass` answers false where no more can be taken. `emptied`: nothing waits any more. With `whole` data is never divided. */
  constructor(whole: boolean, pass: (data: Buffer) => boolean, emptied: () => void) {
    this.#whole = whole
    this.#pass = pass
    this.#emptied = emptied
  }

  get length(): number {
    return this.#waiting.length
  }

  add(data: Uint8Array, due: number, rate: Rate | undefined): void {
    this.#waiting.push({ data: Buffer.from(data.buffer, data.byteOffset, data.length), due, rate })
    this.bytes += data.length
    if (!this.#timer) this.run()
  }

  resume(): void {
    this.blocked = false
    this.run()
  }

  /** Lets through what may pass now. */
  run(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    let hasPassed = false
    for (;;) {
      const [first] = this.#waiting
      if (!first || this.blocked) break
      const now = performance.now()
      const at = first.due > now ? first.due : this.#turnOf(first, now)
      if (at > now) {
        clearTimeout(this.#timer)
        this.#timer = setTimeout(() => this.run(), at - now).unref()
        return
      }
      hasPassed = true
      this.#passOn(first)
    }
    if (hasPassed && this.#waiting.length === 0) this.#emptied()
  }

  #turnOf(first: Waiting, now: number): number {
    const { rate } = first
    if (!rate) return now
    if (this.#turn === undefined) {
      // A timer that goes off late must not cost bandwidth.
      this.#turn = Math.max(rate.free, now - PIECE_MILLISECONDS)
      rate.free = this.#turn + (this.#pieceOf(first) / rate.bytesPerSecond) * 1_000
    }
    return this.#turn
  }

  #pieceOf({ data, rate }: Waiting): number {
    if (this.#whole || !rate) return data.length
    const piece = Math.floor((rate.bytesPerSecond * PIECE_MILLISECONDS) / 1_000)
    return Math.min(data.length, Math.max(MIN_PIECE, piece))
  }

  #passOn(first: Waiting): void {
    const { data } = first
    const length = this.#pieceOf(first)
    this.#turn = undefined
    first.data = data.subarray(length)
    this.bytes -= length
    if (first.data.length === 0) this.#waiting.shift()
    if (!this.#pass(data.subarray(0, length))) this.blocked = true
  }

  /** Takes out all that waits. */
  take(): Buffer[] {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#turn = undefined
    const all = this.#waiting.map(({ data }) => data)
    this.#waiting = []
    this.bytes = 0
    return all
  }
}

export interface ThrottledParts {
  readonly isDatagrams: boolean
  /** The peer has sent FIN, and the receiver knows it. */
  readonly hasEnded: boolean
  /** Numbers from 0 to 1, which decide what is lost. Default: Math.random. */
  readonly random?: () => number
}

export class Throttled implements Transport, Receiver {
  #link: Link | undefined
  /** Latency and loss are the packets', which the transport below makes. */
  #inPackets = false
  receiver: Receiver = noReceiver
  readonly below: Transport
  readonly #isDatagrams: boolean
  readonly #random: () => number
  readonly #down: Lane
  readonly #up: Lane
  /** What is done when everything that was written has passed. */
  #after: 'end' | 'close' | undefined
  #ended: boolean
  /** The end is told when what the client has sent before it has passed. */
  #endWaits = false
  #paused = false
  #dropped = 0
  #isFull = false

  /** Becomes the receiver of the transport below. */
  constructor(
    below: Transport,
    link: Link | undefined,
    { isDatagrams, hasEnded, random = Math.random }: ThrottledParts,
  ) {
    this.below = below
    this.#isDatagrams = isDatagrams
    // The transport below tells a new receiver of its end again.
    this.#ended = hasEnded
    this.#random = random
    this.#down = new Lane(
      isDatagrams,
      (data) => below.write(data),
      () => this.#written(),
    )
    this.#up = new Lane(
      isDatagrams,
      (data) => {
        this.receiver.handleData(data)
        return true
      },
      () => this.#heard(),
    )
    this.receiver = below.receiver
    below.receiver = this
    this.link = link
  }

  get link(): Link | undefined {
    return this.#link
  }

  /** Undefined: what comes from now on is not slowed, but keeps its place behind what waits. */
  set link(link: Link | undefined) {
    this.#link = link
    if (this.#isImpaired && !this.#isDatagrams) this.#inPackets = this.below.impair?.(link) ?? false
    else if (this.#down.length === 0) this.#mend()
  }

  get #isImpaired(): boolean {
    return this.#link !== undefined && (this.#link.loss > 0 || this.#link.latency > 0)
  }

  /** Ends what was done to packets, once what waits has been written. */
  #mend(): void {
    if (!this.#inPackets || this.#isImpaired) return
    this.#inPackets = false
    this.below.impair?.(undefined)
  }

  get local() {
    return this.below.local
  }

  get remote() {
    return this.below.remote
  }

  write(data: Uint8Array, moreComes?: boolean): boolean {
    const link = this.#link
    if (!link && this.#down.length === 0) return this.below.write(data, moreComes)
    if (this.#isLost(this.#down) || this.#after) return true
    const latency = this.#inPackets ? 0 : (link?.latency ?? 0)
    this.#down.add(data, performance.now() + latency, link?.down)
    if (this.#isDatagrams || this.#down.bytes < HIGH_WATER) return true
    this.#isFull = true
    return false
  }

  #isLost(lane: Lane): boolean {
    if (!this.#isDatagrams) return false
    if (this.link && this.#random() < this.link.loss) return true
    if (lane.length < MAX_DATAGRAMS) return false
    this.#dropped += 1
    this.receiver.handleDropped?.(this.#dropped)
    return true
  }

  #written(): void {
    const after = this.#after
    this.#after = undefined
    this.#mend()
    if (after) this.below[after]()
    else if (this.#isFull) {
      this.#isFull = false
      this.receiver.handleDrain()
    }
  }

  #heard(): void {
    if (this.#endWaits) {
      this.#endWaits = false
      this.receiver.handleEnd()
    } else if (!this.#paused) this.below.resume()
  }

  handleData(data: Buffer): void {
    const { link } = this
    if (!link && this.#up.length === 0) this.receiver.handleData(data)
    else if (!this.#isLost(this.#up)) {
      this.#up.add(data, performance.now(), link?.up)
      if (this.#up.bytes >= HIGH_WATER && !this.#isDatagrams) this.below.pause()
    }
  }

  handleEnd(): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#up.length === 0) this.receiver.handleEnd()
    else this.#endWaits = true
  }

  handleDrain(): void {
    if (this.#down.length === 0 && !this.#isFull) {
      this.#down.blocked = false
      this.receiver.handleDrain()
    } else this.#down.resume()
  }

  handleDropped(total: number): void {
    this.receiver.handleDropped?.(total + this.#dropped)
  }

  handleClose(error: NodeJS.ErrnoException | undefined): void {
    this.#down.take()
    for (const data of this.#up.take()) this.receiver.handleData(data)
    this.receiver.handleClose(error)
  }

  end(): void {
    this.#finish('end')
  }

  close(): void {
    // Nobody wants to hear what the client has sent.
    this.#up.take()
    this.#finish('close')
  }

  #finish(how: 'end' | 'close'): void {
    if (this.#down.length === 0) this.below[how]()
    else this.#after = how
  }

  reset(): void {
    this.#down.take()
    this.#up.take()
    this.below.reset()
  }

  pause(): void {
    this.#paused = true
    this.#up.blocked = true
    this.below.pause()
  }

  resume(): void {
    this.#paused = false
    this.#up.resume()
    if (!this.#paused && this.#up.bytes < HIGH_WATER) this.below.resume()
  }

  /** Gives the transport below back, with all that has waited passed on. */
  release(): Transport {
    this.below.receiver = this.receiver
    for (const data of this.#down.take()) this.below.write(data)
    this.#link = undefined
    this.#mend()
    for (const data of this.#up.take()) this.receiver.handleData(data)
    return this.below
  }
}
