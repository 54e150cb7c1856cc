// The server that a DNS client chose: one connection for all of its queries, opened by the first, and opened again when it was lost.
import type { ServerConnection } from '../connection.js'
import type { DnsFlow } from '../flow/dns.js'
import { DnsError, type DnsMessage, parseDns } from '../flow/dns-message.js'
import { DNS_RCODE } from '../flow/dns-names.js'
import { queryKey } from '../flow/dns-reply.js'
import type { Channel } from './channel.js'
import { OpenFailure } from './commands.js'
import { DnsFramer, frameDns, readDns } from './dns-framing.js'
import { type Context, log, open, type Step } from './layer.js'
import { TIMEOUT } from './world.js'

/** A query as the server's side knows it. */
export interface Asked {
  readonly flow: DnsFlow
  /** What was sent, how its answer is known, and where it went. */
  sent: Buffer | undefined
  sentKey: string
  server: Channel<ServerConnection> | undefined
}

/** Who is told what became of a query that `ask` has sent. */
export interface Asker<Query> {
  answered(query: Query, response: DnsMessage): void
  failed(query: Query, message: string): void
}

export class DnsUpstream<Query extends Asked> {
  readonly #context: Context
  readonly #tcp: boolean
  readonly #asker: Asker<Query>
  /** By what was sent. */
  readonly #sent = new Map<string, Query>()
  /** Queries that wait for a connection which is being opened. */
  #backlog: Query[] | undefined
  #listening: Channel<ServerConnection> | undefined

  constructor(context: Context, asker: Asker<Query>) {
    this.#context = context
    this.#tcp = context.client.connection.transport === 'tcp'
    this.#asker = asker
  }

  /** Sends a query, or sees to it that it is sent. Throws a DnsError where that is not possible. */
  *ask(query: Query, bytes: Buffer): Step<void> {
    const context = this.#context
    const key = queryKey(query.flow.request)
    if (this.#sent.has(key)) throw new DnsError('another query was changed to the same one')
    query.sent = frameDns(bytes, this.#tcp)
    query.sentKey = key
    this.#sent.set(key, query)
    if (this.#backlog) {
      this.#backlog.push(query)
      return
    }
    const { server } = context
    if (server && !server.closed && !server.ended) return yield* this.#send(query, server)
    if (!context.destination) throw new DnsError('where it goes is not known')
    this.#backlog = [query]
    const opened = yield* open(context.destination, context.serverTls)
    const waiting = this.#backlog.filter((one) => this.#sent.get(one.sentKey) === one)
    this.#backlog = undefined
    if (!opened || opened instanceof OpenFailure) {
      const message = opened?.message ?? 'the server cannot be reached'
      if (opened) for (const one of waiting) one.flow.server = opened.server
      for (const one of waiting) if (one !== query) this.#fail(one, message)
      throw new DnsError(message)
    }
    context.server = opened
    for (const one of waiting) yield* this.#send(one, opened)
  }

  /** Sends a query once more. */
  *repeat({ sent, server }: Query): Step<void> {
    if (sent && server && !server.closed) yield { type: 'send', channel: server, data: sent }
  }

  /** An answer to this query is wanted no longer. */
  forget(query: Query): void {
    if (this.#sent.get(query.sentKey) === query) this.#sent.delete(query.sentKey)
  }

  *#send(query: Query, server: Channel<ServerConnection>): Step<void> {
    if (this.#listening !== server) {
      this.#listening = server
      this.#context.machine.fork(this.#listen(server))
    }
    query.server = server
    query.flow.server = server.connection
    if (query.sent) yield { type: 'send', channel: server, data: query.sent }
  }

  /** Takes a server's answers until it has gone. */
  *#listen(server: Channel<ServerConnection>): Step<void> {
    const framer = this.#tcp ? new DnsFramer() : undefined
    let fault: string | undefined
    try {
      for (;;) {
        const bytes = yield* readDns(server, framer, 0)
        if (!bytes || bytes === TIMEOUT) break
        this.#answered(bytes)
      }
    } catch (error) {
      if (!(error instanceof DnsError)) throw error
      fault = `the server does not speak DNS: ${error.message}`
    }
    if (this.#context.server === server) this.#context.server = undefined
    if (!server.closed) yield { type: 'close', channel: server }
    const lost = server.error ? `the server was lost: ${server.error}` : 'the server has closed the connection'
    for (const query of [...this.#sent.values()]) if (query.server === server) this.#fail(query, fault ?? lost)
  }

  /** An answer goes to the query that it is one to, or nowhere. */
  #answered(bytes: Buffer): void {
    let message: DnsMessage
    try {
      message = parseDns(bytes)
    } catch (error) {
      const query = bytes.length >= 2 ? this.#only(bytes.readUInt16BE(0)) : undefined
      if (query) this.#fail(query, `the answer is no DNS message: ${(error as Error).message}`)
      return
    }
    if (!message.response) return
    // Some servers leave the question out when they refuse.
    const bare = message.questions.length === 0 && message.rcode !== DNS_RCODE.NOERROR
    const query = this.#sent.get(queryKey(message)) ?? (bare ? this.#only(message.id) : undefined)
    if (query?.server) {
      this.#sent.delete(query.sentKey)
      this.#asker.answered(query, message)
    } else {
      log(this.#context, 'debug', `an answer to no query was dropped: ${message.questions[0]?.name}`)
    }
  }

  /** The one query that was sent with this id. */
  #only(id: number): Query | undefined {
    const found = [...this.#sent.values()].filter(({ flow }) => flow.request.id === id)
    return found.length === 1 ? found[0] : undefined
  }

  #fail(query: Query, message: string): void {
    this.#sent.delete(query.sentKey)
    this.#asker.failed(query, message)
  }
}
