// The proxy: composes modes, layers, certificates, addons and outputs, starts them, and ends them.
import { checkHookName } from '../addons/hook-names.js'
import { builtinAddons, replayAddons } from '../addons/index.js'
import { loadScripts } from '../addons/scripts.js'
import { type Authority, loadAuthority } from '../certs/authority.js'
import type { FlowNews } from '../flow/flow.js'
import type { AnyFlow } from '../flow/index.js'
import type { FlowRecord } from '../flow/record.js'
import { RedactedView } from '../flow/redacted-view.js'
import type { Addon, ConfigureHook, HookName, Hooks, LogEntry, LogLevel } from '../hooks.js'
import type { Arrival, ModeSpec, RunningMode } from '../modes/mode.js'
import { parseSubnets } from '../modes/subnet.js'
import type { Options } from '../options/definitions.js'
import { confdirOf, expandHome } from '../options/paths.js'
import { OptionStore } from '../options/store.js'
import type { Sink } from '../sinks/sink.js'
import { Views } from '../views/render.js'
import { Addons } from './addons.js'
import type { MidwireOptions } from './api.js'
import { certificatesFor } from './certificates.js'
import { Commands } from './commands.js'
import { Connections } from './connections.js'
import { Dispatcher, FIRST_RANK, LAST_RANK, USER_RANK } from './dispatch.js'
import { Jobs } from './jobs.js'
import { loadFlow } from './load.js'
import { Log } from './log.js'
import { Observers } from './observers.js'
import { OptionAddons } from './option-addons.js'
import { ProxyOptions } from './options.js'
import { Outputs } from './outputs.js'
import { ownCommands } from './own-commands.js'
import { replayHost } from './replay-host.js'
import { Replays } from './replays.js'
import { Row } from './row.js'
import { RunningModes, specsOf } from './running-modes.js'
import { ScriptReload } from './script-reload.js'
import { WaysIn } from './ways-in.js'
import './environment.js'

/** A running proxy. */
export class Midwire extends WaysIn {
  readonly confdir: string
  /** The options, to be read, watched and changed while the proxy runs. */
  readonly options: ProxyOptions
  /** The certificate authority that clients are to trust. */
  readonly authority: Authority
  /** What can be done by name: midwire's own commands, and those of addons. */
  readonly commands: Commands
  /** Work that the command stays for: files that are read, flows that are replayed. */
  readonly jobs: Jobs
  /** How content is shown: midwire's own views, and those of addons. */
  readonly views = new Views()
  /** @internal */
  protected readonly replays: Replays
  /** @internal */
  protected readonly connections: Connections
  /** @internal */
  protected readonly runningModes: RunningModes
  /** Fulfilled when the proxy is closed. */
  readonly closed: Promise<void>
  readonly #store: OptionStore
  readonly #dispatcher: Dispatcher
  readonly #addons: Addons
  readonly #log: Log
  readonly #optionAddons: OptionAddons
  readonly #scripts = new ScriptReload({
    add: (addon, rank) => this.#addons.add(addon, rank),
    start: (addon) => this.#addons.start(addon),
    set: (values) => this.options.set(values),
    values: () => this.options.snapshot,
    log: (level, message) => this.log(level, message),
  })
  readonly #observers: Observers
  readonly #outputs: Outputs
  /** What outputs see in the place of flows. */
  readonly #redacted: RedactedView
  readonly #running = new Row<AnyFlow>()
  /** The last change of the list of modes, with the errors of those that could not be started. */
  #modesChanged: Promise<Error[]> = Promise.resolve([])
  #closing: Promise<void> | undefined
  #settleClosed: () => void = () => {}

  /**
   * Starts a proxy, which listens when the promise is fulfilled. Throws a MidwireError, before a socket is opened, for options,
   * modes, keys or scripts that are wrong; then an error of listening, such as ERR_ADDRESS_IN_USE.
   */
  static async start(given: MidwireOptions = {}): Promise<Midwire> {
    const store = new OptionStore()
    store.update({ ...given.options, ...(given.modes && { mode: [...given.modes] }) })
    const options = store.snapshot
    const specs = specsOf(options)
    const confdir = confdirOf(given.confdir)
    const authority = await loadAuthority(confdir)
    const scripts = await loadScripts(options.scripts)
    const proxy = new Midwire(confdir, store, authority, given.sinks ?? [])
    for (const warning of authority.warnings) proxy.log('warn', warning)
    const { resolver } = parseSubnets(options.wireguard_subnet)
    const builtin = [
      ...builtinAddons(options, authority, resolver, proxy.views, (flow) => proxy.recordOf(flow)),
      ...replayAddons(replayHost(proxy, proxy.#dispatcher, proxy.replays)),
    ]
    await proxy.#begin(builtin, [...(given.addons ?? []), ...scripts], specs)
    return proxy
  }

  private constructor(confdir: string, store: OptionStore, authority: Authority, sinks: readonly Sink[]) {
    super()
    this.confdir = confdir
    this.options = new ProxyOptions(store)
    this.authority = authority
    this.#store = store
    this.#outputs = new Outputs(this, sinks, () => this.#optionAddons.outputs)
    this.#redacted = new RedactedView(store.snapshot.redact)
    this.commands = new Commands(
      (text) => this.choose(text),
      (flow) => this.#redacted.of(flow),
    )
    this.commands.define(ownCommands(this, () => this.connections.active, this.backups))
    this.closed = new Promise((settle) => {
      this.#settleClosed = settle
    })
    this.#log = new Log(
      () => this.#outputs.sinks,
      () => this.#dispatcher,
      (text) => this.#redacted.text(text),
    )
    this.#dispatcher = new Dispatcher((level, message, about) => this.#log.write(level, message, about))
    this.#addons = new Addons({ proxy: this, store, dispatcher: this.#dispatcher })
    this.jobs = new Jobs({ connected: () => this.connections.size, log: (level, message) => this.log(level, message) })
    this.#optionAddons = new OptionAddons(this.#dispatcher, this, {
      log: (level, message) => this.log(level, message),
      path: expandHome,
      job: (work) => this.jobs.add(work),
      load: (flow, before) => this.loadFlow(flow, before),
      record: (flow) => this.recordOf(flow),
    })
    this.#observers = new Observers(store.snapshot, (message) => this.log('warn', message))
    this.connections = new Connections({
      options: store,
      dispatcher: this.#dispatcher,
      certificates: (options) => certificatesFor(authority, options),
      observers: this.#observers,
      listeners: () => this.runningModes.listeners,
      mark: () => this.runningModes.mark,
      resolvers: () => this.runningModes.all.flatMap(({ resolver = [] }) => resolver),
      hasMocks: () => this.mocks.length > 0,
      seeksProcesses: () => this.waitsForProcesses,
      tell: (what, flow) => this.#tell(what, flow as AnyFlow),
      deserted: () => this.jobs.look(),
      log: (level, message) => this.log(level, message),
    })
    this.runningModes = new RunningModes((specs) => ({
      options: store.snapshot,
      confdir,
      specs,
      arrived: (by, arrival) => this.#arrived(by, arrival),
      log: (level, message) => this.log(level, message),
    }))
    this.replays = new Replays({
      send: (arrival) => this.connections.replay(arrival),
      modes: () => this.runningModes.all,
      concurrency: () => store.snapshot.client_replay_concurrency,
    })
    store.subscribe(['mode'], (options) => {
      specsOf(options)
      // Not before the update is done: what comes after this may refuse it.
      this.#modesChanged = Promise.resolve().then(() => this.#changeModes())
    })
    store.subscribe(['store_memory', 'hook_timeout'], (options) => this.#follow(options))
    this.#follow(store.snapshot)
    store.subscribe(['spoof_source_address'], specsOf)
    store.subscribe(undefined, (options, changed) => this.#configure({ options, changed }))
    this.#outputs.attach()
  }

  /** @internal */
  protected modesChanged(again = false): Promise<Error[]> {
    if (again) this.#modesChanged = this.#changeModes()
    return this.#modesChanged
  }

  /** The flows that have begun and are not over, the oldest first. */
  get runningFlows(): readonly AnyFlow[] {
    return this.#running.all
  }

  /** Calls `method` at a hook, after the addons' methods, until the returned function is called. Throws ERR_HOOK. */
  on<Name extends HookName>(name: Name, method: (subject: Hooks[Name]) => void | Promise<void>): () => void {
    checkHookName(name)
    return this.addAddon({ name: `on ${name}`, [name]: method })
  }

  /**
   * Adds an addon while the proxy runs; the returned function removes it with its options and commands. Throws ERR_HOOK for a method
   * whose name is nearly that of a hook and where its `load` throws, ERR_OPTION for options that the addon cannot define or refuses, and ERR_COMMAND for
   * commands that it cannot define.
   */
  addAddon(addon: Addon): () => void {
    return this.#addons.join(addon, LAST_RANK)
  }

  /**
   * Adds an output while the proxy runs: it is told of flows and lines of the log from now on, without what option `redact` names. The returned function
   * removes it, and calls its `close`.
   */
  addSink(sink: Sink): () => void {
    return this.#outputs.add(sink)
  }

  /** The last lines of the log, of all levels, the oldest first: 10,000 at most, and 8 Mi characters; a line has its first 64 Ki characters. */
  get logLines(): readonly LogEntry[] {
    return this.#log.lines.all
  }

  /** Writes a line to the log. */
  log(level: LogLevel, message: string): void {
    this.#log.write(level, message)
  }

  /**
   * Says that these flows were changed, after that was done: outputs show those that run anew, and addons have the hook `update`. Commands that
   * change flows call it.
   */
  update(flows: readonly AnyFlow[]): void {
    for (const flow of flows) if (flow.live) this.#tell('changed', flow)
    this.recordAgain(flows)
    void this.#dispatcher.run('update', flows)
  }

  /** Closes the listeners, ends the connections, and lets the outputs write what they have buffered. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Adds the addons, configures them, and starts the modes. Closes the proxy where one of these fails. */
  async #begin(builtin: readonly Addon[], addons: readonly Addon[], specs: readonly ModeSpec[]): Promise<void> {
    try {
      await this.#observers.begin()
      for (const addon of builtin) {
        this.#dispatcher.add(addon, FIRST_RANK)
        this.commands.define(addon.commands ?? {})
      }
      this.#optionAddons.follow(this.#store.snapshot)
      this.#scripts.begin(
        addons.map((addon, index) => {
          const rank = USER_RANK + index
          return { addon, rank, remove: this.#addons.add(addon, rank) }
        }),
      )
      if (addons.length > 0) this.#dispatcher.watch.start()
      for (const addon of addons) this.#dispatcher.load(this, addon)
      this.views.check(this.#store.snapshot.dumper_default_contentview)
      this.#store.begin()
      this.#dispatcher.configure(this.#addons.allOptions())
      this.beginRecording(this.confdir, this.#store.snapshot)
      await this.runningModes.start(specs)
    } catch (error) {
      await this.close()
      throw error
    }
    await this.#dispatcher.run('running', undefined)
    this.replays.start()
  }

  async #changeModes(): Promise<Error[]> {
    const failures = await this.runningModes.change(specsOf(this.#store.snapshot))
    for (const { message } of failures) this.log('error', message)
    return failures
  }

  #follow(options: Options): void {
    this.boundMemory(options)
    this.#dispatcher.time.milliseconds = options.hook_timeout * 1000
  }

  #configure(change: ConfigureHook): void {
    if (change.changed.has('dumper_default_contentview')) this.views.check(change.options.dumper_default_contentview)
    // These come first, because nothing may keep a refused update from taking them back.
    const added = this.#optionAddons.follow(change.options)
    for (const addon of added) this.#dispatcher.configure(this.#addons.allOptions(), addon)
    this.#outputs.configure(change)
    this.#dispatcher.configure(change)
  }

  #arrived(mode: RunningMode, arrival: Arrival): void {
    if (this.#closing) arrival.refuse('refused')
    else this.connections.begin(mode, arrival)
  }

  #tell(what: FlowNews, flow: AnyFlow): void {
    if (what === 'begun') this.#began(flow)
    else if (what === 'finished') this.#running.delete(flow)
    const shown = this.#redacted.of(flow)
    if (what === 'finished') this.flowIsOver(flow, shown)
    else this.flowRuns(flow)
    this.#outputs.tell(what, shown)
  }

  #began(flow: AnyFlow): void {
    this.#running.add(flow)
    if (flow.client.tls?.establishedAt !== undefined) this.connections.trust.trusted(flow.client)
  }

  shown(flow: AnyFlow): AnyFlow {
    return this.#redacted.of(flow)
  }

  /** @internal */
  protected async loadFlow(flow: AnyFlow, before?: FlowRecord): Promise<void> {
    if (before) this.backups.take(flow.id, before)
    await loadFlow(flow, this.#dispatcher)
    this.#tell('finished', flow)
    await this.#outputs.ready()
  }

  async #close(): Promise<void> {
    this.#scripts.close()
    this.endFixture()
    this.replays.close()
    await this.runningModes.close()
    await this.connections.close()
    await this.#observers.close()
    await this.#dispatcher.run('done', undefined)
    await this.#dispatcher.watch.close()
    this.endWaits()
    await this.endRecording()
    await this.#outputs.close()
    this.#settleClosed()
  }
}
