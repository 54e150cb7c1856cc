// A real WireGuard client: wireguard-go or boringtun-cli on a TUN device in a client's namespace, configured with `wg set`.
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Namespace } from './netns.js'
import { may, start, stop } from './processes.js'
import { boringtun, wireguardGo } from './skip.js'
import { until } from './wait.js'

export type Kind = 'wireguard-go' | 'boringtun-cli'

const commands: Record<Kind, () => string[]> = {
  'wireguard-go': () => [wireguardGo ?? '', '-f'],
  'boringtun-cli': () => [boringtun ?? '', '-f', '--disable-drop-privileges'],
}

export interface ClientOptions {
  kind?: Kind
  privateKey: string
  /** The server's. */
  publicKey: string
  presharedKey?: string
  /** Where the server is: `1.2.3.4:51820` or `[::1]:51820`. Without it the server has to call. */
  endpoint?: string
  /** Default any. */
  listenPort?: number
  /** The inner addresses. */
  addresses: readonly string[]
  /** Default 1420. */
  mtu?: number
  /** Seconds. */
  keepalive?: number
}

let devices = 0
/** Killed programs leave their control sockets behind. */
const sockets = new Set<string>()
process.on('exit', () => {
  for (const socket of sockets) rmSync(socket, { force: true })
})

export class Client {
  readonly namespace: Namespace
  readonly device: string
  readonly #options: ClientOptions
  #process: ChildProcess | undefined

  constructor(namespace: Namespace, options: ClientOptions) {
    this.namespace = namespace
    this.#options = options
    // The control sockets of all namespaces lie in one folder: the name has to be one of its own. 15 characters at most.
    this.device = `mw${process.pid}n${devices++}`
  }

  get #socket(): string {
    return `/var/run/wireguard/${this.device}.sock`
  }

  /**
   * Starts the program, waits for its device, gives it keys and the server as its only peer, and routes everything into it.
   * Another endpoint than the first one may be given.
   */
  async start(endpoint = this.#options.endpoint): Promise<void> {
    const { kind = 'wireguard-go', mtu = 1420, addresses } = this.#options
    sockets.add(this.#socket)
    const [program = '', ...args] = commands[kind]()
    this.#process = start('ip', this.namespace.command(program, ...args, this.device), {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, LOG_LEVEL: 'error', WG_LOG_LEVEL: 'error', WG_PROCESS_FOREGROUND: '1' },
    })
    const device = ['-n', this.namespace.name, 'link', 'show', this.device]
    await until(10_000, `${kind}'s device ${this.device}`, () => {
      if (this.#process?.exitCode !== null) throw new Error(`${kind} ended with exit code ${this.#process?.exitCode}`)
      return existsSync(this.#socket) && may('ip', device) !== undefined
    })
    this.#configure(endpoint)
    for (const address of addresses) {
      const isV6 = address.includes(':')
      this.namespace.ip('addr', 'add', `${address}/${isV6 ? 128 : 32}`, 'dev', this.device, ...(isV6 ? ['nodad'] : []))
    }
    this.namespace.ip('link', 'set', this.device, 'mtu', String(mtu), 'up')
    // The cable's own network has a longer prefix, so only what is not for the server's outside goes into the tunnel.
    this.namespace.ip('route', 'add', 'default', 'dev', this.device)
    if (mtu >= 1280) this.namespace.ip('-6', 'route', 'add', 'default', 'dev', this.device)
  }

  #configure(endpoint: string | undefined): void {
    const { privateKey, publicKey, presharedKey, keepalive, listenPort } = this.#options
    const line = (name: string, value: string | number | undefined) => (value ? `${name} = ${value}\n` : '')
    const own = line('PrivateKey', privateKey) + line('ListenPort', listenPort)
    const secrets = line('PublicKey', publicKey) + line('PresharedKey', presharedKey)
    const where = line('Endpoint', endpoint) + line('PersistentKeepalive', keepalive)
    const text = `[Interface]\n${own}[Peer]\n${secrets}AllowedIPs = 0.0.0.0/0, ::/0\n${where}`
    const folder = mkdtempSync(join(tmpdir(), 'midwire-'))
    try {
      const file = join(folder, 'client.conf')
      writeFileSync(file, text, { mode: 0o600 })
      this.namespace.must('wg', 'setconf', this.device, file)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  /** `wg set` on the device. */
  set(...args: string[]): void {
    this.namespace.must('wg', 'set', this.device, ...args)
  }

  /** Moves the server to another address. */
  setEndpoint(endpoint: string): void {
    this.set('peer', this.#options.publicKey, 'endpoint', endpoint)
  }

  /** Seconds since 1970 of the last handshake, 0 for none. */
  lastHandshake(): number {
    return Number(this.namespace.must('wg', 'show', this.device, 'latest-handshakes').trim().split('\t')[1])
  }

  /** Kills the program: no word to the server, and the device is gone. */
  async stop(): Promise<void> {
    if (this.#process) await stop(this.#process)
    this.#process = undefined
    rmSync(this.#socket, { force: true })
  }
}
