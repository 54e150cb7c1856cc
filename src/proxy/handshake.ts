// Stands in a transport's place while a TLS handshake is done over that transport.
import type { Address } from '../connection.js'
import { noReceiver, type StreamTransport, type Transport } from '../transports/transport.js'

/** Raises no events and drops what is written. Only close() and reset() have an effect: they end the transport below. */
export class Handshake implements Transport {
  readonly local: Address | undefined
  readonly remote: Address | undefined
  receiver = noReceiver
  readonly #over: Transport

  constructor(over: Transport) {
    this.#over = over
    this.local = over.local
    this.remote = over.remote
  }

  write(): boolean {
    return true
  }

  end(): void {}

  close(): void {
    const { duplex } = this.#over as Partial<StreamTransport>
    if (duplex) duplex.destroy()
    else this.#over.close()
  }

  reset(): void {
    this.close()
  }

  pause(): void {}

  resume(): void {}
}
