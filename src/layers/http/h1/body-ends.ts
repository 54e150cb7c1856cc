// Bodies of HTTP/1 on their way: out of a connection, and into one.
import type { HttpHeaders } from '../../../flow/headers.js'
import type { HttpRequest, HttpResponse } from '../../../flow/http.js'
import type { AnyChannel } from '../../channel.js'
import { type Context, push, receive, type Step } from '../../layer.js'
import type { Emit, Framing, Inlet, Outlet } from '../ends.js'
import { fault, type Side } from '../error.js'
import type { BodyReader } from './body.js'
import { chunk, lastChunk } from './write.js'

/** The longest body, in bytes, that is copied behind its head into one write. A longer one is written by itself. */
const MAX_JOINED = 64 * 1024

const EMPTY = Buffer.alloc(0)

export class Http1Inlet implements Inlet {
  readonly channel: AnyChannel
  readonly #reader: BodyReader

  constructor(channel: AnyChannel, reader: BodyReader) {
    this.channel = channel
    this.#reader = reader
  }

  get side(): Side {
    return this.#reader.side
  }

  get done(): boolean {
    return this.#reader.done
  }

  get trailers(): HttpHeaders | undefined {
    return this.#reader.trailers
  }

  readAhead(emit: Emit): void {
    const data = this.channel.take()
    if (data) this.#consume(data, emit)
  }

  *read(emit: Emit): Step<void> {
    const { channel } = this
    const data = yield* receive(channel)
    if (data) this.#consume(data, emit)
    else if (channel.error) {
      throw fault(this.side, `the connection was lost in the middle of a body: ${channel.error}`)
    } else this.#reader.end()
  }

  #consume(data: Buffer, emit: Emit): void {
    const read = this.#reader.read(data, 0, emit)
    if (read < data.length) this.channel.unread(data.subarray(read))
  }
}

/** Writes a head, with a body behind it. */
export type WriteHead = (body?: Uint8Array) => Buffer

export class Http1Outlet implements Outlet {
  readonly channel: AnyChannel
  readonly #context: Context
  readonly #chunked: boolean
  /** Undefined once the head has gone. */
  #writeHead: WriteHead | undefined

  constructor(context: Context, channel: AnyChannel, writeHead: WriteHead, chunked: boolean) {
    this.#context = context
    this.channel = channel
    this.#writeHead = writeHead
    this.#chunked = chunked
  }

  send(piece: Buffer | undefined): void {
    this.#write(piece && this.#chunked ? chunk(piece) : piece)
  }

  end(piece: Buffer | undefined, trailers: HttpHeaders | undefined): void {
    if (!this.#chunked) this.#write(piece)
    else this.#write(piece ? Buffer.concat([chunk(piece), lastChunk(trailers)]) : lastChunk(trailers))
  }

  #write(framed: Buffer | undefined): void {
    const writeHead = this.#writeHead
    this.#writeHead = undefined
    const data = writeHead ? writeHead(framed) : framed
    if (data) push(this.#context, this.channel, data)
  }
}

/** Writes a held message; `writeHead` makes the bytes of its head. */
export function writeMessage(
  context: Context,
  to: AnyChannel,
  message: HttpRequest | HttpResponse,
  framing: Framing,
  writeHead: WriteHead,
): void {
  const content = framing.kind === 'none' || message.body.length === 0 ? undefined : message.content
  const chunked = framing.kind === 'chunked'
  const framed = chunked ? Buffer.concat([chunk(content ?? EMPTY), lastChunk(message.trailers)]) : content
  if (!framed || framed.length <= MAX_JOINED) push(context, to, writeHead(framed))
  else {
    push(context, to, writeHead())
    push(context, to, framed)
  }
}
