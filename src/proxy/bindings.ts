// Ties each channel of a client connection to its transport: binds it, puts it under TLS, and unbinds it.
import type { AnyChannel } from '../layers/channel.js'
import { type Link, Throttled } from '../transports/throttled.js'
import { noReceiver, type Transport } from '../transports/transport.js'
import { Handshake } from './handshake.js'
import { type ChannelReceiver, OneChannel } from './receiver.js'
import { splice } from './splice.js'

export class Bindings {
  readonly #receiver: ChannelReceiver
  /** What slows a channel, and the channel. */
  #throttled: { readonly channel: AnyChannel; readonly link: Link | undefined } | undefined

  constructor(receiver: ChannelReceiver) {
    this.#receiver = receiver
  }

  of(channel: AnyChannel): Transport | undefined {
    return channel.handle as Transport | undefined
  }

  /** Ties a transport to a channel: the events of the transport become events of the channel. */
  bind(channel: AnyChannel, transport: Transport): void {
    channel.handle = transport
    channel.full = false
    transport.receiver = new OneChannel(this.#receiver, channel)
    // A layer may have paused the channel before TLS, when another transport carried it.
    if (channel.paused) transport.pause()
    if (this.#throttled?.channel === channel) this.throttle(channel, this.#throttled.link)
  }

  /** Slows what passes on a channel from now on, also when TLS is put there later. Undefined: no longer. */
  throttle(channel: AnyChannel, link: Link | undefined): void {
    this.#throttled = { channel, link }
    const transport = this.of(channel)
    if (transport instanceof Throttled) transport.link = link
    else if (transport && link && !(transport instanceof Handshake)) {
      const isDatagrams = channel.connection.transport === 'udp'
      channel.handle = new Throttled(transport, link, { isDatagrams, hasEnded: channel.ended })
      // The transport resumes for its new receiver.
      if (channel.paused) transport.pause()
    }
  }

  /** Lets the data of each channel go straight to the other. A channel that has no transport any more is left as it is. */
  splice(one: AnyChannel, other: AnyChannel): void {
    const [first, second] = [this.of(one), this.of(other)]
    if (!first || !second) return
    splice({ channel: one, transport: first }, { channel: other, transport: second }, this.#receiver)
  }

  /** The channel's transport, for TLS to begin over it; a Handshake stands in its place until then. Undefined where it is closed. */
  beginHandshake(channel: AnyChannel): Transport | undefined {
    const bound = this.of(channel)
    const transport = bound instanceof Throttled ? bound.release() : bound
    if (transport) channel.handle = new Handshake(transport)
    return transport
  }

  /** Closes the channel after a handshake that has failed: TLS has ended the connection. */
  failHandshake(channel: AnyChannel): void {
    channel.handle = undefined
    channel.closed = true
  }

  /** Unties the transport from its channel, and leaves it open: the caller takes it over. */
  unbind(channel: AnyChannel): Transport | undefined {
    const transport = this.of(channel)
    channel.handle = undefined
    return transport
  }

  /** Unties the transport and ends it. False where the channel had none. */
  letGo(channel: AnyChannel, how: 'close' | 'reset'): boolean {
    const transport = this.unbind(channel)
    if (!transport) return false
    transport.receiver = noReceiver
    transport[how]()
    return true
  }
}
