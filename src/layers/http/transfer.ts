// Moves heads and bodies between channels: reads, holds, records them and passes them on.
import type { HttpRequest, HttpResponse } from '../../flow/http.js'
import type { AnyChannel } from '../channel.js'
import { type Context, type MaybeStep, more, NOTHING, push, receive, room, type Step } from '../layer.js'
import { TIMEOUT } from '../world.js'
import { fault, HttpError, type Side } from './error.js'
import type { BodyReader } from './h1/body.js'
import type { Framing } from './h1/framing.js'
import { findHeadEnd, HEAD_OVERLAP, limitHead, skipEmptyLines } from './h1/head.js'
import { chunk, lastChunk, type WritableResponseHead, writeResponseHead } from './h1/write.js'

/** The longest body, in bytes, that is copied behind its head into one write. A longer one is written by itself. */
const MAX_JOINED = 64 * 1024

const EMPTY = Buffer.alloc(0)

/** The channel that a message is written to is gone. */
export class Closed extends Error {
  readonly channel: AnyChannel
  constructor(channel: AnyChannel) {
    super(channel.error ?? 'the connection was closed before everything was sent')
    this.channel = channel
  }
}

/**
 * Takes exactly the next head from the channel; undefined where it has not come whole. `searched` is the number of bytes that a call
 * before has searched for its end. Throws an HttpError where the head is too long.
 */
export function takeHead(channel: AnyChannel, side: Side, searched = 0): Buffer | undefined {
  if (channel.buffered <= searched) return undefined
  const bytes = channel.takeAll()
  const start = skipEmptyLines(bytes, 0)
  const end = findHeadEnd(bytes, Math.max(start, searched - HEAD_OVERLAP))
  if (end === -1) {
    // Empty lines before a head are dropped: a client may send any number of them.
    channel.unread(start === 0 ? bytes : bytes.subarray(start))
    limitHead(bytes, start, bytes.length, side)
    return undefined
  }
  if (end < bytes.length) channel.unread(bytes.subarray(end))
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end)
}

/**
 * Waits for a head of which `takeHead` has found no end; undefined where the connection ends before the head begins. `milliseconds` are
 * for the whole head; 0: no limit. Throws an HttpError.
 */
export function* readHead(
  { machine: { world } }: Context,
  channel: AnyChannel,
  side: Side,
  milliseconds: number,
): Step<Buffer | undefined> {
  const deadline = world.now() + milliseconds
  for (;;) {
    const searched = channel.buffered
    const left = milliseconds === 0 ? 0 : Math.max(1, deadline - world.now())
    const arrived = yield* more(channel, left)
    const head = takeHead(channel, side, searched)
    if (head) return head
    if (arrived === TIMEOUT)
      throw new HttpError(408, `the client has sent no whole head within ${milliseconds / 1000} s`)
    if (arrived) continue
    if (channel.buffered > 0) throw fault(side, 'the connection has ended in the middle of a head')
    return undefined
  }
}

/** The way of one body from its channel to another. */
export class Transfer {
  readonly #context: Context
  readonly #from: AnyChannel
  readonly #reader: BodyReader
  readonly #message: HttpRequest | HttpResponse
  /** The first piece of the body that was read and not passed on, mostly the only one. */
  #piece: Buffer | undefined
  /** All such pieces, the first among them, where there are several, as with small chunks. */
  #rest: Buffer[] | undefined
  /** The body is read and kept nowhere. */
  #dropping = false
  readonly #emit = (piece: Buffer): void => {
    if (this.#dropping) return
    this.#message.body.append(piece)
    if (this.#piece === undefined) this.#piece = piece
    else if (this.#rest) this.#rest.push(piece)
    else this.#rest = [this.#piece, piece]
  }

  constructor(context: Context, from: AnyChannel, reader: BodyReader, message: HttpRequest | HttpResponse) {
    this.#context = context
    this.#from = from
    this.#reader = reader
    this.#message = message
  }

  /** The whole body has been read. */
  get done(): boolean {
    return this.#reader.done
  }

  /** Reads the whole body into the message. False where it is longer than `limit`: `pass` then begins with the bytes that were read. */
  *hold(limit: number): Step<boolean> {
    const { body } = this.#message
    body.hold()
    while (!this.#reader.done) {
      yield* this.#read()
      this.#taken()
      if (body.length > limit && !this.#reader.done) {
        this.#piece = body.content
        body.trim()
        return false
      }
    }
    this.#finish()
    return true
  }

  /** Reads the whole body and drops it: an addon has put another in its place before it has come. */
  *drop(): Step<void> {
    this.#dropping = true
    while (!this.#reader.done) yield* this.#read()
    this.#message.endedAt = this.#context.machine.world.now()
  }

  /**
   * Reads the data that has come already. Mostly a short body has come with its head. Both then go out in one write without a wait, and
   * a fault of the body is found before the head has gone out.
   */
  readAhead(): void {
    if (this.#reader.done || this.#piece !== undefined) return
    const data = this.#from.take()
    if (data) this.#consume(data)
  }

  /** Passes the body on as it comes, after the head of `response`, if one is given. Throws Closed. */
  pass(to: AnyChannel, chunked: boolean, response?: WritableResponseHead): MaybeStep {
    this.#message.streamed = true
    this.readAhead()
    return this.#reader.done ? this.#last(to, chunked, response) : this.#passOn(to, chunked, response)
  }

  *#passOn(to: AnyChannel, chunked: boolean, response: WritableResponseHead | undefined): Step<void> {
    let first = response
    for (;;) {
      const out = this.#outgoing(first, chunked)
      first = undefined
      if (out) yield* this.#write(to, out)
      yield* this.#read()
      if (this.#reader.done) break
    }
    yield* this.#last(to, chunked, undefined)
  }

  #last(to: AnyChannel, chunked: boolean, response: WritableResponseHead | undefined): MaybeStep {
    this.#finish()
    const rest = this.#outgoing(response, chunked)
    const end = chunked ? lastChunk(this.#message.trailers) : undefined
    const last = rest && end ? Buffer.concat([rest, end]) : (rest ?? end)
    return last ? this.#write(to, last) : NOTHING
  }

  #write(to: AnyChannel, data: Buffer): MaybeStep {
    if (!push(this.#context, to, data)) throw new Closed(to)
    return to.full ? roomOrClosed(to) : NOTHING
  }

  /** The pieces that were read, framed, after the head of `response` if one is given. */
  #outgoing(response: WritableResponseHead | undefined, chunked: boolean): Buffer | undefined {
    const data = this.#taken()
    const framed = data && chunked ? chunk(data) : data
    return response ? writeResponseHead(response, framed) : framed
  }

  #taken(): Buffer | undefined {
    const data = this.#rest ? Buffer.concat(this.#rest) : this.#piece
    this.#piece = undefined
    this.#rest = undefined
    return data
  }

  *#read(): Step<void> {
    const data = yield* receive(this.#from)
    const { side } = this.#reader
    if (!data) {
      if (this.#from.error) throw fault(side, `the connection was lost in the middle of a body: ${this.#from.error}`)
      this.#reader.end()
      return
    }
    this.#consume(data)
  }

  #consume(data: Buffer): void {
    const read = this.#reader.read(data, 0, this.#emit)
    if (read < data.length) this.#from.unread(data.subarray(read))
    const limit = this.#context.options.body_size_limit
    if (limit > 0 && this.#message.body.length > limit)
      throw fault(this.#reader.side, `a body of more than ${limit} bytes`, 413, 'BODY_TOO_LARGE')
  }

  #finish(): void {
    this.#message.trailers = this.#reader.trailers
    this.#message.endedAt = this.#context.machine.world.now()
  }
}

function* roomOrClosed(to: AnyChannel): Step<void> {
  if (!(yield* room(to))) throw new Closed(to)
}

/** Writes a held message; `write` makes the bytes of its head. False when the connection is gone. */
export function writeMessage<Message extends HttpRequest | HttpResponse>(
  context: Context,
  to: AnyChannel,
  message: Message,
  framing: Framing,
  write: (head: Message, body?: Uint8Array) => Buffer,
): boolean {
  const content = framing.kind === 'none' || message.body.length === 0 ? undefined : message.content
  const chunked = framing.kind === 'chunked'
  const framed = chunked ? Buffer.concat([chunk(content ?? EMPTY), lastChunk(message.trailers)]) : content
  if (!framed || framed.length <= MAX_JOINED) push(context, to, write(message, framed))
  else {
    push(context, to, write(message))
    push(context, to, framed)
  }
  return !to.closed
}
