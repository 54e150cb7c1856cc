// Decides which layer a connection goes on with, by a table of rules over what is known and the first bytes. The first that applies wins.
import type { Entrance } from './entrance.js'
import { isListed, passes } from './hosts.js'
import type { LayerName, LayerOptions } from './layer.js'
import {
  hasQuicBit,
  knownProtocol,
  looksLikeDtls,
  looksLikeHttp,
  looksLikeHttp2,
  looksLikeQuic,
  looksLikeSocks,
  looksLikeTls,
} from './sniff.js'

/** All that the rules look at. */
export interface Evidence {
  readonly transport: 'tcp' | 'udp'
  /** Bytes of the client that no layer has taken: all so far of a TCP connection, the first datagram of a UDP flow. */
  readonly clientBytes: Buffer
  /** The client will send nothing more. */
  readonly clientEnded: boolean
  /** The number of bytes that the server has sent before it got any from the client. */
  readonly serverBytes: number
  /** The server will send nothing more. */
  readonly serverEnded?: boolean | undefined
  /** The client's bytes came through TLS with the destination, and are plaintext here. */
  readonly clientTls: boolean
  /** The protocol that was agreed on in that TLS, and the name of its ClientHello. */
  readonly alpn?: string | undefined
  readonly sni?: string | undefined
  /**
   * Undefined where the client has not named its destination yet, as with an explicit proxy. `address` is the server's address where
   * `host` is a name.
   */
  readonly destination?:
    | { readonly host: string; readonly address?: string | undefined; readonly port: number }
    | undefined
  readonly entrance: Pick<Entrance, 'target' | 'ownResolver'>
  /** The client has sent some bytes and then paused: bytes that no rule knows by now are raw. */
  readonly waited?: boolean | undefined
  readonly options: Pick<
    LayerOptions,
    'ignore_hosts' | 'allow_hosts' | 'tcp_hosts' | 'udp_hosts' | 'rawtcp' | 'http2' | 'http3'
  >
}

/** The layer that goes on; `more` where that depends on bytes that have not come yet, from either side. */
export type Decision = 'more' | Exclude<LayerName, 'reach' | 'accept' | 'by-name' | 'next' | 'websocket' | 'replay'>

export interface Verdict {
  readonly decision: Decision
  /** A few words for the log. */
  readonly reason: string
}

interface Rule {
  readonly name: string
  readonly decide: (evidence: Evidence) => Verdict | undefined
}

const DNS_PORTS = [53, 5353]

const isDnsPort = (destination: Evidence['destination']) => DNS_PORTS.includes(destination?.port ?? 0)

const is = (decision: Decision, reason: string): Verdict => ({ decision, reason })

const RULES: readonly Rule[] = [
  {
    name: "midwire's own resolver",
    decide: ({ entrance, destination }) =>
      entrance.ownResolver && destination?.port === 53 ? is('dns', "it goes to midwire's own resolver") : undefined,
  },
  {
    name: 'a server that leaves before anything was said',
    decide: ({ clientBytes, serverBytes, serverEnded }) =>
      serverEnded && serverBytes === 0 && clientBytes.length === 0
        ? is('raw', 'the server has closed the connection without a word')
        : undefined,
  },
  {
    name: 'hosts whose connections pass without being looked at',
    decide(evidence) {
      const answer = passes(evidence)
      if (answer === 'no' || !evidence.destination) return undefined
      return answer === 'yes'
        ? is('ignore', 'by ignore_hosts or allow_hosts')
        : is('more', 'ignore_hosts or allow_hosts may match a name that has not come yet')
    },
  },
  {
    name: 'the mode leads to one server, and knows its protocol',
    decide(evidence) {
      const { target } = evidence.entrance
      if (!target) return undefined
      const tls = evidence.transport === 'tcp' && target.protocol !== 'dns' ? tlsOf(evidence) : undefined
      if (tls || target.protocol !== 'http1') return tls ?? is(target.protocol, 'the mode says so')
      return http2Of(evidence) ?? is('http1', 'the mode says so')
    },
  },
  {
    name: 'a client of an explicit proxy names its destination',
    decide(evidence) {
      if (evidence.destination || evidence.transport === 'udp') return undefined
      const { clientBytes } = evidence
      if (looksLikeSocks(clientBytes)) return is('socks', `SOCKS${clientBytes[0]}`)
      const tls = tlsOf(evidence)
      if (tls) return tls
      // Within TLS with the proxy it may be SOCKS, too.
      if (clientBytes.length === 0 && !evidence.clientEnded) return is('more', 'the client has not begun')
      return is('http-proxy', 'the request names the destination')
    },
  },
  {
    name: 'HTTP/3, which clients are to do without',
    decide(evidence) {
      const { transport, clientBytes, destination, options } = evidence
      if (transport === 'tcp' || options.http3 === 'pass' || destination?.port !== 443) return undefined
      if (!hasQuicBit(clientBytes) || isListed(evidence, options.udp_hosts)) return undefined
      return is('refuse', 'QUIC to port 443, by http3=block')
    },
  },
  {
    name: 'datagrams that are encrypted',
    decide({ transport, clientBytes, destination }) {
      if (transport === 'tcp') return undefined
      if (looksLikeDtls(clientBytes) === 'yes') return is('raw', 'DTLS, which midwire does not decrypt yet')
      if (looksLikeQuic(clientBytes, destination?.port ?? 0)) return is('raw', 'QUIC, which midwire does not speak yet')
      return undefined
    },
  },
  { name: 'TLS', decide: (evidence) => (evidence.transport === 'tcp' ? tlsOf(evidence) : undefined) },
  {
    name: 'hosts whose plaintext passes as raw bytes',
    decide(evidence) {
      const option = `${evidence.transport}_hosts` as const
      return isListed(evidence, evidence.options[option]) ? is('raw', `by ${option}`) : undefined
    },
  },
  {
    name: 'a protocol that was agreed on',
    decide({ alpn, options }) {
      if (!alpn) return undefined
      if (alpn === 'h2') return options.http2 ? is('http2', 'h2 was agreed on') : is('raw', 'h2, and http2 is off')
      if (alpn === 'h3') return is('raw', 'h3 was agreed on, which midwire does not speak yet')
      return alpn.startsWith('http/1.') ? is('http1', `${alpn} was agreed on`) : undefined
    },
  },
  {
    name: 'the side that speaks first',
    decide({ transport, clientBytes, clientEnded, serverBytes }) {
      if (transport === 'udp') return undefined
      if (serverBytes > 0) return is('raw', 'the server speaks first')
      if (clientBytes.length > 0) return undefined
      return clientEnded ? is('raw', 'the client sends nothing') : is('more', 'neither side has sent anything')
    },
  },
  {
    name: 'protocols that are known by their first bytes',
    decide(evidence) {
      const { transport, clientBytes, clientEnded, waited, destination, options } = evidence
      const http2 = transport === 'tcp' ? http2Of(evidence) : undefined
      if (http2) return http2
      const protocol = transport === 'tcp' ? knownProtocol(clientBytes) : undefined
      if (protocol === undefined) return undefined
      if (protocol !== 'more') return is('raw', protocol)
      // A connection that will be raw in any case need not wait until its protocol has a name.
      const raw = options.rawtcp && !isDnsPort(destination) && looksLikeHttp(clientBytes) === 'no'
      return raw || clientEnded || waited ? undefined : is('more', 'it may become a protocol that passes as raw bytes')
    },
  },
  {
    name: 'DNS by its ports',
    decide: ({ destination }) => (isDnsPort(destination) ? is('dns', `port ${destination?.port}`) : undefined),
  },
  { name: 'UDP', decide: ({ transport }) => (transport === 'udp' ? is('raw', 'UDP') : undefined) },
  {
    name: 'HTTP by its first line',
    decide({ clientBytes, clientEnded, waited, options }) {
      if (!options.rawtcp) return is('http1', 'rawtcp is off')
      const look = looksLikeHttp(clientBytes)
      if (look === 'yes') return is('http1', 'it begins as a request does')
      if (look === 'no') return is('raw', 'it does not begin as a request does')
      return clientEnded || waited ? is('raw', 'it ends before it is a request') : is('more', 'it may become a request')
    },
  },
]

/** TLS by the client's first bytes. Once the server has sent plaintext, there is no TLS to come. */
function tlsOf({ clientBytes, clientEnded, serverBytes, clientTls, waited }: Evidence): Verdict | undefined {
  if (serverBytes > 0 || clientTls) return undefined
  const look = looksLikeTls(clientBytes)
  if (look === 'yes') return is('tls', 'a TLS record')
  if (look === 'no' || clientEnded || (waited && clientBytes.length > 0)) return undefined
  return is('more', clientBytes.length > 0 ? 'it may become a TLS record' : 'neither side has sent anything')
}

/** HTTP/2 by ALPN, or by the preface of a client that knows without being told (RFC 9113, 3.3). */
function http2Of(evidence: Evidence): Verdict | undefined {
  const { alpn, clientBytes, clientEnded, clientTls, serverBytes, waited, options } = evidence
  if (!options.http2) return undefined
  if (alpn === 'h2') return is('http2', 'h2 was agreed on')
  if (clientTls || serverBytes > 0) return undefined
  const look = looksLikeHttp2(clientBytes)
  if (look === 'yes') return is('http2', 'it begins with the preface')
  const mayBecome = look === 'more' && clientBytes.length > 0 && !clientEnded && !waited
  return mayBecome ? is('more', 'it may become the preface of HTTP/2') : undefined
}

/** Decides by the table. A decision other than `more` is final. */
export function decide(evidence: Evidence): Verdict {
  for (const rule of RULES) {
    const verdict = rule.decide(evidence)
    if (verdict) return verdict
  }
  return is('raw', 'no rule applies')
}
