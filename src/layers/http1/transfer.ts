// Moves heads and bodies between channels: read, held, recorded, passed on.
import type { HttpRequest, HttpResponse } from '../../flow/http.js'
import type { AnyChannel } from '../channel.js'
import { type Context, more, push, receiveWithin, room, type Step, send } from '../layer.js'
import { TIMEOUT } from '../machine.js'
import type { BodyReader } from './body.js'
import { Http1Error } from './error.js'
import type { Framing } from './framing.js'
import { findHeadEnd, MAX_HEAD, skipEmptyLines } from './head.js'
import { chunk, lastChunk } from './write.js'

/** What is written as one with the head in front of it; longer bodies are written by themselves. */
const MAX_JOINED = 64 * 1024

/** The connection that was to be written to is gone. */
export class Closed extends Error {
  readonly channel: AnyChannel
  constructor(channel: AnyChannel) {
    super(channel.error ?? 'the connection was closed before everything was sent')
    this.channel = channel
  }
}

/** A head, exactly; undefined where the connection ends before it begins. `milliseconds` are for all of it; 0: no limit. */
export function* readHead(channel: AnyChannel, milliseconds: number): Step<Buffer | undefined> {
  let searched = 0
  for (;;) {
    if (channel.buffered > 0) {
      const bytes = channel.takeAll()
      const start = skipEmptyLines(bytes, 0)
      const end = findHeadEnd(bytes, Math.max(start, searched - 3))
      if (end !== -1) {
        if (end < bytes.length) channel.unread(bytes.subarray(end))
        return bytes.subarray(start, end)
      }
      channel.unread(bytes)
      searched = bytes.length
      if (bytes.length > MAX_HEAD) throw new Http1Error(431, `a head of more than ${MAX_HEAD} bytes`)
    }
    const arrived = yield* more(channel, milliseconds)
    if (arrived === TIMEOUT) throw new Http1Error(408, `a head that is not complete after ${milliseconds / 1000} s`)
    if (arrived) continue
    if (channel.buffered > 0) throw new Http1Error(400, 'the connection has ended in the middle of a head')
    return undefined
  }
}

/** One body on its way from a channel. */
export class Transfer {
  readonly #context: Context
  readonly #from: AnyChannel
  readonly #reader: BodyReader
  readonly #message: HttpRequest | HttpResponse
  /** What was read and has not gone on: one piece as a rule, and more where chunks are small. */
  #piece: Buffer | undefined
  #rest: Buffer[] | undefined
  readonly #emit = (piece: Buffer): void => {
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

  /** Reads the whole body into the message. False where it is longer than `limit`: what was read goes out first, then. */
  *hold(limit: number): Step<boolean> {
    const { body } = this.#message
    const recorded = body.limit
    body.limit = Number.POSITIVE_INFINITY
    while (!this.#reader.done) {
      yield* this.#read()
      this.#taken()
      if (body.length > limit && !this.#reader.done) {
        this.#piece = body.content
        body.limit = recorded
        return false
      }
    }
    this.#finish()
    return true
  }

  /** Passes the body on as it comes, after a head, if one is given. Throws Closed. */
  *pass(to: AnyChannel, chunked: boolean, head?: Buffer): Step<void> {
    let first = head
    while (!this.#reader.done) {
      if (this.#piece === undefined && (first === undefined || this.#from.buffered > 0)) yield* this.#read()
      if (this.#reader.done) break
      const out = this.#outgoing(first, chunked)
      first = undefined
      if (out && !(push(this.#context, to, out) && (!to.full || (yield* room(to))))) throw new Closed(to)
    }
    this.#finish()
    const rest = this.#outgoing(first, chunked)
    const end = chunked ? lastChunk(this.#message.trailers) : undefined
    const last = rest && end ? Buffer.concat([rest, end]) : (rest ?? end)
    if (last && !(push(this.#context, to, last) && (!to.full || (yield* room(to))))) throw new Closed(to)
  }

  /** What was read, framed. */
  #outgoing(head: Buffer | undefined, chunked: boolean): Buffer | undefined {
    const data = this.#taken()
    const framed = data && chunked ? chunk(data) : data
    return head && framed ? Buffer.concat([head, framed]) : (head ?? framed)
  }

  #taken(): Buffer | undefined {
    const data = this.#rest ? Buffer.concat(this.#rest) : this.#piece
    this.#piece = undefined
    this.#rest = undefined
    return data
  }

  *#read(): Step<void> {
    const data = yield* receiveWithin(this.#from, this.#context.options.tcp_timeout * 1000)
    if (data === TIMEOUT)
      throw new Http1Error(408, `a body that has stood still for ${this.#context.options.tcp_timeout} s`)
    if (!data) {
      if (this.#from.error)
        throw new Http1Error(400, `the connection was lost in the middle of a body: ${this.#from.error}`)
      this.#reader.end()
      return
    }
    const read = this.#reader.read(data, 0, this.#emit)
    if (read < data.length) this.#from.unread(data.subarray(read))
    const limit = this.#context.options.body_size_limit
    if (limit > 0 && this.#message.body.length > limit) throw new Http1Error(413, `a body of more than ${limit} bytes`)
  }

  #finish(): void {
    this.#message.trailers = this.#reader.trailers
    this.#message.endedAt = this.#context.machine.world.now()
  }
}

/** Writes a message whose body is here. False when the connection is gone. */
export function* writeMessage(
  to: AnyChannel,
  message: HttpRequest | HttpResponse,
  framing: Framing,
  head: Buffer,
): Step<boolean> {
  const content = framing.kind === 'none' ? undefined : message.content
  const chunked = framing.kind === 'chunked'
  if (!content || (content.length === 0 && !chunked)) return yield* send(to, head)
  const parts = chunked ? [...(content.length > 0 ? [chunk(content)] : []), lastChunk(message.trailers)] : [content]
  if (content.length <= MAX_JOINED) return yield* send(to, Buffer.concat([head, ...parts]))
  for (const part of [head, ...parts]) if (!(yield* send(to, part))) return false
  return true
}
