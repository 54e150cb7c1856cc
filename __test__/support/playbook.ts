// Plays a layer as a conversation: events in, commands expected. Nothing here has a socket, a clock or chance.
import type { ClientConnection, ServerConnection } from '../../src/connection.js'
import type { Flow, UserAct } from '../../src/flow/flow.js'
import { DIRECT, hopText } from '../../src/flow/via.js'
import type { HookName, Hooks, LogLevel } from '../../src/hooks.js'
import { type AnyChannel, Channel } from '../../src/layers/channel.js'
import { type ClientTls, type Deed, OpenFailure, type Operation, type Question } from '../../src/layers/commands.js'
import { begin } from '../../src/layers/context.js'
import type { Entrance } from '../../src/layers/entrance.js'
import { LAYERS } from '../../src/layers/index.js'
import type { Context, Layer, LayerName, LayerOptions } from '../../src/layers/layer.js'
import { Machine } from '../../src/layers/machine.js'
import type { Destination, Route, ServerTls } from '../../src/layers/route.js'
import { PENDING, type Timed, type World } from '../../src/layers/world.js'
import { defaults } from './layer-options.js'

type HookMethods = { [Name in HookName]?: (subject: Hooks[Name]) => void }

export interface PlaybookOptions {
  mode?: string
  transport?: 'tcp' | 'udp'
  options?: Partial<LayerOptions>
  /** Hooks that somebody has; each runs at once. `'wait'` leaves them to `reply`. */
  hooks?: HookMethods | 'wait'
  destination?: Destination
  virtualResolver?: boolean
  /** More of how the client came in: to one server alone, for example. */
  entrance?: Partial<Entrance>
  /** What `known` answers: a connection to the destination lies idle. */
  known?: boolean
  /** What `failsOpen` answers. */
  failsOpen?: boolean
  /** A server that was opened before. */
  connected?: boolean
  serverTls?: ServerTls
  /** The client takes nothing from the beginning. */
  full?: boolean
}

/** Name, ALPN, and the key of the certificate where it is not the usual one. */
const words = ({ sni = '', alpn = '', key }: ClientTls) => [sni, alpn, key === 'p256' ? '' : key].join(' ')

/** A command as tests write it: `send client "..."`, `open http example.org:80`. */
export type Line = string

let servers = 0
export class Playbook implements World {
  readonly machine: Machine
  readonly client: Channel<ClientConnection>
  readonly context: Context
  /** Channels of servers, in the order in which they were opened. */
  readonly servers: Channel<ServerConnection>[] = []
  /** What was told of flows that are not over: `begun http`. */
  readonly news: string[] = []
  /** Flows that were over, in order. */
  readonly finished: Flow[] = []
  readonly logs: { level: LogLevel; message: string }[] = []
  /** Names of the hooks that ran, in order. */
  readonly hooks: string[] = []
  /** The places that `failsOpen` was asked about. */
  readonly asked: string[] = []
  clock = 1_000
  #ids = 0
  #lines: Line[] = []
  #operations: Operation[] = []
  readonly #timers = new Map<Timed, number>()
  readonly #methods: HookMethods | 'wait'
  readonly #known: boolean
  readonly #failsOpen: boolean

  /** Begins with the layer of that name, or with one of the test's own. */
  constructor(first: LayerName | Layer, settings: PlaybookOptions = {}) {
    const remote = { address: '10.0.0.1', port: 40_000, family: 4 } as const
    const to = settings.destination ?? { host: '192.0.2.1', port: 80, transport: settings.transport ?? 'tcp' }
    const local = { address: to.host, port: to.port, family: 4 } as const
    this.#methods = settings.hooks ?? {}
    this.#known = settings.known ?? false
    this.#failsOpen = settings.failsOpen ?? false
    this.client = new Channel<ClientConnection>({
      id: 'client',
      transport: settings.transport ?? 'tcp',
      remote,
      local,
      mode: settings.mode ?? 'wireguard',
      explicit: settings.mode === 'regular' && !settings.destination,
    })
    const own = typeof first === 'function'
    this.machine = new Machine(this, own ? { ...LAYERS, accept: first } : LAYERS)
    const entrance: Entrance = {
      layer: own ? 'accept' : first,
      destination: settings.mode === 'regular' ? settings.destination : to,
      ownResolver: settings.virtualResolver ?? false,
      ...settings.entrance,
    }
    this.context = begin(this.machine, this.client, entrance, { ...defaults, ...settings.options })
    this.context.serverTls ??= settings.serverTls
    this.client.full = settings.full ?? false
    if (settings.connected) this.context.server = this.#server({ to, via: DIRECT, tls: settings.serverTls })
    this.machine.start(entrance.layer, this.context)
  }

  now(): number {
    return this.clock
  }

  newId(): string {
    this.#ids += 1
    return `flow-${this.#ids}`
  }

  act(flow: Flow, act: UserAct): void {
    this.machine.handle({ type: 'user', flow, ...act })
  }

  wants(name: HookName): boolean {
    return this.#methods === 'wait' || this.#methods[name] !== undefined
  }

  perform(command: Deed | Operation): unknown {
    switch (command.type) {
      case 'timer':
        command.of.timer = true
        this.#timers.set(command.of, this.clock + command.milliseconds)
        return undefined
      case 'cancel':
        this.#timers.delete(command.of)
        return undefined
      case 'begun':
      case 'changed':
        this.news.push(`${command.type} ${command.flow.type}`)
        return undefined
      case 'finished':
        this.finished.push(command.flow)
        return undefined
      case 'log':
        this.logs.push(command)
        return undefined
      case 'hook': {
        this.hooks.push(command.name)
        if (this.#methods === 'wait') return this.#begin(command)
        const method = this.#methods[command.name] as ((subject: unknown) => void) | undefined
        method?.(command.subject)
        return undefined
      }
      case 'send':
        this.#lines.push(`send ${this.#name(command.channel)} ${JSON.stringify(command.data.toString('latin1'))}`)
        return undefined
      case 'open': {
        const { to, via, from } = command.route
        const tls = command.route.tls ? ` tls:${command.route.tls.sni ?? ''}:${command.route.tls.alpn.join('+')}` : ''
        const pooled = command.pooled ? ` pooled${command.pooled === 'only' ? '-only' : ''}` : ''
        const way = via.length > 0 ? ` via ${via.map(hopText).join(' ')}` : ''
        const local = from === undefined ? '' : ` from ${from.address}`
        return this.#begin(command, `open ${to.transport} ${to.host}:${to.port}${tls}${pooled}${way}${local}`)
      }
      case 'secureServer':
        return this.#begin(
          command,
          `secure ${command.isHop ? 'hop' : 'server'} ${command.route.tls?.sni ?? ''} ${command.route.tls?.alpn.join('+')}`.trimEnd(),
        )
      case 'relay':
        return this.#begin(
          command,
          `relay ${command.at.host}:${command.at.port} to ${command.route.to.host}:${command.route.to.port}`,
        )
      case 'associate':
        return this.#begin(command, `associate ${command.port}`)
      case 'secureClient':
        return this.#begin(command, `secure client ${words(command.tls)}`.trimEnd())
      case 'transform':
        return this.#begin(command, `transform ${command.side} ${JSON.stringify(command.data.toString('latin1'))}`)
      case 'resolve':
        return this.#begin(command, 'resolve')
      case 'splice':
        this.#lines.push(`splice client ${this.#name(command.server)}`)
        return undefined
      case 'accept':
        this.#lines.push('accept')
        return undefined
      case 'refuse':
        this.#lines.push(`refuse ${command.reason}`)
        return undefined
      default:
        if ('channel' in command) this.#lines.push(`${command.type} ${this.#name(command.channel)}`)
        return undefined
    }
  }

  ask(question: Question): boolean {
    if (question.type === 'known') return this.#known
    this.asked.push(`${question.host}:${question.port}`)
    return this.#failsOpen
  }

  /** Timers that run. */
  get timers(): number {
    return this.#timers.size
  }

  /** What was wanted since the last time. */
  said(): Line[] {
    const lines = this.#lines
    this.#lines = []
    return lines
  }

  /** Bytes from a side. */
  data(channel: AnyChannel, data: string | Buffer): this {
    this.machine.handle({ type: 'data', channel, data: typeof data === 'string' ? Buffer.from(data, 'latin1') : data })
    return this
  }

  /** FIN from a side. */
  end(channel: AnyChannel): this {
    this.machine.handle({ type: 'end', channel })
    return this
  }

  /** A side is gone. */
  close(channel: AnyChannel, error?: string): this {
    this.machine.handle({ type: 'closed', channel, error })
    return this
  }

  /** Room again in a channel that was made full by `channel.full = true`. */
  drain(channel: AnyChannel): this {
    this.machine.handle({ type: 'drain', channel })
    return this
  }

  /** The oldest `open` that waits succeeds, with a new connection or one that lay idle. */
  opened(reused = false): Channel<ServerConnection> {
    const operation = this.#waiting('open')
    if (operation.type !== 'open') throw new Error('unreachable')
    const channel = this.#server(operation.route)
    channel.reused = reused
    this.machine.handle({ type: 'reply', operation, value: channel })
    return channel
  }

  /** The oldest `open` that waits fails. */
  openFailed(code: string, message = code): this {
    const operation = this.#waiting('open')
    if (operation.type !== 'open') throw new Error('unreachable')
    const value = new OpenFailure({ id: 'none', ...operation.route.to }, code, message)
    this.machine.handle({ type: 'reply', operation, value })
    return this
  }

  /** Operations that were begun and not answered, oldest first. */
  get operations(): Operation['type'][] {
    return this.#operations.map(({ type }) => type)
  }

  /** Answers the oldest operation of a type. */
  reply(type: Operation['type'], value?: unknown): this {
    this.machine.handle({ type: 'reply', operation: this.#waiting(type), value })
    return this
  }

  /** A hook that waits does something with its subject, and is done. */
  hooked<Name extends HookName>(name: Name, work: (subject: Hooks[Name]) => void): this {
    const operation = this.#operations.find((one) => one.type === 'hook' && one.name === name)
    if (operation?.type !== 'hook') throw new Error(`nobody waits for ${name}`)
    this.#operations.splice(this.#operations.indexOf(operation), 1)
    work(operation.subject as Hooks[Name])
    this.machine.handle({ type: 'reply', operation, value: undefined })
    return this
  }

  /** Time passes. */
  after(milliseconds: number): this {
    this.clock += milliseconds
    for (const [of, due] of [...this.#timers]) {
      if (due > this.clock) continue
      this.#timers.delete(of)
      this.machine.handle({ type: 'timeout', of })
    }
    return this
  }

  #waiting(type: Operation['type']): Operation {
    const index = this.#operations.findIndex((operation) => operation.type === type)
    const [operation] = index === -1 ? [] : this.#operations.splice(index, 1)
    if (!operation) throw new Error(`no task waits for ${type}`)
    return operation
  }

  #begin(operation: Operation, line?: Line): typeof PENDING {
    if (line !== undefined) this.#lines.push(line)
    this.#operations.push(operation)
    return PENDING
  }

  #server(route: Route): Channel<ServerConnection> {
    servers += 1
    const { to, tls } = route
    const channel = new Channel<ServerConnection>({ id: `server-${servers}`, ...to })
    channel.route = route
    if (tls) channel.connection.tls = { sni: tls.sni, alpn: tls.alpn[0] ?? '' }
    this.servers.push(channel)
    return channel
  }

  #name(channel: AnyChannel): string {
    if (channel === this.client) return 'client'
    const index = this.servers.indexOf(channel as Channel<ServerConnection>)
    return index > 0 ? `server${index + 1}` : 'server'
  }
}
