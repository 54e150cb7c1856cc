// Moves a body from one end of an exchange to the other: holds it, records it, or passes it on as it comes.
import { sideOf } from '../../connection.js'
import type { HttpRequest, HttpResponse } from '../../flow/http.js'
import type { AnyChannel } from '../channel.js'
import { type Context, type MaybeStep, NOTHING, room, type Step } from '../layer.js'
import type { Inlet, Outlet } from './ends.js'
import { fault, Stopped } from './error.js'

/** The channel that a message is written to is gone. */
export class Closed extends Error {
  readonly channel: AnyChannel
  constructor(channel: AnyChannel) {
    super(channel.error ?? `the ${sideOf(channel.connection)} has closed the connection before everything was sent`)
    this.channel = channel
  }
}

/** Looks at a body that passes, and may change it. Undefined: the flow is over, and nothing more is sent. */
export interface BodyFilter {
  /** What is sent may differ from what comes. */
  readonly alters: boolean
  push(piece: Buffer): Step<Buffer | undefined>
  end(): Step<Buffer | undefined>
}

export class Transfer {
  readonly #context: Context
  readonly #inlet: Inlet
  readonly #message: HttpRequest | HttpResponse
  /** The first piece of the body that was read and not passed on, mostly the only one. */
  #piece: Buffer | undefined
  /** All such pieces, the first among them, where there are several, as with small chunks. */
  #rest: Buffer[] | undefined
  /** The body is read and kept nowhere. */
  #dropping = false
  /** What goes out is recorded, which may differ from what comes. */
  #filtering = false
  /** Bytes of the body that have come. */
  #received = 0
  readonly #emit = (piece: Buffer): void => {
    if (this.#dropping) return
    this.#received += piece.length
    if (!this.#filtering) this.#message.body.append(piece)
    if (this.#piece === undefined) this.#piece = piece
    else if (this.#rest) this.#rest.push(piece)
    else this.#rest = [this.#piece, piece]
  }

  constructor(context: Context, inlet: Inlet, message: HttpRequest | HttpResponse) {
    this.#context = context
    this.#inlet = inlet
    this.#message = message
  }

  /** The whole body has been read. */
  get done(): boolean {
    return this.#inlet.done
  }

  /** Reads the data that has come already into the message, before `hold`. True where that is the whole body, as it mostly is: then there is no wait. */
  holdAhead(): boolean {
    this.#message.body.hold()
    this.readAhead()
    if (!this.#inlet.done) return false
    this.#endHold()
    return true
  }

  /** Reads the rest of the body into the message. False where it is longer than `limit`: `pass` then begins with the bytes that were read. */
  *hold(limit: number): Step<boolean> {
    const { body } = this.#message
    while (!this.#inlet.done) {
      this.#taken()
      if (body.length > limit) {
        this.#piece = body.content
        body.trim()
        return false
      }
      yield* this.#read()
    }
    this.#endHold()
    return true
  }

  #endHold(): void {
    this.#taken()
    this.#finish()
  }

  /** Reads the whole body and drops it: an addon has put another in its place before it has come. */
  *drop(): Step<void> {
    this.#dropping = true
    while (!this.#inlet.done) yield* this.#inlet.read(this.#emit)
    this.#message.endedAt = this.#context.machine.world.now()
  }

  /**
   * Reads the data that has come already. Mostly a short body has come with its head. Both then go out in one write without a wait, and
   * a fault of the body is found before the head has gone out.
   */
  readAhead(): void {
    if (this.#inlet.done || this.#piece !== undefined) return
    this.#inlet.readAhead(this.#emit)
    this.#limit()
  }

  /** Passes the body on as it comes, through `filters` one after the other. Throws Closed. */
  pass(outlet: Outlet, filters: readonly BodyFilter[] = NO_FILTERS): MaybeStep {
    this.#message.streamed = true
    this.readAhead()
    if (filters.length > 0) return this.#passThrough(outlet, filters)
    return this.#inlet.done ? this.#last(outlet) : this.#passOn(outlet)
  }

  *#passOn(outlet: Outlet): Step<void> {
    // The head goes out at once, however long the body lets itself be waited for.
    outlet.send(this.#taken())
    for (;;) {
      yield* roomFor(outlet)
      yield* this.#read()
      if (this.#inlet.done) break
      const data = this.#taken()
      if (data) outlet.send(data)
    }
    yield* this.#last(outlet)
  }

  #last(outlet: Outlet): MaybeStep {
    this.#finish()
    outlet.end(this.#taken(), this.#message.trailers)
    return roomFor(outlet)
  }

  *#passThrough(outlet: Outlet, filters: readonly BodyFilter[]): Step<void> {
    const { body } = this.#message
    // What has come already was recorded as it came.
    this.#filtering = true
    body.restart()
    // Addons may take their time, and the server its own; the head does not wait for them.
    if (this.#piece === undefined || filters.some(({ alters }) => alters)) outlet.send(undefined)
    for (;;) {
      const data = this.#taken()
      const out = data && (yield* filtered(data, filters, 0))
      if (out && out.length > 0) {
        body.append(out)
        outlet.send(out)
      }
      yield* roomFor(outlet)
      if (this.#inlet.done) break
      yield* this.#read()
    }
    this.#finish()
    const rest: Buffer[] = []
    for (const [index, filter] of filters.entries()) {
      const left = yield* filter.end()
      if (left === undefined) throw new Stopped()
      if (left.length > 0) rest.push(yield* filtered(left, filters, index + 1))
    }
    const last = rest.length > 0 ? Buffer.concat(rest) : undefined
    if (last) body.append(last)
    outlet.end(last, this.#message.trailers)
    yield* roomFor(outlet)
  }

  #taken(): Buffer | undefined {
    const data = this.#rest ? Buffer.concat(this.#rest) : this.#piece
    this.#piece = undefined
    this.#rest = undefined
    return data
  }

  *#read(): Step<void> {
    yield* this.#inlet.read(this.#emit)
    this.#limit()
  }

  #limit(): void {
    const limit = this.#context.options.body_size_limit
    if (limit > 0 && this.#received > limit)
      throw fault(this.#inlet.side, `a body of more than ${limit} bytes`, 413, 'BODY_TOO_LARGE')
  }

  #finish(): void {
    this.#message.trailers = this.#inlet.trailers
    this.#message.endedAt = this.#context.machine.world.now()
  }
}

const NO_FILTERS: readonly BodyFilter[] = []

/** A piece after all filters from `first` on. Throws Stopped where one of them has ended the flow. */
function* filtered(piece: Buffer, filters: readonly BodyFilter[], first: number): Step<Buffer> {
  let out = piece
  for (const filter of filters.slice(first)) {
    const next = yield* filter.push(out)
    if (next === undefined) throw new Stopped()
    out = next
  }
  return out
}

/** Waits while the outlet is full. Throws Closed where it is gone. */
function roomFor({ channel }: Outlet): MaybeStep {
  if (channel.closed) throw new Closed(channel)
  return channel.full ? roomOrClosed(channel) : NOTHING
}

function* roomOrClosed(to: AnyChannel): Step<void> {
  if (!(yield* room(to))) throw new Closed(to)
}
