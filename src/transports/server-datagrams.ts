// The base of all transports of datagrams with one server: datagrams that come while the transport is paused are dropped, and counted.
import type { Address } from '../connection.js'
import { noReceiver, type Receiver, type Transport } from './transport.js'

export abstract class ServerDatagrams implements Transport {
  abstract readonly local: Address | undefined
  abstract readonly remote: Address
  /** The number of datagrams that were dropped: those that came while the transport was paused, and those that could not be sent. */
  dropped = 0
  #receiver: Receiver = noReceiver
  #paused = false
  #over = false

  get receiver(): Receiver {
    return this.#receiver
  }

  set receiver(receiver: Receiver) {
    this.#receiver = receiver
    if (this.dropped > 0) receiver.handleDropped?.(this.dropped)
  }

  /** Always true: a datagram that cannot be sent is dropped. */
  write(data: Uint8Array): boolean {
    if (!this.#over) this.send(data)
    return true
  }

  end(): void {}

  close(): void {
    this.handleOver()
  }

  reset(): void {
    this.handleOver()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
  }

  /** Called with a datagram of the server. A kernel whose buffer is full drops it likewise: UDP cannot slow its sender. */
  handleDatagram(data: Buffer): void {
    if (this.#paused) this.drop()
    else this.#receiver.handleData(data)
  }

  /** Called when the flow is over. */
  handleOver(error?: NodeJS.ErrnoException): void {
    if (this.#over) return
    this.#over = true
    this.release()
    queueMicrotask(() => this.#receiver.handleClose(error))
  }

  /** Counts a datagram that was dropped. */
  protected drop(): void {
    this.dropped += 1
    this.#receiver.handleDropped?.(this.dropped)
  }

  protected abstract send(data: Uint8Array): void

  /** Called once, when the flow is over. */
  protected abstract release(): void
}
