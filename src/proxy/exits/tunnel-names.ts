// The names of servers behind a tunnel: from the hosts file, or by the name servers in the tunnel's file, which are asked through it.
import { ipText } from '../../addresses.js'
import { DnsError } from '../../flow/dns-message.js'
import { DNS_RCODE, DNS_TYPE } from '../../flow/dns-names.js'
import { dnsQuery } from '../../flow/dns-reply.js'
import { canonicalName } from '../../flow/host-name.js'
import type { Family } from '../eyeballs.js'
import { type Carrier, NameServerClient } from '../name-server.js'

const DNS_PORT = 53

export class TunnelNames {
  readonly #servers: readonly { address: string; port: number }[]
  readonly #search: readonly string[]
  readonly #client: NameServerClient

  constructor(servers: readonly string[], search: readonly string[], carrier: Carrier) {
    this.#servers = servers.map((address) => ({ address, port: DNS_PORT }))
    this.#search = search
    this.#client = new NameServerClient(carrier)
  }

  /** The addresses of one family that a name has, none where it has none of it. Rejects with ENOTFOUND, or EAI_AGAIN where no name server helps. */
  async addressesOf(host: string, family: Family): Promise<string[]> {
    const name = canonicalName(host)
    // A name without a dot is a machine's in one of the domains, if there is such a machine.
    const isShort = !name.includes('.') && !host.endsWith('.')
    const names = isShort ? [...this.#search.map((domain) => `${name}.${domain}`), name] : [name]
    for (const one of names) {
      const found = await this.#ask(host, one, family)
      if (found) return found
    }
    throw failure('ENOTFOUND', `there is no name ${host}`)
  }

  close(): void {
    this.#client.close()
  }

  /** Undefined where there is no such name. */
  async #ask(host: string, name: string, family: Family): Promise<string[] | undefined> {
    const type = family === 4 ? DNS_TYPE.A : DNS_TYPE.AAAA
    try {
      const { rcode, answers } = await this.#client.ask(this.#servers, dnsQuery(name, type, 0))
      if (rcode === DNS_RCODE.NXDOMAIN) return undefined
      if (rcode !== DNS_RCODE.NOERROR) throw new Error(`the name server has answered with error ${rcode}`)
      const length = family === 4 ? 4 : 16
      return answers.filter((one) => one.type === type && one.data.length === length).map(({ data }) => ipText(data))
    } catch (error) {
      // Such a text cannot be a name.
      if (error instanceof DnsError) return undefined
      throw failure('EAI_AGAIN', `the look-up of ${host} has failed: ${(error as Error).message}`, error)
    }
  }
}

const failure = (code: string, message: string, cause?: unknown) =>
  Object.assign(new Error(message, { cause }), { code })
