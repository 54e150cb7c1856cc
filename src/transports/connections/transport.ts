// A TCP connection whose socket is the addon's, as a transport.
import { getSystemErrorName } from 'node:util'
import type { Address } from '../../connection.js'
import type { Bridge } from '../bridge.js'
import { MAX_CHUNK, WRITE_CREDIT } from '../records.js'
import { noReceiver, type Receiver, type Transport } from '../transport.js'
import { closedEarly, TlsFailure } from './failure.js'
import { type Agreed, FALLS, readAgreed, readFailed } from './records.js'

/** How long data that was written may take to leave after `close()`. */
const LINGER_MILLISECONDS = 10_000

/** The error of a system call, as Node's own sockets have it. `number`: the system's, positive. */
export function systemError(number: number, syscall: string, where = ''): NodeJS.ErrnoException {
  const code = getSystemErrorName(-number)
  return Object.assign(new Error(`${syscall} ${code}${where}`), { errno: -number, code, syscall })
}

/** A TLS handshake that is under way. */
interface Handshake {
  done(agreed: Agreed): void
  failed(error: Error): void
}

/** Events that wait for a receiver, or for one that has paused. */
type Waiting = Buffer | 'end' | 'closed'

export class ConnectionTransport implements Transport {
  readonly local: Address | undefined
  readonly remote: Address | undefined
  /** @internal */
  readonly id: number
  protected readonly bridge: Bridge
  #receiver: Receiver = noReceiver
  #waiting: Waiting[] = []
  /** Bytes that may be written before the connection is full. */
  #credit = WRITE_CREDIT
  #isFull = false
  #isPaused = true
  /** The addon reads nothing before it is told to. */
  #isRead = false
  #hasEnded = false
  #ends = false
  #closes = false
  #isClosed = false
  #error: NodeJS.ErrnoException | undefined
  #linger: NodeJS.Timeout | undefined
  #handshake: Handshake | undefined
  #onSecret: ((line: Buffer) => void) | undefined
  /** The connection that the addon exchanges its bytes with. */
  #spliced: ConnectionTransport | undefined
  /** @internal TLS has begun over the connection. */
  isUnderTls = false

  constructor(bridge: Bridge, id: number, local: Address | undefined, remote: Address | undefined) {
    this.bridge = bridge
    this.id = id
    this.local = local
    this.remote = remote
  }

  get receiver(): Receiver {
    return this.#receiver
  }

  /** A new receiver gets all events from now on, even where the one before had paused the connection. */
  set receiver(receiver: Receiver) {
    this.#receiver = receiver
    this.#part()
    if (receiver === noReceiver) return
    if (this.#isClosed && this.#waiting.length === 0) this.#waiting.push('closed')
    this.resume()
  }

  /** No data comes any more, or none can be sent. */
  get isOver(): boolean {
    return this.#hasEnded || this.#closes || this.#isClosed
  }

  write(data: Uint8Array): boolean {
    if (this.#ends || this.#isClosed) return true
    for (let at = 0; at < data.length; at += MAX_CHUNK) {
      this.bridge.bytes(FALLS.write, this.id, data.length > MAX_CHUNK ? data.subarray(at, at + MAX_CHUNK) : data)
    }
    this.#credit -= data.length
    if (this.#credit > 0) return true
    this.#isFull = true
    return false
  }

  end(): void {
    if (this.#ends || this.#isClosed) return
    this.#ends = true
    this.bridge.command(FALLS.end, this.id)
  }

  close(): void {
    if (this.#closes || this.#isClosed) return
    this.#closes = true
    this.#ends = true
    this.bridge.command(FALLS.close, this.id)
    // The addon may hold on to the connection longer than its receiver hears of it.
    this.#linger = setTimeout(() => this.bridge.command(FALLS.reset, this.id), LINGER_MILLISECONDS).unref()
  }

  reset(): void {
    if (this.#isClosed) return
    this.#closes = true
    this.#ends = true
    this.bridge.command(FALLS.reset, this.id)
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.read(false)
  }

  resume(): void {
    this.#isPaused = false
    // More is read only when what waits here is delivered: else each pause would leave more of it.
    if (this.#waiting.length > 0) queueMicrotask(() => this.#deliver())
    else this.read(true)
  }

  /** Says whether more is to be read. */
  protected read(isRead: boolean): void {
    if (isRead === this.#isRead || this.#isClosed) return
    this.#isRead = isRead
    this.bridge.command(isRead ? FALLS.resume : FALLS.pause, this.id)
  }

  /** The addon has the socket. */
  protected get hasSocket(): boolean {
    return true
  }

  /**
   * Has the addon send what either connection says to the other, at the end of this turn and as long as both keep their receivers. Those hear how much
   * has passed, and all but the data, behind the data. Until then, and where the addon cannot do it, they get the data.
   */
  splice(other: ConnectionTransport): void {
    if (this.bridge !== other.bridge || !this.hasSocket || !other.hasSocket) return
    const both = [this, other] as const
    const receivers = both.map((one) => one.receiver)
    // Data that has risen in this turn is delivered first.
    queueMicrotask(() => {
      // What waits here goes before anything that the addon has got since.
      for (const one of both) one.#deliver(true)
      if (both.some((one, at) => one.#isClosed || one.#closes || one.#receiver !== receivers[at])) return
      this.#spliced = other
      other.#spliced = this
      this.bridge.number(FALLS.splice, this.id, other.id)
    })
  }

  #part(): void {
    const other = this.#spliced
    if (!other) return
    this.#spliced = undefined
    other.#spliced = undefined
    this.bridge.command(FALLS.part, this.id)
  }

  /**
   * Does TLS over the connection, which carries plaintext from then on. `begin` is called with the peer's bytes that wait here, and has the
   * addon begin. A handshake that fails ends the connection. Rejects with a TlsFailure, or with the error by which the connection is lost.
   */
  secure(begin: (waiting: Buffer) => void, onSecret: ((line: Buffer) => void) | undefined): Promise<Agreed> {
    this.#receiver = noReceiver
    this.pause()
    return new Promise((resolve, reject) => {
      const start = () => {
        const waiting = Buffer.concat(this.#waiting.filter((event): event is Buffer => typeof event !== 'string'))
        if (this.#isClosed || this.#closes) {
          reject(this.#error ?? closedEarly())
          return
        }
        this.#waiting = []
        this.#onSecret = onSecret
        this.isUnderTls = true
        this.#handshake = { done: resolve, failed: reject }
        // What was written before is no plaintext.
        this.bridge.perform()
        try {
          begin(waiting)
        } catch (error) {
          this.#handshake = undefined
          this.close()
          reject(error)
          return
        }
        // The addon may have something to say already, which the next exchange fetches.
        this.bridge.command(FALLS.pause, this.id)
      }
      // Data that has risen in this turn is delivered first.
      queueMicrotask(start)
    })
  }

  /** @internal */
  handleSecured(payload: Buffer): void {
    const handshake = this.#handshake
    this.#handshake = undefined
    handshake?.done(readAgreed(payload))
  }

  /** @internal A line of a key log. */
  handleSecret(line: Buffer): void {
    this.#onSecret?.(line)
  }

  /** @internal The TLS session has failed: the alert for the peer leaves, and then the connection is over. */
  handleFailed(payload: Buffer): void {
    const error = new TlsFailure(readFailed(payload))
    this.close()
    const handshake = this.#handshake
    this.#handshake = undefined
    if (handshake) handshake.failed(error)
    else this.#over(error)
  }

  /** @internal Called with data of the peer, which the transport may keep. */
  handleData(data: Buffer): void {
    if (this.#holds) this.#waiting.push(data)
    else this.#receiver.handleData(data)
  }

  /** @internal Called when so many bytes of the peer have passed to the connection that this one is spliced with. */
  handlePassed(bytes: number): void {
    this.#receiver.handlePassed?.(bytes)
  }

  /** @internal Called for the peer's FIN. */
  handleEnd(): void {
    this.#hasEnded = true
    if (this.#handshake) return
    if (this.#holds) this.#waiting.push('end')
    else this.#receiver.handleEnd()
  }

  /** @internal Called when so many bytes that were written have left. */
  handleWritable(bytes: number): void {
    this.#credit += bytes
    if (!this.#isFull || this.#credit <= 0) return
    this.#isFull = false
    this.drained()
  }

  /** Whether writes have to wait. */
  protected get isFull(): boolean {
    return this.#isFull
  }

  /** Tells the receiver that there is room again. */
  protected drained(): void {
    this.#receiver.handleDrain()
  }

  /** @internal Called when the connection is over: in order, or by an error. */
  handleClosed(error?: NodeJS.ErrnoException): void {
    clearTimeout(this.#linger)
    if (this.#isClosed) return
    const handshake = this.#handshake
    this.#handshake = undefined
    handshake?.failed(error ?? closedEarly())
    this.#over(error)
  }

  #over(error?: NodeJS.ErrnoException): void {
    this.#isClosed = true
    this.#part()
    this.#error = error
    // A connection that is lost, or was closed from here, is over at once; one that has ended both ways, when its data is read.
    if (error || this.#closes) this.#waiting = []
    if (this.#holds) this.#waiting.push('closed')
    else this.#receiver.handleClose(error)
    if (error && this.#isPaused && this.#receiver !== noReceiver) this.#deliver(true)
  }

  /** No event follows. */
  protected get isClosed(): boolean {
    return this.#isClosed
  }

  get #holds(): boolean {
    return this.#waiting.length > 0 || this.#isPaused || this.#receiver === noReceiver
  }

  #deliver(evenPaused = false): void {
    while (this.#receiver !== noReceiver && (!this.#isPaused || evenPaused)) {
      const next = this.#waiting.shift()
      if (next === undefined) break
      if (next === 'end') this.#receiver.handleEnd()
      else if (next === 'closed') this.#receiver.handleClose(this.#error)
      else this.#receiver.handleData(next)
    }
    if (this.#waiting.length === 0 && !this.#isPaused && this.#receiver !== noReceiver) this.read(true)
  }
}
