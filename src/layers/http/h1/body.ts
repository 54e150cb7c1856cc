// Reads bodies: of a length, chunked with trailers, or up to the end of the connection (RFC 9112, 6 and 7).
import type { HttpHeaders } from '../../../flow/headers.js'
import type { Framing } from '../ends.js'
import { fault, type Side, senderOf, shown } from '../error.js'
import { CR, FLAGS, hexValue, LF, SPACE, TAB, TEXT } from './bytes.js'
import { type Noted, note } from './irregular.js'
import { TrailerReader } from './trailers.js'

/** The most bytes of extensions of a chunk. The extensions themselves are dropped. */
export const MAX_CHUNK_EXTENSION = 4096
/** The most hex digits of a chunk's size, leading zeros included. */
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
/** White space between a chunk's size and its extension or the end of its line. */
const SIZE_SPACE = 10

const SEMICOLON = 59
const BARE_LF = 'lines around its chunks end in LF without CR'

export class BodyReader {
  /** The fields after a chunked body; undefined until its end, and where there are none. */
  trailers: HttpHeaders | undefined
  readonly side: Side
  readonly #noted: Noted | undefined
  #state: number
  /** Bytes of the body, or of the chunk, that have not come yet. */
  #left = 0
  /** Bytes of the body that have come. */
  #received = 0
  /** Digits of the current chunk's size, or bytes of its extension, that have come. */
  #count = 0
  #trailerReader: TrailerReader | undefined

  /**
   * `side` decides the status of an HttpError: 400 for a request's body, 502 for a response's. Where `noted` is given, odd forms are
   * read and noted there: white space after a chunk's size, lines around chunks that end in LF without CR, and in trailers those that
   * are read in heads. Without `noted` they are refused.
   */
  constructor(framing: Framing, side: Side = 'request', noted?: Noted) {
    this.side = side
    this.#noted = noted
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
   * last byte that belongs to the body; short of the buffer's end only when the body is done. Throws an HttpError.
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

  /** Called when the connection has ended. Throws an HttpError where that has cut the body short. */
  end(): void {
    const state = this.#state
    if (state === CLOSE) this.#state = DONE
    else if (state === LENGTH) {
      throw fault(this.side, `${this.#gone}: ${this.#received} of ${this.#received + this.#left} bytes came`)
    } else if (state !== DONE) {
      const where = state === TRAILERS ? 'in its trailers' : state === DATA ? 'within a chunk' : 'before its last chunk'
      throw fault(this.side, `${this.#gone}, ${where}, after ${this.#received} bytes of data`)
    }
  }

  get #gone(): string {
    return `${senderOf(this.side)} has ended the connection in the middle of a body`
  }

  #data(buffer: Buffer, at: number, emit: (piece: Buffer) => void): number {
    const end = Math.min(buffer.length, at + this.#left)
    this.#left -= end - at
    this.#received += end - at
    if (this.#left === 0) this.#state = this.#state === DATA ? DATA_CR : DONE
    emit(at === 0 && end === buffer.length ? buffer : buffer.subarray(at, end))
    return end
  }

  /** Reads the bytes around a chunk's data: its size line, and the CRLF after the data. */
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
        count = 0
        if (byte === CR) state = SIZE_LF
        else if (byte === SEMICOLON) state = EXTENSION
        else if (byte === LF && this.#noted) return this.#sizeLineEnded(at, BARE_LF)
        else if ((byte === SPACE || byte === TAB) && this.#noted) {
          note(this.#noted, 'white space follows the size of a chunk')
          state = SIZE_SPACE
        } else throw fault(this.side, `a chunk size has ${shown(byte)} after its digits`)
      } else if (state === SIZE_SPACE) {
        if (byte === CR) state = SIZE_LF
        else if (byte === SEMICOLON) state = EXTENSION
        else if (byte === LF) return this.#sizeLineEnded(at, BARE_LF)
        else if (byte !== SPACE && byte !== TAB) {
          throw fault(this.side, `a chunk size has ${shown(byte)} after its white space`)
        } else if (++count > MAX_CHUNK_EXTENSION) {
          throw fault(this.side, `white space of more than ${MAX_CHUNK_EXTENSION} bytes follows the size of a chunk`)
        }
      } else if (state === EXTENSION) {
        if (byte === CR) state = SIZE_LF
        else if (((FLAGS[byte] as number) & TEXT) === 0) throw fault(this.side, `a chunk extension has ${shown(byte)}`)
        else if (++count > MAX_CHUNK_EXTENSION) {
          throw fault(this.side, `a chunk extension is longer than ${MAX_CHUNK_EXTENSION} bytes`)
        }
      } else if (state === SIZE_LF) {
        if (byte !== LF) throw fault(this.side, 'a chunk size line has a bare CR')
        return this.#sizeLineEnded(at)
      } else if (state === DATA_CR) {
        if (byte === LF && this.#noted) {
          note(this.#noted, BARE_LF)
          state = SIZE
        } else if (byte === CR) state = DATA_LF
        else throw fault(this.side, `a chunk is longer than its size: ${shown(byte)} follows its data`)
      } else {
        if (byte !== LF) throw fault(this.side, "a bare CR follows a chunk's data")
        state = SIZE
      }
    }
    this.#state = state
    this.#count = count
    return at
  }

  #sizeLineEnded(at: number, odd?: string): number {
    if (odd !== undefined && this.#noted) note(this.#noted, odd)
    this.#count = 0
    this.#state = this.#left > 0 ? DATA : TRAILERS
    return at + 1
  }

  #readTrailers(buffer: Buffer, from: number): number {
    // Nearly every chunked body ends here, without trailers.
    if (!this.#trailerReader && buffer[from] === CR && buffer[from + 1] === LF) {
      this.#state = DONE
      return from + 2
    }
    this.#trailerReader ??= new TrailerReader(this.side, this.#noted)
    const at = this.#trailerReader.read(buffer, from)
    if (this.#trailerReader.done) {
      this.trailers = this.#trailerReader.fields
      this.#state = DONE
    }
    return at
  }
}
