// A TCP connection out of the tunnel as a Node stream, with the manners of a net.Socket.
import { Duplex } from 'node:stream'
import type { Address, Peer } from '../connection.js'
import { destinationOf, sourceOf } from './addresses.js'
import type { Bridge } from './bridge.js'
import { COMMAND, headerOf, keptHeader, MAX_CHUNK, RECEIVE_CREDIT, WRITE_CREDIT } from './records.js'

type Callback = (error?: Error | null) => void

/** Credit goes back in pieces of this: a quarter of what the addon may have handed up. */
const CREDIT_PIECE = RECEIVE_CREDIT / 4

/** The reasons in a RESET event, as Node's own sockets name them. */
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

/** What a stream needs of the server that it belongs to. */
export interface StreamOwner {
  readonly bridge: Bridge
  readonly allowHalfOpen: boolean
  readonly bufferSize: number
  peer(header: Buffer): Peer
  /** The stream will say and hear nothing more. */
  forget(id: number): void
}

/**
 * A TCP connection through the tunnel: a Duplex of bytes.
 *
 * As with net.Socket: `end()` sends FIN after what was written, `destroy()` lets go (FIN; what still arrives is answered
 * by RST), `destroy(error)` and `resetAndDestroy()` send RST. Errors have the codes ECONNRESET, ETIMEDOUT, ECONNREFUSED,
 * EHOSTUNREACH, ENETUNREACH, ECONNABORTED and EPIPE. Unless the server has `allowHalfOpen`, the stream ends its own side when the peer
 * has ended its.
 */
export class WireGuardStream extends Duplex {
  readonly #owner: StreamOwner
  readonly #id: number
  readonly #header: string
  readonly #peer: Peer
  /** Bytes that the addon takes now. */
  #credit: number
  /** Bytes that the reader has taken, and the addon was not told of. */
  #taken = 0
  #readerIsFull = false
  #connecting: boolean
  #waiting: { chunk: Uint8Array; done: Callback } | undefined
  #endWaits: Callback | undefined
  #finSent = false
  #finReceived = false
  /** The addon knows the connection no more. */
  #gone = false
  #timer: NodeJS.Timeout | undefined
  #timeout = 0
  /** Bytes received. */
  bytesRead = 0
  /** Bytes given to the connection. */
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

  /** Who opened the connection. */
  get source(): Address {
    return sourceOf(headerOf(this.#header))
  }

  /** Where to. Any address: a tunnel carries packets to everywhere. */
  get destination(): Address {
    return destinationOf(headerOf(this.#header))
  }

  /** The WireGuard peer at the other end of the tunnel. */
  get peer(): Peer {
    return this.#peer
  }

  /** True until the handshake of a connection of our own is over. */
  get connecting(): boolean {
    return this.#connecting
  }

  /** Milliseconds of silence after which 'timeout' is emitted; 0 for never. */
  get timeout(): number {
    return this.#timeout
  }

  /** Emits 'timeout' after so many milliseconds without data either way; nothing else happens then. 0 ends it. */
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
    // What was corked, or piled up behind a write that waited, leaves as one.
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

  /** @internal Data has come; `bytes` is the stream's to keep. */
  handleData(bytes: Buffer): void {
    this.#timer?.refresh()
    this.bytesRead += bytes.length
    this.#taken += bytes.length
    if (this.push(bytes)) this.#giveCredit()
    else this.#readerIsFull = true
  }

  /** @internal The peer's FIN. */
  handleEnd(): void {
    this.#finReceived = true
    this.push(null)
    // As net.Socket does: the end is seen without anybody reading, when nothing is left to read.
    if (this.readableLength === 0) this.read(0)
  }

  /** @internal Room has come free in the transmit buffer. */
  handleWritable(bytes: number): void {
    this.#credit += bytes
    this.#resume()
  }

  /** @internal A connection of our own is open. */
  handleConnected(): void {
    this.#connecting = false
    this.#resume()
    const end = this.#endWaits
    this.#endWaits = undefined
    if (end) this._final(end)
    this.emit('connect')
  }

  /** @internal The addon has ended the connection. */
  handleReset(reason: number): void {
    const [code, text] = REASONS[reason] ?? ['ECONNABORTED', 'the connection was ended']
    this.handleGone(connectionError(code, text, this.#connecting ? 'connect' : 'read'))
  }

  /** @internal Both directions are over (no error), or the connection is lost. */
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
