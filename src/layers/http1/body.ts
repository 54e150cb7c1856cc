// Reads bodies: of a length, chunked with trailers, or up to the end of the connection (RFC 9112, 6 and 7).
import type { HttpHeaders } from '../../flow/headers.js'
import { CR, FLAGS, hexValue, LF, TEXT } from './bytes.js'
import { fault, type Side, shown } from './error.js'
import type { Framing } from './framing.js'
import { TrailerReader } from './trailers.js'

/** Bytes of chunk extensions, for each chunk; what they say is dropped. */
export const MAX_CHUNK_EXTENSION = 4096
/** Hex digits of a chunk's size, leading zeros included. */
const MAX_SIZE_DIGITS = 16

const DONE = 0
const LENGTH = 1
const CLOSE = 2
const SIZE = 3
const EXTENSION = 4
const SIZE_LF = 5
const DATA = 6
const DATA_CR = 7
const DATA_LF = 8
const TRAILERS = 9

const SEMICOLON = 59

export class BodyReader {
  /** The fields after a chunked body; undefined until its end, and where there are none. */
  trailers: HttpHeaders | undefined
  readonly side: Side
  #state: number
  /** Bytes that are to come of the body, or of the chunk. */
  #left = 0
  /** What has come of the body; of a chunk's size the digits, of its extension the bytes. */
  #received = 0
  #count = 0
  #trailerReader: TrailerReader | undefined

  /** `side` decides what an Http1Error of it tells the client: 400 for a request's body, 502 for a response's. */
  constructor(framing: Framing, side: Side = 'request') {
    this.side = side
    if (framing.kind === 'length') this.#left = framing.length
    if (framing.kind === 'chunked') this.#state = SIZE
    else if (framing.kind === 'close') this.#state = CLOSE
    else this.#state = this.#left > 0 ? LENGTH : DONE
  }

  /** The whole body has been read. */
  get done(): boolean {
    return this.#state === DONE
  }

  /**
   * Reads `buffer` from `from` on, and calls `emit` with each piece of the body, a view that is not empty. Returns the index after the
   * last byte that belongs to the body; short of the buffer's end only when the body is done. Throws an Http1Error.
   */
  read(buffer: Buffer, from: number, emit: (piece: Buffer) => void): number {
    let at = from
    while (at < buffer.length && this.#state !== DONE) {
      switch (this.#state) {
        case LENGTH:
        case DATA:
          at = this.#data(buffer, at, emit)
          break
        case CLOSE:
          this.#received += buffer.length - at
          emit(at === 0 ? buffer : buffer.subarray(at))
          return buffer.length
        case TRAILERS:
          at = this.#readTrailers(buffer, at)
          break
        default:
          at = this.#line(buffer, at)
      }
    }
    return at
  }

  /** The stream has ended. Throws an Http1Error where the body was cut short by that. */
  end(): void {
    const state = this.#state
    if (state === CLOSE) this.#state = DONE
    else if (state === LENGTH) {
      throw fault(this.side, `the body was cut short: ${this.#received} of ${this.#received + this.#left} bytes came`)
    } else if (state !== DONE) {
      const where = state === TRAILERS ? 'in its trailers' : state === DATA ? 'within a chunk' : 'before its last chunk'
      throw fault(this.side, `the chunked body was cut short ${where}, after ${this.#received} bytes of data`)
    }
  }

  #data(buffer: Buffer, at: number, emit: (piece: Buffer) => void): number {
    const end = Math.min(buffer.length, at + this.#left)
    this.#left -= end - at
    this.#received += end - at
    if (this.#left === 0) this.#state = this.#state === DATA ? DATA_CR : DONE
    emit(at === 0 && end === buffer.length ? buffer : buffer.subarray(at, end))
    return end
  }

  /** What stands around a chunk's data: its size line, and the CRLF after it. */
  #line(buffer: Buffer, from: number): number {
    let at = from
    let state = this.#state
    let count = this.#count
    for (; at < buffer.length; at++) {
      const byte = buffer[at] as number
      if (state === SIZE) {
        const digit = hexValue(byte)
        if (digit !== -1) {
          if (++count > MAX_SIZE_DIGITS) throw fault(this.side, `a chunk size has more than ${MAX_SIZE_DIGITS} digits`)
          this.#left = this.#left * 16 + digit
          continue
        }
        if (count === 0) throw fault(this.side, `a chunk size begins with ${shown(byte)}`)
        if (!Number.isSafeInteger(this.#left)) throw fault(this.side, 'a chunk size is too large', 413)
        if (byte === CR) state = SIZE_LF
        else if (byte === SEMICOLON) state = EXTENSION
        else throw fault(this.side, `a chunk size has ${shown(byte)} after its digits`)
        count = 0
      } else if (state === EXTENSION) {
        if (byte === CR) state = SIZE_LF
        else if (((FLAGS[byte] as number) & TEXT) === 0) throw fault(this.side, `a chunk extension has ${shown(byte)}`)
        else if (++count > MAX_CHUNK_EXTENSION) {
          throw fault(this.side, `a chunk extension is longer than ${MAX_CHUNK_EXTENSION} bytes`)
        }
      } else if (state === SIZE_LF) {
        if (byte !== LF) throw fault(this.side, 'a chunk size line has a bare CR')
        this.#count = 0
        this.#state = this.#left > 0 ? DATA : TRAILERS
        return at + 1
      } else if (state === DATA_CR) {
        if (byte !== CR) throw fault(this.side, `a chunk is longer than its size: ${shown(byte)} follows its data`)
        state = DATA_LF
      } else {
        if (byte !== LF) throw fault(this.side, "a bare CR follows a chunk's data")
        state = SIZE
      }
    }
    this.#state = state
    this.#count = count
    return at
  }

  #readTrailers(buffer: Buffer, from: number): number {
    // Nearly every chunked body ends here, without any.
    if (!this.#trailerReader && buffer[from] === CR && buffer[from + 1] === LF) {
      this.#state = DONE
      return from + 2
    }
    this.#trailerReader ??= new TrailerReader(this.side)
    const at = this.#trailerReader.read(buffer, from)
    if (this.#trailerReader.done) {
      this.trailers = this.#trailerReader.fields
      this.#state = DONE
    }
    return at
  }
}
