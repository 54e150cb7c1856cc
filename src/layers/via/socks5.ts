// Connects through a SOCKS5 proxy, or has it relay datagrams (RFC 1928), with a user name and a password where the proxy wants them (RFC 1929).
import type { Credentials, ProxyHop } from '../../flow/via.js'
import type { AnyChannel } from '../channel.js'
import { type Context, push, type Step } from '../layer.js'
import type { Destination } from '../route.js'
import { isPlace, KIND, readSocksAddress, type SocksPlace, socksAddress } from '../socks/address.js'
import { type HopFailure, type HopLayer, take } from './hop.js'

const VERSION = 5
const NO_AUTHENTICATION = 0
const USERNAME_PASSWORD = 2
const COMMANDS = { CONNECT: 1, 'UDP ASSOCIATE': 3 } as const

type Command = keyof typeof COMMANDS

/** From where a client's datagrams will come: where that is not known yet, RFC 1928 wants zeros (4). */
const NOT_KNOWN: SocksPlace = { host: '0.0.0.0', port: 0 }

/** The reply to a command that a proxy does not know (RFC 1928, 6). */
const COMMAND_UNKNOWN = 7

/** The replies for failed connections (RFC 1928, 6), with Node's codes for the same failures. */
const REPLIES: readonly (HopFailure | undefined)[] = [
  undefined,
  { code: 'VIA', message: 'it has failed to connect, and does not say why' },
  { code: 'VIA', message: 'its rules do not allow the connection' },
  { code: 'ENETUNREACH', message: 'it cannot reach that network' },
  { code: 'EHOSTUNREACH', message: 'it cannot reach that host' },
  { code: 'ECONNREFUSED', message: 'that server has refused the connection' },
  { code: 'ETIMEDOUT', message: 'that server does not answer' },
  undefined,
  { code: 'VIA', message: 'it does not take addresses of that kind' },
]

export const throughSocks5: HopLayer = function* (context, channel, { credentials }, to) {
  const answer = (yield* authenticate(context, channel, credentials)) ?? (yield* ask(context, channel, 'CONNECT', to))
  // The address that the proxy connects from is of no use here.
  return 'code' in answer ? answer : undefined
}

/** Asks a proxy, to which `channel` is connected, for a relay for datagrams. The answer is the relay's place. */
export function* askForRelay(
  context: Context,
  channel: AnyChannel,
  { credentials }: ProxyHop,
): Step<SocksPlace | HopFailure> {
  const failure = yield* authenticate(context, channel, credentials)
  const answer = failure ?? (yield* ask(context, channel, 'UDP ASSOCIATE', NOT_KNOWN))
  return 'code' in answer || isPlace(answer) ? answer : { code: 'VIA', message: 'it does not say where its relay is' }
}

function* authenticate(
  context: Context,
  channel: AnyChannel,
  credentials: Credentials | undefined,
): Step<HopFailure | undefined> {
  const methods = credentials ? [NO_AUTHENTICATION, USERNAME_PASSWORD] : [NO_AUTHENTICATION]
  push(context, channel, Buffer.from([VERSION, methods.length, ...methods]))
  const choice = yield* take(context, channel, 2)
  if (!Buffer.isBuffer(choice)) return choice
  if (choice[0] !== VERSION) return { code: 'VIA', message: 'it does not speak SOCKS5' }
  if (choice[1] === NO_AUTHENTICATION) return undefined
  if (choice[1] !== USERNAME_PASSWORD || !credentials) {
    const message = credentials
      ? 'it wants another kind of authentication than user name and password'
      : 'it wants a user name and a password: write socks5://user:password@host:port'
    return { code: 'VIA', message }
  }
  const { username, password } = credentials
  const fields = [username, password].map((field) => Buffer.from(field))
  if (fields.some(({ length }) => length > 255)) {
    return { code: 'VIA', message: 'SOCKS5 takes user names and passwords of 255 bytes at most' }
  }
  push(
    context,
    channel,
    Buffer.concat([Buffer.from([1]), ...fields.flatMap((field) => [Buffer.from([field.length]), field])]),
  )
  const verdict = yield* take(context, channel, 2)
  if (!Buffer.isBuffer(verdict)) return verdict
  return verdict[1] === 0 ? undefined : { code: 'VIA', message: 'it has refused the user name and the password' }
}

/** Sends a command, and reads the answer: the address that the proxy connects from, or that of its relay. */
function* ask(
  context: Context,
  channel: AnyChannel,
  command: Command,
  to: Destination | SocksPlace,
): Step<SocksPlace | HopFailure> {
  const address = socksAddress(to)
  if (!address) return { code: 'VIA', message: 'SOCKS5 takes names of 255 bytes at most' }
  push(context, channel, Buffer.concat([Buffer.from([VERSION, COMMANDS[command], 0]), address]))
  const reply = yield* take(context, channel, 4)
  if (!Buffer.isBuffer(reply)) return reply
  const [version, status = 1, , kind = 0] = reply
  if (version !== VERSION) return { code: 'VIA', message: 'it does not speak SOCKS5' }
  if (status === COMMAND_UNKNOWN) return { code: 'VIA', message: `it does not know the command ${command}` }
  if (status !== 0) return REPLIES[status] ?? { code: 'VIA', message: `it refuses with the reply ${status}` }
  let length = kind === KIND.ipv6 ? 16 : 4
  const head = [kind]
  if (kind === KIND.name) {
    const size = yield* take(context, channel, 1)
    if (!Buffer.isBuffer(size)) return size
    length = size.readUInt8(0)
    head.push(length)
  }
  const bound = yield* take(context, channel, length + 2)
  if (!Buffer.isBuffer(bound)) return bound
  // A proxy that writes no address of a kind that is known has connected all the same.
  return readSocksAddress(Buffer.concat([Buffer.from(head), bound]), 0)?.place ?? NOT_KNOWN
}
