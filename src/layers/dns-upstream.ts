// The DNS server that a client has chosen: one connection for all queries of the client, opened by the first and again when it is lost.
import type { ServerConnection } from '../connection.js'
import type { DnsFlow } from '../flow/dns.js'
import { DnsError, type DnsMessage, parseDns } from '../flow/dns-message.js'
import { DNS_RCODE } from '../flow/dns-names.js'
import { queryKey } from '../flow/dns-reply.js'
import type { AnyChannel, Channel } from './channel.js'
import { OpenFailure } from './commands.js'
import { DnsFramer, frameDns, readDns } from './dns-framing.js'
import { type Context, log, receiveWithin, type Step } from './layer.js'
import { open, routeTo } from './open.js'
import { TIMEOUT } from './world.js'

/** A query that waits for its answer, as far as it is kept here. */
export interface Asked {
  readonly flow: DnsFlow
  /** The bytes for the server; undefined until `ask` has made them. */
  sent: Buffer | undefined
  /** The id and question of those bytes, by which the answer is recognised. */
  sentKey: string
  /** The connection on which the query was sent. */
  server: Channel<ServerConnection> | undefined
  /** Brings the answer, and is closed with the reason where there will be none. */
  readonly answers: AnyChannel
}

/** Milliseconds that a server has for an answer: stub resolvers ask again after 5 s at most. */
const ANSWER_MILLISECONDS = 10_000

export class DnsUpstream {
  readonly #context: Context
  readonly #tcp: boolean
  /** Queries without an answer, by their `sentKey`. */
  readonly #sent = new Map<string, Asked>()
  /** Queries that wait while the connection is being opened; undefined while none is. */
  #backlog: Asked[] | undefined
  /** The connection whose answers a task of ours reads. */
  #listening: Channel<ServerConnection> | undefined

  constructor(context: Context) {
    this.#context = context
    this.#tcp = context.client.connection.transport === 'tcp'
  }

  /** The answer to a query. Throws a DnsError where there is none. */
  *ask(query: Asked, bytes: Buffer): Step<DnsMessage> {
    yield* this.#submit(query, bytes)
    const answer = yield* receiveWithin(query.answers, ANSWER_MILLISECONDS)
    if (answer === TIMEOUT) throw new DnsError(`the server has not answered within ${ANSWER_MILLISECONDS / 1000} s`)
    if (!answer) throw new DnsError(query.answers.error ?? 'the server has not answered')
    return parseDns(answer)
  }

  /** Sends a query, after opening the connection where there is none; while it is being opened, the query waits for that. */
  *#submit(query: Asked, bytes: Buffer): Step<void> {
    const context = this.#context
    const key = queryKey(query.flow.request)
    if (this.#sent.has(key)) throw new DnsError('another query with the same id and question waits for its answer')
    query.sent = frameDns(bytes, this.#tcp)
    query.sentKey = key
    this.#sent.set(key, query)
    if (this.#backlog) {
      this.#backlog.push(query)
      return
    }
    const { server } = context
    if (server && !server.closed && !server.ended) return yield* this.#send(query, server)
    if (!context.destination) throw new DnsError("the query's destination is not known")
    this.#backlog = [query]
    const opened = yield* open(context, routeTo(context, context.destination, context.serverTls, query.flow))
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
  *repeat({ sent, server }: Asked): Step<void> {
    if (sent && server && !server.closed) yield { type: 'send', channel: server, data: sent }
  }

  /** Drops a query: its answer will be ignored. */
  forget(query: Asked): void {
    if (this.#sent.get(query.sentKey) === query) this.#sent.delete(query.sentKey)
  }

  *#send(query: Asked, server: Channel<ServerConnection>): Step<void> {
    if (this.#listening !== server) {
      this.#listening = server
      this.#context.machine.fork(this.#listen(server), this.#context.scope)
    }
    query.server = server
    query.flow.server = server.connection
    if (query.sent) yield { type: 'send', channel: server, data: query.sent }
  }

  /** Reads a server's answers until its connection ends, then fails the queries without an answer. */
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
    const lost = server.error ?? 'the server has closed the connection'
    for (const query of [...this.#sent.values()]) if (query.server === server) this.#fail(query, fault ?? lost)
  }

  /** Gives an answer to its query. An answer that belongs to none is dropped. */
  #answered(bytes: Buffer): void {
    let message: DnsMessage
    try {
      message = parseDns(bytes)
    } catch (error) {
      const query = bytes.length >= 2 ? this.#only(bytes.readUInt16BE(0)) : undefined
      if (query) this.#fail(query, `the answer is not a DNS message: ${(error as Error).message}`)
      return
    }
    if (!message.response) return
    // Some servers leave the question out of an answer that refuses.
    const bare = message.questions.length === 0 && message.rcode !== DNS_RCODE.NOERROR
    const query = this.#sent.get(queryKey(message)) ?? (bare ? this.#only(message.id) : undefined)
    if (query?.server) {
      this.#sent.delete(query.sentKey)
      this.#context.machine.handle({ type: 'data', channel: query.answers, data: bytes })
    } else {
      log(this.#context, 'debug', `an answer to no query was dropped: ${message.questions[0]?.name}`)
    }
  }

  /** The query that was sent with this id; undefined where there are several. */
  #only(id: number): Asked | undefined {
    const found = [...this.#sent.values()].filter(({ flow }) => flow.request.id === id)
    return found.length === 1 ? found[0] : undefined
  }

  #fail(query: Asked, message: string): void {
    this.#sent.delete(query.sentKey)
    this.#context.machine.handle({ type: 'closed', channel: query.answers, error: message })
  }
}
