// Keeps devices from some hosts and what is below them: midwire -s examples/block-hosts.ts
import { DNS_RCODE, type DnsFlow, dnsReply, type HttpFlow } from 'midwire'

const blocked = ['ads.example', 'tracker.example']

const isBlocked = (host: string) => blocked.some((name) => host === name || host.endsWith(`.${name}`))

// In the tunnel the name is asked for first: there is none.
export function dns_request(flow: DnsFlow) {
  const asked = flow.request.questions[0]?.name.toLowerCase()
  if (asked && isBlocked(asked)) flow.response = dnsReply(flow.request, { rcode: DNS_RCODE.NXDOMAIN })
}

// Who has the address from elsewhere, or uses the HTTP proxy, loses the connection.
export function requestheaders(flow: HttpFlow) {
  if (isBlocked(flow.request.prettyHost.toLowerCase())) flow.kill()
}
