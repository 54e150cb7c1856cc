// Reads the numbers and vectors of TLS's presentation language (RFC 8446, 3.4), and never beyond their ends.
import { ClientHelloError } from './error.js'

/** Reads bytes from first to last. Each method throws a ClientHelloError where too few bytes are left. */
export class Reader {
  readonly #bytes: Buffer
  #at: number
  readonly #end: number

  /** Reads the bytes from `start` to `end`; default: all of them. */
  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  /** The number of bytes that were not read yet. */
  get left(): number {
    return this.#end - this.#at
  }

  take(length: number): Buffer {
    const start = this.#pass(length)
    return this.#bytes.subarray(start, start + length)
  }

  u8(): number {
    return this.#bytes[this.#pass(1)] as number
  }

  u16(): number {
    const start = this.#pass(2)
    return ((this.#bytes[start] as number) << 8) | (this.#bytes[start + 1] as number)
  }

  /** A vector with a length of one byte. Throws where the length is not within the bounds. */
  vector8(least = 0, most = 0xff): Reader {
    return this.#vector(this.u8(), least, most)
  }

  vector16(least = 0): Reader {
    return this.#vector(this.u16(), least, 0xffff)
  }

  /** All bytes that are left, as numbers of one byte. */
  u8s(): number[] {
    return [...this.take(this.left)]
  }

  /** All bytes that are left, as numbers of two bytes. */
  u16s(): number[] {
    const numbers: number[] = []
    while (this.left > 0) numbers.push(this.u16())
    return numbers
  }

  /** All bytes that are left, as latin1. */
  text(): string {
    return this.take(this.left).toString('latin1')
  }

  /** Throws where bytes are left. */
  end(): void {
    if (this.left > 0) throw new ClientHelloError(`${this.left} bytes too many`)
  }

  #vector(length: number, least: number, most: number): Reader {
    if (length < least || length > most) throw new ClientHelloError(`a list of ${length} bytes`)
    const start = this.#pass(length)
    return new Reader(this.#bytes, start, start + length)
  }

  /** Goes on behind so many bytes, and tells where they begin: a view of each number would cost more than all else. */
  #pass(length: number): number {
    if (length > this.left) throw new ClientHelloError(`${length} bytes announced where ${this.left} are left`)
    const start = this.#at
    this.#at += length
    return start
  }
}
