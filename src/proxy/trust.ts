// Which clients trust our certificate: those that have spoken over TLS that we decrypt do, those that refuse it do not.
import { Recent } from '../certs/recent.js'
import type { ClientConnection } from '../connection.js'
import type { ClientTrust } from './api.js'

const MAX_CLIENTS = 1_000

export class Trust {
  readonly #known = new Recent<string, ClientTrust>(MAX_CLIENTS)

  /** A client has spoken over TLS. */
  trusted(client: ClientConnection): void {
    const before = this.#known.get(keyOf(client))
    // It is looked at for each flow.
    if (before?.trusts !== true) this.#set(client, true)
  }

  /**
   * A client has refused our certificate. One that trusted it before may do so for one name or in one program alone, which brings a certificate of its own: it
   * trusts it still.
   */
  refused(client: ClientConnection): void {
    if (this.#known.get(keyOf(client))?.trusts !== true) this.#set(client, false)
  }

  /** Undefined for a client that is not known. `key`: the public key of a peer, or an IP address. */
  of(key: string): boolean | undefined {
    return this.#known.get(key)?.trusts
  }

  list(): ClientTrust[] {
    return this.#known.values()
  }

  #set(client: ClientConnection, trusts: boolean): void {
    const { remote, peer, tls } = client
    const key = keyOf(client)
    this.#known.set(key, { client: peer?.name ?? remote.address, key, trusts, name: tls?.sni, at: Date.now() })
  }
}

/** A peer of a tunnel is the same client at every address. */
const keyOf = ({ remote, peer }: ClientConnection): string => peer?.publicKey ?? remote.address
