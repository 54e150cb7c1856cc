// Notices clients that do not trust our certificate, and show that by an alert or by leaving, in the handshake or after it.
import { Recent } from '../certs/recent.js'
import { type ClientConnection, type Connection, sideOf } from '../connection.js'
import type { LogLevel } from '../hooks.js'
import { clientAddress, explainClient, explainLoss, installFrom, isDistrust, isEarlyClose } from './explain.js'

/**
 * Milliseconds. A client that closes a silent connection within this time after the handshake probably refused the certificate. One
 * that closes it later had probably opened it in advance.
 */
const HASTE_MILLISECONDS = 1_000

/** How many pairs of client and server name are remembered: those that trust our certificate or have been warned of. */
const MAX_KNOWN = 1_000

export class Distrust {
  readonly #known = new Recent<string, 'trusts' | 'warned'>(MAX_KNOWN)
  readonly #host: string
  readonly #log: (level: LogLevel, message: string) => void
  readonly #refused: (client: ClientConnection) => void

  /** `host` is the onboarding host, which has our certificate. `refused` is called for each sign that a client does not trust it. */
  constructor(
    host: string,
    log: (level: LogLevel, message: string) => void,
    refused: (client: ClientConnection) => void,
  ) {
    this.#host = host
    this.#log = log
    this.#refused = refused
  }

  /** The reason why a client's handshake failed. */
  failed(error: unknown, client: ClientConnection): string {
    // A client that has spoken to that name trusts us: where it leaves, it has another reason. An alert is plain in any case.
    if (isDistrust(error) || (isEarlyClose(error) && !this.#trusts(client))) this.#refused(client)
    return explainClient(error, this.#host)
  }

  /** The reason why a connection was lost. For a client's alert about our certificate, the log tells the user what to do. */
  lost(error: Error, connection: Connection): string {
    if (sideOf(connection) === 'server' || !isDistrust(error)) return explainLoss(error, connection)
    const client = connection as ClientConnection
    const why = explainClient(error, this.#host)
    this.#refused(client)
    if (this.#isNew(client)) this.#log('warn', `${clientAddress(client)}: ${nameOf(client)}${why}`)
    return why
  }

  /** Looks at a client connection that is over. `hasSpoken`: the client has sent more than its handshake. */
  left(client: ClientConnection, hasSpoken: boolean): void {
    const { tls, closedAt = 0 } = client
    if (tls?.establishedAt === undefined) return
    if (hasSpoken) {
      this.#known.set(keyOf(client), 'trusts')
      return
    }
    const soon = closedAt - tls.establishedAt < HASTE_MILLISECONDS
    if (soon && !this.#trusts(client)) this.#refused(client)
    const hint = soon && this.#isNew(client) ? `; if it does not trust our certificate: ${installFrom(this.#host)}` : ''
    const what = `${nameOf(client)}the client closed the connection after the handshake, without a word${hint}`
    this.#log(hint ? 'info' : 'debug', `${clientAddress(client)}: ${what}`)
  }

  /** True once for each pair of client and server name, and never for a client that has spoken to that name, as it trusts us. */
  #isNew(client: ClientConnection): boolean {
    const key = keyOf(client)
    if (this.#known.get(key)) return false
    this.#known.set(key, 'warned')
    return true
  }

  #trusts(client: ClientConnection): boolean {
    return this.#known.get(keyOf(client)) === 'trusts'
  }
}

const keyOf = ({ remote, tls }: ClientConnection) => `${remote.address} ${tls?.sni ?? ''}`

const nameOf = ({ tls }: ClientConnection) => (tls?.sni === undefined ? '' : `${tls.sni}: `)
