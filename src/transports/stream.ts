// A TCP connection through the tunnel as a Node stream, which behaves like a net.Socket.
import { Duplex } from 'node:stream'
import type { Address, Peer } from '../connection.js'
import { destinationOf, sourceOf } from './addresses.js'
import type { Bridge } from './bridge.js'
import { COMMAND, headerOf, keptHeader, MAX_CHUNK, RECEIVE_CREDIT, WRITE_CREDIT } from './records.js'
import type { Impairment } from './transport.js'

/** The largest number of a word in a record. */
const WORD = 0xffff_ffff

type Callback = (error?: Error | null) => void

/** The least credit that is given back to the addon at once: a quarter of all. */
const CREDIT_PIECE = RECEIVE_CREDIT / 4

/** The reasons in a `reset` event, with the codes of Node's own sockets. */
const REASONS: Record<number, [code: string, text: string]> = {
  1: ['ECONNRESET', 'the connection was reset by the peer'],
  2: ['ETIMEDOUT', 'the peer no longer answers'],
  3: ['ECONNREFUSED', 'the connection was refused'],
  4: ['EHOSTUNREACH', 'the host is unreachable'],
  5: ['ECONNABORTED', 'the WireGuard peer was removed'],
  6: ['ECONNABORTED', 'too many half-open connections'],
  7: ['ENETUNREACH', 'the network is unreachable'],
}

function connectionError(code: string, text: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${syscall} ${code}: ${text}`), { code, syscall })
}

/** What a stream needs of its server. */
export interface StreamOwner {
  readonly bridge: Bridge
  readonly allowHalfOpen: boolean
  readonly bufferSize: number
  peer(header: Buffer): Peer
  /** Called by a stream that will send and receive nothing more. */
  forget(id: number): void
}

/**
 * A TCP connection through the tunnel: a Duplex of bytes.
 *
 * As with net.Socket, `end()` sends the written data and then FIN, `destroy()` sends FIN and answers data that still comes with RST,
 * `destroy(error)` and `resetAndDestroy()` send RST. Errors have the codes ECONNRESET, ETIMEDOUT, ECONNREFUSED, EHOSTUNREACH,
 * ENETUNREACH, ECONNABORTED and EPIPE. Unless the server has `allowHalfOpen`, the stream ends its own side when the peer has ended its
 * side.
 */
export class WireGuardStream extends Duplex {
  readonly #owner: StreamOwner
  readonly #id: number
  readonly #header: string
  readonly #peer: Peer
  /** Bytes that the addon will take. */
  #credit: number
  /** Bytes that the reader has taken, and for which the addon has got no credit yet. */
  #taken = 0
  #readerIsFull = false
  #connecting: boolean
  #waiting: { chunk: Uint8Array; done: Callback } | undefined
  #endWaits: Callback | undefined
  #finSent = false
  #finReceived = false
  /** The connection is over in the addon. */
  #gone = false
  #timer: NodeJS.Timeout | undefined
  #timeout = 0
  /** Bytes that were received from the peer. */
  bytesRead = 0
  /** Bytes that were given to the connection, sent or not. */
  bytesWritten = 0

  /** @internal */
  constructor(owner: StreamOwner, id: number, header: Buffer, connecting = false) {
    super({
      allowHalfOpen: owner.allowHalfOpen,
      readableHighWaterMark: MAX_CHUNK,
      writableHighWaterMark: 4 * MAX_CHUNK,
    })
    this.#owner = owner
    this.#id = id
    this.#header = keptHeader(header)
    this.#peer = owner.peer(header)
    this.#credit = Math.min(owner.bufferSize, WRITE_CREDIT)
    this.#connecting = connecting
  }

  /** The end that has opened the connection. */
  get source(): Address {
    return sourceOf(headerOf(this.#header))
  }

  /** The end that was connected to: any address, not only the tunnel's own. */
  get destination(): Address {
    return destinationOf(headerOf(this.#header))
  }

  /** The WireGuard peer at the other end of the tunnel. */
  get peer(): Peer {
    return this.#peer
  }

  /** True until the handshake of a connection of `connect()` is over. */
  get connecting(): boolean {
    return this.#connecting
  }

  /** Milliseconds without data after which 'timeout' is emitted; 0 for never. */
  get timeout(): number {
    return this.#timeout
  }

  /** Makes the stream emit 'timeout', and do nothing else, after so many milliseconds without data either way. 0 turns that off. */
  setTimeout(milliseconds: number, listener?: () => void): this {
    clearTimeout(this.#timer)
    this.#timeout = milliseconds
    if (milliseconds > 0) {
      this.#timer = setTimeout(() => this.emit('timeout'), milliseconds).unref()
      if (listener) this.once('timeout', listener)
    } else if (listener) {
      this.off('timeout', listener)
    }
    return this
  }

  /** Sends RST and destroys the stream. */
  resetAndDestroy(): this {
    if (!this.#gone) this.#leave(COMMAND.reset)
    return this.destroy()
  }

  /** @internal Impairs the connection's packets from now on. `seed` decides which are lost. */
  impair(impairment: Impairment | undefined, seed = Math.floor(Math.random() * WORD)): boolean {
    if (this.#gone) return true
    const { loss, latency } = impairment ?? { loss: 0, latency: 0 }
    const words = [loss * 1_000_000, latency * 1_000, seed].map((word) => Math.min(Math.round(word), WORD))
    this.#owner.bridge.bytes(COMMAND.impair, this.#id, new Uint8Array(Uint32Array.from(words).buffer))
    return true
  }

  override _read(): void {
    if (!this.#readerIsFull) return
    this.#readerIsFull = false
    this.#giveCredit()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Callback): void {
    this.#timer?.refresh()
    if (this.#gone) done(connectionError('EPIPE', 'the connection is closed', 'write'))
    else this.#send(chunk, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: Callback): void {
    // Writes that were corked, or waited behind another write, are given to the addon as one.
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'utf8' as BufferEncoding, done)
  }

  override _final(done: Callback): void {
    if (this.#connecting) {
      this.#endWaits = done
      return
    }
    this.#finSent = true
    if (!this.#gone) this.#owner.bridge.command(COMMAND.end, this.#id)
    done()
  }

  override _destroy(error: Error | null, done: Callback): void {
    clearTimeout(this.#timer)
    if (!this.#gone && !(this.#finSent && this.#finReceived)) this.#leave(error ? COMMAND.reset : COMMAND.close)
    this.#owner.forget(this.#id)
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.done(error ?? connectionError('ECONNABORTED', 'the stream was destroyed', 'write'))
    done(error)
  }

  #leave(command: number): void {
    this.#gone = true
    this.#owner.bridge.command(command, this.#id)
  }

  #send(chunk: Uint8Array, done: Callback): void {
    let at = 0
    while (at < chunk.length && this.#credit > 0 && !this.#connecting) {
      const length = Math.min(chunk.length - at, this.#credit, MAX_CHUNK)
      const piece = length === chunk.length ? chunk : chunk.subarray(at, at + length)
      this.#owner.bridge.bytes(COMMAND.write, this.#id, piece)
      this.#credit -= length
      at += length
    }
    this.bytesWritten += at
    if (at === chunk.length) done()
    else this.#waiting = { chunk: chunk.subarray(at), done }
  }

  #giveCredit(): void {
    if (this.#taken < CREDIT_PIECE || this.#gone) return
    this.#owner.bridge.number(COMMAND.credit, this.#id, this.#taken)
    this.#taken = 0
  }

  /** @internal Called with data of the peer. The stream may keep `bytes`. */
  handleData(bytes: Buffer): void {
    this.#timer?.refresh()
    this.bytesRead += bytes.length
    this.#taken += bytes.length
    if (this.push(bytes)) this.#giveCredit()
    else this.#readerIsFull = true
  }

  /** @internal Called for the peer's FIN. */
  handleEnd(): void {
    this.#finReceived = true
    this.push(null)
    // As in net.Socket, 'end' is emitted without a read when no data is left.
    if (this.readableLength === 0) this.read(0)
  }

  /** @internal Called when the transmit buffer has so many more bytes free. */
  handleWritable(bytes: number): void {
    this.#credit += bytes
    this.#resume()
  }

  /** @internal Called when a connection of `connect()` is open. */
  handleConnected(): void {
    this.#connecting = false
    this.#resume()
    const end = this.#endWaits
    this.#endWaits = undefined
    if (end) this._final(end)
    this.emit('connect')
  }

  /** @internal Called when the connection was reset, or the addon has given it up. */
  handleReset(reason: number): void {
    const [code, text] = REASONS[reason] ?? ['ECONNABORTED', 'the connection was ended']
    this.handleGone(connectionError(code, text, this.#connecting ? 'connect' : 'read'))
  }

  /** @internal Called when both directions have ended (no error), or the connection is lost. */
  handleGone(error?: Error): void {
    this.#gone = true
    if (error) this.destroy(error)
  }

  #resume(): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (waiting) this.#send(waiting.chunk, waiting.done)
  }
}
