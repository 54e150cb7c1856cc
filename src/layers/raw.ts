// Relays connections of unknown protocols, and those that shall pass unseen: both ways at once, message by message, with half-closes.
// Where client and server agree on TLS in the middle (STARTTLS), both are put under TLS, and the same flow goes on with what is inside.
import type { ServerConnection } from '../connection.js'
import { type RawMessage, TcpFlow, UdpFlow } from '../flow/messages.js'
import type { AnyChannel, Channel } from './channel.js'
import { OpenFailure } from './commands.js'
import { type Context, finish, hook, join, type Layer, log, origin, push, receive, type Step, send } from './layer.js'
import { open, routeTo } from './open.js'
import { StartTls } from './starttls/index.js'
import { Gone, Idle, type Task } from './task.js'
import { turnToTls } from './tls.js'

/** Relays raw TCP or UDP as a flow with messages. */
export const rawLayer: Layer = function* (context) {
  yield* new Relay(context, true).run()
  return undefined
}

/** Relays a connection unseen: without hooks, and without a flow unless `show_ignored_hosts` is on. */
export const ignoreLayer: Layer = function* (context) {
  yield* new Relay(context, context.options.show_ignored_hosts).run()
  return undefined
}

/** The most messages of the user's that wait for a hook or for room. More are not sent. */
const MAX_INJECTED = 1_000

class Relay {
  readonly #context: Context
  readonly #shown: boolean
  readonly #kind: 'tcp' | 'udp'
  readonly #flow: TcpFlow | UdpFlow
  /** Undefined where no turn to TLS is to come. */
  #watch: StartTls | undefined
  /** Relays what the client sends. The task ends when the client has asked for TLS, and another begins after the server's answer. */
  #up: Task | undefined
  /** The client has asked for TLS. What it sends before the server's answer stays in its channel. */
  #asked = false
  /** Messages of the user's that are on their way. */
  #waiting = 0
  /** Handshakes are under way. */
  #turning = false

  constructor(context: Context, shown: boolean) {
    this.#context = context
    this.#shown = shown
    this.#kind = context.client.connection.transport
    const Kind = this.#kind === 'udp' ? UdpFlow : TcpFlow
    this.#flow = new Kind(origin(context), shown ? context.options.body_record_limit : 0)
    this.#noteFailedOpen()
    if (shown && this.#kind === 'tcp' && !context.secured && context.failedOpen === undefined)
      this.#watch = new StartTls()
  }

  #noteFailedOpen(): void {
    const { failedOpen } = this.#context
    if (failedOpen === undefined) return
    this.#flow.comment = `not decrypted: the client does not trust our certificate for ${failedOpen} (tls_fail_open)`
    this.#flow.metadata.tls_fail_open = failedOpen
  }

  *run(): Step<void> {
    const context = this.#context
    const { client } = context
    context.scope.subject = this.#flow
    context.scope.inject = ({ toClient, content }) => this.#inject(toClient, content)
    this.#tell('begun')
    try {
      yield* this.#hook('start')
      const server = this.#flow.error ? undefined : (context.server ?? (yield* this.#reach()))
      if (server) {
        context.server = server
        this.#flow.server = server.connection
        if (!this.#shown) yield* this.#splice(server)
        if (server.route?.tls) this.#watch = undefined
        this.#up = context.machine.fork(this.#pump(client, server, true), context.scope)
        yield* this.#pump(server, client, false)
        yield* join(this.#up)
      }
    } catch (error) {
      if (!(error instanceof Gone)) throw error
      if (!(error instanceof Idle)) {
        // A UDP flow always ends with the client's channel, so that is no error by itself.
        if (this.#kind === 'tcp' || client.error) this.#fail(error.message)
      } else if (this.#kind === 'tcp') log(context, 'info', `closed: ${error.message}`)
    }
    const { server } = context
    const ending = this.#flow.error ? this.#flow.ending : 'close'
    if (server) yield { type: ending, channel: server }
    yield { type: ending, channel: client }
    if (!this.#shown) return
    yield* this.#hook(this.#flow.error ? 'error' : 'end')
    finish(context, this.#flow)
  }

  /** Sends what the user says in the name of one side. Not in the middle of handshakes, where nothing else can stand. */
  #inject(toClient: boolean, content: Buffer): void {
    const { client, server, machine, scope } = this.#context
    if (!server || this.#turning || this.#waiting >= MAX_INJECTED) return
    const [from, to] = toClient ? [server, client] : [client, server]
    machine.fork(this.#deliver(from, to, !toClient, content), scope)
  }

  *#deliver(from: AnyChannel, to: AnyChannel, fromClient: boolean, content: Buffer): Step<void> {
    this.#waiting += 1
    try {
      const message = this.#flow.record(fromClient, content, this.#context.machine.world.now())
      this.#tell('changed')
      yield* this.#pass(message)
      if (this.#flow.error) yield* this.#abort(from, to)
      else if (message.content.length > 0 || message.content === content) yield* send(to, message.content)
    } finally {
      this.#waiting -= 1
    }
  }

  #tell(type: 'begun' | 'changed'): void {
    if (this.#shown) this.#context.machine.perform({ type, flow: this.#flow })
  }

  *#pass(message: RawMessage): Step<void> {
    const { passing } = this.#flow
    passing.push(message)
    try {
      yield* this.#hook('message')
    } finally {
      passing.splice(passing.indexOf(message), 1)
    }
  }

  *#hook(what: 'start' | 'message' | 'end' | 'error'): Step<void> {
    if (!this.#shown) return
    if (this.#kind === 'udp') yield* hook(this.#context, `udp_${what}`, this.#flow as UdpFlow)
    else yield* hook(this.#context, `tcp_${what}`, this.#flow as TcpFlow)
  }

  *#reach(): Step<Context['server']> {
    const { destination, inside, serverTls } = this.#context
    if (inside) {
      this.#fail('the address is answered by midwire itself, which serves only DNS and HTTP there')
      return undefined
    }
    const opened =
      destination && (yield* open(this.#context, routeTo(this.#context, destination, serverTls, this.#flow)))
    if (opened && !(opened instanceof OpenFailure)) return opened
    if (opened) this.#flow.server = opened.server
    this.#fail(opened?.message ?? 'the destination is not known')
    return undefined
  }

  #fail(message: string): void {
    this.#flow.error ??= { message, timestamp: this.#context.machine.world.now() }
  }

  /** Lets the data pass below the layers. Data that has come already goes first. */
  *#splice(server: Channel<ServerConnection>): Step<void> {
    const { client } = this.#context
    for (let data = client.take(); data; data = client.take()) push(this.#context, server, data)
    for (let data = server.take(); data; data = server.take()) push(this.#context, client, data)
    yield { type: 'splice', server }
  }

  /** Relays one direction until its end; the client's, until it asks for TLS. */
  *#pump(from: AnyChannel, to: AnyChannel, fromClient: boolean): Step<void> {
    const { world } = this.#context.machine
    for (;;) {
      const received = yield* receive(from)
      if (!received) break
      if (this.#turning) return yield* this.#refuse('the server sends bytes in the middle of a handshake')
      const sight = this.#look(from, received, fromClient)
      const data = sight ? received.subarray(0, sight.end) : received
      // What the client has sent behind its request, before TLS, would be taken for a part of what TLS protects.
      if (sight?.what === 'agrees' && !fromClient && this.#context.client.buffered > 0)
        return yield* this.#refuse('the client sends bytes in the clear behind its request for TLS')
      const message = this.#flow.record(fromClient, data, world.now())
      const came = message.content
      this.#tell('changed')
      yield* this.#pass(message)
      if (this.#flow.error) return yield* this.#abort(from, to)
      // An addon that writes a request for TLS, or its answer, anew is left alone with it.
      if (sight && message.content !== came) {
        this.#watch = undefined
        if (fromClient) this.#asked = false
      }
      // A hook drops a message by making its content empty. A datagram that has come empty is relayed, so the buffers are compared.
      const goesOn = message.content.length > 0 || message.content === came
      if (goesOn && !(yield* send(to, message.content))) {
        // A side that had ended before it was lost is read by nobody any more.
        if (to.error) return yield* this.#lost(to, from, to.error)
        break
      }
      if (fromClient && this.#asked) return
      if (!fromClient && sight && this.#up) yield* join(this.#up)
      if (sight?.what === 'agrees' && this.#watch && !(yield* this.#turn())) return
      if (!fromClient && this.#asked && (sight || !this.#watch)) yield* this.#goOn()
    }
    if (from.error) return yield* this.#lost(from, to, from.error)
    yield { type: 'end', channel: to }
  }

  /** What bytes have shown about a turn to TLS. Those behind it go back into their channel. */
  #look(from: AnyChannel, data: Buffer, fromClient: boolean) {
    if (!this.#watch) return undefined
    const sight = this.#watch.look(fromClient, data)
    if (sight === 'off') this.#watch = undefined
    if (typeof sight === 'string') return undefined
    if (sight.what === 'asks') this.#asked = true
    if (sight.end < data.length) from.unread(data.subarray(sight.end))
    return sight
  }

  /** The server has answered: the client is heard again. */
  *#goOn(): Step<void> {
    const { machine, client, server, scope } = this.#context
    if (!server) return
    if (this.#up) yield* join(this.#up)
    this.#asked = false
    this.#up = machine.fork(this.#pump(client, server, true), scope)
  }

  /** Both sides have agreed on TLS, and their handshakes come now. False where one has failed. */
  *#turn(): Step<boolean> {
    const context = this.#context
    const { server } = context
    const protocol = this.#watch?.protocol ?? ''
    this.#watch = undefined
    if (!server) return false
    log(context, 'debug', `tls: client and server have agreed on it (${protocol})`)
    this.#turning = true
    const outcome = yield* turnToTls(context, server)
    this.#turning = false
    if (typeof outcome === 'object') {
      yield* this.#refuse(outcome.failure)
      return false
    }
    this.#flow.metadata.starttls = protocol
    if (outcome === 'secured') return true
    this.#noteFailedOpen()
    if (context.failedOpen === undefined) yield* this.#splice(server)
    return true
  }

  *#refuse(message: string): Step<void> {
    const { client, server } = this.#context
    this.#fail(message)
    if (server) yield* this.#abort(client, server)
  }

  *#lost(side: AnyChannel, other: AnyChannel, error: string): Step<void> {
    this.#fail(error)
    yield* this.#abort(side, other)
  }

  *#abort(from: AnyChannel, to: AnyChannel): Step<void> {
    const { ending } = this.#flow
    yield { type: ending, channel: from }
    yield { type: ending, channel: to }
  }
}
