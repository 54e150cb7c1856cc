// Relays the frames of a WebSocket both ways, with its messages as part of the HTTP flow that began it.
import type { HttpFlow } from '../../flow/http.js'
import { WebSocketData, WebSocketMessage, type WebSocketMessageKind } from '../../flow/websocket.js'
import type { AnyChannel } from '../channel.js'
import {
  type Context,
  finish,
  hook,
  join,
  log,
  push,
  receive,
  receiveWithin,
  room,
  type Step,
  wants,
} from '../layer.js'
import { ClientGone, Gone, Idle } from '../task.js'
import { TIMEOUT } from '../world.js'
import { Assembly } from './assembly.js'
import { readClose } from './close.js'
import { CLOSE, WebSocketError } from './error.js'
import type { Agreement } from './extensions.js'
import { type Frame, OPCODE } from './frame.js'
import { Turns } from './turns.js'
import { Way } from './way.js'

/** The time that both sides have to read a Close frame of midwire's and to close, before their connections are closed. */
const LINGER_MILLISECONDS = 1_000

export interface Ends {
  readonly client: AnyChannel
  readonly server: AnyChannel
}

export class WebSocketRelay {
  readonly #context: Context
  readonly #flow: HttpFlow
  readonly #data: WebSocketData
  readonly #up: Way
  readonly #down: Way
  readonly #turns: Turns
  /** Midwire has ended the WebSocket: what comes now is read by nobody. */
  #over = false

  constructor(context: Context, flow: HttpFlow, { client, server }: Ends, agreement: Agreement) {
    const { machine, options } = context
    const { world } = machine
    this.#context = context
    this.#flow = flow
    this.#data = new WebSocketData(options.body_record_limit, world.now())
    flow.websocket = this.#data
    this.#up = new Way(world, true, client, server, agreement)
    this.#down = new Way(world, false, server, client, agreement)
    this.#turns = new Turns(context)
  }

  /** Runs until both connections are closed and the flow is over. */
  *run(): Step<void> {
    const { machine, scope } = this.#context
    try {
      yield* hook(this.#context, 'websocket_start', this.#flow)
      if (this.#flow.error) this.#failed()
      const up = machine.fork(this.#relay(this.#up), scope)
      yield* this.#relay(this.#down)
      yield* join(up)
    } catch (error) {
      if (!(error instanceof Gone)) throw error
      this.#interrupted(error)
    }
    if (!this.#over) this.#end(this.#flow.error ? this.#flow.ending : 'close')
    this.#data.closeCode ??= CLOSE.abnormal
    this.#data.endedAt = machine.world.now()
    yield* hook(this.#context, 'websocket_end', this.#flow)
    finish(this.#context, this.#flow)
  }

  /**
   * Sends a message of an addon's, as if one side had sent it, after the message that is being sent. False where too many wait already, and
   * where the WebSocket is closed in that direction.
   */
  inject(fromClient: boolean, kind: WebSocketMessageKind, content: Buffer): boolean {
    const way = fromClient ? this.#up : this.#down
    const { injections } = way
    const timestamp = this.#context.machine.world.now()
    const message = new WebSocketMessage({ fromClient, kind, content, timestamp, injected: true })
    if (this.#over || way.closed || !injections.add(message)) return false
    if (!injections.isRunning) this.#context.machine.fork(this.#inject(way), this.#context.scope)
    return true
  }

  *#inject(way: Way): Step<void> {
    const { injections } = way
    injections.isRunning = true
    for (let message = injections.next(); message && !this.#over; message = injections.next()) {
      const waited = message.length
      if (yield* this.#shown(message)) {
        yield* room(way.to)
        if (message.dropped) injections.sent(waited)
        else if (way.isWithin) injections.wait(way.frameOf(message), waited)
        else {
          this.#push(way, way.frameOf(message))
          injections.sent(waited)
        }
      }
      this.#record(message)
    }
    injections.isRunning = false
  }

  /** Relays one direction until its end. */
  *#relay(way: Way): Step<void> {
    const { from, to } = way
    try {
      while (!to.closed) {
        const bytes = yield* receive(from)
        if (!bytes) break
        // What follows a Close frame is nobody's.
        if (this.#over || way.closed) continue
        way.reader.push(bytes)
        for (let frame = way.reader.next(); frame && !this.#over && !way.closed; frame = way.reader.next()) {
          yield* this.#frame(way, frame)
        }
      }
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error
      yield* this.#refuse(way, error)
      return
    }
    if (this.#over) return
    const lost = from.error === undefined ? to : from
    if (lost.error !== undefined && !this.#isClosing) {
      this.#fail(lost.error)
      this.#end('reset')
    } else if (from.closed || to.closed) this.#shut()
    else yield { type: 'end', channel: to }
  }

  *#frame(way: Way, frame: Frame): Step<void> {
    if (frame.opcode === OPCODE.close) return this.#close(way, frame)
    if (frame.isControl) return yield* this.#send(way, frame.raw)
    way.message ??= this.#begin(way, frame)
    const { message } = way
    message.take(frame)
    if (frame.fin) {
      way.message = undefined
      yield* this.#message(way, message, frame)
    } else if (!message.held) {
      way.isWithin = true
      yield* this.#send(way, frame.raw)
    }
  }

  #record(message: WebSocketMessage): void {
    this.#data.record(message)
    this.#context.machine.perform({ type: 'changed', flow: this.#flow })
  }

  #begin(way: Way, first: Frame): Assembly {
    const held = wants(this.#context, 'websocket_message') || (first.compressed && way.recompresses)
    return new Assembly(first, { held, room: this.#data.room })
  }

  /** A message of which all is here; those of its frames that are not held have gone on, but for the last one. */
  *#message(way: Way, assembly: Assembly, last: Frame): Step<void> {
    const message = way.messageOf(assembly)
    if (!assembly.held) {
      this.#data.begin(message)
      this.#record(message)
      yield* this.#send(way, last.raw)
      way.isWithin = false
      for (const frame of way.injections.takeReady()) yield* this.#send(way, frame)
      return
    }
    const goesOn = yield* this.#shown(message)
    const bytes = goesOn ? way.outgoing(message, assembly) : undefined
    this.#record(message)
    if (bytes) yield* this.#send(way, bytes)
  }

  /** Runs the hook of a message. False where nothing goes on, since the WebSocket is over. */
  *#shown(message: WebSocketMessage): Step<boolean> {
    if (wants(this.#context, 'websocket_message')) yield* this.#turns.take(this.#hook(message))
    else this.#data.begin(message)
    return !this.#over
  }

  *#hook(message: WebSocketMessage): Step<void> {
    this.#data.begin(message)
    this.#data.passing = message
    try {
      yield* hook(this.#context, 'websocket_message', this.#flow)
    } finally {
      this.#data.passing = undefined
    }
    if (this.#flow.error) this.#failed()
  }

  #close(way: Way, frame: Frame): void {
    const { code, reason } = readClose(frame.payload)
    if (this.#data.closeCode === undefined) {
      this.#data.closeCode = code
      this.#data.closeReason = reason
      this.#data.closedByClient = way.fromClient
    }
    this.#push(way, frame.raw)
    way.closed = true
    if (this.#isClosed) this.#shut()
  }

  /** One side has sent a Close frame. */
  get #isClosing(): boolean {
    return this.#up.closed || this.#down.closed
  }

  /** Both sides have sent one. */
  get #isClosed(): boolean {
    return this.#up.closed && this.#down.closed
  }

  #push(way: Way, bytes: Buffer): void {
    if (!way.closed) push(this.#context, way.to, bytes)
  }

  *#send(way: Way, bytes: Buffer): Step<void> {
    this.#push(way, bytes)
    if (way.to.full) yield* room(way.to)
  }

  /** Ends the WebSocket for a fault of one side, which is told by a Close frame; the other one is told that midwire goes away. */
  *#refuse(way: Way, error: WebSocketError): Step<void> {
    const other = way === this.#up ? this.#down : this.#up
    this.#fail(`the ${way.fromClient ? 'client' : 'server'} has sent ${error.message}`)
    this.#sayClose(other, error.code, error.message)
    this.#sayClose(way, CLOSE.goingAway, '')
    this.#data.closeCode ??= error.code
    this.#over = true
    yield { type: 'end', channel: way.from }
    yield { type: 'end', channel: way.to }
    const { world } = this.#context.machine
    const deadline = world.now() + LINGER_MILLISECONDS
    for (let left = LINGER_MILLISECONDS; left > 0; left = deadline - world.now()) {
      const bytes = yield* receiveWithin(way.from, left)
      if (bytes === undefined || bytes === TIMEOUT) break
    }
    this.#shut()
  }

  /** An addon has failed, or has killed the flow. */
  #failed(): void {
    if (!this.#flow.killed) {
      this.#data.closeCode ??= CLOSE.internal
      this.#sayClose(this.#up, CLOSE.internal, '')
      this.#sayClose(this.#down, CLOSE.internal, '')
    }
    this.#shut()
  }

  /** A Close frame of midwire's own to the receiver of a direction, where none has gone there. */
  #sayClose(way: Way, code: number, reason: string): void {
    this.#push(way, way.closeFrame(code, reason))
    way.closed = true
  }

  #fail(message: string): void {
    this.#flow.error ??= { message, timestamp: this.#context.machine.world.now() }
  }

  #shut(): void {
    this.#end(this.#flow.killed ? this.#flow.ending : 'close')
  }

  /** Ends both connections, so that both directions end. */
  #end(how: 'close' | 'reset'): void {
    this.#over = true
    const { machine } = this.#context
    machine.perform({ type: how, channel: this.#up.to })
    machine.perform({ type: how, channel: this.#down.to })
  }

  /** The connection is over by the machine's word: the client is gone, the flow was killed, or nothing has passed for long. */
  #interrupted(error: Gone): void {
    const client = this.#up.from
    if (error instanceof Idle) {
      log(this.#context, 'info', `closed: ${error.message}`)
      this.#data.closeCode ??= CLOSE.goingAway
      for (const way of [this.#up, this.#down]) this.#sayClose(way, CLOSE.goingAway, '')
    } else if (!(error instanceof ClientGone) || (client.error !== undefined && !this.#isClosing)) {
      this.#fail(error.message)
    }
  }
}
