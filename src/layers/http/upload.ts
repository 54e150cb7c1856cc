// Sends a request to the server: held until its hook has run, or passed on as it comes from the client.
import type { HttpFlow, HttpRequest } from '../../flow/http.js'
import { type Context, hook, join, type MaybeStep, NOTHING, room, type Step, wants } from '../layer.js'
import type { Task } from '../task.js'
import { expectsContinue } from './connection.js'
import type { ClientEnd, Outlet, ServerEnd } from './ends.js'
import { Stopped } from './error.js'
import { filtersOf, framingThrough } from './filters.js'
import { holdLimit } from './hold.js'
import { type BodyFilter, Closed, Transfer } from './transfer.js'

export class Upload {
  readonly #context: Context
  readonly #client: ClientEnd
  readonly #flow: HttpFlow
  readonly #request: HttpRequest
  /** Undefined where the request has no body. */
  readonly #transfer: Transfer | undefined
  /** The whole request is held, so it can be sent again. */
  #held: boolean
  /** The task that passes on a body that is not held, and runs the hook `request` after it. */
  #pump: Task | undefined
  /** The server has all of a body that was not held. */
  #passed = false
  /** Why the body could not be passed on. */
  #error: unknown

  constructor(context: Context, flow: HttpFlow, client: ClientEnd) {
    const { request } = flow
    this.#context = context
    this.#client = client
    this.#flow = flow
    this.#request = request
    this.#held = client.body === undefined
    this.#transfer = client.body && new Transfer(context, client.body, request)
  }

  get held(): boolean {
    return this.#held
  }

  get error(): unknown {
    return this.#error
  }

  /** The client has sent the whole request. */
  get whole(): boolean {
    return !this.#transfer || this.#transfer.done
  }

  /** The exchange waits for the client: the rest of its request has not come, and the server would take it. */
  get clientOwes(): boolean {
    const { channel } = this.#client
    return !this.whole && !channel.paused && channel.buffered === 0
  }

  /**
   * Reads the body, where it has to be held and is not too long for that; a body that an addon has replaced already is dropped. Of any other body the data that has come is read, so that a
   * fault in it is found before a server gets the request.
   */
  hold(): MaybeStep {
    const transfer = this.#transfer
    if (!transfer) return NOTHING
    return this.#request.contentChanged ? this.#drop(transfer) : this.#holdOrReadAhead(transfer)
  }

  /** An addon has set the content before the body has come. */
  *#drop(transfer: Transfer): Step<void> {
    yield* this.#continue()
    yield* transfer.drop()
    this.#held = true
  }

  *#holdOrReadAhead(transfer: Transfer): Step<void> {
    const limit = holdLimit(this.#request, this.#client.framing, this.#context.options)
    // By an addon's word a request is held also where nobody has its hook.
    if (limit !== undefined && (this.#request.stream === false || wants(this.#context, 'request'))) {
      yield* this.#continue()
      this.#held = transfer.holdAhead() || (yield* transfer.hold(limit))
    }
    if (!this.#held) transfer.readAhead()
  }

  /** Asks for the body in the server's place, where the client waits to be asked. */
  *#continue(): Step<void> {
    if (!expectsContinue(this.#request)) return
    this.#request.headers.delete('expect')
    this.#client.askForBody()
    yield* room(this.#client.channel)
  }

  /** Sends the request, or begins to. */
  begin(server: ServerEnd): MaybeStep {
    const transfer = this.#transfer
    if (!transfer || this.#held) return this.sendHeld(server)
    const filters = filtersOf(this.#context, this.#flow, 'request')
    const outlet = server.begin(this.#request, framingThrough(filters, this.#request, this.#client.framing))
    this.#pump = this.#context.machine.fork(this.#pass(outlet, transfer, filters), this.#context.scope)
    return NOTHING
  }

  /** Sends a held request. */
  sendHeld(server: ServerEnd): MaybeStep {
    server.sendWhole(this.#request, this.#client.framing)
    const { channel } = server
    return channel?.full ? room(channel) : NOTHING
  }

  *#pass(outlet: Outlet, transfer: Transfer, filters: readonly BodyFilter[]): Step<void> {
    const { channel } = outlet
    try {
      yield* transfer.pass(outlet, filters)
      this.#passed = true
      yield* hook(this.#context, 'request', this.#flow)
      if (this.#flow.error) throw new Stopped(this.#flow.error.message)
    } catch (error) {
      // The server may have sent a response before it closed, and that says more than the failed write.
      if (error instanceof Closed && error.channel === channel) return
      this.#error = error instanceof Stopped && this.#flow.error ? new Stopped(this.#flow.error.message) : error
      channel.code ??= this.#client.channel.code
      yield { type: 'reset', channel }
    }
  }

  /** Waits for the hook of a request that has passed. A server that answers before it has read all is not made to wait. */
  afterHook(): MaybeStep {
    return this.#passed ? this.finish() : NOTHING
  }

  /** Waits until the body has passed. */
  finish(): MaybeStep {
    return this.#pump ? join(this.#pump) : NOTHING
  }

  /** Stops passing the body on: the exchange is over. */
  cancel(): void {
    if (this.#pump && !this.#pump.done) this.#context.machine.cancel(this.#pump)
  }
}
