// Looks up the processes of clients on this machine, before their connections begin: many at once, in one scan after the other.
import { networkInterfaces } from 'node:os'
import { plainAddress } from '../addresses.js'
import type { ClientConnection } from '../connection.js'
import { ProcessScan } from './process-scan.js'
import type { Ends } from './process-text.js'

/** The clients that are looked up at once. The process of a client beyond them stays unknown. */
const MAX_SOUGHT = 1_000
/** The time that a look-up may take, with what it waits for a scan. Files of /proc can stop a reader for long. */
const LOOK_UP_MILLISECONDS = 2_000
/** The time in which this machine's addresses are not asked for again. */
const ADDRESSES_MILLISECONDS = 5_000

interface LookUp extends Ends {
  readonly client: ClientConnection
  settle(): void
}

export class Processes {
  readonly #scan: Pick<ProcessScan, 'run'>
  readonly #isLinux: boolean
  /** Those that are not over: they wait for a scan, or are in the one that runs. */
  readonly #all = new Map<ClientConnection, LookUp>()
  #waiting: LookUp[] = []
  #scanning = false
  /** When the scan that runs has begun. */
  #begun = 0
  #closed = false
  #addresses: ReadonlySet<string> = new Set()
  #addressesAt = Number.NEGATIVE_INFINITY

  constructor(scan: Pick<ProcessScan, 'run'> = new ProcessScan(), platform: string = process.platform) {
    this.#scan = scan
    this.#isLinux = platform === 'linux'
  }

  /**
   * Looks for the process of a client, and sets `client.process`. The answer is the end of the look-up, which never rejects; undefined
   * for a client that is not on this machine, and where too many wait.
   */
  find(client: ClientConnection): Promise<void> | undefined {
    if (!this.#isLinux || this.#closed || !this.#isOurs(client.remote.address)) return undefined
    if (this.#all.size >= MAX_SOUGHT) return undefined
    // A scan that is stuck must not delay every connection until it goes on.
    if (this.#scanning && performance.now() - this.#begun > LOOK_UP_MILLISECONDS) return undefined
    let fulfil = () => {}
    const over = new Promise<void>((resolve) => {
      fulfil = resolve
    })
    const settle = () => {
      clearTimeout(late)
      this.#all.delete(client)
      fulfil()
    }
    const late = setTimeout(settle, LOOK_UP_MILLISECONDS).unref()
    const { transport, remote, local } = client
    const lookUp = { client, transport, local: remote, remote: local, settle }
    this.#all.set(client, lookUp)
    this.#waiting.push(lookUp)
    if (!this.#scanning) void this.#scanAll()
    return over
  }

  /** Ends all look-ups. */
  close(): void {
    this.#closed = true
    this.#waiting = []
    for (const lookUp of [...this.#all.values()]) lookUp.settle()
  }

  async #scanAll(): Promise<void> {
    this.#scanning = true
    this.#begun = performance.now()
    // Connections that come in the same turn of the event loop are in the first scan.
    await new Promise(setImmediate)
    while (this.#waiting.length > 0) {
      this.#begun = performance.now()
      const batch = this.#waiting.filter(({ client }) => this.#all.has(client))
      this.#waiting = []
      const found = ({ client, settle }: LookUp, process: ClientConnection['process']) => {
        // A client whose time was over goes on without its process, and its flows have the same one for ever.
        if (!this.#all.has(client)) return
        client.process = process
        settle()
      }
      await this.#scan.run(batch, found, () => batch.every(({ client }) => !this.#all.has(client)))
      for (const { settle } of batch) settle()
      // However many connections come, scans take half of the time at most.
      if (this.#waiting.length > 0) await pause(performance.now() - this.#begun)
    }
    this.#scanning = false
  }

  #isOurs(address: string): boolean {
    if (address.startsWith('127.') || address === '::1') return true
    const now = performance.now()
    if (now - this.#addressesAt > ADDRESSES_MILLISECONDS) {
      const all = Object.values(networkInterfaces()).flatMap((list = []) => list)
      this.#addresses = new Set(all.map((one) => plainAddress(one.address) ?? one.address))
      this.#addressesAt = now
    }
    return this.#addresses.has(address)
  }
}

const pause = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds).unref())
