// Sends a request to the server: held until its hook has run, or passed on as it comes from the client.
import type { HttpFlow, HttpRequest } from '../../flow/http.js'
import type { AnyChannel } from '../channel.js'
import { type Context, hook, join, type MaybeStep, NOTHING, room, type Step, send, wants } from '../layer.js'
import type { Task } from '../task.js'
import { expectsContinue } from './connection.js'
import { BodyReader } from './h1/body.js'
import type { WriteRequest } from './h1/forward.js'
import type { Framing } from './h1/framing.js'
import { planFraming } from './h1/plan.js'
import { Closed, Transfer, writeMessage } from './transfer.js'

const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')

export class Upload {
  readonly #context: Context
  readonly #client: AnyChannel
  readonly #flow: HttpFlow
  readonly #request: HttpRequest
  readonly #framing: Framing
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

  constructor(context: Context, flow: HttpFlow, framing: Framing) {
    const { request } = flow
    this.#context = context
    this.#client = context.client
    this.#flow = flow
    this.#request = request
    this.#framing = framing
    this.#held = framing.kind === 'none'
    if (this.#held) return
    // The body is read strictly, unless `validate_inbound_headers` is off.
    const reader = new BodyReader(framing, 'request', context.options.validate_inbound_headers ? undefined : request)
    this.#transfer = new Transfer(context, context.client, reader, request)
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
    return !this.whole && !this.#client.paused && this.#client.buffered === 0
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
    if (this.#mayHold()) yield* this.#hold(transfer)
    if (!this.#held) transfer.readAhead()
  }

  #mayHold(): boolean {
    const { stream } = this.#request
    if (stream !== undefined) return !stream
    const { stream_large_bodies } = this.#context.options
    const long = this.#framing.kind === 'length' && this.#framing.length > stream_large_bodies
    return !long && wants(this.#context, 'request')
  }

  /** Asks for the body in the server's place, where the client waits to be asked. */
  *#continue(): Step<void> {
    if (!expectsContinue(this.#request)) return
    this.#request.headers.delete('expect')
    yield* send(this.#client, CONTINUE)
  }

  *#hold(transfer: Transfer): Step<void> {
    yield* this.#continue()
    const { stream_large_bodies } = this.#context.options
    this.#held = yield* transfer.hold(this.#request.stream === false ? Number.POSITIVE_INFINITY : stream_large_bodies)
  }

  /** Sends the request, or begins to. */
  begin(server: AnyChannel, write: WriteRequest): MaybeStep {
    return this.#transfer && !this.#held
      ? this.#beginToPass(server, write, this.#transfer)
      : this.sendHeld(server, write)
  }

  *#beginToPass(server: AnyChannel, write: WriteRequest, transfer: Transfer): Step<void> {
    yield* send(server, write(this.#request))
    this.#pump = this.#context.machine.fork(this.#pass(server, transfer), this.#context.scope)
  }

  /** Sends a held request. A lost connection is no error here: it shows when the response is read. */
  sendHeld(server: AnyChannel, write: WriteRequest): MaybeStep {
    const plan = planFraming(this.#request, this.#framing, false, true)
    writeMessage(this.#context, server, this.#request, plan, write)
    return server.full ? room(server) : NOTHING
  }

  *#pass(server: AnyChannel, transfer: Transfer): Step<void> {
    try {
      yield* transfer.pass(server, this.#framing.kind === 'chunked')
      this.#passed = true
      yield* hook(this.#context, 'request', this.#flow)
      if (this.#flow.error) throw new Error(this.#flow.error.message)
    } catch (error) {
      // The server may have sent a response before it closed, and that says more than the failed write.
      if (error instanceof Closed && error.channel === server) return
      this.#error = error
      yield { type: 'reset', channel: server }
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
