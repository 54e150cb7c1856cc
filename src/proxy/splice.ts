// Passes the data of two connections to each other below the layers, so that data that nobody wants to see costs them no turn.
// Where the addon has both sockets it moves the bytes itself, and the receivers hear of the rest.
import type { AnyChannel } from '../layers/channel.js'
import { ConnectionTransport } from '../transports/connections/transport.js'
import type { Receiver, Transport } from '../transports/transport.js'
import type { ChannelReceiver } from './receiver.js'

/** An end of a splice: a channel, and the transport that it is bound to. */
export interface SpliceEnd {
  readonly channel: AnyChannel
  readonly transport: Transport
}

/** Splices two ends, both of which are read from now on. */
export function splice(one: SpliceEnd, other: SpliceEnd, receiver: ChannelReceiver): void {
  one.transport.receiver = new Splice(one, other, receiver)
  other.transport.receiver = new Splice(other, one, receiver)
  for (const { channel, transport } of [one, other]) {
    channel.paused = false
    transport.resume()
  }
  if (one.transport instanceof ConnectionTransport && other.transport instanceof ConnectionTransport)
    one.transport.splice(other.transport)
}

/** The receiver of one end. Ends and losses rise as from any channel, and with them the data that the other end can no longer take. */
class Splice implements Receiver {
  readonly #from: SpliceEnd
  readonly #to: SpliceEnd
  readonly #receiver: ChannelReceiver

  constructor(from: SpliceEnd, to: SpliceEnd, receiver: ChannelReceiver) {
    this.#from = from
    this.#to = to
    this.#receiver = receiver
  }

  handleData(data: Buffer): void {
    const { channel, transport } = this.#to
    if (channel.closed) {
      this.#receiver.handleData(this.#from.channel, data)
      return
    }
    this.#receiver.handlePassed()
    if (!transport.write(data)) this.#from.transport.pause()
  }

  handleDrain(): void {
    this.#receiver.handlePassed()
    this.#to.transport.resume()
  }

  handlePassed(): void {
    this.#receiver.handlePassed()
  }

  handleEnd(): void {
    this.#receiver.handleEnd(this.#from.channel)
  }

  handleDropped(total: number): void {
    this.#receiver.handleDropped(this.#from.channel, total)
  }

  handleClose(error: NodeJS.ErrnoException | undefined): void {
    this.#receiver.handleClose(this.#from.channel, error)
  }
}
