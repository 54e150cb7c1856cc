// Runs the layers of one client connection: tasks (generators) that wait for channels, replies, timers and each other.
import type { HookName } from '../hooks.js'
import { type AnyChannel, Channel } from './channel.js'
import type { Command, Deed, Wish } from './commands.js'
import type { Event } from './events.js'
import type { Context, LayerName, Layers, Step } from './layer.js'

/** What perform answers when the reply comes later, as an event. */
export const PENDING = Symbol('pending')

/** What a wait that took too long is answered. */
export const TIMEOUT = Symbol('timeout')

/** Bytes that wait in a channel for a layer before its connection is read no further. */
const HIGH_WATER = 64 * 1024

/** The same for their number: datagrams may be empty. */
const MAX_CHUNKS = 1024

/** What a task waits for, where it is to be told first that the client is gone. */
const WAITS = new Set<Command['type']>([
  ...(['receive', 'room', 'join', 'sleep', 'open', 'secureServer', 'secureClient', 'resolve'] as const),
])

/** Thrown into the tasks of a connection whose client is gone. */
export class ClientGone extends Error {
  constructor(error: string | undefined) {
    super(error ?? 'the client has closed the connection')
  }
}

/** The outside, as a machine knows it: the driver, or a test. */
export interface World {
  /** Does what is wanted. Answers a wish's value, or PENDING. */
  perform(command: Command): unknown
  /** Milliseconds since the epoch. */
  now(): number
  /** A new UUID. */
  newId(): string
  /** Whether anybody has a hook. */
  wants(name: HookName): boolean
}

/** One thread of a layer. */
export class Task {
  readonly steps: Step<unknown>
  /** What it waits for. */
  wish: Wish | undefined
  /** It waits for its timer, too; one that goes off when it does not is of no meaning. */
  timed = false
  done = false
  /** It knows that the client is gone: it was told once, and may still tidy up. */
  told = false
  /** Who waits for its end. */
  joined: Task | undefined
  /** The world's: its timer, which it may keep from one wait to the next, until it is told to cancel it. */
  timer: unknown

  constructor(steps: Step<unknown>) {
    this.steps = steps
  }
}

export class Machine {
  readonly world: World
  readonly #layers: Layers
  readonly #tasks: Task[] = []
  /** Events that came while a task ran. */
  readonly #events: Event[] = []
  #running = false
  #gone: ClientGone | undefined
  #client: AnyChannel | undefined
  /** It was our own wish that the client's connection ends. */
  #leaving = false

  constructor(world: World, layers: Layers) {
    this.world = world
    this.#layers = layers
  }

  /** Tasks that are not done. */
  get busy(): boolean {
    return this.#tasks.length > 0
  }

  /** Runs a layer, and those that it names, until the last one returns. */
  start(first: LayerName, context: Context): void {
    this.#client = context.client
    this.fork(this.#run(first, context))
  }

  *#run(first: LayerName, context: Context): Step<void> {
    let name: LayerName | undefined = first
    while (name) name = yield* this.#layers[name](context)
  }

  /** A task beside the one that runs. */
  fork(steps: Step<unknown>): Task {
    const task = new Task(steps)
    this.#tasks.push(task)
    const outermost = !this.#running
    this.#running = true
    this.#resume(task, undefined)
    if (outermost) this.#catchUp()
    return task
  }

  /** A deed of the task that runs, without a yield. */
  perform(deed: Deed): void {
    if (deed.type === 'close' || deed.type === 'reset') this.#letGo(deed)
    else this.world.perform(deed)
  }

  /** Ends a task where it stands; its `finally` blocks run, and may not wait. */
  cancel(task: Task): void {
    if (task.done) return
    task.timed = false
    task.wish = undefined
    this.#finish(task)
    task.steps.return(undefined)
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

  /** What happened while a task ran. */
  #catchUp(): void {
    for (let event = this.#events.shift(); event; event = this.#events.shift()) this.#deliver(event)
    this.#running = false
  }

  #deliver(event: Event): void {
    switch (event.type) {
      case 'data': {
        const { channel } = event
        channel.push(event.data)
        this.#wake('receive', channel)
        // Who has looked at all of it and waits for more decides how much is too much.
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
        this.#reply(event.wish, event.value)
        return
      case 'timeout':
        if (event.task.timed) this.#resume(event.task, TIMEOUT)
    }
  }

  #reply(wish: Wish, value: unknown): void {
    for (const task of this.#tasks) {
      if (task.wish === wish) {
        this.#resume(task, value)
        return
      }
    }
    // Nobody waits for it any more.
    if (value instanceof Channel) this.world.perform({ type: 'close', channel: value })
  }

  #closed(channel: AnyChannel, error: string | undefined): void {
    if (channel.closed) return
    channel.closed = true
    channel.error = error
    this.#wake('receive', channel)
    this.#wake('room', channel)
    if (channel !== this.#client || this.#leaving) return
    this.#gone = new ClientGone(error)
    // Who waits for a hook is told at its next wait: an addon is never left in the middle, and what is done is done.
    for (const task of [...this.#tasks]) if (task.wish && task.wish.type !== 'hook') this.#interrupt(task, this.#gone)
  }

  /** Resumes who waits for a channel: one reader, for what it takes is gone; every writer. */
  #wake(type: 'receive' | 'room', channel: AnyChannel): void {
    // Tasks that end meanwhile leave the list; those that begin stand at its end.
    for (let index = 0; index < this.#tasks.length; index += 1) {
      const task = this.#tasks[index] as Task
      const { wish } = task
      if (wish?.type !== type) continue
      if (wish.channel !== channel && !(wish.type === 'receive' && wish.or === channel)) continue
      this.#resume(task, undefined)
      if (type === 'receive') return
      if (task.done) index -= 1
    }
  }

  /** Somebody waits for what a channel says next. */
  #awaited(channel: AnyChannel): boolean {
    return this.#tasks.some(({ wish }) => wish?.type === 'receive' && wish.channel === channel)
  }

  #interrupt(task: Task, gone: ClientGone): void {
    if (task.told) return
    task.told = true
    this.#resume(task, undefined, gone)
  }

  #resume(task: Task, answer: unknown, interruption?: ClientGone): void {
    task.timed = false
    task.wish = undefined
    let value = answer
    let gone = interruption
    try {
      for (;;) {
        const result = gone ? task.steps.throw(gone) : task.steps.next(value)
        gone = undefined
        if (result.done) break
        if (this.#gone && !task.told && WAITS.has(result.value.type)) {
          task.told = true
          gone = this.#gone
          continue
        }
        value = this.#perform(task, result.value)
        if (value === PENDING) return
      }
    } catch (error) {
      if (!(error instanceof ClientGone)) this.#failed(error)
    }
    this.#finish(task)
  }

  /** A fault of ours: it ends this connection, and no other. */
  #failed(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.world.perform({ type: 'log', level: 'error', message: `a layer has failed: ${text}` })
    if (this.#client && !this.#client.closed) this.world.perform({ type: 'reset', channel: this.#client })
  }

  #finish(task: Task): void {
    task.done = true
    if (task.timer !== undefined) this.world.perform({ type: 'cancel', task })
    const index = this.#tasks.indexOf(task)
    if (index !== -1) this.#tasks.splice(index, 1)
    const { joined } = task
    if (joined?.wish) this.#resume(joined, undefined)
  }

  #perform(task: Task, command: Command): unknown {
    switch (command.type) {
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
        task.wish = command
        return PENDING
      case 'pending':
        task.wish = command.wish
        return PENDING
      case 'join':
        if (command.task.done) return undefined
        command.task.joined = task
        task.wish = command
        return PENDING
      default: {
        const value = this.world.perform(command)
        if (value === PENDING) task.wish = command as Wish
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

  #wait(task: Task, wish: Wish, milliseconds: number): void {
    task.wish = wish
    if (milliseconds === 0) return
    task.timed = true
    this.world.perform({ type: 'timer', task, milliseconds })
  }
}
