// A few bits for each row of a list, by the numbers of rows.

const FIRST_ROOM = 1024

export class Flags {
  #bytes = new Uint8Array(FIRST_ROOM)
  #first = 1

  get(number: number): number {
    return this.#bytes[number - this.#first] ?? 0
  }

  set(number: number, bits: number): void {
    const at = number - this.#first
    if (at >= this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(this.#bytes.length * 2, at + 1))
      bytes.set(this.#bytes)
      this.#bytes = bytes
    }
    this.#bytes[at] = bits
  }

  /** Takes bits from all rows. */
  clear(bits: number): void {
    for (let at = 0; at < this.#bytes.length; at++) this.#bytes[at] = (this.#bytes[at] ?? 0) & ~bits
  }

  /** The rows before this number are all gone. */
  cut(first: number): void {
    if (first === this.#first) return
    this.#bytes = this.#bytes.slice(first - this.#first)
    this.#first = first
  }
}
