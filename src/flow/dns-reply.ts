// Makes DNS messages: queries, replies, records and EDNS (RFC 6891), and cuts replies that are too large.
import { composeDns, type DnsMessage, type DnsQuestion, type DnsRecord, LEAST_RECORD, writeDns } from './dns-message.js'
import { DNS_CLASS, DNS_OPCODE, DNS_RCODE, DNS_TYPE } from './dns-names.js'
import { DnsError, nameBytes } from './dns-wire.js'

/** Octets of a UDP message that every resolver takes (RFC 1035, 2.3.4). */
export const PLAIN_UDP = 512

/** Octets of a UDP message that our own OPT records promise to take: no common path fragments it (DNS flag day 2020). */
export const EDNS_UDP = 1232

/** Octets of the largest UDP answer that is sent, even to a client that promises to take more. */
const MAX_UDP = 4096

/** Seconds that a record made here may be cached, unless the caller says otherwise. */
export const SYNTHETIC_TTL = 60

/** The contents of an OPT record. */
export interface Edns {
  /** Octets of the largest UDP message that the sender takes. */
  udpSize: number
  version: number
  /** The DO bit: the sender wants signatures. */
  dnssecOk: boolean
  /** The upper 8 bits of the response code. */
  extendedRcode: number
  record: DnsRecord
}

/** The EDNS of a message, if it has any. */
export function optOf(message: DnsMessage): Edns | undefined {
  const record = message.additionals.find(({ type }) => type === DNS_TYPE.OPT)
  if (!record) return undefined
  const { class: udpSize, ttl } = record
  return {
    udpSize,
    version: (ttl >>> 16) & 0xff,
    dnssecOk: (ttl & 0x8000) !== 0,
    extendedRcode: ttl >>> 24,
    record,
  }
}

/** Octets of the largest answer that a request allows by UDP: 512 without EDNS, 4096 at most. */
export function udpSize(request: DnsMessage): number {
  return Math.min(MAX_UDP, Math.max(PLAIN_UDP, optOf(request)?.udpSize ?? PLAIN_UDP))
}

const OPT: Readonly<DnsRecord> = { name: '.', type: DNS_TYPE.OPT, class: EDNS_UDP, ttl: 0, data: Buffer.alloc(0) }

/** A recursive query of one question. */
export function dnsQuery(name: string, type: number, id: number, more: Partial<DnsMessage> = {}): DnsMessage {
  return {
    id,
    response: false,
    opcode: DNS_OPCODE.QUERY,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    reserved: false,
    authenticData: false,
    checkingDisabled: false,
    rcode: DNS_RCODE.NOERROR,
    questions: [{ name, type, class: DNS_CLASS.IN }],
    answers: [],
    authorities: [],
    additionals: [],
    raw: undefined,
    ...more,
  }
}

/** A reply to a request: `dnsReply(flow.request, { answers: [aRecord('example.org', '192.0.2.1')] })`. Default: NOERROR, no records. */
export function dnsReply(
  request: DnsMessage,
  more: Partial<Omit<DnsMessage, 'id' | 'response' | 'raw'>> = {},
): DnsMessage {
  const edns = optOf(request)
  return {
    id: request.id,
    response: true,
    opcode: request.opcode,
    authoritative: false,
    truncated: false,
    recursionDesired: request.recursionDesired,
    recursionAvailable: true,
    reserved: false,
    authenticData: false,
    checkingDisabled: request.checkingDisabled,
    rcode: DNS_RCODE.NOERROR,
    questions: request.questions.map((question) => ({ ...question })),
    answers: [],
    authorities: [],
    // RFC 6891, 6.1.1: a request with an OPT record is answered with one.
    additionals: edns ? [{ ...OPT, ttl: edns.record.ttl & 0x8000 }] : [],
    ...more,
    raw: undefined,
  }
}

/** `ttl` in seconds, 60 by default. Throws a DnsError for what is no IPv4 address. */
export function aRecord(name: string, address: string, ttl = SYNTHETIC_TTL): DnsRecord {
  const octets = address.split('.')
  const valid = octets.length === 4 && octets.every((octet) => /^\d{1,3}$/.test(octet) && Number(octet) <= 255)
  if (!valid) throw new DnsError(`${JSON.stringify(address)} is no IPv4 address`)
  return { name, type: DNS_TYPE.A, class: DNS_CLASS.IN, ttl, data: Buffer.from(octets.map(Number)) }
}

/** `ttl` in seconds, 60 by default. Throws a DnsError for what is no IPv6 address. */
export function aaaaRecord(name: string, address: string, ttl = SYNTHETIC_TTL): DnsRecord {
  return { name, type: DNS_TYPE.AAAA, class: DNS_CLASS.IN, ttl, data: ipv6Bytes(address) }
}

/** `ttl` in seconds, 60 by default. Throws a DnsError for a target that is no name. */
export function cnameRecord(name: string, target: string, ttl = SYNTHETIC_TTL): DnsRecord {
  return { name, type: DNS_TYPE.CNAME, class: DNS_CLASS.IN, ttl, data: nameBytes(target) }
}

function ipv6Bytes(address: string): Buffer {
  let text: string
  try {
    if (!/^[\da-f:.]+$/i.test(address)) throw new TypeError()
    // The URL parser turns every form of an address, dotted quads included, into the shortest one (WHATWG URL, 4.5).
    text = new URL(`http://[${address}]`).hostname.slice(1, -1)
  } catch {
    throw new DnsError(`${JSON.stringify(address)} is no IPv6 address`)
  }
  const [head = '', tail = ''] = text.split('::')
  const first = head ? head.split(':') : []
  const last = tail ? tail.split(':') : []
  const words = [...first, ...new Array<string>(8 - first.length - last.length).fill('0'), ...last]
  return Buffer.from(words.map((word) => word.padStart(4, '0')).join(''), 'hex')
}

/** A text that is the same for a request and its reply: of the id and every question, without regard to case. */
export function queryKey({ id, questions }: { id: number; questions: readonly DnsQuestion[] }): string {
  let key = `${id}`
  for (const { name, type, class: value } of questions) key += ` ${name.toLowerCase()} ${type} ${value}`
  return key
}

/**
 * Writes a message in `size` octets at most. Of a longer one, whole records are left out from its end, but for the OPT record; TC is
 * set where one of them was an answer or an authority (RFC 2181, 9).
 */
export function fitDns(message: DnsMessage, size: number): Buffer {
  const whole = writeDns(message)
  if (whole.length <= size) return whole
  const opt = message.additionals.filter(({ type }) => type === DNS_TYPE.OPT)
  const others = message.additionals.filter(({ type }) => type !== DNS_TYPE.OPT)
  const room = size - opt.reduce((sum, { data }) => sum + LEAST_RECORD + data.length, 0)
  const { ends } = composeDns({ ...message, additionals: others })
  let kept = ends.findIndex((end) => end > room)
  if (kept < 0) kept = ends.length
  const [answers, authorities] = [message.answers.length, message.authorities.length]
  return composeDns({
    ...message,
    truncated: message.truncated || kept < answers + authorities,
    answers: message.answers.slice(0, kept),
    authorities: message.authorities.slice(0, Math.max(0, kept - answers)),
    additionals: [...others.slice(0, Math.max(0, kept - answers - authorities)), ...opt],
  }).bytes
}
