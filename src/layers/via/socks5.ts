// Connects through a SOCKS5 proxy (RFC 1928), with a user name and a password where the proxy wants them (RFC 1929).
import { ipBytes } from '../../addresses.js'
import type { Credentials } from '../../flow/via.js'
import type { AnyChannel } from '../channel.js'
import { type Context, push, type Step } from '../layer.js'
import type { Destination } from '../route.js'
import { type HopFailure, type HopLayer, take } from './hop.js'

const VERSION = 5
const NO_AUTHENTICATION = 0
const USERNAME_PASSWORD = 2
const CONNECT = 1

/** The replies for failed connections (RFC 1928, 6), with Node's codes for the same failures. */
const REPLIES: readonly (HopFailure | undefined)[] = [
  undefined,
  { code: 'VIA', message: 'it has failed to connect, and does not say why' },
  { code: 'VIA', message: 'its rules do not allow the connection' },
  { code: 'ENETUNREACH', message: 'it cannot reach that network' },
  { code: 'EHOSTUNREACH', message: 'it cannot reach that host' },
  { code: 'ECONNREFUSED', message: 'that server has refused the connection' },
  { code: 'ETIMEDOUT', message: 'that server does not answer' },
  { code: 'VIA', message: 'it does not know the command CONNECT' },
  { code: 'VIA', message: 'it does not take addresses of that kind' },
]

export const throughSocks5: HopLayer = function* (context, channel, { credentials }, to) {
  return (yield* authenticate(context, channel, credentials)) ?? (yield* connect(context, channel, to))
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

function* connect(context: Context, channel: AnyChannel, to: Destination): Step<HopFailure | undefined> {
  const address = socksAddress(to)
  if (!address) return { code: 'VIA', message: 'SOCKS5 takes names of 255 bytes at most' }
  push(context, channel, Buffer.concat([Buffer.from([VERSION, CONNECT, 0]), address]))
  const reply = yield* take(context, channel, 4)
  if (!Buffer.isBuffer(reply)) return reply
  const [version, status = 1, , kind] = reply
  if (version !== VERSION) return { code: 'VIA', message: 'it does not speak SOCKS5' }
  if (status !== 0) return REPLIES[status] ?? { code: 'VIA', message: `it refuses with the reply ${status}` }
  // The reply ends with the address that the proxy connects from, which has to be read although it is not needed.
  let length = kind === 4 ? 16 : 4
  if (kind === 3) {
    const size = yield* take(context, channel, 1)
    if (!Buffer.isBuffer(size)) return size
    length = size.readUInt8(0)
  }
  const bound = yield* take(context, channel, length + 2)
  return Buffer.isBuffer(bound) ? undefined : bound
}

/** Type, address and port in the form of SOCKS5, with names unresolved. Undefined for a name that is empty or too long. */
export function socksAddress({ host, port }: { readonly host: string; readonly port: number }): Buffer | undefined {
  const bytes = ipBytes(host)
  const name = Buffer.from(host)
  if (!bytes && (name.length > 255 || name.length === 0)) return undefined
  const kind = bytes ? [bytes.length === 4 ? 1 : 4] : [3, name.length]
  return Buffer.from([...kind, ...(bytes ?? name), port >> 8, port & 0xff])
}
