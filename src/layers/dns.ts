// DNS by UDP and TCP: each query a flow, many at once, answered by the tunnel's resolver or by the server that the client chose.
import { DnsFlow } from '../flow/dns.js'
import { DNS_HEADER, DnsError, type DnsMessage, type DnsQuestion, parseDns, writeDns } from '../flow/dns-message.js'
import { DNS_OPCODE, DNS_RCODE, DNS_TYPE } from '../flow/dns-names.js'
import { dnsQuery, dnsReply, fitDns, queryKey, udpSize } from '../flow/dns-reply.js'
import { stripServices } from '../flow/dns-svcb.js'
import { TcpFlow, UdpFlow } from '../flow/messages.js'
import { Channel } from './channel.js'
import { DnsFramer, frameDns, readDns } from './dns-framing.js'
import { type Asked, DnsUpstream } from './dns-upstream.js'
import { type Context, finish, hook, type Layer, type LayerName, log, origin, room, type Step } from './layer.js'
import { Scope } from './scope.js'
import { TIMEOUT } from './world.js'

/** The most queries of one connection that wait for an answer. */
const MAX_QUERIES = 1_000

/** Milliseconds without a datagram after which a UDP client is forgotten. Most clients ask once; a later query is a new client. */
const UDP_SILENCE = 5_000

/** One query, until it is answered or has failed. */
interface Query extends Asked {
  /** The client's id and question. `flow.request` may differ: addons can change it. */
  readonly key: string
  readonly id: number
  readonly questions: DnsQuestion[]
  /** The most octets that the client takes by UDP. */
  readonly size: number
}

/** Serves DNS queries until the client is gone. A connection whose first bytes are not DNS goes on as raw. */
export const dnsLayer: Layer = function* (context) {
  return yield* new DnsConnection(context).run()
}

class DnsConnection {
  readonly #context: Context
  readonly #tcp: boolean
  readonly #framer: DnsFramer | undefined
  /** Queries without an answer, by their `key`. */
  readonly #open = new Map<string, Query>()
  readonly #upstream: DnsUpstream
  /** No query has been understood yet. */
  #fresh = true
  /** Queries were refused because too many waited: the warning is logged once. */
  #refused = false
  /** The client will ask nothing more. */
  #ending = false

  constructor(context: Context) {
    this.#context = context
    this.#tcp = context.client.connection.transport === 'tcp'
    this.#framer = this.#tcp ? new DnsFramer() : undefined
    this.#upstream = new DnsUpstream(context)
  }

  *run(): Step<LayerName | undefined> {
    const { client } = this.#context
    const patience = this.#tcp ? 0 : UDP_SILENCE
    for (;;) {
      // While a client does not take its answers, no more queries are read.
      if (client.full) yield* room(client)
      let bytes: Buffer | undefined | typeof TIMEOUT
      try {
        bytes = yield* readDns(client, this.#framer, patience)
        if (bytes === TIMEOUT && this.#open.size > 0) continue
        if (bytes === undefined || bytes === TIMEOUT) break
        const request = parseDns(bytes)
        if (request.response) throw new DnsError('an answer, where a query was expected')
        if (this.#isRaw(request)) return this.#raw(bytes)
        yield* this.#start(request)
      } catch (error) {
        if (!(error instanceof DnsError)) throw error
        const garbage = Buffer.isBuffer(bytes) ? bytes : undefined
        if (this.#mayBeRaw()) return this.#raw(garbage)
        yield* this.#refuse(garbage, error.message)
        if (this.#tcp) break
      }
    }
    this.#ending = true
    yield* this.#leave()
    return undefined
  }

  #mayBeRaw(): boolean {
    return this.#fresh && !this.#context.entrance.ownResolver
  }

  /** Zone transfers, with many answers to a query, and DNS sessions (RFC 8490), with messages to none, pass as raw. */
  #isRaw({ opcode, questions }: DnsMessage): boolean {
    if (!this.#tcp || !this.#mayBeRaw()) return false
    const type = questions[0]?.type
    return opcode === DNS_OPCODE.DSO || type === DNS_TYPE.AXFR || type === DNS_TYPE.IXFR
  }

  #raw(bytes: Buffer | undefined): 'raw' {
    const { client } = this.#context
    const rest = this.#framer?.rest()
    if (rest) client.unread(rest)
    if (bytes) client.unread(this.#frame(bytes))
    return 'raw'
  }

  /**
   * Refuses bytes that are not DNS and cannot go on as raw: they become a raw flow that has failed, and are answered with FORMERR
   * where they have the head of a query.
   */
  *#refuse(bytes: Buffer | undefined, message: string): Step<void> {
    const { options, machine, client } = this.#context
    const { world } = machine
    const flow = new (this.#tcp ? TcpFlow : UdpFlow)(origin(this.#context), options.body_record_limit)
    if (bytes) flow.record(true, bytes, world.now())
    flow.error = { message: `not DNS: ${message}`, timestamp: world.now() }
    if (flow instanceof TcpFlow) yield* hook(this.#context, 'tcp_error', flow)
    else yield* hook(this.#context, 'udp_error', flow)
    if (bytes && bytes.length >= DNS_HEADER && ((bytes[2] as number) & 0x80) === 0) {
      const opcode = ((bytes[2] as number) >> 3) & 15
      const head = dnsQuery('.', 0, bytes.readUInt16BE(0), { opcode, questions: [] })
      const data = this.#frame(writeDns(dnsReply(head, { rcode: DNS_RCODE.FORMERR })))
      yield { type: 'send', channel: client, data }
    }
    finish(this.#context, flow)
  }

  *#start(request: DnsMessage): Step<void> {
    const context = this.#context
    const key = queryKey(request)
    this.#fresh = false
    const same = this.#open.get(key)
    if (same) {
      // A UDP client asks again when the answer is slow or was lost: its server is asked again, too. The tunnel's resolver does so by itself.
      if (!this.#tcp) yield* this.#upstream.repeat(same)
      return
    }
    if (this.#open.size >= MAX_QUERIES) {
      if (!this.#refused) log(context, 'warn', `${MAX_QUERIES} DNS queries wait for an answer: more are refused`)
      this.#refused = true
      const data = this.#frame(writeDns(dnsReply(request, { rcode: DNS_RCODE.SERVFAIL })))
      yield { type: 'send', channel: context.client, data }
      return
    }
    const answers = new Channel(context.client.connection)
    const scope = new Scope(answers, context.scope)
    const flow = new DnsFlow(origin(context), request)
    scope.subject = flow
    context.machine.perform({ type: 'begun', flow })
    const query: Query = {
      flow,
      answers,
      key,
      id: request.id,
      questions: request.questions.map((question) => ({ ...question })),
      size: udpSize(request),
      sent: undefined,
      sentKey: '',
      server: undefined,
    }
    this.#open.set(key, query)
    context.machine.handle({ type: 'stream', scope, steps: this.#settle(query) })
  }

  /** Serves one query. An error in its steps fails its flow, and not the connection. */
  *#settle(query: Query): Step<void> {
    try {
      yield* this.#serve(query)
    } catch (error) {
      yield* this.#fail(query, error instanceof Error ? error.message : String(error))
    }
  }

  *#serve(query: Query): Step<void> {
    const { flow } = query
    const { client } = this.#context
    yield* hook(this.#context, 'dns_request', flow)
    if (!flow.error && !flow.response) {
      const bytes = writeDns(flow.request)
      const { ownResolver } = this.#context.entrance
      const response = ownResolver ? yield* this.#resolve(bytes) : yield* this.#upstream.ask(query, bytes)
      const { strip_ech, http3 } = this.#context.options
      stripServices(response, { ech: strip_ech, http3: http3 === 'block' })
      flow.response = response
    }
    if (!flow.error) yield* hook(this.#context, 'dns_response', flow)
    if (flow.error) return yield* this.#fail(query, flow.error.message)
    if (!flow.response) throw new DnsError('an addon has taken the response away')
    const data = this.#frame(this.#answer(query, flow.response))
    if (!client.closed) yield { type: 'send', channel: client, data }
    yield* this.#done(query)
  }

  /** The answer of the tunnel's own resolver. */
  *#resolve(query: Buffer): Step<DnsMessage> {
    const answer = yield { type: 'resolve', query }
    if (!Buffer.isBuffer(answer)) throw answer instanceof Error ? answer : new DnsError('there is no resolver')
    return parseDns(answer)
  }

  /** The answer's bytes for the client, with the id and question that it sent, and no larger than it takes. */
  #answer(query: Query, response: DnsMessage): Buffer {
    const { id, questions } = query
    const asked = queryKey(query.flow.request)
    const changed = asked !== query.key && queryKey(response) === asked
    const answer = changed ? { ...response, id, questions } : response.id === id ? response : { ...response, id }
    const bytes = writeDns(answer)
    // An answer that has come from its server by UDP is not too large for UDP.
    const relayed = query.server !== undefined && bytes === response.raw
    return this.#tcp || relayed || bytes.length <= query.size ? bytes : fitDns(answer, query.size)
  }

  *#fail(query: Query, message: string): Step<void> {
    const { flow } = query
    const { machine, client } = this.#context
    this.#upstream.forget(query)
    flow.error ??= { message, timestamp: machine.world.now() }
    yield* hook(this.#context, 'dns_error', flow)
    if (!client.closed) {
      const reply = dnsReply(dnsQuery('.', 0, query.id, { questions: query.questions }), { rcode: DNS_RCODE.SERVFAIL })
      if (!flow.killed) yield { type: 'send', channel: client, data: this.#frame(writeDns(reply)) }
      else if (this.#tcp) yield { type: flow.ending, channel: client }
    }
    yield* this.#done(query)
  }

  *#done(query: Query): Step<void> {
    this.#open.delete(query.key)
    finish(this.#context, query.flow)
    if (this.#ending) yield* this.#leave()
  }

  /** Closes both sides, once no query waits for an answer. */
  *#leave(): Step<void> {
    const { client, server } = this.#context
    if (this.#open.size > 0) return
    if (server) yield { type: 'close', channel: server }
    yield { type: 'close', channel: client }
  }

  #frame(message: Buffer): Buffer {
    return frameDns(message, this.#tcp)
  }
}
