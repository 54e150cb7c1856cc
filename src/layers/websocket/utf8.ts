// Checks text in pieces, and fails at the first byte that cannot be UTF-8 (RFC 3629), as RFC 6455, 8.1 wants of text messages.

export class Utf8Check {
  /** Continuation bytes that the character under way still lacks. */
  #missing = 0
  /** The bounds of its next byte: they exclude overlong forms, surrogates, and what is beyond U+10FFFF. */
  #least = 0x80
  #most = 0xbf

  /** Whether the bytes so far end with a whole character. */
  get complete(): boolean {
    return this.#missing === 0
  }

  /** Takes the next bytes. False where they cannot be UTF-8: nothing may be taken after that. */
  take(bytes: Uint8Array): boolean {
    for (const byte of bytes) {
      if (this.#missing === 0) {
        if (byte >= 0x80 && !this.#begin(byte)) return false
      } else {
        if (byte < this.#least || byte > this.#most) return false
        this.#missing -= 1
        this.#least = 0x80
        this.#most = 0xbf
      }
    }
    return true
  }

  /** The first byte of a character of several bytes (RFC 3629, 4). */
  #begin(byte: number): boolean {
    if (byte < 0xc2 || byte > 0xf4) return false
    if (byte < 0xe0) {
      this.#missing = 1
      return true
    }
    this.#missing = byte < 0xf0 ? 2 : 3
    if (byte === 0xe0) this.#least = 0xa0
    else if (byte === 0xed) this.#most = 0x9f
    else if (byte === 0xf0) this.#least = 0x90
    else if (byte === 0xf4) this.#most = 0x8f
    return true
  }
}
