// All client connections of a proxy, and what they share.

import type { SecureContext } from 'node:tls'
import type { CertificateStore } from '../certs/store.js'
import { upstreamNames } from '../certs/upstream.js'
import type { ClientConnection, Connection, ServerConnection } from '../connection.js'
import type { Flow } from '../flow/flow.js'
import { canonicalName } from '../flow/host-name.js'
import type { LogLevel } from '../hooks.js'
import type { ClientTls } from '../layers/commands.js'
import type { LayerOptions } from '../layers/layer.js'
import type { Arrival, RunningMode } from '../modes/mode.js'
import type { Options } from '../options.js'
import type { Secured } from '../transports/tls.js'
import type { ListenerInfo } from './api.js'
import type { Core } from './core.js'
import { Dialer } from './dial.js'
import type { Dispatcher } from './dispatch.js'
import { Distrust } from './distrust.js'
import { Driver } from './driver.js'
import { explainClient } from './explain.js'
import { Pool } from './pool.js'
import { Resolver } from './resolver.js'

/** What addons have for the flows that end with the proxy. */
const FAREWELL_MILLISECONDS = 1_000

export interface Surroundings {
  readonly options: Options
  readonly dispatcher: Dispatcher
  readonly certificates: CertificateStore
  listeners(): readonly ListenerInfo[]
  /** Addresses of the tunnels' resolvers. */
  resolvers(): readonly string[]
  finished(flow: Flow): void
  log(level: LogLevel, message: string): void
}

export class Connections implements Core {
  readonly layerOptions: LayerOptions
  readonly dispatcher: Dispatcher
  readonly dialer: Dialer
  readonly pool: Pool
  readonly #around: Surroundings
  readonly #drivers = new Set<Driver>()
  readonly #resolver: Resolver
  readonly #distrust: Distrust
  #closing = false
  #allDeparted: () => void = () => {}

  constructor(around: Surroundings) {
    const { options, dispatcher } = around
    this.#around = around
    this.layerOptions = {
      ...options,
      body_size_limit: options.body_size_limit ?? 0,
      inside: options.onboarding ? [canonicalName(options.onboarding_host)] : [],
    }
    this.dispatcher = dispatcher
    this.dialer = new Dialer(options, dispatcher, () => around.listeners())
    this.pool = new Pool(
      (client, connection) => this.serverGone(client, connection),
      (server) => this.dialer.settings(server),
    )
    this.#distrust = new Distrust(options.onboarding_host, (level, message) => around.log(level, message))
    this.#resolver = new Resolver({
      nameServers: [...options.dns_name_servers],
      useHostsFile: options.dns_use_hosts_file,
      inside: (name) => (this.layerOptions.inside.includes(name) ? around.resolvers() : undefined),
      // A machine that uses us as its name server must not be asked in turn.
      isOurs: (address, port) => port === 53 && around.resolvers().includes(address),
    })
  }

  /** A client has come. */
  begin(mode: RunningMode, arrival: Arrival): void {
    const driver = new Driver(this, mode, arrival)
    this.#drivers.add(driver)
    const waited = this.dispatcher.run('client_connected', driver.client)
    if (waited) void waited.then(() => this.#start(driver, mode, arrival))
    else this.#start(driver, mode, arrival)
  }

  #start(driver: Driver, mode: RunningMode, arrival: Arrival): void {
    // The proxy was closed while an addon thought about the client.
    if (!this.#drivers.has(driver)) return
    if (driver.client.error !== undefined) {
      this.log('info', `${driver.client.remote.address}: ${driver.client.error}`)
      arrival.refuse('prohibited')
      this.departed(driver, false)
      return
    }
    const { address, port } = arrival.destination
    const transparent = mode.mode.transport === 'udp'
    const destination = transparent ? { host: address, port, transport: arrival.transport } : undefined
    driver.start(mode.mode.layer, mode.spec.name, destination)
  }

  log(level: LogLevel, message: string): void {
    this.#around.log(level, message)
  }

  finished(flow: Flow): void {
    this.#around.finished(flow)
  }

  resolve(query: Buffer): Promise<Buffer | Error> {
    return this.#resolver.answer(query)
  }

  async secureClient(
    handshake: (context: SecureContext) => Promise<Secured>,
    names: ClientTls & { address: string },
  ): Promise<Secured | string> {
    const { certificates, options } = this.#around
    const { key, sni, address } = names
    try {
      const waited = certificates.prepare(key)
      if (waited) await waited
      const upstream = names.upstream && upstreamNames(names.upstream)
      return await handshake(certificates.context({ key, sni, address, upstream }))
    } catch (error) {
      const why = explainClient(error, options.onboarding_host)
      const doubt = certificates.doubt(key)
      return doubt ? `${why}; ${doubt}` : why
    }
  }

  serverGone(client: ClientConnection, server: ServerConnection): void {
    server.closedAt ??= Date.now()
    void this.dispatcher.run('server_disconnected', { client, server })
  }

  explainLoss(error: Error, connection: Connection): string {
    return this.#distrust.lost(error, connection)
  }

  departed(driver: Driver, hasSpoken: boolean): void {
    if (!this.#drivers.delete(driver)) return
    if (!this.#closing) this.#distrust.left(driver.client, hasSpoken)
    void this.dispatcher.run('client_disconnected', driver.client)
    if (this.#drivers.size === 0) this.#allDeparted()
  }

  /** Ends everything that is open, and waits a moment for the hooks of what ends. */
  async close(): Promise<void> {
    this.#closing = true
    for (const driver of [...this.#drivers]) driver.abort()
    this.pool.close()
    this.#resolver.close()
    if (this.#drivers.size === 0) return
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, FAREWELL_MILLISECONDS)
      this.#allDeparted = () => {
        clearTimeout(late)
        resolve()
      }
    })
  }
}
