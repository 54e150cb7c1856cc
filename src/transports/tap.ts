// Lets an observer see what passes a transport: the bytes of a stream below all TLS, or datagrams.
import { Duplex } from 'node:stream'
import { ConnectionTransport } from './connections/transport.js'
import { HIGH_WATER, Pipe } from './pipe.js'
import { type Impairment, noReceiver, type Receiver, type StreamTransport, type Transport } from './transport.js'

/** Is told what passes, in the order in which it passes. It must not throw. */
export interface Tap {
  /** The peer has sent this. */
  received(data: Uint8Array): void
  /** This is sent to the peer. */
  sent(data: Uint8Array): void
  /** The peer's FIN, or ours. Datagrams have none. */
  ended(byPeer: boolean): void
  /** The peer's RST, or ours; also where the connection is lost in another way. Datagrams have none. */
  reset(byPeer: boolean): void
}

/**
 * The transport in whose place it comes, with the tap in it. TLS over a socket that has a tap goes through JavaScript, and not through
 * the socket's own handle, so that its records can be seen; nothing else changes. `transport` has no receiver yet.
 */
export function tapped(transport: Transport, tap: Tap): Transport {
  if (!('duplex' in transport)) return new TappedTransport(transport, tap, transport instanceof ConnectionTransport)
  const stream = transport as StreamTransport
  // A stream that is lost already has nothing to be seen, and its pipe alone knows the error.
  if (stream.duplex.destroyed) return stream
  const { local, remote } = stream
  return new Pipe(new TappedStream(stream.detach(), tap), { local, remote })
}

type Callback = (error?: Error | null) => void

/** A stream that can send RST, and one that makes the packets itself. */
type Lowest = Duplex & { resetAndDestroy?(): unknown; impair?(impairment: Impairment | undefined): boolean }

class TappedStream extends Duplex {
  readonly #below: Lowest
  readonly #tap: Tap
  #ended = false
  #resets = false

  constructor(below: Lowest, tap: Tap) {
    super({ allowHalfOpen: true, highWaterMark: HIGH_WATER })
    this.#below = below
    this.#tap = tap
    below.on('data', (data: Buffer) => {
      tap.received(data)
      if (!this.push(data)) below.pause()
    })
    below.on('error', (error) => {
      if (!this.destroyed) tap.reset(true)
      this.destroy(error)
    })
    // After both ends the rest that is still unread is read first.
    below.on('close', () => {
      if (!below.readableEnded || !this.#ended) this.destroy()
    })
    // A listener for data makes a stream flow; this one is read when its own reader wants it.
    below.pause()
    if (below.readableEnded) this.#handleEnd()
    else below.on('end', () => this.#handleEnd())
  }

  #handleEnd(): void {
    this.#tap.ended(true)
    this.push(null)
    // As in net.Socket, 'end' is emitted without a read when no data is left.
    if (this.readableLength === 0) this.read(0)
  }

  override _read(): void {
    this.#below.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void {
    this.#tap.sent(chunk)
    this.#below.write(chunk, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: Callback): void {
    this.#below.cork()
    for (const [index, { chunk }] of chunks.entries()) {
      this.#tap.sent(chunk)
      this.#below.write(chunk, index === chunks.length - 1 ? done : undefined)
    }
    this.#below.uncork()
  }

  override _final(done: Callback): void {
    this.#ended = true
    this.#tap.ended(false)
    this.#below.end(done)
  }

  /** As net.Socket's: sends RST. */
  resetAndDestroy(): this {
    this.#resets = true
    return this.destroy()
  }

  impair(impairment: Impairment | undefined): boolean {
    return this.#below.impair?.(impairment) ?? false
  }

  override _destroy(error: Error | null, done: Callback): void {
    const { destroyed } = this.#below
    if (this.#resets && !destroyed && this.#below.resetAndDestroy) {
      this.#tap.reset(false)
      this.#below.resetAndDestroy()
    } else {
      // The end of a socket that is destroyed is a FIN, too.
      if (!this.#ended && !destroyed) this.#tap.ended(false)
      this.#below.destroy()
    }
    done(error)
  }
}

class TappedTransport implements Transport {
  readonly #below: Transport
  readonly #tap: Tap
  #receiver: Receiver = noReceiver
  /** Datagrams have no end. */
  #ended: boolean
  #isOver: boolean

  constructor(below: Transport, tap: Tap, isStream: boolean) {
    this.#below = below
    this.#tap = tap
    this.#ended = !isStream
    this.#isOver = !isStream
  }

  get local() {
    return this.#below.local
  }

  get remote() {
    return this.#below.remote
  }

  get receiver(): Receiver {
    return this.#receiver
  }

  set receiver(receiver: Receiver) {
    this.#receiver = receiver
    const tap = this.#tap
    this.#below.receiver =
      receiver === noReceiver
        ? noReceiver
        : {
            handleData(data) {
              tap.received(data)
              receiver.handleData(data)
            },
            handleEnd: () => {
              tap.ended(true)
              receiver.handleEnd()
            },
            handleDrain: () => receiver.handleDrain(),
            handleDropped: (total) => receiver.handleDropped?.(total),
            handleClose: (error) => {
              if (error && !this.#isOver) tap.reset(true)
              this.#isOver = true
              receiver.handleClose(error)
            },
          }
  }

  write(data: Uint8Array, moreComes?: boolean): boolean {
    this.#tap.sent(data)
    return this.#below.write(data, moreComes)
  }

  end(): void {
    this.#end()
    this.#below.end()
  }

  close(): void {
    this.#end()
    this.#below.close()
  }

  reset(): void {
    if (!this.#isOver) this.#tap.reset(false)
    this.#isOver = true
    this.#below.reset()
  }

  #end(): void {
    if (!this.#ended && !this.#isOver) this.#tap.ended(false)
    this.#ended = true
  }

  pause(): void {
    this.#below.pause()
  }

  resume(): void {
    this.#below.resume()
  }
}
