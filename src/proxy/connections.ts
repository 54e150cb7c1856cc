// All client connections of a proxy, and the state that they share.
import type { CertificateStore } from '../certs/store.js'
import type { ClientConnection, Connection, ServerConnection } from '../connection.js'
import { seeksProcesses } from '../flow/filter.js'
import type { Flow, FlowNews } from '../flow/flow.js'
import type { Hop } from '../flow/via.js'
import type { LogLevel } from '../hooks.js'
import type { Arrival, Listener, RunningMode } from '../modes/mode.js'
import type { Options } from '../options/definitions.js'
import type { OptionStore } from '../options/store.js'
import type { Dispatcher } from './dispatch.js'
import { Distrust } from './distrust.js'
import { Driver } from './driver.js'
import type { Exit } from './exits/exit.js'
import { Exits } from './exits/index.js'
import { FailOpen } from './fail-open.js'
import type { Observers } from './observers.js'
import { Places } from './places.js'
import { Processes } from './processes.js'
import { Resolver } from './resolver.js'
import { Row } from './row.js'
import { type Shared, share, type Unchanging } from './shared.js'
import { Trust } from './trust.js'

/** Milliseconds that addons have, when the proxy closes, for the hooks of the connections that end. */
const FAREWELL_MILLISECONDS = 1_000

/** The proxy, as its connections need it. */
export interface Surroundings {
  readonly options: OptionStore
  readonly dispatcher: Dispatcher
  /** A store that makes the certificates for clients; made anew when the options of clients' TLS versions change. */
  certificates(options: Options): CertificateStore
  listeners(): readonly Listener[]
  /** The firewall mark that what midwire sends has to have now; undefined for none. */
  mark(): number | undefined
  readonly observers: Observers
  /** The addresses of the tunnels' own resolvers. */
  resolvers(): readonly string[]
  /** Addons answer in the place of servers, which need not exist: none is connected to before a request needs it. */
  hasMocks(): boolean
  /** Whether a reader of flows asks for the processes of clients. */
  seeksProcesses(): boolean
  tell(what: FlowNews, flow: Flow): void
  /** No client is connected any more. */
  deserted(): void
  log(level: LogLevel, message: string): void
}

/** The same, as if option `connection_strategy` were `lazy`. */
const lazily = (shared: Shared): Shared => ({
  ...shared,
  layerOptions: { ...shared.layerOptions, connection_strategy: 'lazy' },
})

export class Connections implements Unchanging {
  readonly dispatcher: Dispatcher
  readonly #around: Surroundings
  readonly #drivers = new Row<Driver>()
  /** Those of requests that are replayed, with what is called when each is over. */
  readonly #replays = new Map<Driver, () => void>()
  readonly #resolver: Resolver
  readonly #exits: Exits
  readonly places = new Places()
  readonly relays = new Set<Listener>()
  readonly failOpen: FailOpen
  readonly trust = new Trust()
  /** Addresses of midwire beside those of its modes: that of the remote API. */
  readonly ownAddresses = new Set<Listener>()
  readonly #distrust: Distrust
  readonly #processes: Processes
  /** Whether `dumper_filter` or `tls_fail_open` asks for the processes of clients. */
  #outputsSeek: boolean
  /** Shared by the connections that begin now. Older ones keep the value that they began with. */
  #shared: Shared
  #closing = false
  #allDeparted: () => void = () => {}

  /** Throws a MidwireError for options that are wrong. */
  constructor(around: Surroundings) {
    const { options, dispatcher } = around
    this.#around = around
    this.dispatcher = dispatcher
    const log = (level: LogLevel, message: string) => around.log(level, message)
    this.failOpen = new FailOpen(options.snapshot.tls_fail_open, log, Date.now)
    this.#distrust = new Distrust(options.snapshot.onboarding_host, log, (client) => {
      this.failOpen.refused(client)
      this.trust.refused(client)
    })
    this.#processes = new Processes()
    this.#outputsSeek = outputsSeek(options.snapshot)
    this.#resolver = new Resolver({
      ...resolverOptions(options.snapshot),
      inside: (name) => (this.#shared.layerOptions.inside.includes(name) ? around.resolvers() : undefined),
      // On a machine that has midwire as its name server, midwire would ask itself.
      isOurs: (address, port) => port === 53 && around.resolvers().includes(address),
      mark: () => around.mark(),
    })
    const own = {
      listeners: () => [...around.listeners(), ...this.relays, ...this.ownAddresses],
      mark: () => around.mark(),
    }
    this.#exits = new Exits(this.#resolver, own, {
      settings: () => {
        const { congestion, tcp_buffer: bufferSize } = options.snapshot
        return { congestion, bufferSize, mark: around.mark() }
      },
      log,
    })
    this.#shared = share(this, options.snapshot)
    options.subscribe(undefined, (snapshot) => {
      this.#shared = share(this, snapshot, this.#shared)
    })
    options.subscribe(['tls_fail_open'], ({ tls_fail_open }) => this.failOpen.configure(tls_fail_open))
    options.subscribe(['dumper_filter', 'tls_fail_open', 'intercept'], (snapshot) => {
      this.#outputsSeek = outputsSeek(snapshot)
    })
    options.subscribe(['dns_name_servers', 'dns_use_hosts_file'], (snapshot) => {
      this.#resolver.configure(resolverOptions(snapshot))
    })
  }

  /** Client connections that are not over. */
  get active(): number {
    return this.#drivers.size
  }

  /** Starts a client connection, after the hook `client_connected`. */
  begin(mode: RunningMode, arrival: Arrival): void {
    const driver = new Driver(this.#around.hasMocks() ? lazily(this.#shared) : this.#shared, mode, arrival)
    this.#drivers.add(driver)
    const found = this.#seeksProcesses() ? this.#processes.find(driver.client) : undefined
    // A client that asks once and closes is gone a moment later, so its connection waits until its process is found.
    if (found) void found.then(() => this.#connected(driver, arrival))
    else this.#connected(driver, arrival)
  }

  #connected(driver: Driver, arrival: Arrival): void {
    // The proxy was closed during the look-up.
    if (!driver.place) return
    const waited = this.dispatcher.run('client_connected', driver.client)
    if (waited) void waited.then(() => this.#start(driver, arrival))
    else this.#start(driver, arrival)
  }

  /**
   * Sends a recorded request again; fulfilled when its flow is over. There is no client, so the hooks of clients' connections do not
   * run.
   */
  replay(arrival: Arrival & { readonly client: ClientConnection }): Promise<void> {
    return new Promise((over) => {
      const driver = new Driver(this.#shared, undefined, arrival)
      this.#drivers.add(driver)
      this.#replays.set(driver, over)
      driver.start()
    })
  }

  #seeksProcesses(): boolean {
    const { options, layerOptions } = this.#shared
    if (options.client_process !== 'auto') return options.client_process === 'on'
    const rulesSeek = layerOptions.via.some(({ seeksProcesses }) => seeksProcesses)
    return rulesSeek || this.#outputsSeek || this.#around.seeksProcesses()
  }

  #start(driver: Driver, arrival: Arrival): void {
    // The proxy was closed while an addon's client_connected hook was running.
    if (!driver.place) return
    if (driver.client.error !== undefined) {
      this.log('info', `${driver.client.remote.address}: ${driver.client.error}`)
      arrival.refuse('prohibited')
      this.departed(driver, false)
      return
    }
    driver.start()
  }

  certificates(options: Options): CertificateStore {
    return this.#around.certificates(options)
  }

  get observers(): Observers {
    return this.#around.observers
  }

  exitOf(via: readonly Hop[]): Exit {
    return this.#exits.of(via)
  }

  log(level: LogLevel, message: string): void {
    this.#around.log(level, message)
  }

  tell(what: FlowNews, flow: Flow): void {
    this.#around.tell(what, flow)
  }

  resolve(query: Buffer): Promise<Buffer | Error> {
    return this.#resolver.answer(query)
  }

  serverGone(client: ClientConnection, server: ServerConnection): void {
    server.closedAt ??= Date.now()
    this.places.gone(server)
    void this.dispatcher.run('server_disconnected', { client, server })
  }

  failsOpen(client: ClientConnection, host: string, port: number): boolean {
    return this.failOpen.passes(client, host, port)
  }

  explainHandshake(error: unknown, client: ClientConnection): string {
    return this.#distrust.failed(error, client)
  }

  explainLoss(error: Error, connection: Connection): string {
    return this.#distrust.lost(error, connection)
  }

  departed(driver: Driver, hasSpoken: boolean): void {
    if (!this.#drivers.delete(driver)) return
    const replayed = this.#replays.get(driver)
    if (replayed) {
      this.#replays.delete(driver)
      replayed()
    } else {
      if (!this.#closing) this.#distrust.left(driver.client, hasSpoken)
      void this.dispatcher.run('client_disconnected', driver.client)
    }
    if (this.#drivers.size > 0) return
    this.#allDeparted()
    this.#around.deserted()
  }

  /** How many clients' connections there are; each UDP flow is one. */
  get size(): number {
    return this.#drivers.size
  }

  /** Ends every connection, and waits up to a second for their hooks. */
  async close(): Promise<void> {
    this.#closing = true
    this.#processes.close()
    for (const driver of this.#drivers.all) driver.abort()
    this.#shared.pool.close()
    this.#resolver.close()
    if (this.#drivers.size > 0) {
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, FAREWELL_MILLISECONDS)
        this.#allDeparted = () => {
          clearTimeout(late)
          resolve()
        }
      })
    }
    await this.#exits.close()
  }
}

const resolverOptions = ({ dns_name_servers, dns_use_hosts_file }: Options) => ({
  nameServers: dns_name_servers,
  useHostsFile: dns_use_hosts_file,
})

const outputsSeek = ({ dumper_filter = '', tls_fail_open, intercept = '' }: Options) =>
  [dumper_filter, tls_fail_open, intercept].some((filter) => filter !== '' && seeksProcesses(filter))
