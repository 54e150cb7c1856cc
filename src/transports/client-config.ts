// The text that a WireGuard client imports, as wg-quick reads it.
import { networkInterfaces } from 'node:os'
import { MidwireError } from '../errors.js'
import { hostPort } from './addresses.js'
import { keyBytes } from './keys.js'

export interface ClientConfigOptions {
  /** The client's private key (base64), which the server does not know. */
  privateKey: string
  /** What the client dials: `host`, or `host:port`, IPv6 in brackets. Default: this machine's best address, and the server's port. */
  endpoint?: string
  /** Name servers. Default: the tunnel's own addresses. Empty: none are written. */
  dns?: string[]
  /** What the client sends through the tunnel. Default: everything, `0.0.0.0/0` and `::/0`. */
  allowedIps?: string[]
}

/** What the server knows of itself and of the peer. */
export interface ClientConfigFacts {
  serverPublicKey: string
  port: number
  mtu: number
  /** The tunnel's own addresses. */
  addresses: string[]
  /** The host that the server listens on, when it is a particular one. */
  host: string | undefined
  /** The peer's ranges. */
  peerAddresses: string[]
  presharedKey: string | undefined
  keepalive: number
}

export function clientConfig(facts: ClientConfigFacts, options: ClientConfigOptions): string {
  keyBytes(options.privateKey, 'the privateKey of the client')
  const dns = options.dns ?? facts.addresses
  const lines = [
    '[Interface]',
    `PrivateKey = ${options.privateKey}`,
    `Address = ${facts.peerAddresses.join(', ')}`,
    ...(dns.length > 0 ? [`DNS = ${dns.join(', ')}`] : []),
    `MTU = ${facts.mtu}`,
    '',
    '[Peer]',
    `PublicKey = ${facts.serverPublicKey}`,
    ...(facts.presharedKey ? [`PresharedKey = ${facts.presharedKey}`] : []),
    `AllowedIPs = ${(options.allowedIps ?? ['0.0.0.0/0', '::/0']).join(', ')}`,
    `Endpoint = ${endpoint(facts, options.endpoint)}`,
    ...(facts.keepalive > 0 ? [`PersistentKeepalive = ${facts.keepalive}`] : []),
  ]
  return `${lines.join('\n')}\n`
}

function endpoint(facts: ClientConfigFacts, wanted: string | undefined): string {
  const host = wanted ?? facts.host ?? localAddresses()[0] ?? '127.0.0.1'
  const withPort = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(host)
  if (withPort && Number(withPort[2]) >= 1 && Number(withPort[2]) <= 65_535) return host
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  if (!/^[\w.:-]+$/.test(bare)) {
    throw new MidwireError(
      'ERR_ARGUMENT',
      `endpoint ${JSON.stringify(host)}: a host name or an address, with or without a port`,
    )
  }
  return hostPort(bare, facts.port)
}

/** This machine's addresses that others may reach it by, the best first: IPv4, then IPv6 that is not link-local. */
export function localAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  const outside = all.filter(({ internal, address }) => !internal && !/^(169\.254\.|fe80:)/i.test(address))
  const rank = (address: { family: string; address: string }) =>
    address.family === 'IPv4' ? 0 : /^f[cd]/i.test(address.address) ? 2 : 1
  return outside.sort((a, b) => rank(a) - rank(b)).map(({ address }) => address)
}
