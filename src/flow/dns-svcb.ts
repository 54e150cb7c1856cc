// The RDATA of SVCB and HTTPS records: where a service is, and how to speak to it (RFC 9460, 2.2).
import { DnsError, type DnsMessage, type DnsRecord } from './dns-message.js'
import { DNS_TYPE, SVCB_KEY, svcbKeyName } from './dns-names.js'
import { DnsReader, escapeText, nameBytes } from './dns-wire.js'

export interface Svcb {
  /** 0 makes the record an alias of `target`. */
  priority: number
  /** The host that has the service; `.` for the record's own name. */
  target: string
  /** Sorted by key; a key is a number of SVCB_KEY, or another. */
  params: SvcParam[]
}

export interface SvcParam {
  key: number
  value: Buffer
}

/** Reads the RDATA of an SVCB or HTTPS record. Throws a DnsError where it is malformed. */
export function parseSvcb(data: Buffer): Svcb {
  const reader = new DnsReader(data)
  const svcb: Svcb = { priority: reader.u16(), target: reader.name(), params: [] }
  let last = -1
  while (reader.at < reader.end) {
    const key = reader.u16()
    if (key <= last) throw new DnsError(`the parameter ${svcbKeyName(key)} stands behind ${svcbKeyName(last)}`)
    svcb.params.push({ key, value: reader.take(reader.u16()) })
    last = key
  }
  return svcb
}

export function writeSvcb({ priority, target, params }: Svcb): Buffer {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(priority)
  const parts = [head, nameBytes(target)]
  for (const { key, value } of [...params].sort((one, other) => one.key - other.key)) {
    const field = Buffer.alloc(4)
    field.writeUInt16BE(key)
    field.writeUInt16BE(value.length, 2)
    parts.push(field, value)
  }
  return Buffer.concat(parts)
}

/** What clients are not told of a service, because midwire could not read what they did with it. */
export interface Taken {
  /** The keys for Encrypted ClientHello. */
  readonly ech: boolean
  /** HTTP/3 among the protocols. */
  readonly http3: boolean
}

/** Takes something from the SVCB and HTTPS records of an answer. A record of a service that has nothing but HTTP/3 is left out. */
export function stripServices(message: DnsMessage, what: Taken): void {
  const strip = (records: DnsRecord[]) => records.flatMap((record) => stripped(record, what))
  const answers = strip(message.answers)
  const additionals = strip(message.additionals)
  const isSame = (some: DnsRecord[], others: DnsRecord[]) =>
    some.length === others.length && some.every((one, index) => one === others[index])
  if (isSame(answers, message.answers) && isSame(additionals, message.additionals)) return
  message.answers = answers
  message.additionals = additionals
  // The server has vouched for other records.
  message.authenticData = false
}

/** The record itself where there is nothing to take from it. */
function stripped(record: DnsRecord, what: Taken): DnsRecord | [] {
  if (record.type !== DNS_TYPE.HTTPS && record.type !== DNS_TYPE.SVCB) return record
  try {
    const svcb = parseSvcb(record.data)
    const params = strippedParams(svcb.params, what)
    if (!params) return []
    const isSame =
      params.length === svcb.params.length && params.every(({ value }, index) => value === svcb.params[index]?.value)
    return isSame ? record : { ...record, data: writeSvcb({ ...svcb, params }) }
  } catch (error) {
    // Clients do not use a malformed record (RFC 9460, 2.2), so it goes on as it came.
    if (error instanceof DnsError) return record
    throw error
  }
}

/** Undefined where nothing but HTTP/3 is left. */
function strippedParams(params: readonly SvcParam[], what: Taken): SvcParam[] | undefined {
  const taken = new Set<number>(what.ech ? [SVCB_KEY.ech] : [])
  const kept = params.flatMap((param) => {
    if (taken.has(param.key)) return []
    if (param.key !== SVCB_KEY.alpn || !what.http3) return param
    const value = withoutItems(param.value, (reader) => isHttp3(reader.string()))
    if (value === param.value) return param
    if (value.length > 0) return { ...param, value }
    // An empty list is malformed. Without the key the service has the scheme's own protocol, HTTP/1.1.
    taken.add(SVCB_KEY.alpn)
    return []
  })
  if (taken.has(SVCB_KEY.alpn) && kept.some(({ key }) => key === SVCB_KEY['no-default-alpn'])) return undefined
  // A record whose `mandatory` names a key that is not there is malformed.
  return kept.flatMap((param) => {
    if (param.key !== SVCB_KEY.mandatory) return param
    const value = withoutItems(param.value, (reader) => taken.has(reader.u16()))
    if (value === param.value) return param
    return value.length > 0 ? { ...param, value } : []
  })
}

/** A list without some of its items; the same Buffer where there are none of them. `take` reads an item, and tells whether it goes. */
function withoutItems(list: Buffer, take: (reader: DnsReader) => boolean): Buffer {
  const reader = new DnsReader(list)
  const kept: Buffer[] = []
  while (reader.at < reader.end) {
    const start = reader.at
    if (!take(reader)) kept.push(list.subarray(start, reader.at))
  }
  const rest = Buffer.concat(kept)
  return rest.length < list.length ? rest : list
}

/** `h3`, and the drafts of it: `h3-29`. */
const isHttp3 = (protocol: Buffer) => /^h3(-|$)/.test(protocol.toString('latin1'))

/** The record as text: `1 . alpn="h3,h2" port=443`. */
export function svcbText(data: Buffer): string {
  const { priority, target, params } = parseSvcb(data)
  return [`${priority}`, target, ...params.map(paramText)].join(' ')
}

function paramText({ key, value }: SvcParam): string {
  const name = svcbKeyName(key)
  const text = valueText(key, value)
  return text === '' ? name : `${name}=${text}`
}

function valueText(key: number, value: Buffer): string {
  const reader = new DnsReader(value)
  const items: string[] = []
  switch (key) {
    case SVCB_KEY.mandatory:
      while (reader.at < reader.end) items.push(svcbKeyName(reader.u16()))
      return items.join(',')
    case SVCB_KEY.alpn:
      while (reader.at < reader.end) items.push(escapeText(reader.string().toString('latin1'), '\\",'))
      return `"${items.join(',')}"`
    case SVCB_KEY.port:
      return `${reader.u16()}`
    case SVCB_KEY.ipv4hint:
      while (reader.at < reader.end) items.push(ipv4Text(reader.take(4)))
      return items.join(',')
    case SVCB_KEY.ipv6hint:
      while (reader.at < reader.end) items.push(ipv6Text(reader.take(16)))
      return items.join(',')
    case SVCB_KEY.ech:
      return value.toString('base64')
    default:
      return value.length > 0 ? `"${escapeText(value.toString('latin1'), '\\"', true)}"` : ''
  }
}

export const ipv4Text = (data: Buffer): string => `${data[0]}.${data[1]}.${data[2]}.${data[3]}`

/** An IPv6 address in the form of RFC 5952. */
export function ipv6Text(data: Buffer): string {
  const words: string[] = []
  for (let at = 0; at < 16; at += 2) words.push(data.readUInt16BE(at).toString(16))
  return new URL(`http://[${words.join(':')}]`).hostname.slice(1, -1)
}
