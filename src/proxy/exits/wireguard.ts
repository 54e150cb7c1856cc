// The exit by a WireGuard tunnel: started when it is first needed, again when it has failed, and anew when its file has changed.
import { isIP } from 'node:net'
import { hopText, type TunnelHop } from '../../flow/via.js'
import type { LogLevel } from '../../hooks.js'
import type { Transport } from '../../transports/transport.js'
import type { Family } from '../eyeballs.js'
import { ofFamilies, type Told } from '../names.js'
import type { ConnectOptions, Endpoint, Exit } from './exit.js'
import { Tunnel, type TunnelOptions } from './tunnel.js'
import { loadTunnelFile, type TunnelFile } from './tunnel-file.js'

/** Milliseconds before the file is checked for a change again. */
const FRESH = 2_000

/** The options and services that all tunnels of a proxy share. */
export interface TunnelSurroundings extends Pick<TunnelOptions, 'outside'> {
  /** The options of the TCP in tunnels, for those that start now. */
  settings(): Pick<TunnelOptions, 'congestion' | 'bufferSize' | 'mark'>
  /** The addresses of both families that the hosts file has for a name; undefined where it has none, or may not be read. */
  inHostsFile(name: string): Promise<readonly string[] | undefined>
  log(level: LogLevel, message: string): void
}

export class WireGuardExit implements Exit {
  readonly #name: string
  readonly #path: string
  readonly #around: TunnelSurroundings
  #running: Promise<Tunnel> | undefined
  /** The tunnel of `#running`, once it has started. */
  #tunnel: Tunnel | undefined
  /** Fulfilled when all tunnels before `#running` have ended. */
  #last: Promise<unknown> = Promise.resolve()
  #file: TunnelFile | undefined
  #checkedAt = 0
  /** The last fault of the file that was logged. */
  #fault = ''
  #closed = false

  constructor(hop: TunnelHop, path: string, around: TunnelSurroundings) {
    this.#name = hopText(hop)
    this.#path = path
    this.#around = around
  }

  /** Whether connections are open, or about to be. */
  get isBusy(): boolean {
    return this.#running !== undefined && (this.#tunnel === undefined || this.#tunnel.connections > 0)
  }

  find(host: string, families: readonly Family[], told: Told): void {
    this.#find(host, families, told).catch((error) => told({ families, found: error as Error }))
  }

  /** The addresses behind a tunnel are none of this machine's. */
  isOwn(): boolean {
    return false
  }

  async connect({ address, port, transport }: Endpoint, { signal }: ConnectOptions): Promise<Transport> {
    const tunnel = await this.#ready()
    return transport === 'udp' ? tunnel.connectUdp(address, port) : tunnel.connectTcp(address, port, signal)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#end()
  }

  async #find(host: string, families: readonly Family[], told: Told): Promise<void> {
    const tunnel = await this.#ready()
    // The sentence that the tunnel has no address of that family is the connection's.
    if (isIP(host)) return this.#around.outside.find(host, families, told)
    const own = families.filter((family) => tunnel.families.includes(family))
    const others = families.filter((family) => !own.includes(family))
    if (others.length > 0) told({ families: others, found: [] })
    if (!tunnel.hasNameServers) return this.#around.outside.find(host, own, told)
    const known = await this.#around.inHostsFile(host)
    for (const family of own) {
      if (known) told({ families: [family], found: ofFamilies(known, [family]) })
      else {
        tunnel.addressesOf(host, family).then(
          (found) => told({ families: [family], found: ofFamilies(found, [family]) }),
          (error) => told({ families: [family], found: error as Error }),
        )
      }
    }
  }

  /** The tunnel as its file is now. Rejects with ERR_WIREGUARD_CONF, and with what keeps it from starting. */
  async #ready(): Promise<Tunnel> {
    if (this.#closed) throw new Error('midwire is closing')
    if (performance.now() - this.#checkedAt > FRESH || !this.#running) this.#read()
    this.#running ??= this.#start(this.#file as TunnelFile)
    const running = this.#running
    try {
      return await running
    } catch (error) {
      // The next connection tries again.
      if (this.#running === running) this.#running = undefined
      throw error
    }
  }

  /** Reads the file. Where that has changed, the tunnel ends; a file that is wrong now changes nothing. */
  #read(): void {
    this.#checkedAt = performance.now()
    try {
      const file = loadTunnelFile(this.#path)
      this.#fault = ''
      if (file.text === this.#file?.text) return
      const isChange = this.#running !== undefined
      this.#file = file
      this.#remark(file)
      if (!isChange) return
      this.#around.log('info', `${this.#path} has changed: ${this.#name} is started anew`)
      void this.#end()
    } catch (error) {
      if (!this.#running) throw error
      const { message } = error as Error
      if (message !== this.#fault) this.#around.log('error', `${message}; ${this.#name} stays as it was`)
      this.#fault = message
    }
  }

  #remark({ path, exposed, conf: { ignored } }: TunnelFile): void {
    if (exposed) this.#around.log('warn', `${path} holds private keys, and others may read it: chmod 600 it`)
    const have = ignored.length > 1 ? 'have' : 'has'
    if (ignored.length > 0) this.#around.log('info', `${path}: ${ignored.join(', ')} ${have} no effect here`)
  }

  async #start(file: TunnelFile): Promise<Tunnel> {
    const { outside, log } = this.#around
    // The port of the one before has to be free.
    await this.#last
    const tunnel = await Tunnel.start({
      name: this.#name,
      file,
      outside,
      ...this.#around.settings(),
      failed: (failed, error) => this.#failed(failed, error),
      log: (level, message) => log(level, message),
    })
    if (this.#closed) {
      await tunnel.close()
      throw new Error('midwire is closing')
    }
    this.#tunnel = tunnel
    return tunnel
  }

  #failed(tunnel: Tunnel, error: Error): void {
    this.#around.log('error', `${this.#name} has failed: ${error.message}; the next connection starts it again`)
    if (this.#tunnel !== tunnel) return
    this.#tunnel = undefined
    this.#running = undefined
  }

  #end(): Promise<unknown> {
    const running = this.#running
    this.#running = undefined
    this.#tunnel = undefined
    const ended = running?.then(
      (tunnel) => tunnel.close(),
      () => {},
    )
    this.#last = Promise.all([this.#last, ended])
    return this.#last
  }
}
