// A transport of bytes over any Duplex: a net.Socket, a WireGuardStream, a TLSSocket.
import type { Duplex } from 'node:stream'
import type { Address } from '../connection.js'
import { type Impairment, noReceiver, type Receiver, type StreamTransport } from './transport.js'

/** How long data that was written may take to leave after `close()`. */
const LINGER_MILLISECONDS = 10_000

/** Bytes that a stream may have to write before it is full. */
export const HIGH_WATER = 128 * 1024

/** From so many bytes on a write is bulk: the writes of one turn of the event loop leave in one system call and in full TLS records. */
const BULK = 8 * 1024

interface Ends {
  local: Address | undefined
  remote: Address | undefined
}

/** A Duplex that can send RST, and one that makes the packets itself. */
type Lowest = Duplex & { resetAndDestroy?(): unknown; impair?(impairment: Impairment | undefined): boolean }

export class Pipe implements StreamTransport {
  readonly duplex: Duplex
  readonly local: Address | undefined
  readonly remote: Address | undefined
  #receiver: Receiver = noReceiver
  #error: NodeJS.ErrnoException | undefined
  #closed = false
  #linger: NodeJS.Timeout | undefined
  #corked = false
  readonly #listeners: [string, (value: never) => void][]
  readonly lowest: Lowest
  #impaired = false
  /** Writes of the time of an impairment that have not reached `lowest`. */
  #underWay = 0

  /**
   * Nothing is read before there is a receiver, so that no data is lost. `lowest` is the stream under all TLS, which has to send RST: a
   * TLSSocket has none.
   */
  constructor(duplex: Duplex, ends: Ends, lowest: Duplex = duplex) {
    this.duplex = duplex
    this.lowest = lowest
    this.local = ends.local
    this.remote = ends.remote
    this.#listeners = [
      ['data', (data: Buffer) => this.#receiver.handleData(data)],
      ['end', () => this.#end()],
      ['drain', () => this.#receiver.handleDrain()],
      [
        'error',
        (error: NodeJS.ErrnoException) => {
          this.#error ??= error
          // A TLSSocket emits an error for an alert and stays open. Data that has come before is read first.
          if (!duplex.destroyed && duplex.readableLength === 0) duplex.destroy()
        },
      ],
      ['close', () => this.#close()],
    ]
    duplex.pause()
    for (const [name, listener] of this.#listeners) duplex.on(name, listener as () => void)
    if (lowest !== duplex) lowest.on('error', this.#failedBelow)
    if (duplex.destroyed) this.#closed = true
  }

  get receiver(): Receiver {
    return this.#receiver
  }

  /** A new receiver gets all events from now on, even where the one before had paused the pipe. */
  set receiver(receiver: Receiver) {
    this.#receiver = receiver
    if (receiver === noReceiver) return
    if (this.#closed) queueMicrotask(() => this.#receiver.handleClose(this.#error))
    // A stream without data left ends even while it is paused, so the end may have come before this receiver.
    else if (this.duplex.readableEnded) queueMicrotask(() => this.#end())
    else this.duplex.resume()
  }

  /** A TLSSocket over a stream that is no socket of the system closes without a word when that stream fails. */
  readonly #failedBelow = (error: NodeJS.ErrnoException): void => {
    this.#error ??= error
  }

  /** An end after an error is a consequence of the error, and only the error is reported. */
  #end(): void {
    if (this.#error) this.duplex.destroy()
    else this.#receiver.handleEnd()
  }

  #close(): void {
    clearTimeout(this.#linger)
    this.#closed = true
    this.#receiver.handleClose(this.#error)
  }

  write(data: Uint8Array, moreComes = false): boolean {
    if (this.duplex.destroyed || this.duplex.writableEnded) return true
    if ((moreComes || data.length >= BULK) && !this.#corked) this.#cork()
    if (!this.#impaired) return this.duplex.write(data)
    this.#underWay += 1
    return this.duplex.write(data, this.#passed)
  }

  readonly #passed = () => {
    this.#underWay -= 1
    if (this.#underWay === 0 && !this.#impaired) this.lowest.impair?.(undefined)
  }

  impair(impairment: Impairment | undefined): boolean {
    this.#impaired = impairment !== undefined
    // The end of an impairment keeps its place behind what was written before.
    if (!impairment && this.#underWay > 0) return true
    return this.lowest.impair?.(impairment) ?? false
  }

  #cork(): void {
    this.#corked = true
    this.duplex.cork()
    setImmediate(() => {
      this.#corked = false
      this.duplex.uncork()
    })
  }

  end(): void {
    if (!this.duplex.writableEnded) this.duplex.end()
  }

  close(): void {
    if (this.duplex.destroyed) return
    // Node would make an error for an end after the end, with its stack, for each connection that was half-closed before.
    if (this.duplex.writableFinished) {
      this.duplex.destroy()
      return
    }
    this.duplex.end(() => this.duplex.destroy())
    // Data that the peer still sends is dropped, but must be read: otherwise the peer could not send its FIN.
    this.duplex.resume()
    this.#linger ??= setTimeout(() => this.duplex.destroy(), LINGER_MILLISECONDS).unref()
  }

  reset(): void {
    if (this.duplex.destroyed) return
    const { lowest } = this
    if (lowest.resetAndDestroy && lowest !== this.duplex) {
      // The TLSSocket must release the handle below it before that closes, else Node dies of SIGSEGV. So the TLSSocket destroys `lowest`.
      lowest.destroy = () => {
        Reflect.deleteProperty(lowest, 'destroy')
        lowest.resetAndDestroy?.()
        return lowest
      }
      this.duplex.destroy()
    } else if (lowest.resetAndDestroy) lowest.resetAndDestroy()
    else this.duplex.destroy()
  }

  pause(): void {
    this.duplex.pause()
  }

  resume(): void {
    this.duplex.resume()
  }

  detach(): Duplex {
    this.duplex.pause()
    for (const [name, listener] of this.#listeners) this.duplex.off(name, listener as () => void)
    if (this.lowest !== this.duplex) this.lowest.off('error', this.#failedBelow)
    clearTimeout(this.#linger)
    return this.duplex
  }
}
