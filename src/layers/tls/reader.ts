// Reads the numbers and vectors of TLS's presentation language (RFC 8446, 3.4), and never beyond their ends.
import { ClientHelloError } from './error.js'

/** Reads bytes from first to last. Each method throws a ClientHelloError where too few bytes are left. */
export class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** The number of bytes that were not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  take(length: number): Buffer {
    if (length > this.left) throw new ClientHelloError(`${length} bytes announced where ${this.left} are left`)
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  u8(): number {
    return this.take(1).readUInt8(0)
  }

  u16(): number {
    return this.take(2).readUInt16BE(0)
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
    return new Reader(this.take(length))
  }
}
