// A transport of bytes over any Duplex: a net.Socket, a WireGuardStream, a TLSSocket.
import type { Duplex } from 'node:stream'
import type { Address } from '../connection.js'
import { deaf, type Receiver, type StreamTransport } from './transport.js'

/** How long what was written may take to leave once nobody holds the transport any more. */
const LINGER_MILLISECONDS = 10_000

/** Bytes of writes that a stream holds back before it says that it is full. */
export const HIGH_WATER = 128 * 1024

/** Writes of so many bytes are bulk: those of one turn of the event loop leave together, in one system call and full TLS records. */
const BULK = 8 * 1024

interface Ends {
  local: Address | undefined
  remote: Address | undefined
}

/** A Duplex that can send RST. */
type Resettable = Duplex & { resetAndDestroy?(): unknown }

export class Pipe implements StreamTransport {
  readonly duplex: Duplex
  readonly local: Address | undefined
  readonly remote: Address | undefined
  #receiver: Receiver = deaf
  #error: NodeJS.ErrnoException | undefined
  #closed = false
  #linger: NodeJS.Timeout | undefined
  #corked = false
  readonly #listeners: [string, (value: never) => void][]
  readonly #below: Resettable

  /**
   * Nothing is read before somebody hears it: what comes first must not be lost. `below` is what `duplex` works on: a TLSSocket
   * has no RST of its own.
   */
  constructor(duplex: Duplex, ends: Ends, below: Duplex = duplex) {
    this.duplex = duplex
    this.#below = below
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
          // TLS tells of an alert and is not destroyed by it. What came before is read first.
          if (!duplex.destroyed && duplex.readableLength === 0) duplex.destroy()
        },
      ],
      ['close', () => this.#close()],
    ]
    duplex.pause()
    for (const [name, listener] of this.#listeners) duplex.on(name, listener as () => void)
    if (duplex.destroyed) this.#closed = true
  }

  get receiver(): Receiver {
    return this.#receiver
  }

  /** Who hears from now on; it hears everything, whatever its predecessor had asked for. */
  set receiver(receiver: Receiver) {
    this.#receiver = receiver
    if (receiver === deaf) return
    if (this.#closed) queueMicrotask(() => this.#receiver.handleClose(this.#error))
    // An end that comes when nothing is left to read is told of even to those who have paused.
    else if (this.duplex.readableEnded) queueMicrotask(() => this.#end())
    else this.duplex.resume()
  }

  /** The end after an error is its consequence: it is the error that is told of. */
  #end(): void {
    if (this.#error) this.duplex.destroy()
    else this.#receiver.handleEnd()
  }

  #close(): void {
    clearTimeout(this.#linger)
    this.#closed = true
    this.#receiver.handleClose(this.#error)
  }

  write(data: Uint8Array): boolean {
    if (this.duplex.destroyed || this.duplex.writableEnded) return true
    if (data.length >= BULK && !this.#corked) this.#cork()
    return this.duplex.write(data)
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
    this.duplex.end(() => this.duplex.destroy())
    // What the other side still says is of no interest, but it must be able to say it.
    this.duplex.resume()
    this.#linger ??= setTimeout(() => this.duplex.destroy(), LINGER_MILLISECONDS).unref()
  }

  reset(): void {
    if (this.duplex.destroyed) return
    const below = this.#below
    if (below.resetAndDestroy && below !== this.duplex) {
      // TLS has to let go of the handle below it before that closes (Node dies of SIGSEGV otherwise), so TLS itself destroys it.
      below.destroy = () => {
        Reflect.deleteProperty(below, 'destroy')
        below.resetAndDestroy?.()
        return below
      }
      this.duplex.destroy()
    } else if (below.resetAndDestroy) below.resetAndDestroy()
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
    clearTimeout(this.#linger)
    return this.duplex
  }
}
