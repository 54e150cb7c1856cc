// The resolver of the tunnel, and of servers' names: the hosts file, then name servers, whose answers to queries pass as they are.
import { promises as dns } from 'node:dns'
import { isIP } from 'node:net'
import { hostPort } from '../addresses.js'
import { MidwireError } from '../errors.js'
import { type DnsMessage, type DnsQuestion, parseDns, writeDns } from '../flow/dns-message.js'
import { DNS_CLASS, DNS_OPCODE, DNS_RCODE, DNS_TYPE } from '../flow/dns-names.js'
import { aaaaRecord, aRecord, dnsReply, optOf, SYNTHETIC_TTL } from '../flow/dns-reply.js'
import { canonicalName } from '../flow/host-name.js'
import { HostsFile } from './hosts-file.js'
import { bySockets, type NameServer, NameServerClient, parseNameServer } from './name-server.js'

/** The queries that may be under way at once. */
const MAX_QUERIES = 1_000

/** Milliseconds after which the system's name servers are read again, because a laptop changes networks. */
const FRESH = 10_000

/** Names that the C library takes unchanged. */
const PLAIN_NAME = /^[\w-]{1,63}(\.[\w-]{1,63})*$/

export interface ResolverOptions {
  /** Option `dns_name_servers`. Default: the system's. */
  nameServers?: readonly string[] | undefined
  /** Option `dns_use_hosts_file`. */
  useHostsFile: boolean
  /** The addresses, of both families, of a name (as `canonicalName` has it) that midwire answers itself; undefined for other names. */
  inside?: ((name: string) => readonly string[] | undefined) | undefined
  /** Whether midwire itself is the name server at that address. It is left out, because queries would go round without end. */
  isOurs?: ((address: string, port: number) => boolean) | undefined
  /** The firewall mark that queries have to have now. Only those that midwire sends itself have it: the system's, and Node's, cannot. */
  mark?: (() => number | undefined) | undefined
  /** Default: the system's. */
  hostsFile?: string | undefined
}

interface Upstream {
  readonly resolver: dns.Resolver
  readonly servers: readonly NameServer[]
}

export class Resolver {
  #options: ResolverOptions
  readonly #hosts: HostsFile
  readonly #client: NameServerClient
  #upstream: Upstream | undefined
  #upstreamReadAt = 0
  #running = 0
  #closed = false

  /** Throws a MidwireError for a name server that is no address. */
  constructor(options: ResolverOptions) {
    checkNameServers(options)
    this.#options = options
    this.#hosts = new HostsFile(options.hostsFile)
    this.#client = new NameServerClient(bySockets(options.mark ?? (() => undefined)))
  }

  /** Changes the options for later queries. Throws a MidwireError for a name server that is no address. */
  configure(options: Pick<ResolverOptions, 'nameServers' | 'useHostsFile'>): void {
    checkNameServers(options)
    this.#options = { ...this.#options, ...options }
    // Queries that are under way go on with the name servers that they began with.
    this.#upstream = undefined
  }

  /** Like resolve, for bytes. Never rejects: an Error says why there is no answer. */
  async answer(query: Buffer): Promise<Buffer | Error> {
    try {
      return writeDns(await this.resolve(parseDns(query)))
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  /** The answer to a query, which may be that the name does not exist or that the server refuses. Rejects where no answer comes. */
  resolve(query: DnsMessage): Promise<DnsMessage> {
    return this.#counted(() => this.#resolve(query))
  }

  /** Name servers are given by option, so that the system is not asked for names. */
  get hasOwnServers(): boolean {
    return (this.#options.nameServers?.length ?? 0) > 0
  }

  /** The addresses, of both families, that the hosts file has for a name; undefined where it has none, or may not be read. */
  async inHostsFile(name: string): Promise<readonly string[] | undefined> {
    return this.#options.useHostsFile ? this.#hosts.find(name) : undefined
  }

  /** The addresses of one family that the name servers have for a name. Rejects with c-ares' errors, such as ENOTFOUND and ENODATA. */
  addressesOf(name: string, family: 4 | 6): Promise<readonly string[]> {
    return this.#counted(() => {
      const { servers, resolver } = this.#servers()
      if (servers.length === 0) throw new Error('no name server is known: set dns_name_servers')
      return family === 4 ? resolver.resolve4(name) : resolver.resolve6(name)
    })
  }

  /** The addresses, of both families, that the system has for a name, in its order (RFC 6724). Rejects with its errors. */
  async systemAddressesOf(name: string): Promise<readonly string[]> {
    const found = await this.#counted(() => dns.lookup(name, { all: true, verbatim: true }))
    return found.map(({ address }) => address)
  }

  /** Rejects where too many queries are under way. */
  async #counted<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error('midwire is closing')
    if (this.#running >= MAX_QUERIES) throw new Error(`${MAX_QUERIES} queries are under way already`)
    this.#running += 1
    try {
      return await ask()
    } finally {
      this.#running -= 1
    }
  }

  close(): void {
    this.#closed = true
    this.#upstream?.resolver.cancel()
    this.#client.close()
  }

  async #resolve(query: DnsMessage): Promise<DnsMessage> {
    const { servers } = this.#servers()
    const [question] = query.questions
    if (query.opcode === DNS_OPCODE.QUERY && question?.class === DNS_CLASS.IN && query.questions.length === 1) {
      const inside = this.#options.inside?.(canonicalName(question.name))
      if (inside) return addressReply(query, question, inside)
      if (question.type === DNS_TYPE.A || question.type === DNS_TYPE.AAAA) {
        // The root exists and has no address, but some name servers answer that it does not exist. A client that validates is
        // sent the server's answer all the same, as it needs the proof in it.
        if (question.name === '.' && !validates(query)) return dnsReply(query)
        const known = this.#options.useHostsFile ? await this.#hosts.find(question.name) : undefined
        if (known) return addressReply(query, question, known)
        const plain = question.name.length < 254 && PLAIN_NAME.test(question.name)
        if (plain && this.#options.useHostsFile) return this.#askOrLookUp(servers, query, question)
      }
    }
    if (servers.length > 0) return this.#client.ask(servers, query)
    throw new Error('no name server is known: set dns_name_servers')
  }

  /** Asks the name servers; the C library where there is none. */
  async #askOrLookUp(servers: readonly NameServer[], query: DnsMessage, question: DnsQuestion): Promise<DnsMessage> {
    if (servers.length === 0) return lookUp(query, question)
    try {
      return await this.#client.ask(servers, query)
    } catch (error) {
      // Where the system has no name server, Node gives 127.0.0.1, where none listens.
      if (this.hasOwnServers || !isRefused(error)) throw error
      return lookUp(query, question)
    }
  }

  #servers(): Upstream {
    const { nameServers, isOurs } = this.#options
    const given = nameServers && nameServers.length > 0 ? nameServers : undefined
    const stale = !given && Date.now() - this.#upstreamReadAt > FRESH
    if (this.#upstream && !stale) return this.#upstream
    // A new Resolver reads the name servers that the system has now.
    const resolver = new dns.Resolver({ timeout: 2_000, tries: 2 })
    const servers = (given ?? resolver.getServers())
      .map(parseNameServer)
      .filter((server) => server !== undefined)
      .filter(({ address, port }) => !isOurs?.(address, port))
    if (servers.length > 0) resolver.setServers(servers.map(({ address, port }) => hostPort(address, port)))
    this.#upstreamReadAt = Date.now()
    this.#upstream = { resolver, servers }
    return this.#upstream
  }
}

function checkNameServers({ nameServers = [] }: Pick<ResolverOptions, 'nameServers'>): void {
  const wrong = nameServers.find((text) => !parseNameServer(text))
  if (wrong === undefined) return
  const shown = JSON.stringify(wrong)
  throw new MidwireError('ERR_ARGUMENT', `dns_name_servers: ${shown} is no IP address, with or without a port`)
}

const isRefused = (error: unknown) =>
  ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNREFUSED'

/** True for a client that checks signatures itself, and needs what the server has said. */
const validates = (query: DnsMessage) => query.checkingDisabled || optOf(query)?.dnssecOk === true

/** An answer with the addresses of the family that the question asks for; an empty one for a question of another type. */
function addressReply(query: DnsMessage, { name, type }: DnsQuestion, addresses: readonly string[]): DnsMessage {
  const answers = addresses.flatMap((address) => {
    const family = isIP(address)
    if (family === 4 && type === DNS_TYPE.A) return [aRecord(name, address, SYNTHETIC_TTL)]
    if (family === 6 && type === DNS_TYPE.AAAA) return [aaaaRecord(name, address, SYNTHETIC_TTL)]
    return []
  })
  return dnsReply(query, { answers })
}

/** Answers a question for addresses by the C library. */
async function lookUp(query: DnsMessage, question: DnsQuestion): Promise<DnsMessage> {
  try {
    const found = await dns.lookup(question.name, { all: true, verbatim: true })
    return addressReply(
      query,
      question,
      found.map(({ address }) => address),
    )
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTFOUND') return dnsReply(query, { rcode: DNS_RCODE.NXDOMAIN })
    throw error
  }
}
