// Passes the events of a transport on, with the channel that the transport is bound to.
import type { AnyChannel } from '../layers/channel.js'
import type { Receiver } from '../transports/transport.js'

/** Like Receiver, for the events of many channels. */
export interface ChannelReceiver {
  handleData(channel: AnyChannel, data: Buffer): void
  handleEnd(channel: AnyChannel): void
  handleDrain(channel: AnyChannel): void
  handleDropped(channel: AnyChannel, total: number): void
  /** Data has passed between two channels that are spliced. */
  handlePassed(): void
  handleClose(channel: AnyChannel, error: NodeJS.ErrnoException | undefined): void
}

export class OneChannel implements Receiver {
  readonly #receiver: ChannelReceiver
  readonly #channel: AnyChannel

  constructor(receiver: ChannelReceiver, channel: AnyChannel) {
    this.#receiver = receiver
    this.#channel = channel
  }

  handleData(data: Buffer): void {
    this.#receiver.handleData(this.#channel, data)
  }

  handleEnd(): void {
    this.#receiver.handleEnd(this.#channel)
  }

  handleDrain(): void {
    this.#receiver.handleDrain(this.#channel)
  }

  handleDropped(total: number): void {
    this.#receiver.handleDropped(this.#channel, total)
  }

  handleClose(error: NodeJS.ErrnoException | undefined): void {
    this.#receiver.handleClose(this.#channel, error)
  }
}
