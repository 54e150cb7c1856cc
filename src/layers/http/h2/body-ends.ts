// Bodies of HTTP/2 on their way: out of a stream, and into one.
import type { HttpHeaders } from '../../../flow/headers.js'
import { receive, type Step } from '../../layer.js'
import type { Emit, Inlet, Outlet } from '../ends.js'
import { fault, type Side, senderOf } from '../error.js'
import { sending, trailerFields } from './messages.js'
import type { StreamChannel } from './stream-channel.js'

export class Http2Inlet implements Inlet {
  readonly channel: StreamChannel
  readonly side: Side

  constructor(channel: StreamChannel, side: Side) {
    this.channel = channel
    this.side = side
  }

  get done(): boolean {
    return this.channel.ended && this.channel.chunks.length === 0
  }

  get trailers(): HttpHeaders | undefined {
    return this.channel.trailers
  }

  readAhead(emit: Emit): void {
    for (let data = this.channel.take(); data; data = this.channel.take()) emit(data)
  }

  *read(emit: Emit): Step<void> {
    const data = yield* receive(this.channel)
    if (data) emit(data)
    else if (!this.channel.ended)
      throw fault(
        this.side,
        `the stream was lost in the middle of a body: ${this.channel.error ?? `${senderOf(this.side)} has closed it`}`,
      )
  }
}

export class Http2Outlet implements Outlet {
  readonly channel: StreamChannel

  /** The head has gone already: what a turn has come to goes out at once. */
  constructor(channel: StreamChannel) {
    this.channel = channel
  }

  send(piece: Buffer | undefined): void {
    const { channel } = this
    if (!piece || channel.closed) return
    channel.carrier.perform({ type: 'send', channel, data: piece })
  }

  end(piece: Buffer | undefined, trailers: HttpHeaders | undefined): void {
    finishStream(this.channel, piece, trailers)
  }
}

/** Sends the rest of a body, the trailers and the end. */
export function finishStream(
  channel: StreamChannel,
  data: Buffer | undefined,
  trailers: HttpHeaders | undefined,
): void {
  if (channel.closed) return
  const { carrier, stream } = channel
  const fields = trailerFields(trailers)
  sending(() => {
    if (data && data.length > 0) carrier.session.sendData(stream, data, fields === undefined)
    else if (!fields) carrier.session.sendData(stream, EMPTY, true)
    if (fields) carrier.session.sendTrailers(stream, fields)
  })
  // What waits goes by itself: nobody sends more.
  channel.full = false
  carrier.changed()
}

const EMPTY = Buffer.alloc(0)
