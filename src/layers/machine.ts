// Runs the layers of one client connection, as tasks (generators) that wait for channels, replies, timers and each other.
import type { Flow } from '../flow/flow.js'
import { type AnyChannel, Channel } from './channel.js'
import type { Command, Deed, Operation } from './commands.js'
import type { Event } from './events.js'
import type { Context, LayerName, Layers, Step } from './layer.js'
import { ClientGone, Faulted, Gone, Idle, Killed, Task } from './task.js'
import { Watchdog } from './watchdog.js'
import { PENDING, TIMEOUT, type Timed, type World } from './world.js'

/** When so many bytes wait in a channel for a layer, its connection is paused. */
const HIGH_WATER = 64 * 1024

/** The same for chunks, because datagrams may be empty. */
const MAX_CHUNKS = 1024

/** Milliseconds without a datagram, in either direction, after which a UDP client is forgotten. */
const UDP_SILENCE = 60_000

/** Operations that a task does not begin once the connection is over: it is interrupted first. */
const WAITS = new Set<Command['type']>([
  ...(['receive', 'room', 'join', 'sleep', 'open', 'secureServer', 'secureClient', 'resolve'] as const),
  ...(['relay', 'associate'] as const),
])

/** Operations that time out at once in a task that was interrupted: the task may tidy up, but neither side can hold it up. */
const NO_MORE = new Set<Command['type']>(['receive', 'room', 'sleep'])

export class Machine {
  readonly world: World
  /** The flow that is the whole connection, such as a raw one; undefined for HTTP and DNS. When it is killed, the connection is over. */
  subject: Flow | undefined
  readonly #layers: Layers
  readonly #tasks: Task[] = []
  /** Events that came while a task ran. */
  readonly #events: Event[] = []
  #running = false
  /** Why the connection is over. */
  #gone: Gone | undefined
  #watchdog: Watchdog | undefined
  #client: AnyChannel | undefined
  /** A layer has closed or reset the client's connection, so its loss interrupts no task. */
  #leaving = false

  constructor(world: World, layers: Layers) {
    this.world = world
    this.#layers = layers
  }

  /** True while there are tasks that are not done. */
  get busy(): boolean {
    return this.#tasks.length > 0
  }

  /** Runs a layer, and those that it names, until the last one returns. */
  start(first: LayerName, context: Context): void {
    const { client, options } = context
    this.#client = client
    const silence = client.connection.transport === 'udp' ? UDP_SILENCE : options.tcp_timeout * 1000
    this.#watchdog = new Watchdog(this.world, silence)
    this.fork(this.#run(first, context))
  }

  *#run(first: LayerName, context: Context): Step<void> {
    let name: LayerName | undefined = first
    while (name) name = yield* this.#layers[name](context)
  }

  /** Starts a task beside the one that runs. */
  fork(steps: Step<unknown>): Task {
    const task = new Task(steps)
    this.#tasks.push(task)
    const outermost = !this.#running
    this.#running = true
    this.#resume(task, undefined)
    if (outermost) this.#catchUp()
    return task
  }

  /** Performs a deed for the task that runs, without a yield. */
  perform(deed: Deed): void {
    if (deed.type === 'close' || deed.type === 'reset') this.#letGo(deed)
    else this.world.perform(deed)
  }

  /** Ends a task where it stands; its `finally` blocks run, and may not wait. */
  cancel(task: Task): void {
    if (task.done) return
    task.timed = false
    task.waitsFor = undefined
    this.#finish(task)
    task.steps.return(undefined)
  }

  /** Data has passed below the layers: between channels that are spliced, or by the relay of a SOCKS client. */
  progress(): void {
    this.#watchdog?.progress()
  }

  handle(event: Event): void {
    if (this.#running) {
      this.#events.push(event)
      return
    }
    this.#running = true
    this.#deliver(event)
    this.#catchUp()
  }

  /** Delivers the events that came while a task ran. */
  #catchUp(): void {
    for (let event = this.#events.shift(); event; event = this.#events.shift()) this.#deliver(event)
    this.#running = false
  }

  #deliver(event: Event): void {
    if (event.type !== 'timeout') this.#watchdog?.progress()
    switch (event.type) {
      case 'data': {
        const { channel } = event
        channel.push(event.data)
        this.#wake('receive', channel)
        // A task that waits for more data enforces its own limit, so the channel is not paused under it.
        const much = channel.buffered >= HIGH_WATER || channel.chunks.length >= MAX_CHUNKS
        if (much && !channel.paused && !this.#awaited(channel)) {
          channel.paused = true
          this.world.perform({ type: 'pause', channel })
        }
        return
      }
      case 'end':
        event.channel.ended = true
        this.#wake('receive', event.channel)
        return
      case 'closed':
        this.#closed(event.channel, event.error)
        return
      case 'drain':
        event.channel.full = false
        this.#wake('room', event.channel)
        return
      case 'reply':
        this.#reply(event.operation, event.value)
        return
      case 'killed':
        if (event.flow === this.subject) this.#end(new Killed('killed'))
        return
      case 'timeout':
        this.#timeout(event.of)
    }
  }

  #timeout(of: Timed): void {
    if (of instanceof Task) {
      if (!of.timed) return
      this.#watchdog?.progress()
      this.#resume(of, TIMEOUT)
    } else if (this.#watchdog?.expired(this.#tasks.some((task) => task.hasClock))) {
      this.#end(new Idle(this.#watchdog.limit))
    }
  }

  #reply(operation: Operation, value: unknown): void {
    for (const task of this.#tasks) {
      if (task.waitsFor === operation) {
        this.#resume(task, value)
        return
      }
    }
    // The task that asked for this connection has ended.
    if (value instanceof Channel) this.world.perform({ type: 'close', channel: value })
  }

  #closed(channel: AnyChannel, error: string | undefined): void {
    if (channel.closed) return
    channel.closed = true
    channel.error = error
    this.#wake('receive', channel)
    this.#wake('room', channel)
    if (channel === this.#client && !this.#leaving) this.#end(new ClientGone(error))
  }

  /** Interrupts all tasks, for the connection is over. A task in a hook is interrupted at its next wait, after the addon. */
  #end(gone: Gone): void {
    if (this.#gone) return
    this.#gone = gone
    for (const task of [...this.#tasks]) if (task.waitsFor && task.waitsFor.type !== 'hook') this.#interrupt(task, gone)
  }

  /** Resumes the tasks that wait for a channel: every writer, but only one reader, since it takes the data. */
  #wake(type: 'receive' | 'room', channel: AnyChannel): void {
    // A task that is resumed may end and leave the list, or start others at the end of the list.
    for (let index = 0; index < this.#tasks.length; index += 1) {
      const task = this.#tasks[index] as Task
      const { waitsFor } = task
      if (waitsFor?.type !== type) continue
      if (waitsFor.channel !== channel && !(waitsFor.type === 'receive' && waitsFor.or === channel)) continue
      this.#resume(task, undefined)
      if (type === 'receive') return
      if (task.done) index -= 1
    }
  }

  /** Whether a task waits for data of a channel. */
  #awaited(channel: AnyChannel): boolean {
    return this.#tasks.some(({ waitsFor }) => waitsFor?.type === 'receive' && waitsFor.channel === channel)
  }

  #interrupt(task: Task, gone: Gone): void {
    if (task.interrupted) return
    task.interrupted = true
    this.#resume(task, undefined, gone)
  }

  #resume(task: Task, answer: unknown, interruption?: Gone): void {
    task.timed = false
    task.waitsFor = undefined
    let value = answer
    let gone = interruption
    try {
      for (;;) {
        const result = gone ? task.steps.throw(gone) : task.steps.next(value)
        gone = undefined
        if (result.done) break
        if (this.#gone && WAITS.has(result.value.type)) {
          if (!task.interrupted) {
            task.interrupted = true
            gone = this.#gone
            continue
          }
          if (NO_MORE.has(result.value.type)) {
            value = TIMEOUT
            continue
          }
        }
        value = this.#perform(task, result.value)
        if (value === PENDING) return
      }
    } catch (error) {
      if (!(error instanceof Gone)) this.#failed(error)
    }
    this.#finish(task)
  }

  /** An error that is a fault of midwire's ends this connection, and no other. */
  #failed(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.world.perform({ type: 'log', level: 'error', message: `a layer has failed: ${text}` })
    if (this.#client && !this.#client.closed) this.world.perform({ type: 'reset', channel: this.#client })
    this.#end(new Faulted(error))
  }

  #finish(task: Task): void {
    task.done = true
    if (task.timer !== undefined) this.world.perform({ type: 'cancel', of: task })
    const index = this.#tasks.indexOf(task)
    if (index !== -1) this.#tasks.splice(index, 1)
    const { joined } = task
    if (joined?.waitsFor) this.#resume(joined, undefined)
    if (this.#tasks.length === 0) this.#watchdog?.cancel()
  }

  #perform(task: Task, command: Command): unknown {
    switch (command.type) {
      case 'known':
      case 'failsOpen':
        return this.world.ask(command)
      case 'receive':
        this.#wait(task, command, command.milliseconds)
        if (command.channel.paused) {
          command.channel.paused = false
          this.world.perform({ type: 'resume', channel: command.channel })
        }
        return PENDING
      case 'sleep':
        this.#wait(task, command, command.milliseconds)
        return PENDING
      case 'close':
      case 'reset':
        this.#letGo(command)
        return undefined
      case 'room':
        task.waitsFor = command
        return PENDING
      case 'pending':
        task.waitsFor = command.operation
        return PENDING
      case 'join':
        if (command.task.done) return undefined
        command.task.joined = task
        task.waitsFor = command
        return PENDING
      default: {
        const value = this.world.perform(command)
        // Only operations are pending: a deed has no answer.
        if (value === PENDING) task.waitsFor = command as Operation
        return value
      }
    }
  }

  #letGo(deed: Deed & { type: 'close' | 'reset' }): void {
    const { channel } = deed
    if (channel === this.#client) this.#leaving = true
    this.world.perform(deed)
    this.#events.push({ type: 'closed', channel, error: undefined })
  }

  #wait(task: Task, operation: Operation, milliseconds: number): void {
    task.waitsFor = operation
    if (milliseconds === 0) return
    task.timed = true
    this.world.perform({ type: 'timer', of: task, milliseconds })
  }
}
