// The protocols that turn to TLS in the middle of a connection, and what finds out which of them it is.
import { ftp } from './ftp.js'
import { imap } from './imap.js'
import { ldap } from './ldap.js'
import { mysql } from './mysql.js'
import { pop3 } from './pop3.js'
import { postgresql } from './postgresql.js'
import { smtp } from './smtp.js'
import type { Sight, Talk } from './talk.js'
import { xmpp } from './xmpp.js'

const PROTOCOLS: Readonly<Record<string, () => Talk>> = { smtp, imap, pop3, ftp, ldap, xmpp, postgresql, mysql }

/** The bytes of both sides that are looked at. TLS begins early, or never. */
const MAX_WATCHED = 64 * 1024

/** Watches a connection by all protocols at once, whatever its port, until one is left, or none. */
export class StartTls {
  #talks = Object.entries(PROTOCOLS).map(([name, make]) => ({ name, talk: make() }))
  #left = MAX_WATCHED
  /** The protocol by which TLS was asked for. */
  protocol = ''

  /** What bytes of one side show. */
  look(fromClient: boolean, bytes: Buffer): Sight {
    this.#left -= bytes.length
    if (this.#left < 0) this.#talks = []
    for (const one of [...this.#talks]) {
      const sight = fromClient ? one.talk.client(bytes) : one.talk.server(bytes)
      if (sight === 'off') this.#talks = this.#talks.filter((other) => other !== one)
      if (typeof sight === 'string') continue
      this.#talks = [one]
      this.protocol = one.name
      return sight
    }
    return this.#talks.length > 0 ? 'on' : 'off'
  }
}
