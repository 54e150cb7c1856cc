// The type of a flow of any protocol.
import type { DnsFlow } from './dns.js'
import type { HttpFlow } from './http.js'
import type { TcpFlow, UdpFlow } from './messages.js'

export type AnyFlow = HttpFlow | TcpFlow | UdpFlow | DnsFlow
