// The addresses inside the tunnel: one IPv4 and one IPv6 network, with the resolver's address in each and a pair for every peer.
import { isIPv4, isIPv6 } from 'node:net'
import { MidwireError } from '../errors.js'
import { addressBytes } from '../transports/addresses.js'

export interface Subnet {
  /** The virtual resolver's addresses, IPv4 first: .53 and ::53. */
  readonly resolver: readonly string[]
  /** The addresses of the n-th peer, from 1, as `address/32` and `address/128`; undefined where the networks have none for n. */
  pair(n: number): [string, string] | undefined
}

const DEFAULT_IPV4 = '10.0.0.0/24'
const DEFAULT_IPV6 = 'fd6d:6964:7769:7265::/64'
const RESOLVER = 53
/** IPv6 peers are numbered in decimal digits, to be read beside IPv4's: ::10 goes with .10. Four digits fit in the last group. */
const LAST_PEER = 9999

/** `wireguard_subnet`: at most one network of each family; a family without one has its default. Throws ERR_ARGUMENT. */
export function parseSubnets(texts: readonly string[]): Subnet {
  let four: string | undefined
  let six: string | undefined
  for (const text of texts) {
    const address = text.split('/')[0] ?? ''
    if (isIPv4(address) && four === undefined) four = text
    else if (isIPv6(address) && six === undefined) six = text
    else throw wrong(text, 'give one IPv4 and/or one IPv6 network')
  }
  const ipv4 = network(four ?? DEFAULT_IPV4, 32, 8, 26)
  const ipv6 = network(six ?? DEFAULT_IPV6, 128, 8, 112)
  const base4 = ((ipv4.bytes[0] ?? 0) << 24) | ((ipv4.bytes[1] ?? 0) << 16) | ((ipv4.bytes[2] ?? 0) << 8)
  const first4 = (base4 >>> 0) + (ipv4.bytes[3] ?? 0)
  const broadcast = 2 ** (32 - ipv4.prefix) - 1
  const text4 = (n: number) => {
    const value = first4 + n
    return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff].join('.')
  }
  const groups = Buffer.from(ipv6.bytes.subarray(0, 14))
    .toString('hex')
    .replace(/(....)/g, '$1:')
  // The URL parser writes an IPv6 address in its shortest form.
  const text6 = (n: number) => new URL(`http://[${groups}${n}]`).hostname.slice(1, -1)
  return {
    resolver: [text4(RESOLVER), text6(RESOLVER)],
    pair: (n) =>
      n < 1 || n === RESOLVER || n >= broadcast || n > LAST_PEER ? undefined : [`${text4(n)}/32`, `${text6(n)}/128`],
  }
}

/** The first pair of which neither address is taken. Throws ERR_PEER_ADDRESSES where none is left. */
export function freePair(subnet: Subnet, taken: ReadonlySet<string>): [string, string] {
  for (let n = 1; n <= LAST_PEER; n++) {
    const pair = subnet.pair(n)
    if (pair && !pair.some((range) => taken.has(range))) return pair
  }
  throw new MidwireError('ERR_PEER_ADDRESSES', 'every address of wireguard_subnet is taken')
}

function network(text: string, bits: number, least: number, most: number): { bytes: Uint8Array; prefix: number } {
  const [address = '', length = '', ...more] = text.split('/')
  const prefix = /^\d{1,3}$/.test(length) ? Number(length) : -1
  if (prefix < least || prefix > most || more.length > 0 || address.includes('%')) {
    throw wrong(text, `the prefix of an IPv${bits === 32 ? 4 : 6} network is from /${least} to /${most}`)
  }
  const bytes = addressBytes(address, 'wireguard_subnet')
  bytes.forEach((byte, index) => {
    bytes[index] = byte & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * index)))
  })
  return { bytes, prefix }
}

const wrong = (text: string, what: string) =>
  new MidwireError(
    'ERR_ARGUMENT',
    `wireguard_subnet ${JSON.stringify(text)}: ${what}, like ${DEFAULT_IPV4} or ${DEFAULT_IPV6}`,
  )
