// DNS messages as text for people, in the form of zone files (RFC 1035, 5.1; RFC 3597, 5), with quotes only where they are needed.
import type { DnsMessage, DnsRecord } from './dns-message.js'
import { className, DNS_TYPE, opcodeName, optionName, rcodeName, typeName } from './dns-names.js'
import { optOf } from './dns-reply.js'
import { ipv4Text, ipv6Text, svcbText } from './dns-svcb.js'
import { DnsReader, escapeText } from './dns-wire.js'

type Show = (reader: DnsReader, record: DnsRecord) => string

const name: Show = (reader) => reader.name()

const numbered: Show = (reader) => `${reader.u16()} ${reader.name()}`

const quoted = (octets: Buffer) => `"${escapeText(octets.toString('latin1'), '"\\', true)}"`

const strings: Show = (reader) => {
  const all: string[] = []
  while (reader.at < reader.end) all.push(quoted(reader.string()))
  return all.join(' ')
}

const service: Show = (reader) => svcbText(reader.rest())

const SHOWN = new Map<number, Show>([
  [DNS_TYPE.A, (reader) => ipv4Text(reader.take(4))],
  [DNS_TYPE.AAAA, (reader) => ipv6Text(reader.take(16))],
  [DNS_TYPE.NS, name],
  [DNS_TYPE.CNAME, name],
  [DNS_TYPE.DNAME, name],
  [DNS_TYPE.PTR, name],
  [DNS_TYPE.MX, numbered],
  [DNS_TYPE.TXT, strings],
  [DNS_TYPE.SPF, strings],
  [DNS_TYPE.HINFO, strings],
  [DNS_TYPE.SRV, (reader) => `${reader.u16()} ${reader.u16()} ${reader.u16()} ${reader.name()}`],
  [DNS_TYPE.SOA, soaText],
  [DNS_TYPE.NAPTR, naptrText],
  [DNS_TYPE.CAA, (reader) => `${reader.u8()} ${reader.string().toString('latin1')} ${quoted(reader.rest())}`],
  [DNS_TYPE.URI, (reader) => `${reader.u16()} ${reader.u16()} ${quoted(reader.rest())}`],
  [DNS_TYPE.SVCB, service],
  [DNS_TYPE.HTTPS, service],
  [DNS_TYPE.OPT, optText],
])

function soaText(reader: DnsReader): string {
  const names = `${reader.name()} ${reader.name()}`
  return `${names} ${reader.u32()} ${reader.u32()} ${reader.u32()} ${reader.u32()} ${reader.u32()}`
}

function naptrText(reader: DnsReader): string {
  const numbers = `${reader.u16()} ${reader.u16()}`
  return `${numbers} ${quoted(reader.string())} ${quoted(reader.string())} ${quoted(reader.string())} ${reader.name()}`
}

function optText(reader: DnsReader, { class: size, ttl }: DnsRecord): string {
  const parts = [`udp=${size}`, `version=${(ttl >>> 16) & 0xff}`]
  if (ttl & 0x8000) parts.push('do')
  while (reader.at < reader.end) {
    const code = reader.u16()
    const value = reader.take(reader.u16())
    parts.push(value.length > 0 ? `${optionName(code)}=${value.toString('hex')}` : optionName(code))
  }
  return parts.join(' ')
}

/** The data of a record: `192.0.2.1`, `10 mail.example.org`, `"v=spf1 -all"`; `\# 2 abcd` for a type of unknown form. */
export function recordText(record: DnsRecord): string {
  const show = SHOWN.get(record.type)
  if (show) {
    try {
      const reader = new DnsReader(record.data)
      const text = show(reader, record)
      if (reader.at === reader.end) return text
    } catch {
      // The data does not have the form of its type, so it is shown as octets.
    }
  }
  return `\\# ${record.data.length} ${record.data.toString('hex')}`.trimEnd()
}

/** A record as a line: `example.org 300 IN A 192.0.2.1`. */
export function recordLine(record: DnsRecord): string {
  if (record.type === DNS_TYPE.OPT) return `${record.name} OPT ${recordText(record)}`
  return `${record.name} ${record.ttl} ${className(record.class)} ${typeName(record.type)} ${recordText(record)}`
}

/** The name of a message's response code, the upper bits in its OPT record included. */
export function statusText(message: DnsMessage): string {
  return rcodeName(message.rcode | ((optOf(message)?.extendedRcode ?? 0) << 4))
}

/** A whole message: a line for its head, for each question and for each record. The filter `~b` searches this text. */
export function messageText(message: DnsMessage): string {
  const flags = [
    message.authoritative && 'aa',
    message.truncated && 'tc',
    message.recursionDesired && 'rd',
    message.recursionAvailable && 'ra',
    message.authenticData && 'ad',
    message.checkingDisabled && 'cd',
  ].filter(Boolean)
  const status = message.response ? [statusText(message)] : []
  return [
    [opcodeName(message.opcode), ...status, `id ${message.id}`, ...flags].join(' '),
    ...message.questions.map((question) => `${question.name} ${className(question.class)} ${typeName(question.type)}`),
    ...[...message.answers, ...message.authorities, ...message.additionals].map(recordLine),
  ].join('\n')
}
