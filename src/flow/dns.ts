// A DNS query and its answer.
import type { DnsMessage } from './dns-message.js'
import { Flow, type FlowOrigin } from './flow.js'
import { dnsSize, FLOW_SIZE } from './size.js'

export class DnsFlow extends Flow {
  readonly type = 'dns'
  request: DnsMessage
  /** An addon that sets it in the `dns_request` hook answers the query, and no server is asked: `dnsReply(flow.request, { answers })`. */
  response: DnsMessage | undefined

  constructor(origin: FlowOrigin, request: DnsMessage) {
    super(origin)
    this.request = request
  }

  override get size(): number {
    return FLOW_SIZE + dnsSize(this.request) + dnsSize(this.response)
  }
}
