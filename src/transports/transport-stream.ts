// A Node stream over any transport, for what takes streams alone: node:tls.
import { Duplex } from 'node:stream'
import { HIGH_WATER } from './pipe.js'
import type { Transport } from './transport.js'

type Callback = (error?: Error | null) => void

export class TransportStream extends Duplex {
  readonly #transport: Transport
  #isFull = false
  #waits: Callback | undefined
  #hasEnded = false
  #isClosed = false
  #resets = false

  constructor(transport: Transport) {
    super({ allowHalfOpen: true, highWaterMark: HIGH_WATER })
    this.#transport = transport
    transport.receiver = {
      handleData: (data) => {
        if (!this.push(data)) transport.pause()
      },
      handleEnd: () => {
        this.#hasEnded = true
        this.push(null)
        // As in net.Socket, 'end' is emitted without a read when no data is left.
        if (this.readableLength === 0) this.read(0)
      },
      handleDrain: () => {
        this.#isFull = false
        const done = this.#waits
        this.#waits = undefined
        done?.()
      },
      handleClose: (error) => {
        this.#isClosed = true
        // After both ends the rest that is still unread is read first; so is what came right before an error, such as an alert.
        if (error && this.readableLength > 0) setImmediate(() => this.destroy(error))
        else if (error || !this.#hasEnded || !this.writableEnded) this.destroy(error)
      },
    }
  }

  override _read(): void {
    this.#transport.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void {
    if (!this.#transport.write(chunk)) this.#isFull = true
    if (this.#isFull) this.#waits = done
    else done()
  }

  override _final(done: Callback): void {
    this.#transport.end()
    done()
  }

  /** As net.Socket's: sends RST. */
  resetAndDestroy(): this {
    this.#resets = true
    return this.destroy()
  }

  override _destroy(error: Error | null, done: Callback): void {
    if (!this.#isClosed) {
      if (this.#resets) this.#transport.reset()
      else this.#transport.close()
    }
    const waits = this.#waits
    this.#waits = undefined
    waits?.(error ?? new Error('the stream was destroyed'))
    done(error)
  }
}
