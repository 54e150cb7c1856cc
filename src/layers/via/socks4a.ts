// Connects through a SOCKS4a proxy. SOCKS4a is SOCKS4 with names, which the proxy resolves (openssh.com, "SOCKS 4A").
import { ipBytes } from '../../addresses.js'
import { push } from '../layer.js'
import { type HopLayer, take } from './hop.js'

const GRANTED = 90

const REFUSALS: Record<number, string> = {
  91: 'it has refused the connection, or has failed to connect',
  92: 'it asks for identd on this machine, which is not there',
  93: 'it does not believe the user name',
}

/** The address that stands where a name follows. */
const NAME_FOLLOWS = [0, 0, 0, 1]

export const throughSocks4a: HopLayer = function* (context, channel, { credentials }, { host, port }) {
  const bytes = ipBytes(host)
  const isIpv4 = bytes?.length === 4
  const user = Buffer.from(credentials?.username ?? '')
  const name = Buffer.from(isIpv4 ? '' : `${host}\0`)
  if (user.includes(0) || name.subarray(0, -1).includes(0))
    return { code: 'VIA', message: 'SOCKS4 takes no NUL in names' }
  const head = [4, 1, port >> 8, port & 0xff, ...(isIpv4 ? bytes : NAME_FOLLOWS), ...user, 0]
  push(context, channel, Buffer.concat([Buffer.from(head), name]))
  const reply = yield* take(context, channel, 8)
  if (!Buffer.isBuffer(reply)) return reply
  const [version, status = 0] = reply
  if (version !== 0) return { code: 'VIA', message: 'it does not speak SOCKS4' }
  if (status === GRANTED) return undefined
  return { code: 'VIA', message: REFUSALS[status] ?? `it refuses with the reply ${status}` }
}
