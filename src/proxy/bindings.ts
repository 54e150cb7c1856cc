// Which transport each channel of a client connection stands for: bound, put under TLS, and let go of.
import type { AnyChannel } from '../layers/channel.js'
import { deaf, type StreamTransport, type Transport } from '../transports/transport.js'
import { Handshake } from './handshake.js'
import { type ChannelReceiver, OneChannel } from './receiver.js'

export class Bindings {
  readonly #receiver: ChannelReceiver

  constructor(receiver: ChannelReceiver) {
    this.#receiver = receiver
  }

  of(channel: AnyChannel): Transport | undefined {
    return channel.handle as Transport | undefined
  }

  /** From now on the channel hears what the transport says. */
  bind(channel: AnyChannel, transport: Transport): void {
    channel.handle = transport
    channel.full = false
    transport.receiver = new OneChannel(this.#receiver, channel)
    // The layers may have paused the channel while another transport carried it: before TLS.
    if (channel.paused) transport.pause()
  }

  /** TLS begins over the channel's transport: until it is done, a Handshake stands in its place. Undefined where it is gone. */
  beginHandshake(channel: AnyChannel): StreamTransport | undefined {
    const transport = this.of(channel) as StreamTransport | undefined
    if (transport) channel.handle = new Handshake(transport)
    return transport
  }

  /** TLS has failed, and has ended the connection. */
  failHandshake(channel: AnyChannel): void {
    channel.handle = undefined
    channel.closed = true
  }

  /** The channel stands for nothing any more; the transport is the caller's. */
  unbind(channel: AnyChannel): Transport | undefined {
    const transport = this.of(channel)
    channel.handle = undefined
    return transport
  }

  /** Ends the transport. False where there was none. */
  letGo(channel: AnyChannel, how: 'close' | 'reset'): boolean {
    const transport = this.unbind(channel)
    if (!transport) return false
    transport.receiver = deaf
    transport[how]()
    return true
  }
}
