// A SOCKS proxy (RFC 1928 and 1929; SOCKS4 and SOCKS4a): the client names its destination, and what follows is looked at as if it had come
// there; or it wants a relay for datagrams, each of which names its destination.
import type { Address } from '../connection.js'
import type { Socks5AuthHook } from '../hooks.js'
import type { OpenFailure } from './commands.js'
import { type Context, hook, type Layer, log, push, receive, type Step, wants } from './layer.js'
import { takeBytes } from './octets.js'
import { leadTo } from './reach.js'
import { hostOf, isPlace, KIND, type SocksPlace, socksAddress } from './socks/address.js'
import { TIMEOUT } from './world.js'

/** The time that a client has to say where it wants to go. */
const NEGOTIATION_MILLISECONDS = 30_000

/** A user name or a name of SOCKS4 is no longer than one of SOCKS5. */
const LONGEST_TEXT = 255

/** Methods of authentication (RFC 1928, 3). */
const METHOD = { none: 0, password: 2, unacceptable: 0xff } as const

/** Commands (RFC 1928, 4). */
const COMMAND = { connect: 1, bind: 2, associate: 3 } as const

/** Replies (RFC 1928, 6). */
const REPLY = { granted: 0, failure: 1, forbidden: 2, network: 3, host: 4, refused: 5, command: 7, address: 8 } as const

/** The reply for a code of an OpenFailure; all others are `failure`. */
const REPLIES: Record<string, number> = {
  ECONNREFUSED: REPLY.refused,
  ENETUNREACH: REPLY.network,
  EHOSTUNREACH: REPLY.host,
  ENOTFOUND: REPLY.host,
  ETIMEDOUT: REPLY.host,
  LOOP: REPLY.forbidden,
  KILLED: REPLY.forbidden,
}

/** The answers of SOCKS4. */
const GRANTED_4 = 90
const REJECTED_4 = 91

interface Request {
  readonly place: SocksPlace
  /** The client wants a relay for datagrams; `place` is then where they will come from, as far as the client knows. */
  readonly associates?: boolean
}

/** The fault of a client, as a sentence; `answer` has the bytes that tell the client so, and is empty where nothing can. */
class SocksError extends Error {
  readonly answer: readonly number[]
  constructor(message: string, answer: readonly number[] = []) {
    super(message)
    this.answer = answer
  }
}

export const socksLayer: Layer = function* (context) {
  const { client, machine } = context
  const reader = new Reader(context, machine.world.now() + NEGOTIATION_MILLISECONDS)
  try {
    const version = yield* reader.byte()
    const isFive = version === 5
    const { place, associates } = isFive ? yield* readFive(context, reader) : yield* readFour(context, reader)
    if (associates) return yield* associate(context, place)
    const failure = yield* leadTo(context, { ...place, transport: 'tcp' })
    if (failure) log(context, 'info', failure.message)
    push(
      context,
      client,
      Buffer.from(isFive ? replyFive(codeOf(failure)) : replyFour(failure ? REJECTED_4 : GRANTED_4)),
    )
    if (!failure) return 'next'
  } catch (error) {
    if (!(error instanceof SocksError)) throw error
    log(context, 'warn', `SOCKS: ${error.message}`)
    if (error.answer.length > 0) push(context, client, Buffer.from(error.answer))
  }
  yield { type: 'close', channel: client }
  return undefined
}

/**
 * Opens a relay for the client's datagrams, and stays until the client ends the connection, which ends the relay (RFC 1928, 7). The datagrams
 * become flows of their own.
 */
function* associate(context: Context, { port }: SocksPlace): Step<undefined> {
  const { client } = context
  const bound = (yield { type: 'associate', port }) as Address | Error
  const address = bound instanceof Error ? undefined : socksAddress({ host: bound.address, port: bound.port })
  if (!address) throw new SocksError(`there is no relay for datagrams: ${bound}`, replyFive(REPLY.failure))
  push(context, client, Buffer.concat([Buffer.from([5, REPLY.granted, 0]), address]))
  // The connection has nothing more to say.
  while ((yield* receive(client)) !== undefined);
  yield { type: 'close', channel: client }
}

const codeOf = (failure: OpenFailure | undefined): number =>
  failure ? (REPLIES[failure.code] ?? REPLY.failure) : REPLY.granted

/** The address that we connect from is of no use to the client, and is left out (features 4.6). */
const replyFive = (code: number): number[] => [5, code, 0, 1, 0, 0, 0, 0, 0, 0]
const replyFour = (code: number): number[] => [0, code, 0, 0, 0, 0, 0, 0]

/** Reads what the client sends, part by part. Throws a SocksError where it ends or is late. */
class Reader {
  readonly #context: Context
  readonly #deadline: number

  constructor(context: Context, deadline: number) {
    this.#context = context
    this.#deadline = deadline
  }

  *bytes(length: number): Step<Buffer> {
    const bytes = yield* takeBytes(this.#context, this.#context.client, length, this.#deadline)
    if (bytes === TIMEOUT) throw new SocksError('the client has not said within 30 s where it wants to go')
    if (!bytes) throw new SocksError('the client has left before it said where it wants to go')
    return bytes
  }

  *byte(): Step<number> {
    return (yield* this.bytes(1)).readUInt8(0)
  }

  /** A text behind its length. */
  *text(): Step<string> {
    const length = yield* this.byte()
    return length === 0 ? '' : (yield* this.bytes(length)).toString()
  }

  /** A text with a NUL behind it. */
  *textToNul(): Step<string> {
    const bytes: number[] = []
    for (let byte = yield* this.byte(); byte !== 0; byte = yield* this.byte()) {
      if (bytes.length === LONGEST_TEXT) throw new SocksError('a text of more than 255 bytes', replyFour(REJECTED_4))
      bytes.push(byte)
    }
    return Buffer.from(bytes).toString()
  }

  *port(): Step<number> {
    return (yield* this.bytes(2)).readUInt16BE(0)
  }
}

function* readFive(context: Context, reader: Reader): Step<Request> {
  const methods = yield* reader.bytes(yield* reader.byte())
  const wanted = wants(context, 'socks5_auth') ? METHOD.password : METHOD.none
  if (!methods.includes(wanted)) {
    const what =
      wanted === METHOD.password ? 'offers no user name and password' : 'wants to authenticate in another way'
    throw new SocksError(`the client ${what}`, [5, METHOD.unacceptable])
  }
  push(context, context.client, Buffer.from([5, wanted]))
  if (wanted === METHOD.password) yield* authenticate(context, reader)
  const [version, command] = yield* reader.bytes(3)
  if (version !== 5) throw new SocksError(`a request of version ${version}`)
  const place = yield* readPlace(reader)
  if (command === COMMAND.connect) return checked(place, replyFive(REPLY.address))
  // Many clients do not know yet where their datagrams will come from, and say 0.0.0.0:0.
  if (command === COMMAND.associate) return { place, associates: true }
  const name = command === COMMAND.bind ? 'BIND' : `command ${command}`
  throw new SocksError(`${name} is not there`, replyFive(REPLY.command))
}

function* authenticate(context: Context, reader: Reader): Step<void> {
  yield* reader.byte()
  const username = yield* reader.text()
  const password = yield* reader.text()
  const subject: Socks5AuthHook = { client: context.client.connection, username, password, valid: false }
  yield* hook(context, 'socks5_auth', subject)
  if (!subject.valid)
    throw new SocksError(`the user name or the password of ${JSON.stringify(username)} is wrong`, [1, 1])
  push(context, context.client, Buffer.from([1, 0]))
}

function* readPlace(reader: Reader): Step<SocksPlace> {
  const kind = yield* reader.byte()
  let host: string
  if (kind === KIND.ipv4) host = hostOf(yield* reader.bytes(4))
  else if (kind === KIND.ipv6) host = hostOf(yield* reader.bytes(16))
  else if (kind === KIND.name) host = yield* reader.text()
  else throw new SocksError(`an address of type ${kind}`, replyFive(REPLY.address))
  return { host, port: yield* reader.port() }
}

/** SOCKS4 has an IPv4 address; SOCKS4a one that is none, 0.0.0.x, and a name at the end. */
function* readFour(context: Context, reader: Reader): Step<Request> {
  const command = yield* reader.byte()
  const port = yield* reader.port()
  const address = yield* reader.bytes(4)
  yield* reader.textToNul()
  const isName = address.readUInt32BE(0) < 256 && address[3] !== 0
  const host = isName ? yield* reader.textToNul() : hostOf(address)
  if (wants(context, 'socks5_auth')) throw new SocksError('SOCKS4 has no passwords', replyFour(REJECTED_4))
  if (command !== COMMAND.connect) throw new SocksError('BIND is not there', replyFour(REJECTED_4))
  return checked({ host, port }, replyFour(REJECTED_4))
}

function checked(place: SocksPlace, refusal: readonly number[]): Request {
  if (isPlace(place)) return { place }
  throw new SocksError(`${JSON.stringify(place.host)}:${place.port} is no place to connect to`, refusal)
}
