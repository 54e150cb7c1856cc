// What stands in a transport's place while TLS is done over it.
import type { Address } from '../connection.js'
import { deaf, type StreamTransport, type Transport } from '../transports/transport.js'

/** Nobody hears it or writes to it: all that can be done is to end it. */
export class Handshake implements Transport {
  readonly local: Address | undefined
  readonly remote: Address | undefined
  receiver = deaf
  readonly #over: StreamTransport

  constructor(over: StreamTransport) {
    this.#over = over
    this.local = over.local
    this.remote = over.remote
  }

  write(): boolean {
    return true
  }

  end(): void {}

  close(): void {
    this.#over.duplex.destroy()
  }

  reset(): void {
    this.close()
  }

  pause(): void {}

  resume(): void {}
}
