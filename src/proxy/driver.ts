// One client connection: what its transports do becomes events for its layers, and what the layers want is done.
import { randomUUID } from 'node:crypto'
import type { SecureContext } from 'node:tls'
import type { ClientConnection, ServerConnection } from '../connection.js'
import type { HookName } from '../hooks.js'
import { type AnyChannel, Channel } from '../layers/channel.js'
import {
  type Command,
  type Destination,
  type Opened,
  OpenFailure,
  type ServerTls,
  type Wish,
} from '../layers/commands.js'
import { LAYERS } from '../layers/index.js'
import type { Context, LayerName } from '../layers/layer.js'
import { Machine, PENDING, type Task, type World } from '../layers/machine.js'
import type { Arrival, RunningMode } from '../modes/mode.js'
import { secureClient } from '../transports/tls.js'
import { deaf, type StreamTransport, type Transport } from '../transports/transport.js'
import type { Core } from './core.js'
import { endOf } from './explain.js'
import { Handshake } from './handshake.js'
import type { Pooled } from './pool.js'
import { ChannelReceiver } from './receiver.js'

/** What is said of what ends with the proxy. */
const CLOSED = 'midwire was closed'

export class Driver implements World {
  readonly client: ClientConnection
  readonly #core: Core
  readonly #arrival: Arrival
  readonly #machine: Machine
  readonly #channel: Channel<ClientConnection>
  readonly #servers = new Set<Channel<ServerConnection>>()
  /** Attempts to connect that are under way. */
  readonly #dials = new Set<AbortController>()
  /** The client knows whether it was let in. */
  #answered = false
  #over = false

  constructor(core: Core, mode: RunningMode, arrival: Arrival) {
    this.#core = core
    this.#arrival = arrival
    this.client = {
      id: randomUUID(),
      transport: arrival.transport,
      remote: arrival.source,
      local: arrival.destination,
      mode: mode.spec.text,
      peer: arrival.peer,
      openedAt: Date.now(),
    }
    this.#channel = new Channel(this.client)
    this.#machine = new Machine(this, LAYERS)
  }

  start(first: LayerName, mode: string, destination: Destination | undefined): void {
    const context: Context = {
      machine: this.#machine,
      client: this.#channel,
      mode,
      options: this.#core.layerOptions,
      destination,
      server: undefined,
      serverTls: undefined,
      virtualResolver: this.#arrival.virtualResolver,
      inside: this.#arrival.virtualResolver,
      failure: undefined,
    }
    this.#machine.start(first, context)
    this.#settle()
  }

  /** The proxy is closing: no connection is kept, even where a hook is in the middle of something. */
  abort(): void {
    if (!this.#answered) this.#arrival.refuse('refused')
    this.#answered = true
    this.#transport(this.#channel)?.reset()
    for (const attempt of this.#dials) attempt.abort()
    this.#lost(this.#channel, CLOSED)
    for (const channel of [...this.#servers]) {
      this.#letGo(channel, 'close')
      this.#lost(channel, CLOSED)
    }
  }

  now(): number {
    return Date.now()
  }

  newId(): string {
    return randomUUID()
  }

  wants(name: HookName): boolean {
    return this.#core.dispatcher.wants(name)
  }

  perform(command: Command): unknown {
    switch (command.type) {
      case 'send': {
        const transport = this.#transport(command.channel)
        if (transport && !transport.write(command.data)) command.channel.full = true
        return undefined
      }
      case 'hook':
        return this.#wait(command, this.#core.dispatcher.run(command.name, command.subject))
      case 'open':
        return this.#open(command)
      case 'release':
        this.#release(command.channel, command.tls)
        return undefined
      case 'finished':
        this.#core.finished(command.flow)
        return undefined
      case 'timer':
        this.#time(command.task, command.milliseconds)
        return undefined
      case 'cancel':
        clearTimeout((command.task.timer as Timer | undefined)?.timeout)
        return undefined
      case 'end':
        this.#transport(command.channel)?.end()
        return undefined
      case 'close':
      case 'reset':
        this.#letGo(command.channel, command.type)
        return undefined
      case 'pause':
        this.#transport(command.channel)?.pause()
        return undefined
      case 'resume':
        this.#transport(command.channel)?.resume()
        return undefined
      case 'known':
        return this.#core.pool.has(command.to)
      case 'accept':
        this.#answered = true
        this.#bind(this.#channel, this.#arrival.accept())
        return undefined
      case 'refuse':
        this.#answered = true
        this.#arrival.refuse(command.reason)
        return undefined
      case 'log':
        this.#core.log(command.level, `${endOf(this.client)}: ${command.message}`)
        return undefined
      case 'secureServer':
        return this.#wait(command, this.#secureServer(command.channel, command.tls))
      case 'secureClient':
        return this.#wait(command, this.#secureClient(command))
      case 'resolve':
        return this.#wait(command, this.#core.resolve(command.query))
      default:
        return undefined
    }
  }

  /** Most waits end long before their time, and the next is as long: one timer does for all of them. */
  #time(task: Task, milliseconds: number): void {
    const timer = task.timer as Timer | undefined
    if (timer?.milliseconds === milliseconds) {
      timer.timeout.refresh()
      return
    }
    clearTimeout(timer?.timeout)
    const timeout = setTimeout(() => this.#timeout(task), milliseconds).unref()
    task.timer = { milliseconds, timeout } satisfies Timer
  }

  #wait(wish: Wish, promise: Promise<unknown> | undefined): unknown {
    if (!promise) return undefined
    promise.then(
      (value) => this.#event(() => this.#machine.handle({ type: 'reply', wish, value })),
      // None of these promises rejects; if one does all the same, nobody must wait for ever.
      (error) => {
        this.#core.log('error', `a wish has failed: ${error instanceof Error ? error.stack : error}`)
        this.abort()
      },
    )
    return PENDING
  }

  #open(command: Wish & { type: 'open' }): unknown {
    const { to, tls, pooled } = command
    const idle = pooled ? this.#core.pool.take(to, tls) : undefined
    if (idle) {
      const channel = this.#adopt(idle)
      channel.reused = true
      return channel
    }
    if (pooled === 'only') return undefined
    return this.#wait(command, this.#dial(to, tls))
  }

  async #dial(to: Destination, tls: ServerTls | undefined): Promise<Opened> {
    const attempt = new AbortController()
    this.#dials.add(attempt)
    const dialled = await this.#core.dialer.dial(this.client, to, attempt.signal)
    this.#dials.delete(attempt)
    if (dialled instanceof OpenFailure) return dialled
    const channel = this.#adopt(dialled)
    const failure = tls && (await this.#secureServer(channel, tls))
    return failure ?? channel
  }

  /** Makes a connection that was dialled, or lay in the pool, one of ours. */
  #adopt({ transport, connection }: Pooled): Channel<ServerConnection> {
    const channel = new Channel(connection)
    this.#servers.add(channel)
    this.#bind(channel, transport)
    if (this.#over) this.#letGo(channel, 'close')
    return channel
  }

  #release(channel: Channel<ServerConnection>, tls: ServerTls | undefined): void {
    const transport = this.#transport(channel)
    this.#servers.delete(channel)
    channel.handle = undefined
    if (transport && !channel.closed && !channel.ended && channel.buffered === 0) {
      this.#core.pool.put({ transport, connection: channel.connection }, tls, this.client)
    } else if (transport) {
      transport.receiver = deaf
      transport.close()
      this.#core.serverGone(this.client, channel.connection)
    }
  }

  async #secureServer(channel: Channel<ServerConnection>, tls: ServerTls): Promise<OpenFailure | undefined> {
    const transport = this.#transport(channel)
    if (!transport) return new OpenFailure(channel.connection, 'ECONNRESET', 'the server has closed the connection')
    const pooled = { transport, connection: channel.connection }
    channel.handle = new Handshake(transport as StreamTransport)
    const secured = await this.#core.dialer.secure(this.client, pooled, tls)
    if (secured instanceof OpenFailure) {
      channel.handle = undefined
      channel.closed = true
      if (this.#servers.has(channel)) this.#ended(channel)
      return secured
    }
    this.#bind(channel, secured)
    if (this.#over) this.#letGo(channel, 'reset')
    return undefined
  }

  async #secureClient(command: Wish & { type: 'secureClient' }): Promise<string | undefined> {
    const { channel, tls } = command
    const transport = this.#transport(channel)
    if (!transport) return 'the client has closed the connection'
    channel.handle = new Handshake(transport as StreamTransport)
    let begun = false
    const handshake = (context: SecureContext) => {
      begun = true
      return secureClient(transport as StreamTransport, channel.takeAll(), { context, alpn: tls.alpn })
    }
    const result = await this.#core.secureClient(handshake, { ...tls, address: this.client.local.address })
    if (typeof result === 'string') {
      // A handshake that has failed ends its connection; this one has not begun.
      if (!begun) transport.close()
      channel.handle = undefined
      channel.closed = true
      return result
    }
    this.client.tls = { ...this.client.tls, ...result.state, establishedAt: Date.now() }
    channel.heard = false
    if (this.#over) result.pipe.reset()
    else this.#bind(channel, result.pipe)
    return undefined
  }

  #transport(channel: AnyChannel): Transport | undefined {
    return channel.handle as Transport | undefined
  }

  #bind(channel: AnyChannel, transport: Transport): void {
    channel.handle = transport
    channel.full = false
    transport.receiver = new ChannelReceiver(this, channel)
    // It may have been told so before it was made anew by TLS.
    if (channel.paused) transport.pause()
  }

  #letGo(channel: AnyChannel, how: 'close' | 'reset'): void {
    const transport = this.#transport(channel)
    if (!transport) return
    channel.handle = undefined
    transport.receiver = deaf
    transport[how]()
    this.#ended(channel)
  }

  #ended(channel: AnyChannel): void {
    channel.connection.closedAt ??= Date.now()
    if (channel !== this.#channel) {
      this.#servers.delete(channel as Channel<ServerConnection>)
      this.#core.serverGone(this.client, channel.connection as ServerConnection)
    }
  }

  #timeout(task: Task): void {
    this.#event(() => this.#machine.handle({ type: 'timeout', task }))
  }

  #event(happen: () => void): void {
    happen()
    this.#settle()
  }

  /** @internal */
  heard(channel: AnyChannel, data: Buffer): void {
    this.#machine.handle({ type: 'data', channel, data })
    if (!this.#machine.busy) this.#settle()
  }

  /** @internal */
  endHeard(channel: AnyChannel): void {
    this.#event(() => this.#machine.handle({ type: 'end', channel }))
  }

  /** @internal */
  drained(channel: AnyChannel): void {
    this.#event(() => this.#machine.handle({ type: 'drain', channel }))
  }

  /** @internal */
  closeHeard(channel: AnyChannel, error: NodeJS.ErrnoException | undefined): void {
    channel.handle = undefined
    this.#ended(channel)
    this.#lost(channel, error && this.#core.explainLoss(error, channel.connection))
  }

  #lost(channel: AnyChannel, error: string | undefined): void {
    this.#event(() => this.#machine.handle({ type: 'closed', channel, error }))
  }

  /** When the layers are done, so is the connection. */
  #settle(): void {
    if (this.#machine.busy || this.#over) return
    this.#over = true
    for (const attempt of this.#dials) attempt.abort()
    this.#letGo(this.#channel, 'close')
    for (const channel of [...this.#servers]) this.#letGo(channel, 'close')
    this.client.closedAt ??= Date.now()
    this.#core.departed(this, this.#channel.heard)
  }
}

type Timer = { readonly milliseconds: number; readonly timeout: NodeJS.Timeout }
