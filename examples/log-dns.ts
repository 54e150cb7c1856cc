// Writes down which names the devices in the tunnel ask for, and what they hear: midwire -q -s examples/log-dns.ts
import { DNS_TYPE, type DnsFlow, recordText } from 'midwire'

const typeName = (type: number) => Object.entries(DNS_TYPE).find(([, number]) => number === type)?.[0] ?? `TYPE${type}`

export function dns_response(flow: DnsFlow) {
  const device = flow.client.peer?.name ?? flow.client.remote.address
  const answers = flow.response?.answers.map(recordText).join(', ')
  for (const { name, type } of flow.request.questions) {
    console.log(`${device}  ${typeName(type)} ${name}  ${answers || 'nothing'}`)
  }
}
