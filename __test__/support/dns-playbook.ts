// Conversations of the DNS layer: its clients, messages in bytes, and what was sent to whom.
import type { DnsFlow } from '../../src/flow/dns.js'
import { type DnsMessage, parseDns, writeDns } from '../../src/flow/dns-message.js'
import { DNS_TYPE } from '../../src/flow/dns-names.js'
import { aRecord, dnsQuery, dnsReply } from '../../src/flow/dns-reply.js'
import { recordText } from '../../src/flow/dns-text.js'
import { dnsLayer } from '../../src/layers/dns.js'
import { Playbook, type PlaybookOptions } from './playbook.js'

export const udp = (more: PlaybookOptions = {}) =>
  new Playbook(dnsLayer, { transport: 'udp', destination: { host: '192.0.2.53', port: 53, transport: 'udp' }, ...more })

export const tcp = (more: PlaybookOptions = {}) =>
  new Playbook(dnsLayer, { transport: 'tcp', destination: { host: '192.0.2.53', port: 53, transport: 'tcp' }, ...more })

export const virtual = { virtualResolver: true }

export const query = (name: string, id = 7, more: Partial<DnsMessage> = {}) =>
  writeDns(dnsQuery(name, DNS_TYPE.A, id, more))

/** An answer in bytes that our own writer would not choose: nothing is compressed. */
export function answer(request: Buffer, address = '192.0.2.1'): Buffer {
  const { questions } = parseDns(request)
  const head = Buffer.from(request)
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(1, 6)
  const record = writeDns(
    dnsReply(dnsQuery('.', 0, 0, { questions: [] }), { answers: [aRecord(questions[0]?.name ?? '.', address)] }),
  )
  return Buffer.concat([head, record.subarray(12)])
}

/** What was sent to a side, as bytes; everything else as it is. */
export function sent(lines: string[]): { client: Buffer[]; server: Buffer[]; rest: string[] } {
  const result = { client: [] as Buffer[], server: [] as Buffer[], rest: [] as string[] }
  for (const line of lines) {
    const [, side, text] = /^send (client|server)\d* (".*")$/.exec(line) ?? []
    if (text) result[side as 'client' | 'server'].push(Buffer.from(JSON.parse(text) as string, 'latin1'))
    else result.rest.push(line)
  }
  return result
}

export const flows = (play: Playbook) =>
  (play.finished as DnsFlow[]).map((flow) => ({
    asked: flow.request.questions[0]?.name,
    answered: flow.response?.answers.map(recordText).join(),
    error: flow.error?.message,
  }))
