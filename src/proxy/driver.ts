// Drives one client connection: turns what its transports do into events for the layers, and performs the layers' commands.
import { randomUUID } from 'node:crypto'
import type { Address, ClientConnection, ServerConnection, TlsState } from '../connection.js'
import type { Flow, ThrottleLimits, UserAct } from '../flow/flow.js'
import type { HookName } from '../hooks.js'
import { type AnyChannel, Channel } from '../layers/channel.js'
import type { Deed, Operation, Question, Wait } from '../layers/commands.js'
import { begin } from '../layers/context.js'
import type { Event } from '../layers/events.js'
import { LAYERS } from '../layers/index.js'
import { Machine } from '../layers/machine.js'
import { INTERNAL_ERROR } from '../layers/tls/alerts.js'
import { PENDING, type World } from '../layers/world.js'
import { datagramArrival } from '../modes/listener.js'
import type { Arrival, RunningMode } from '../modes/mode.js'
import { type ServerSide, secureClient } from '../transports/tls.js'
import { Association } from './association.js'
import { Bindings } from './bindings.js'
import type { Core } from './core.js'
import { clientAddress } from './explain.js'
import type { ChannelReceiver } from './receiver.js'
import type { Placed } from './row.js'
import { Servers } from './servers.js'
import { ThrottledFlows } from './throttled-flows.js'
import { Timers } from './timers.js'
import { Transforms } from './transform.js'

/** The error of connections and flows that end because the proxy closes. */
const CLOSED = 'midwire was closed'

export class Driver implements World, ChannelReceiver, Placed {
  readonly client: ClientConnection
  /** Among the drivers of the proxy. */
  place: object | undefined
  readonly #core: Core
  readonly #mode: RunningMode | undefined
  readonly #arrival: Arrival
  readonly #machine: Machine
  readonly #channel: Channel<ClientConnection>
  readonly #bindings: Bindings
  readonly #servers: Servers
  readonly #timers: Timers
  readonly #transforms: Transforms
  /** Undefined where no flow has been slowed. */
  #throttledFlows: ThrottledFlows | undefined
  /** True once the arrival was accepted or refused. */
  #answered = false
  #over = false
  /** Ends the relay for the client's datagrams. */
  #dissociate = () => {}

  /** `mode`: by which the client has come; undefined where a request is replayed. */
  constructor(core: Core, mode: RunningMode | undefined, arrival: Arrival) {
    this.#core = core
    this.#mode = mode
    this.#arrival = arrival
    this.client = arrival.client ?? {
      id: randomUUID(),
      transport: arrival.transport,
      remote: arrival.source,
      local: arrival.destination,
      mode: mode?.spec.shown ?? '',
      explicit: arrival.explicit ?? arrival.entrance.destination === undefined,
      peer: arrival.peer,
      openedAt: Date.now(),
    }
    this.#channel = new Channel(this.client)
    this.#machine = new Machine(this, LAYERS)
    this.#bindings = new Bindings(this)
    this.#servers = new Servers(core, this.client, this.#bindings)
    this.#timers = new Timers((of) => this.#handle({ type: 'timeout', of }))
    const log = (message: string) => void this.perform({ type: 'log', level: 'error', message })
    this.#transforms = new Transforms(log, core.dispatcher.time)
  }

  start(): void {
    const { entrance } = this.#arrival
    this.#machine.start(entrance.layer, begin(this.#machine, this.#channel, entrance, this.#core.layerOptions))
    this.#settle()
  }

  /** Ends the connection at once, when the proxy closes or a fault of its own is found. Running hooks are not waited for. */
  abort(): void {
    if (!this.#answered) this.#arrival.refuse('refused')
    this.#answered = true
    this.#bindings.of(this.#channel)?.reset()
    this.#servers.abort()
    this.#lost(this.#channel, CLOSED)
    // Data that still waits to be sent is dropped: a server that takes none would hold the process up.
    for (const channel of this.#servers.channels) {
      this.#servers.letGo(channel, 'reset')
      this.#lost(channel, CLOSED)
    }
  }

  now(): number {
    return Date.now()
  }

  newId(): string {
    return randomUUID()
  }

  act(flow: Flow, act: UserAct): void {
    this.#handle({ type: 'user', flow, ...act })
  }

  throttle(flow: Flow, limits: ThrottleLimits): void {
    this.#throttledFlows ??= new ThrottledFlows(this.client, (link) => this.#bindings.throttle(this.#channel, link))
    this.#throttledFlows.add(flow, limits)
  }

  wants(name: HookName): boolean {
    return this.#core.dispatcher.wants(name)
  }

  perform(command: Deed | Exclude<Operation, Wait>): unknown {
    switch (command.type) {
      case 'send': {
        const transport = this.#bindings.of(command.channel)
        if (transport && !transport.write(command.data, command.moreComes)) command.channel.full = true
        return undefined
      }
      case 'hook':
        return this.#wait(command, this.#core.dispatcher.run(command.name, command.subject))
      case 'open': {
        const opened = this.#servers.open(command.route, command.pooled)
        return opened instanceof Promise ? this.#wait(command, opened) : opened
      }
      case 'release':
        this.#servers.release(command.channel)
        return undefined
      case 'finished':
        this.#transforms.over(command.flow)
        this.#throttledFlows?.delete(command.flow)
        this.#core.tell(command.type, command.flow)
        return undefined
      case 'begun':
      case 'changed':
        this.#core.tell(command.type, command.flow)
        return undefined
      case 'timer':
        this.#timers.start(command.of, command.milliseconds)
        return undefined
      case 'cancel':
        this.#timers.cancel(command.of)
        return undefined
      case 'end':
        this.#bindings.of(command.channel)?.end()
        return undefined
      case 'close':
      case 'reset':
        this.#letGo(command.channel, command.type)
        return undefined
      case 'pause':
        this.#bindings.of(command.channel)?.pause()
        return undefined
      case 'resume':
        this.#bindings.of(command.channel)?.resume()
        return undefined
      case 'splice':
        this.#bindings.splice(this.#channel, command.server)
        return undefined
      case 'accept':
        this.#answered = true
        this.#accept()
        return undefined
      case 'refuse':
        this.#answered = true
        this.#arrival.refuse(command.reason)
        return undefined
      case 'log':
        this.#core.log(command.level, `${clientAddress(this.client)}: ${command.message}`)
        return undefined
      case 'secureServer':
        return this.#wait(command, this.#servers.secure(command.channel, command.route, command.isHop))
      case 'relay':
        return this.#wait(command, this.#servers.relay(command.channel, command.route, command.at))
      case 'associate':
        return this.#wait(command, this.#associate(command.port))
      case 'secureClient':
        return this.#wait(command, this.#secureClient(command))
      case 'transform': {
        const transformed = this.#transforms.run(command.flow, command.side, command.data)
        return transformed instanceof Promise ? this.#wait(command, transformed) : transformed
      }
      case 'pull':
        return this.#wait(command, this.#transforms.pull(command.flow))
      case 'resolve':
        return this.#wait(command, this.#core.resolve(command.query))
    }
  }

  ask(question: Question): boolean {
    if (question.type === 'known') return this.#core.pool.has(question.place)
    return this.#core.failsOpen(this.client, question.host, question.port)
  }

  #wait(operation: Operation, promise: Promise<unknown> | undefined): unknown {
    if (!promise) return undefined
    promise.then(
      (value) => this.#handle({ type: 'reply', operation, value }),
      // None of these promises should reject. Should one do so by a fault, its task must not wait for ever.
      (error) => {
        this.#core.log('error', `an operation has failed: ${error instanceof Error ? error.stack : error}`)
        this.abort()
      },
    )
    return PENDING
  }

  async #secureClient({ channel, tls }: Operation & { type: 'secureClient' }): Promise<string | undefined> {
    const transport = this.#bindings.beginHandshake(channel)
    if (!transport) return 'the client has closed the connection'
    let begun = false
    const handshake = (by: ServerSide) => {
      begun = true
      const { keyLog } = this.#core.observers
      const onSecret = keyLog && ((line: Buffer) => keyLog.add(line))
      return secureClient(transport, channel.takeAll(), { by, alpn: tls.alpn, asks: tls.asks, onSecret })
    }
    const result = await this.#core.secureClient(handshake, tls, this.client)
    if (typeof result === 'string') {
      // A handshake that fails ends its connection; one that has not begun leaves that to us.
      if (!begun) {
        transport.write(INTERNAL_ERROR)
        transport.close()
      }
      this.#bindings.failHandshake(channel)
      return result
    }
    this.client.tls = agreedTls(this.client.tls, result.state)
    channel.hasSpoken = false
    if (this.#over) result.pipe.reset()
    else this.#bindings.bind(channel, result.pipe)
    return undefined
  }

  #accept(): void {
    // Nobody is at the other end of a request that is replayed.
    const capture = this.#mode && this.#core.observers.capture
    const transport = this.#arrival.accept()
    this.#bindings.bind(this.#channel, capture ? capture.client(transport, this.client) : transport)
  }

  /** Opens a relay for the client's datagrams. Their flows come in by the same mode, and leave as the client's connections do. */
  async #associate(announced: number): Promise<Address | Error> {
    const { relays } = this.#core
    const { via } = this.#arrival.entrance
    const mode = this.#mode
    if (!mode) return new Error('nobody is there who could send datagrams')
    let association: Association
    try {
      association = await Association.open(this.client, announced, {
        handleFlow: (flow, destination) => {
          const entrance = { layer: 'reach', destination, ...(via && { via }) } as const
          this.#core.begin(mode, { ...datagramArrival(flow, entrance), explicit: true })
        },
        handlePassed: () => this.handlePassed(),
        handleDropped: (total, why) => this.#countDropped(this.#channel, total, `a datagram was dropped: ${why}`),
      })
    } catch (error) {
      return error as Error
    }
    const { address, port } = association.address
    const listener = { host: address, port, transport: 'udp' } as const
    relays.add(listener)
    this.#dissociate = () => {
      relays.delete(listener)
      association.close()
    }
    if (this.#over) this.#dissociate()
    return association.address
  }

  #letGo(channel: AnyChannel, how: 'close' | 'reset'): void {
    if (channel !== this.#channel) this.#servers.letGo(channel as Channel<ServerConnection>, how)
    else if (this.#bindings.letGo(channel, how)) this.client.closedAt ??= Date.now()
  }

  handleData(channel: AnyChannel, data: Buffer): void {
    this.#machine.handle({ type: 'data', channel, data })
    if (!this.#machine.busy) this.#settle()
  }

  handleEnd(channel: AnyChannel): void {
    this.#handle({ type: 'end', channel })
  }

  handleDrain(channel: AnyChannel): void {
    this.#handle({ type: 'drain', channel })
  }

  handleDropped(channel: AnyChannel, total: number): void {
    const message =
      'datagrams are dropped: too many wait for a hook or for the other side, or one is too long; `dropped` of the connection counts them'
    this.#countDropped(channel, total, message)
  }

  /** The first time is said. */
  #countDropped({ connection }: AnyChannel, total: number, message: string): void {
    if (connection.dropped === undefined) this.perform({ type: 'log', level: 'warn', message })
    connection.dropped = total
  }

  handlePassed(): void {
    this.#machine.progress()
  }

  handleClose(channel: AnyChannel, error: NodeJS.ErrnoException | undefined): void {
    this.#bindings.unbind(channel)
    if (channel === this.#channel) this.client.closedAt ??= Date.now()
    else this.#servers.ended(channel as Channel<ServerConnection>)
    this.#lost(channel, error && this.#core.explainLoss(error, channel.connection))
  }

  #lost(channel: AnyChannel, error: string | undefined): void {
    this.#handle({ type: 'closed', channel, error })
  }

  #handle(event: Event): void {
    this.#machine.handle(event)
    this.#settle()
  }

  /** Ends the connection when its layers are done. */
  #settle(): void {
    if (this.#machine.busy || this.#over) return
    this.#over = true
    this.#dissociate()
    this.#transforms.close()
    this.#letGo(this.#channel, 'close')
    this.#servers.close()
    this.client.closedAt ??= Date.now()
    this.#core.departed(this, this.#channel.hasSpoken)
  }
}

/** What was known of a client's TLS before the handshake, and what was agreed on. Written out: each spread would make a hidden class anew. */
function agreedTls(before: TlsState | undefined, { alpn, version, cipher, certificates }: TlsState): TlsState {
  const { sni, alpnOffers, ja3, ja4 } = before ?? {}
  const tls: TlsState = { sni, alpnOffers, ja3, ja4, alpn, version, cipher, establishedAt: Date.now() }
  if (certificates) tls.certificates = certificates
  return tls
}
