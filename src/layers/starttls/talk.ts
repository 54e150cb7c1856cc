// What a conversation that may turn to TLS shows: the interface of its watchers, one for each protocol.

/**
 * What the bytes of one side have shown. `on`: nothing yet. `off`: it is another protocol, or TLS will not follow. `asks`: the client wants TLS, up
 * to the byte `end` of these bytes. `agrees`: TLS follows at once behind `end`, from the client. `refuses`: it stays as it is.
 */
export type Sight = 'on' | 'off' | { readonly what: 'asks' | 'agrees' | 'refuses'; readonly end: number }

/** Watches one connection from its first byte on, and changes nothing. It is given the bytes behind `end` again. */
export interface Talk {
  client(bytes: Buffer): Sight
  server(bytes: Buffer): Sight
}

/** The bytes of one side that are not understood yet. */
export class Pending {
  bytes: Buffer = Buffer.alloc(0)
  #before = 0

  add(bytes: Buffer): void {
    this.#before = this.bytes.length
    this.bytes = this.#before === 0 ? bytes : Buffer.concat([this.bytes, bytes])
  }

  /** Takes so many bytes from the front. */
  take(length: number): Buffer {
    const taken = this.bytes.subarray(0, length)
    this.bytes = this.bytes.subarray(length)
    this.#before -= length
    return taken
  }

  /** Forgets what is behind the bytes that were taken, and gives their end within the bytes that were added last. */
  cut(): number {
    const end = -this.#before
    this.bytes = Buffer.alloc(0)
    this.#before = 0
    return end
  }
}
