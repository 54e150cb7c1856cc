// Which protocol a connection speaks: one table of rules, by what is known and by the first bytes. The first rule that knows it decides.
import { isListed, passes } from './hosts.js'
import type { LayerName, LayerOptions } from './layer.js'
import { knownProtocol, looksLikeDtls, looksLikeHttp, looksLikeQuic, looksLikeTls } from './sniff.js'

/** All that is known when it has to be decided who goes on. */
export interface Evidence {
  /** The mode's name. */
  readonly mode: string
  readonly transport: 'tcp' | 'udp'
  /** What the client has said and nobody has taken: of TCP all of it so far, of UDP the first datagram. */
  readonly clientBytes: Buffer
  /** The client will say nothing more. */
  readonly clientEnded: boolean
  /** Bytes that the server has said of its own accord: the client's have not reached it. */
  readonly serverBytes: number
  /** The server will say nothing more. */
  readonly serverEnded?: boolean | undefined
  /** The client's bytes came through TLS, which was taken off. */
  readonly clientTls: boolean
  /** Of that TLS: what was agreed on, and the name. */
  readonly alpn?: string | undefined
  readonly sni?: string | undefined
  /** Undefined where the client has yet to say it, as to an explicit proxy. `address` is the server's, where `host` is a name. */
  readonly destination?:
    | { readonly host: string; readonly address?: string | undefined; readonly port: number }
    | undefined
  /** The destination is the tunnel's own resolver. */
  readonly virtualResolver: boolean
  /** The client has said something and then nothing for a while: what is not clear by now is raw. */
  readonly waited?: boolean | undefined
  readonly options: Pick<LayerOptions, 'ignore_hosts' | 'allow_hosts' | 'tcp_hosts' | 'udp_hosts' | 'rawtcp'>
}

/** The layer that goes on; `more` where that cannot be told before more bytes have come, from either side. */
export type Decision = 'more' | Exclude<LayerName, 'transparent' | 'explicit' | 'next'>

export interface Verdict {
  readonly decision: Decision
  /** For the log. */
  readonly reason: string
}

interface Rule {
  readonly name: string
  readonly decide: (evidence: Evidence) => Verdict | undefined
}

const DNS_PORTS = [53, 5353]
const EXPLICIT_MODES = ['regular', 'upstream']

const isDnsPort = (destination: Evidence['destination']) => DNS_PORTS.includes(destination?.port ?? 0)

const is = (decision: Decision, reason: string): Verdict => ({ decision, reason })

const RULES: readonly Rule[] = [
  {
    name: 'the tunnel has a resolver of its own',
    decide: ({ virtualResolver, destination }) =>
      virtualResolver && destination?.port === 53 ? is('dns', "it goes to the tunnel's resolver") : undefined,
  },
  {
    name: 'a server that leaves before anything was said',
    decide: ({ clientBytes, serverBytes, serverEnded }) =>
      serverEnded && serverBytes === 0 && clientBytes.length === 0
        ? is('raw', 'the server has closed the connection without a word')
        : undefined,
  },
  {
    name: 'hosts that are not to be looked at',
    decide(evidence) {
      const answer = passes(evidence)
      if (answer === 'no' || !evidence.destination) return undefined
      return answer === 'yes'
        ? is('ignore', 'ignore_hosts or allow_hosts says so')
        : is('more', 'ignore_hosts or allow_hosts may match a name that has not come')
    },
  },
  {
    name: 'an explicit proxy is told where to go',
    decide(evidence) {
      if (evidence.destination || evidence.transport === 'udp') return undefined
      const tls = tlsOf(evidence)
      return tls ?? is('http-proxy', 'the request says where the client wants to go')
    },
  },
  {
    name: 'datagrams that are encrypted',
    decide({ transport, clientBytes, destination }) {
      if (transport === 'tcp') return undefined
      if (looksLikeDtls(clientBytes) === 'yes') return is('raw', 'DTLS, which is not taken off yet')
      if (looksLikeQuic(clientBytes, destination?.port ?? 0)) return is('raw', 'QUIC, which is not spoken yet')
      return undefined
    },
  },
  { name: 'TLS', decide: (evidence) => (evidence.transport === 'tcp' ? tlsOf(evidence) : undefined) },
  {
    name: 'hosts whose bytes are not to be understood',
    decide(evidence) {
      const option = `${evidence.transport}_hosts` as const
      return isListed(evidence, evidence.options[option]) ? is('raw', `${option} says so`) : undefined
    },
  },
  {
    name: 'a protocol that was agreed on',
    decide({ mode, alpn }) {
      // Inside a CONNECT it may still be what was agreed on with the proxy, and the bytes tell, too.
      if (!alpn || EXPLICIT_MODES.includes(mode)) return undefined
      if (alpn === 'h2' || alpn === 'h3') return is('raw', `${alpn} was agreed on, which is not spoken yet`)
      return alpn.startsWith('http/1.') ? is('http1', `${alpn} was agreed on`) : undefined
    },
  },
  {
    name: 'who speaks first',
    decide({ transport, clientBytes, clientEnded, serverBytes }) {
      if (transport === 'udp') return undefined
      if (serverBytes > 0) return is('raw', 'the server speaks first')
      if (clientBytes.length > 0) return undefined
      return clientEnded ? is('raw', 'the client has nothing to say') : is('more', 'nobody has said anything')
    },
  },
  {
    name: 'protocols that are known by their first bytes',
    decide({ transport, clientBytes, clientEnded, waited, destination, options }) {
      const protocol = transport === 'tcp' ? knownProtocol(clientBytes) : undefined
      if (protocol === undefined) return undefined
      if (protocol !== 'more') return is('raw', protocol)
      // What is raw in any case need not wait for its name.
      const raw = options.rawtcp && !isDnsPort(destination) && looksLikeHttp(clientBytes) === 'no'
      return raw || clientEnded || waited ? undefined : is('more', 'it may become a protocol that passes as it is')
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

/** TLS by the client's first bytes; a server that has spoken before cannot do it any more. */
function tlsOf({ mode, clientBytes, clientEnded, serverBytes, clientTls, waited }: Evidence): Verdict | undefined {
  // Only to an explicit proxy there is TLS in TLS: the outer one is to the proxy.
  if (serverBytes > 0 || (clientTls && !EXPLICIT_MODES.includes(mode))) return undefined
  const look = looksLikeTls(clientBytes)
  if (look === 'yes') return is('tls', 'a TLS record')
  if (look === 'no' || clientEnded || (waited && clientBytes.length > 0)) return undefined
  return is('more', clientBytes.length > 0 ? 'it may become a TLS record' : 'nobody has said anything')
}

/** Decides by the table. What was not `more` stays as it is, whatever comes after. */
export function decide(evidence: Evidence): Verdict {
  for (const rule of RULES) {
    const verdict = rule.decide(evidence)
    if (verdict) return verdict
  }
  return is('raw', 'no rule knows it')
}
