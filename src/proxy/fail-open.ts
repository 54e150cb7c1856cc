// Option `tls_fail_open`: remembers which clients have refused our certificate for which names, and for how long they pass.
import { Recent } from '../certs/recent.js'
import type { ClientConnection } from '../connection.js'
import { MidwireError } from '../errors.js'
import { type FlowFilter, parseFilter } from '../flow/filter.js'
import { canonicalName } from '../flow/host-name.js'
import { connectRequest, HttpFlow } from '../flow/http.js'
import type { LogLevel } from '../hooks.js'
import type { PassedThrough } from './api.js'
import { clientAddress } from './explain.js'

/** Milliseconds that a client passes for a name after it has refused our certificate. */
const MEMORY_MILLISECONDS = 3_600_000

/** How many pairs of client and name are remembered. */
const MAX_REMEMBERED = 10_000

export class FailOpen {
  readonly #log: (level: LogLevel, message: string) => void
  readonly #now: () => number
  #accepts: FlowFilter
  #remembered = new Recent<string, PassedThrough>(MAX_REMEMBERED)
  /** The name that a refusal of an open connection would be about. Connections that the option does not let pass have none. */
  #asked = new WeakMap<ClientConnection, string>()

  /** Throws ERR_OPTION for a filter that is wrong. */
  constructor(option: string, log: (level: LogLevel, message: string) => void, now: () => number) {
    this.#accepts = filterOf(option)
    this.#log = log
    this.#now = now
  }

  /** Throws ERR_OPTION for a filter that is wrong, and keeps the former value then. */
  configure(option: string): void {
    this.#accepts = filterOf(option)
  }

  /** Whether a connection of the client to that name passes; asked before its handshake. */
  passes(client: ClientConnection, host: string, port: number): boolean {
    if (!this.#accepts(connectFlow(client, host, port, this.#now()))) return false
    const key = keyOf(client, host)
    const known = this.#remembered.get(key)
    if (known && known.until > this.#now()) return true
    this.#remembered.delete(key)
    this.#asked.set(client, host)
    return false
  }

  /** The client has refused our certificate, in or after the handshake. */
  refused(client: ClientConnection): void {
    const name = this.#asked.get(client)
    if (name === undefined) return
    this.#asked.delete(client)
    const { remote, peer } = client
    const until = this.#now() + MEMORY_MILLISECONDS
    this.#remembered.set(keyOf(client, name), { client: peer?.name ?? peer?.publicKey ?? remote.address, name, until })
    const what = "this client's connections to that name are not decrypted for an hour, from the next one on"
    this.#log('info', `${clientAddress(client)}: ${name}: ${what} (tls_fail_open)`)
  }

  /** All that pass now, those that were used last at the end. */
  list(): PassedThrough[] {
    const now = this.#now()
    return this.#remembered.values().filter(({ until }) => until > now)
  }

  /** Forgets everything. */
  clear(): void {
    this.#remembered = new Recent(MAX_REMEMBERED)
    this.#asked = new WeakMap()
  }
}

function filterOf(option: string): FlowFilter {
  if (option === 'off') return () => false
  if (option === 'on') return () => true
  try {
    return parseFilter(option)
  } catch (error) {
    // The sentence begins with the option's name, by which the place in config.yaml is found.
    const why = (error as Error).message.replace(/^filter: /, '')
    throw new MidwireError('ERR_OPTION', `tls_fail_open: ${why}`, { cause: error })
  }
}

/** A peer of a tunnel is the same client at every address. */
const keyOf = ({ remote, peer }: ClientConnection, host: string) =>
  `${peer?.publicKey ?? remote.address} ${canonicalName(host)}`

/** The flow that the filter is asked about: a CONNECT to the name. It is seen by nobody else. */
function connectFlow(client: ClientConnection, host: string, port: number, now: number): HttpFlow {
  const world = { newId: () => '', now: () => now, act() {} }
  return new HttpFlow({ world, client, server: undefined, now }, connectRequest(host, port, now))
}
