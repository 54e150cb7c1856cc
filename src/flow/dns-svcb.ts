// The RDATA of SVCB and HTTPS records: where a service is, and how to speak to it (RFC 9460, 2.2).
import { DnsError } from './dns-message.js'
import { SVCB_KEY, svcbKeyName } from './dns-names.js'
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
