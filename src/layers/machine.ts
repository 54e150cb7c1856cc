// Runs the layers of one client connection, as tasks (generators) that wait for channels, replies, timers and each other.
import type { Flow, UserAct } from '../flow/flow.js'
import { type AnyChannel, type Carrier, Channel } from './channel.js'
import {
  type Command,
  type Deed,
  isDeed,
  isQuestion,
  isWait,
  mayNotBegin,
  type Operation,
  type Wait,
} from './commands.js'
import type { Event } from './events.js'
import type { Context, LayerName, Layers, Step } from './layer.js'
import type { Scope } from './scope.js'
import { ClientGone, Faulted, Gone, Idle, Killed, Task } from './task.js'
import { silenceOf, Watchdog } from './watchdog.js'
import { PENDING, TIMEOUT, type Timed, type World } from './world.js'

export class Machine {
  readonly world: World
  readonly #layers: Layers
  /** The scope of the connection; undefined before the start. */
  #connection: Scope | undefined
  /** The number of tasks that are not done. */
  #tasks = 0
  /** The tasks that wait for answers of the world. */
  readonly #asked = new Map<Operation, Task>()
  /** Events that came while a task ran. */
  readonly #events: Event[] = []
  /** Engines that have something to send at the end of the turn. */
  readonly #unflushed = new Set<Carrier>()
  #running = false
  #watchdog: Watchdog | undefined

  constructor(world: World, layers: Layers) {
    this.world = world
    this.#layers = layers
  }

  /** True while there are tasks that are not done. */
  get busy(): boolean {
    return this.#tasks > 0
  }

  /** Runs a layer, and those that it names, until the last one returns. */
  start(first: LayerName, context: Context): void {
    const { client, options, scope } = context
    this.#connection = scope
    this.#watchdog = new Watchdog(this.world, silenceOf(client.connection.transport, options))
    this.fork(this.run(first, context), scope)
  }

  /** The steps of a layer and of those that go on after it. */
  *run(first: LayerName, context: Context): Step<void> {
    let name: LayerName | undefined = first
    while (name) name = yield* this.#layers[name](context)
  }

  /** Starts a task beside the one that runs. */
  fork(steps: Step<unknown>, scope: Scope): Task {
    const task = new Task(steps, scope)
    scope.tasks.push(task)
    this.#tasks += 1
    const outermost = !this.#running
    this.#running = true
    this.#resume(task, undefined)
    if (outermost) this.#catchUp()
    return task
  }

  /** Performs a deed for the task that runs, without a yield. */
  perform(deed: Deed): void {
    if (deed.type === 'close' || deed.type === 'reset') this.#letGo(deed)
    else if ('channel' in deed && deed.type !== 'release' && deed.channel.carrier) deed.channel.carrier.perform(deed)
    else this.world.perform(deed)
  }

  /** Calls the engine's `flush` at the end of this turn, so that all that its streams send leaves at once. */
  flushLater(carrier: Carrier): void {
    this.#unflushed.add(carrier)
  }

  /** Ends a task where it stands; its `finally` blocks run, and may not wait. */
  cancel(task: Task): void {
    if (task.done) return
    this.#stopWaiting(task)
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
    // What the event leads to within this turn is no progress by itself.
    if (event.type !== 'timeout') this.#watchdog?.progress()
    this.#deliver(event)
    this.#catchUp()
  }

  /** Delivers the events that came while a task ran, and lets engines send. */
  #catchUp(): void {
    for (;;) {
      for (let event = this.#events.shift(); event; event = this.#events.shift()) this.#deliver(event)
      if (this.#unflushed.size === 0) break
      const unflushed = [...this.#unflushed]
      this.#unflushed.clear()
      for (const carrier of unflushed) carrier.flush()
    }
    this.#running = false
  }

  #deliver(event: Event): void {
    switch (event.type) {
      case 'data': {
        const { channel } = event
        channel.push(event.data)
        this.#wakeReader(channel)
        // A task that waits for more data enforces its own limit, so the channel is not paused under it.
        if (channel.hasMuch && !channel.paused && !channel.isAwaited) {
          channel.paused = true
          this.perform({ type: 'pause', channel })
        }
        return
      }
      case 'end':
      case 'head':
        if (event.type === 'end') event.channel.ended = true
        this.#wakeReader(event.channel)
        return
      case 'closed':
        this.#closed(event.channel, event.error)
        return
      case 'drain':
        event.channel.full = false
        this.#wakeWriters(event.channel)
        return
      case 'stream':
        event.scope.begin()
        this.fork(event.steps, event.scope)
        return
      case 'reply':
        this.#reply(event.operation, event.value)
        return
      case 'user':
        this.#act(event.flow, event)
        return
      case 'timeout':
        this.#timeout(event.of)
    }
  }

  #act(flow: Flow, act: UserAct): void {
    const scope = this.#connection?.find(flow)
    if (!scope) return
    if (act.act === 'kill') this.#end(scope, new Killed('killed'))
    else if (act.act === 'inject') scope.inject?.(act.injection)
    else {
      for (const task of [...scope.tasks]) if (task.waitsFor?.type === 'intercepted') this.#resume(task, undefined)
    }
  }

  #timeout(of: Timed): void {
    if (of instanceof Task) {
      if (!of.timed) return
      this.#watchdog?.progress()
      this.#resume(of, TIMEOUT)
    } else if (this.#connection && this.#watchdog?.expired(this.#connection.hasClock)) {
      this.#end(this.#connection, new Idle(this.#watchdog.limit))
    }
  }

  #reply(operation: Operation, value: unknown): void {
    const task = this.#asked.get(operation)
    if (task) this.#resume(task, value)
    // The task that asked for this connection has ended.
    else if (value instanceof Channel) this.perform({ type: 'close', channel: value })
  }

  #closed(channel: AnyChannel, error: string | undefined): void {
    if (channel.closed) return
    channel.closed = true
    channel.error = error
    this.#wakeReader(channel)
    this.#wakeWriters(channel)
    const { scope } = channel
    if (scope && !scope.leaving) this.#end(scope, new ClientGone(error))
  }

  /** Interrupts all tasks of a scope and within it, for it is over. A task in a hook is interrupted at its next wait, after the addon. */
  #end(scope: Scope, gone: Gone): void {
    if (scope.gone) return
    const ending = [...scope.all()].filter((one) => !one.gone)
    for (const one of ending) one.gone = gone
    for (const { tasks } of ending) {
      for (const task of [...tasks]) if (task.waitsFor && task.waitsFor.type !== 'hook') this.#interrupt(task, gone)
    }
  }

  /** Resumes one task that waits for data of a channel: it takes the data. */
  #wakeReader(channel: AnyChannel): void {
    const task = channel.waiters.find(({ waitsFor }) => waitsFor?.type === 'receive')
    if (task) this.#resume(task, undefined)
  }

  /** Resumes all tasks that wait for room in a channel. */
  #wakeWriters(channel: AnyChannel): void {
    for (const task of [...channel.waiters]) if (task.waitsFor?.type === 'room') this.#resume(task, undefined)
  }

  #interrupt(task: Task, gone: Gone): void {
    if (task.interrupted) return
    task.interrupted = true
    this.#resume(task, undefined, gone)
  }

  /** Takes a task off what it waits for. */
  #stopWaiting(task: Task): void {
    const { waitsFor } = task
    task.timed = false
    if (!waitsFor) return
    task.waitsFor = undefined
    if (waitsFor.type === 'receive' || waitsFor.type === 'room') waitsFor.channel.leave(task)
    else this.#asked.delete(waitsFor)
    if (waitsFor.type === 'receive') waitsFor.or?.leave(task)
  }

  #resume(task: Task, answer: unknown, interruption?: Gone): void {
    this.#stopWaiting(task)
    let value = answer
    let gone = interruption
    try {
      for (;;) {
        const result = gone ? task.steps.throw(gone) : task.steps.next(value)
        gone = undefined
        if (result.done) break
        if (task.scope.gone && mayNotBegin(result.value)) {
          if (!task.interrupted) {
            task.interrupted = true
            gone = task.scope.gone
            continue
          }
          // The task may tidy up, but neither side can hold it up.
          if (isWait(result.value) && result.value.type !== 'join') {
            task.waitsOn()
            value = TIMEOUT
            continue
          }
        }
        value = this.#perform(task, result.value)
        if (value === PENDING) return
      }
    } catch (error) {
      if (!(error instanceof Gone)) this.#failed(task.scope, error)
    }
    this.#finish(task)
  }

  /** An error that is a fault of midwire's ends this connection, or this stream of it, and no other. */
  #failed(scope: Scope, error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.world.perform({ type: 'log', level: 'error', message: `a layer has failed: ${text}` })
    if (!scope.root.closed) this.perform({ type: 'reset', channel: scope.root })
    this.#end(scope, new Faulted(error))
  }

  #finish(task: Task): void {
    const { scope, joined } = task
    task.done = true
    this.#tasks -= 1
    if (task.timer !== undefined) this.world.perform({ type: 'cancel', of: task })
    scope.left(task)
    if (joined?.waitsFor?.type === 'join' && joined.waitsFor.task === task) this.#resume(joined, undefined)
    if (!this.busy) this.#watchdog?.cancel()
  }

  #perform(task: Task, command: Command): unknown {
    if (isDeed(command)) {
      this.perform(command)
      return undefined
    }
    if (isWait(command)) return this.#wait(task, command)
    if (isQuestion(command)) return this.world.ask(command)
    if (command.type === 'pending') return this.#ask(task, command.operation)
    const value = this.world.perform(command)
    return value === PENDING ? this.#ask(task, command) : value
  }

  #wait(task: Task, command: Wait): unknown {
    task.waitsFor = command
    switch (command.type) {
      case 'receive': {
        const { channel, or, milliseconds } = command
        this.#limit(task, milliseconds)
        channel.waiters.push(task)
        or?.waiters.push(task)
        if (channel.paused) {
          channel.paused = false
          this.perform({ type: 'resume', channel })
        }
        return PENDING
      }
      case 'room':
        command.channel.waiters.push(task)
        return PENDING
      case 'sleep':
        this.#limit(task, command.milliseconds)
        return PENDING
      case 'join':
        command.task.joined = task
        return command.task.done ? undefined : PENDING
      case 'intercepted':
        return PENDING
    }
  }

  /** The task waits no longer than that; 0: without a limit. */
  #limit(task: Task, milliseconds: number): void {
    if (milliseconds === 0) return
    task.timed = true
    this.world.perform({ type: 'timer', of: task, milliseconds })
  }

  /** The task waits for the world's answer. */
  #ask(task: Task, operation: Operation): typeof PENDING {
    task.waitsFor = operation
    this.#asked.set(operation, task)
    return PENDING
  }

  #letGo(deed: Deed & { type: 'close' | 'reset' }): void {
    const { channel } = deed
    if (channel.scope) channel.scope.leaving = true
    if (channel.carrier) channel.carrier.perform(deed)
    else this.world.perform(deed)
    this.#events.push({ type: 'closed', channel, error: undefined })
  }
}
