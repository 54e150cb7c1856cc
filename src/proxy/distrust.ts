// Clients that do not trust our certificate, and say so only when the handshake is over, or not at all.
import { Recent } from '../certs/recent.js'
import type { ClientConnection, Connection } from '../connection.js'
import type { LogLevel } from '../hooks.js'
import { endOf, explainClient, explainLoss, installFrom, isDistrust } from './explain.js'

/** Who leaves without a word so soon after the handshake has looked at the certificate; others had opened it in advance. */
const HASTE_MILLISECONDS = 1_000

/** Clients and the names that they asked for, of which is known how they take our certificate. */
const MAX_KNOWN = 1_000

export class Distrust {
  readonly #known = new Recent<string, true>(MAX_KNOWN)
  readonly #host: string
  readonly #log: (level: LogLevel, message: string) => void

  /** `host` is where our certificate is to be had. */
  constructor(host: string, log: (level: LogLevel, message: string) => void) {
    this.#host = host
    this.#log = log
  }

  /** Why a connection was lost; where it is a client's alert, the user is told what to do. */
  lost(error: Error, connection: Connection): string {
    if ('host' in connection || !isDistrust(error)) return explainLoss(error, connection)
    const client = connection as ClientConnection
    const why = explainClient(error, this.#host)
    if (this.#isNew(client)) this.#log('warn', `${endOf(client)}: ${nameOf(client)}${why}`)
    return why
  }

  /** A client's connection is over. `hasSpoken`: it has said something that was not the handshake. */
  left(client: ClientConnection, hasSpoken: boolean): void {
    const { tls, closedAt = 0 } = client
    if (tls?.establishedAt === undefined) return
    if (hasSpoken) {
      this.#known.set(keyOf(client), true)
      return
    }
    const soon = closedAt - tls.establishedAt < HASTE_MILLISECONDS
    const hint = soon && this.#isNew(client) ? `; if it does not trust our certificate: ${installFrom(this.#host)}` : ''
    const what = `${nameOf(client)}the client closed the connection after the handshake, without a word${hint}`
    this.#log(hint ? 'info' : 'debug', `${endOf(client)}: ${what}`)
  }

  /** Each is told of once; and who has spoken to that name trusts us. */
  #isNew(client: ClientConnection): boolean {
    const key = keyOf(client)
    if (this.#known.get(key)) return false
    this.#known.set(key, true)
    return true
  }
}

const keyOf = ({ remote, tls }: ClientConnection) => `${remote.address} ${tls?.sni ?? ''}`

const nameOf = ({ tls }: ClientConnection) => (tls?.sni === undefined ? '' : `${tls.sni}: `)
