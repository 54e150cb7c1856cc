// How a flow leaves: straight to its server, or through other proxies, one behind the other; and how a user writes that.
import { MidwireError } from '../errors.js'

/** The user name and password that a proxy asks for. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** A proxy on the way to the server. SOCKS proxies are given names, not addresses: they resolve them. */
export interface Hop {
  readonly scheme: 'http' | 'https' | 'socks5' | 'socks4a'
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
  readonly credentials?: Credentials | undefined
}

/** Straight to the server. */
export const DIRECT: readonly Hop[] = Object.freeze([])

/** The schemes that a user may write, curl's spellings among them, and the port of each. */
const SCHEMES: Record<string, { readonly scheme: Hop['scheme']; readonly port: number }> = {
  http: { scheme: 'http', port: 80 },
  https: { scheme: 'https', port: 443 },
  socks5: { scheme: 'socks5', port: 1080 },
  socks5h: { scheme: 'socks5', port: 1080 },
  socks: { scheme: 'socks5', port: 1080 },
  socks4a: { scheme: 'socks4a', port: 1080 },
  socks4: { scheme: 'socks4a', port: 1080 },
}

const HOP = /^(?:([a-z0-9]+):\/\/)?(?:(.*)@)?(?:\[([0-9a-f:.]+)\]|([^:/@[\]\s]+))(?::(\d{1,5}))?\/?$/is

/**
 * Reads `direct`, or proxies in the order in which they are passed, with commas between: `http://user:password@host:port`,
 * `https://host`, `socks5://host:1080,http://[::1]:3128`. Without a scheme it is http. Throws ERR_VIA, with `label` before what is wrong.
 */
export function parseVia(text: string, label = ''): readonly Hop[] {
  if (text.trim().toLowerCase() === 'direct') return DIRECT
  return text.split(',').map((part) => parseHop(part.trim(), label))
}

function parseHop(text: string, label: string): Hop {
  const refuse = (why: string) => {
    // A password does not belong into an error.
    const shown = JSON.stringify(text.replace(/[^/@]*@/, '...@'))
    return new MidwireError('ERR_VIA', `${label}${shown}: ${why}`)
  }
  const [, given = 'http', user, ipv6, name, digits] = HOP.exec(text) ?? []
  const known = SCHEMES[given.toLowerCase()]
  const host = ipv6 ?? name
  if (host === undefined) throw refuse('this is no proxy')
  if (!known) throw refuse(`there is no scheme ${given}`)
  const port = digits === undefined ? known.port : Number(digits)
  if (port < 1 || port > 65_535) throw refuse('a port is a whole number from 1 to 65535')
  const credentials = user === undefined ? undefined : readCredentials(user)
  if (user !== undefined && !credentials) throw refuse('the user name and the password are not percent-encoded right')
  return { scheme: known.scheme, host, port, ...(credentials && { credentials }) }
}

/** `user:password`, taken apart at the first colon; without one, all of it is the user name. */
export function credentialsOf(text: string): Credentials {
  const colon = text.indexOf(':')
  if (colon === -1) return { username: text, password: '' }
  return { username: text.slice(0, colon), password: text.slice(colon + 1) }
}

function readCredentials(text: string): Credentials | undefined {
  const { username, password } = credentialsOf(text)
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) }
  } catch {
    return undefined
  }
}

/** A hop as a user writes it, without its password. */
export function hopText({ scheme, host, port, credentials }: Hop): string {
  const user = credentials ? `${encodeURIComponent(credentials.username)}@` : ''
  return `${scheme}://${user}${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The value of Proxy-Authorization or Authorization (RFC 7617). */
export const basic = ({ username, password }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
