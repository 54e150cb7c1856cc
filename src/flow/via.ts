// How a flow leaves: straight to its server, or through other proxies, one behind the other; and how a user writes that.
import { hostPort } from '../addresses.js'
import { MidwireError } from '../errors.js'

/** The user name and password that a proxy asks for. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** A proxy on the way to the server. SOCKS proxies are given names, not addresses: they resolve them. */
export interface ProxyHop {
  readonly scheme: 'http' | 'https' | 'socks5' | 'socks4a'
  /** A name or an address, without brackets. */
  readonly host: string
  readonly port: number
  readonly credentials?: Credentials | undefined
}

/** A WireGuard tunnel, whose other end sends packets on. It stands before all proxies, which are reached through it. */
export interface TunnelHop {
  readonly scheme: 'wireguard'
  /** The path of a wg-quick file, with the keys and addresses of this end and its peers. */
  readonly file: string
}

export type Hop = ProxyHop | TunnelHop

/** Straight to the server. */
export const DIRECT: readonly Hop[] = Object.freeze([])

/** The schemes that a user may write, curl's spellings among them, and the port of each. */
const SCHEMES: Record<string, { readonly scheme: ProxyHop['scheme']; readonly port: number }> = {
  http: { scheme: 'http', port: 80 },
  https: { scheme: 'https', port: 443 },
  socks5: { scheme: 'socks5', port: 1080 },
  socks5h: { scheme: 'socks5', port: 1080 },
  socks: { scheme: 'socks5', port: 1080 },
  socks4a: { scheme: 'socks4a', port: 1080 },
  socks4: { scheme: 'socks4a', port: 1080 },
}

const HOP = /^(?:([a-z0-9]+):\/\/)?(?:(.*)@)?(?:\[([0-9a-f:.]+)\]|([^:/@[\]\s]+))(?::(\d{1,5}))?\/?$/is

const TUNNEL = /^wireguard:(?!\/\/)\s*/i

/**
 * Reads `direct`, or what is passed on the way, in its order, with commas between: `http://user:password@host:port`,
 * `https://host`, `socks5://host:1080,http://[::1]:3128`, `wireguard:client.conf,socks5://10.0.0.1`. Without a scheme it is http.
 * Throws ERR_VIA, with `label` before what is wrong.
 */
export function parseVia(text: string, label = ''): readonly Hop[] {
  if (text.trim().toLowerCase() === 'direct') return DIRECT
  const parts = text.split(',')
  if (parts.some((part) => part.trim().toLowerCase() === 'direct')) {
    throw new MidwireError('ERR_VIA', `${label}direct is a way by itself, and no part of one`)
  }
  return parts.map((part, index) => parseHop(part.trim(), index === 0, label))
}

function parseHop(text: string, isFirst: boolean, label: string): Hop {
  if (!TUNNEL.test(text)) return parseProxy(text, label)
  const file = text.replace(TUNNEL, '')
  if (file !== '' && isFirst) return { scheme: 'wireguard', file }
  const why = isFirst
    ? 'after wireguard: stands the path of a wg-quick file'
    : 'a WireGuard tunnel stands before all proxies'
  throw new MidwireError('ERR_VIA', `${label}${JSON.stringify(text)}: ${why}`)
}

function parseProxy(text: string, label: string): ProxyHop {
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

/** The WireGuard tunnel that a way begins with, if it begins with one. */
export function tunnelOf([first]: readonly Hop[]): TunnelHop | undefined {
  return first?.scheme === 'wireguard' ? first : undefined
}

/** The proxies of a way. */
export function proxiesOf(via: readonly Hop[]): readonly ProxyHop[] {
  return (tunnelOf(via) ? via.slice(1) : via) as readonly ProxyHop[]
}

/** A hop as a user writes it, without its password. */
export function hopText(hop: Hop): string {
  if (hop.scheme === 'wireguard') return `wireguard:${hop.file}`
  const { scheme, host, port, credentials } = hop
  const user = credentials ? `${encodeURIComponent(credentials.username)}@` : ''
  return `${scheme}://${user}${hostPort(host, port)}`
}

/** The value of Proxy-Authorization or Authorization (RFC 7617). */
export const basic = ({ username, password }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

/** The sentence for a proxy that cannot be reached itself. */
export const unreachable = (hop: Hop, why: string): string => `the proxy ${hopText(hop)} cannot be reached: ${why}`
