// Writes the configuration that a WireGuard client imports, in the format of wg-quick.
import { isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { hostPort } from '../addresses.js'
import { MidwireError } from '../errors.js'
import { keyBytes } from './keys.js'

export interface ClientConfigOptions {
  /** The client's private key (base64), which the server does not know. */
  privateKey: string
  /** Where the client finds the server: `host` or `host:port`, IPv6 in brackets. Default: this machine's best address and the server's port. */
  endpoint?: string
  /** The client's name servers. Default: the tunnel's own addresses. Empty: the configuration names none. */
  dns?: string[]
  /** The destinations that the client sends through the tunnel. Default: all, `0.0.0.0/0` and `::/0`. */
  allowedIps?: string[]
}

/** What the server knows of itself and of the peer. */
export interface ClientConfigFacts {
  serverPublicKey: string
  port: number
  /**
   * The server's option `mtu`; undefined where it was not given, and then the configuration has none. A client knows its path better than
   * the server: wg-quick, Windows and macOS take the network's MTU less 80, Android and iOS take 1280. A line would overrule that, and
   * 1420 is too much for every path under 1500.
   */
  mtu: number | undefined
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
    ...(facts.mtu === undefined ? [] : [`MTU = ${facts.mtu}`]),
    '',
    '[Peer]',
    `PublicKey = ${facts.serverPublicKey}`,
    ...(facts.presharedKey ? [`PresharedKey = ${facts.presharedKey}`] : []),
    `AllowedIPs = ${(options.allowedIps ?? ['0.0.0.0/0', '::/0']).join(', ')}`,
    `Endpoint = ${endpoints(options.endpoint, facts.host, facts.port)[0]}`,
    ...(facts.keepalive > 0 ? [`PersistentKeepalive = ${facts.keepalive}`] : []),
  ]
  return `${lines.join('\n')}\n`
}

/** Endpoints at which a client can reach the server, `host:port`, the best first. Throws ERR_ARGUMENT where `wanted` is no endpoint. */
export function endpoints(wanted: string | undefined, host: string | undefined, port: number): string[] {
  if (wanted !== undefined) return [checkedEndpoint(wanted, port)]
  const hosts = host === undefined ? localAddresses() : [host]
  return (hosts.length > 0 ? hosts : ['127.0.0.1']).map((one) => hostPort(one, port))
}

function checkedEndpoint(text: string, port: number): string {
  const [, six, other, own = `${port}`] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text) ?? []
  const host = isIPv6(text) ? text : six !== undefined && isIPv6(six) ? six : other
  const number = isIPv6(text) ? port : Number(own)
  if (host === undefined || text.includes('%') || number > 65_535 || (number < 1 && port !== number)) {
    throw new MidwireError(
      'ERR_ARGUMENT',
      `endpoint ${JSON.stringify(text)}: a host name or an address, with or without a port`,
    )
  }
  return hostPort(host, number)
}

/** Interfaces of containers, virtual machines and other tunnels, by which other machines cannot reach this one. */
const VIRTUAL =
  /^(docker|br-|veth|virbr|vboxnet|vmnet|lxc|lxdbr|cni|flannel|cali|podman|ifb|tun|tap|utun|wg|zt|vethernet|awdl|llw)/i

/**
 * Addresses by which other machines may reach this one, the best first: IPv4, with private networks of carriers (RFC 6598) last; then
 * IPv6, with unique local addresses (RFC 4193) last. Those of virtual interfaces are only given where there are no others.
 */
export function localAddresses(interfaces = networkInterfaces()): string[] {
  const all = Object.entries(interfaces).flatMap(([name, list]) => (list ?? []).map((one) => ({ name, ...one })))
  const outside = all.filter(({ internal, address }) => !internal && !/^(169\.254\.|fe[89ab])/i.test(address))
  const real = outside.filter(({ name }) => !VIRTUAL.test(name))
  return (real.length > 0 ? real : outside).sort((a, b) => rank(a) - rank(b)).map(({ address }) => address)
}

function rank({ family, address }: { family: string; address: string }): number {
  if (family === 'IPv4') return /^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./.test(address) ? 1 : 0
  return /^f[cd]/i.test(address) ? 3 : 2
}
