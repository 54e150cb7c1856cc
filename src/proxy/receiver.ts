// Tells a driver what happens to one of its transports, and to which of its channels.
import type { AnyChannel } from '../layers/channel.js'
import type { Receiver } from '../transports/transport.js'
import type { Driver } from './driver.js'

export class ChannelReceiver implements Receiver {
  readonly #driver: Driver
  readonly #channel: AnyChannel

  constructor(driver: Driver, channel: AnyChannel) {
    this.#driver = driver
    this.#channel = channel
  }

  handleData(data: Buffer): void {
    this.#driver.heard(this.#channel, data)
  }

  handleEnd(): void {
    this.#driver.endHeard(this.#channel)
  }

  handleDrain(): void {
    this.#driver.drained(this.#channel)
  }

  handleClose(error: NodeJS.ErrnoException | undefined): void {
    this.#driver.closeHeard(this.#channel, error)
  }
}
