// Forwards queries to name servers: by UDP, and by TCP where the answer is truncated. Only an answer to the question is taken.
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { type DnsMessage, parseDns, writeDns } from '../flow/dns-message.js'
import { DNS_RCODE } from '../flow/dns-names.js'
import { queryKey } from '../flow/dns-reply.js'
import { connectingAs } from '../transports/socket.js'
import { connectSocketAs } from '../transports/udp.js'

export interface NameServer {
  readonly address: string
  readonly port: number
}

/** The name servers that are asked, as the C library does (resolv.conf's MAXNS). */
const MOST_SERVERS = 3

/** Answers of a server that cannot answer or may not; another may know more. */
const REFUSALS: readonly number[] = [DNS_RCODE.SERVFAIL, DNS_RCODE.NOTIMP, DNS_RCODE.REFUSED]

/** Milliseconds for each attempt by UDP, and for the one by TCP. */
const UDP_TIMEOUT = 2_000
const TCP_TIMEOUT = 5_000

/** `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1`, `[2001:db8::1]:53`, as Node's `dns.setServers` takes them; undefined for anything else. */
export function parseNameServer(text: string): NameServer | undefined {
  if (isIP(text)) return { address: text, port: 53 }
  const { address = '', port = '53' } = /^\[?(?<address>[^\][]*?)\]?(?::(?<port>\d{1,5}))?$/.exec(text)?.groups ?? {}
  const family = isIP(address)
  const valid = family === 4 ? !text.startsWith('[') : family === 6 && text.startsWith('[')
  return valid && Number(port) > 0 && Number(port) <= 65535 ? { address, port: Number(port) } : undefined
}

type Done = (result: DnsMessage | Error) => void

type Accept = (answer: Buffer) => DnsMessage | undefined

/** Carries a query to a name server. `accept` tells the server's answer from others; the function in the answer releases the socket. */
type Ask = (server: NameServer, query: Buffer, accept: Accept, done: Done) => () => void

export interface Carrier {
  readonly udp: Ask
  readonly tcp: Ask
}

export class NameServerClient {
  readonly #carrier: Carrier
  /** The exchanges that are under way, each by the function that ends it with an error. */
  readonly #open = new Set<(error: Error) => void>()
  #closed = false

  constructor(carrier: Carrier) {
    this.#carrier = carrier
  }

  /**
   * Forwards a query to the first server, to the first again, then to the second and the third. The answer is the server's, with the id
   * of the query. One that says that it cannot answer, or may not, is followed by the next; its answer counts where there is no other.
   * Rejects when no server answers.
   */
  async ask(servers: readonly NameServer[], query: DnsMessage): Promise<DnsMessage> {
    const [first, ...others] = servers
    if (!first) throw new Error('no name server is known')
    // A random id, which a forger that does not see the query has to guess.
    const asked = { ...query, id: randomInt(0x10000) }
    const bytes = Buffer.from(writeDns(query))
    bytes.writeUInt16BE(asked.id)
    let failure: unknown
    let refusal: DnsMessage | undefined
    const next = others.slice(0, MOST_SERVERS - 1)
    for (const server of [first, first, ...next]) {
      if (refusal && server === first) continue
      try {
        const answer = await this.#tryServer(server, asked, bytes, query.id)
        if (!REFUSALS.includes(answer.rcode)) return answer
        refusal ??= answer
      } catch (error) {
        if (this.#closed) throw error
        failure = error
      }
    }
    if (refusal) return refusal
    throw failure
  }

  close(): void {
    this.#closed = true
    for (const end of [...this.#open]) end(new Error('midwire is closing'))
  }

  async #tryServer(server: NameServer, asked: DnsMessage, bytes: Buffer, id: number): Promise<DnsMessage> {
    const accept = (answer: Buffer) => acceptAnswer(answer, asked, id)
    const answer = await this.#exchange(server, 'UDP', UDP_TIMEOUT, (done) =>
      this.#carrier.udp(server, bytes, accept, done),
    )
    if (!answer.truncated) return answer
    // Where TCP fails the truncated answer is passed on, because its TC bit tells the client to ask again by TCP.
    const byTcp = (done: Done) => this.#carrier.tcp(server, bytes, accept, done)
    return this.#exchange(server, 'TCP', TCP_TIMEOUT, byTcp).catch(() => answer)
  }

  /** One question by one transport: `start` asks it, and returns the function that releases its socket. */
  #exchange(server: NameServer, how: string, timeout: number, start: (done: Done) => () => void): Promise<DnsMessage> {
    return new Promise((resolve, reject) => {
      let stop: (() => void) | undefined
      const settle: Done = (result) => {
        if (!this.#open.delete(settle)) return
        clearTimeout(timer)
        stop?.()
        if (result instanceof Error)
          reject(new Error(`the name server ${server.address} failed: ${result.message}`, { cause: result }))
        else resolve(result)
      }
      const timer = setTimeout(() => settle(new Error(`no answer by ${how} within ${timeout / 1000} s`)), timeout)
      this.#open.add(settle)
      try {
        stop = start(settle)
      } catch (error) {
        settle(error as Error)
      }
      if (this.#closed) settle(new Error('midwire is closing'))
    })
  }
}

type Mark = number | undefined

/** Asks by the sockets of this machine. `mark`: the firewall mark that queries have to have now; undefined for none. */
export const bySockets = (mark: () => Mark): Carrier => ({
  udp: (server, query, accept, done) => askUdp(server, mark(), query, accept, done),
  tcp: (server, query, accept, done) => askTcp(server, mark(), query, accept, done),
})

/** The answer with the client's id; undefined for a message that does not answer `asked`, which is late or forged. */
function acceptAnswer(answer: Buffer, asked: DnsMessage, id: number): DnsMessage | undefined {
  if (answer.length < 12 || answer.readUInt16BE(0) !== asked.id) return undefined
  try {
    const message = parseDns(answer)
    // Some servers leave the question out of a refusal.
    const bare = message.questions.length === 0 && message.rcode !== 0
    if (!message.response || message.opcode !== asked.opcode) return undefined
    if (!bare && queryKey(message) !== queryKey(asked)) return undefined
    const bytes = Buffer.from(answer)
    bytes.writeUInt16BE(id)
    return parseDns(bytes)
  } catch {
    return undefined
  }
}

/** Asks from a connected socket with a port of its own, so that the system drops datagrams from other addresses. */
function askUdp(server: NameServer, mark: Mark, query: Buffer, accept: Accept, done: Done): () => void {
  const socket = createSocket(isIP(server.address) === 6 ? 'udp6' : 'udp4')
  socket.on('error', done)
  socket.on('message', (answer) => {
    const message = accept(answer)
    if (message) done(message)
  })
  // An event and not a callback of connect, which is called for an error, too, such as a missing route.
  socket.on('connect', () => socket.send(query, (error) => error && done(error)))
  if (mark === undefined) socket.connect(server.port, server.address)
  else connectSocketAs(socket, server, { mark })
  return () => {
    socket.removeAllListeners('message')
    socket.close()
  }
}

function askTcp(server: NameServer, mark: Mark, query: Buffer, accept: Accept, done: Done): () => void {
  const { address, port } = server
  const socket = mark === undefined ? connect({ host: address, port }) : connectingAs(address, port, { mark })
  return askStream(socket, query, accept, done)
}

/** Asks by a stream that is connected, or is about to be (RFC 1035, 4.2.2). */
export function askStream(stream: Duplex, query: Buffer, accept: Accept, done: Done): () => void {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(query.length)
  stream.write(Buffer.concat([head, query]))
  let received = Buffer.alloc(0)
  stream.on('data', (data: Buffer) => {
    received = Buffer.concat([received, data])
    if (received.length < 2) return
    const end = 2 + received.readUInt16BE(0)
    if (received.length < end) return
    done(accept(received.subarray(2, end)) ?? new Error('the answer by TCP is to another question'))
  })
  stream.on('error', done)
  stream.on('close', () => done(new Error('the connection was closed without an answer')))
  return () => stream.destroy()
}
