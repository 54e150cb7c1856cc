// What `src/wire/examples/tun/pattern.rs` says and computes: xorshift32, and FNV-1a of 64 bits, without the cost of a BigInt a byte.

const words = 16 * 1024

/** The stack's pattern, to be compared piece by piece. */
export class Repeat {
  readonly #block = new Uint32Array(words)
  readonly #bytes = Buffer.from(this.#block.buffer)
  #word = 0x6d696477
  #at = this.#bytes.length

  /** Where these bytes are not those that come next; -1 when they are. */
  difference(data: Buffer): number {
    let done = 0
    while (done < data.length) {
      if (this.#at === this.#bytes.length) this.#refill()
      const length = Math.min(data.length - done, this.#bytes.length - this.#at)
      const expected = this.#bytes.subarray(this.#at, this.#at + length)
      const part = data.subarray(done, done + length)
      if (!part.equals(expected)) return done + part.findIndex((byte, at) => byte !== expected[at])
      this.#at += length
      done += length
    }
    return -1
  }

  #refill(): void {
    let word = this.#word
    for (let at = 0; at < words; at++) {
      word ^= word << 13
      word ^= word >>> 17
      word ^= word << 5
      this.#block[at] = word
    }
    this.#word = word
    this.#at = 0
  }
}

/** FNV-1a: the number is kept in two halves, and the prime is 2^40 + 435. */
export class Fingerprint {
  #high = 0xcbf29ce4
  #low = 0x84222325

  add(bytes: Uint8Array): void {
    let [high, low] = [this.#high, this.#low]
    for (const byte of bytes) {
      low = (low ^ byte) >>> 0
      const product = low * 435
      high = (Math.imul(high, 435) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0
      low = product >>> 0
    }
    this.#high = high
    this.#low = low
  }

  text(): string {
    return [this.#high, this.#low].map((half) => half.toString(16).padStart(8, '0')).join('')
  }
}
