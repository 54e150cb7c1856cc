// The options `block_global` and `block_private`: they decide which clients may use a listener that is open to a network.
import { BlockList, isIP, isIPv4 } from 'node:net'
import type { ClientConnection } from '../connection.js'
import type { Addon } from '../hooks.js'
import type { Options } from '../options/definitions.js'

const LOOPBACK = list('127.0.0.0/8', '::1/128')

/**
 * Networks whose addresses no client on the Internet can have: RFC 1918, 6598 (carriers), 3927 and 4291 (link-local), 4193 (unique
 * local), 2544 (benchmarks), 3879 (site-local). Any other address is public, also one for documentation (RFC 5737).
 */
const PRIVATE = list(
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '198.18.0.0/15',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
)

/** Refuses clients at `client_connected`, by `client.error`. The clients of a tunnel pass, because they have keys. */
export function block(): Addon {
  let options: Pick<Options, 'block_global' | 'block_private'> = { block_global: true, block_private: false }
  return {
    name: 'block',
    configure(change) {
      options = change.options
    },
    client_connected(client: ClientConnection) {
      if (client.peer) return
      const kind = reach(client.remote.address)
      if (kind === 'public' && options.block_global) {
        client.error = `${client.remote.address} is a public address, and block_global is on`
      } else if (kind === 'private' && options.block_private) {
        client.error = `${client.remote.address} is a private address, and block_private is on`
      }
    },
  }
}

type Reach = 'loopback' | 'private' | 'public'

/** The last address that was looked up: a client opens many connections. */
let last: { readonly address: string; readonly reach: Reach } | undefined

/** The kind of network that an address is from. A text that is no address counts as public. */
export function reach(address: string): Reach {
  if (last?.address !== address) last = { address, reach: reachOf(address) }
  return last.reach
}

function reachOf(address: string): Reach {
  const family = isIPv4(address) ? 'ipv4' : 'ipv6'
  if (isIP(address) === 0) return 'public'
  if (LOOPBACK.check(address, family)) return 'loopback'
  return PRIVATE.check(address, family) ? 'private' : 'public'
}

function list(...networks: string[]): BlockList {
  const made = new BlockList()
  for (const network of networks) {
    const [address = '', prefix] = network.split('/')
    made.addSubnet(address, Number(prefix), isIPv4(address) ? 'ipv4' : 'ipv6')
  }
  return made
}
