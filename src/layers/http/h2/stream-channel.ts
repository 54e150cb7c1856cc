// A stream of HTTP/2 as a channel: layers read it, write it and end it like a connection.
import type { Connection } from '../../../connection.js'
import { HttpHeaders } from '../../../flow/headers.js'
import { Channel } from '../../channel.js'
import type { Http2Carrier } from './carrier.js'
import type { Stream } from './stream.js'

export interface Head {
  /** Names and values in turn, pseudo-header fields included. */
  readonly fields: string[]
  /** No body follows. */
  readonly end: boolean
}

export class StreamChannel<Of extends Connection = Connection> extends Channel<Of> {
  override readonly carrier: Http2Carrier
  readonly stream: Stream
  /** Heads that have come and were not read: of a server interim ones, too. */
  readonly heads: Head[] = []
  trailers: HttpHeaders | undefined
  /** The server cannot have taken up the request: it may be sent again (RFC 9113, 8.7). */
  refused = false
  /** Bytes that were put back, and were counted as taken. */
  #putBack = 0
  #abandoned = false

  constructor(connection: Of, carrier: Http2Carrier, stream: Stream) {
    super(connection)
    this.carrier = carrier
    this.stream = stream
    stream.owner = this
  }

  override take(): Buffer | undefined {
    const data = super.take()
    if (data) this.#taken(data.length)
    return data
  }

  override takeAll(): Buffer {
    const data = super.takeAll()
    this.#taken(data.length)
    return data
  }

  /** Nobody reads it any more. What waits in it, and what comes, counts as read: the connection's window is for the other streams. */
  abandon(): void {
    this.#abandoned = true
    if (this.chunks.length > 0) this.takeAll()
  }

  override push(data: Buffer): void {
    if (this.#abandoned) this.carrier.consumed(this, data.length)
    else super.push(data)
  }

  override unread(data: Buffer): void {
    this.#putBack += data.length
    super.unread(data)
  }

  /** The peer may send as much again. */
  #taken(bytes: number): void {
    const again = Math.min(bytes, this.#putBack)
    this.#putBack -= again
    if (bytes > again) this.carrier.consumed(this, bytes - again)
  }
}

/** Fields without pseudo-header fields. */
export function headersOf(fields: readonly string[]): HttpHeaders {
  const raw: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string
    if (name.charCodeAt(0) !== 58) raw.push(name, fields[at + 1] as string)
  }
  return new HttpHeaders(raw)
}
