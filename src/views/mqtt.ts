// MQTT 3.1, 3.1.1 and 5, over TCP and WebSocket: packets with their topics, and what is published by the view that fits it.
import type { AnyFlow } from '../flow/index.js'
import { Broken, ByteReader } from './bytes.js'
import { shortHex, writeHex } from './hex.js'
import type { Page } from './page.js'
import type { View, ViewMetadata } from './view.js'

/** The control packets by their types (MQTT 5.0, 2.1.2). */
const NAMES = [
  ...['', 'CONNECT', 'CONNACK', 'PUBLISH', 'PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP', 'SUBSCRIBE', 'SUBACK'],
  ...['UNSUBSCRIBE', 'UNSUBACK', 'PINGREQ', 'PINGRESP', 'DISCONNECT', 'AUTH'],
]
const VERSIONS: Partial<Record<number, string>> = { 3: '3.1', 4: '3.1.1', 5: '5' }
const WITH_PROPERTIES = 5
/** The first byte of a CONNECT. */
const CONNECT = 0x10

export const mqtt: View = {
  name: 'mqtt',
  help: 'MQTT: packets, topics and payloads',
  priority: (content, metadata) => (content.length > 1 && isMqtt(content, metadata) ? 0.95 : 0),
  render(content, metadata, page) {
    const reader = new ByteReader(content)
    const version = versionOf(content) ?? versionOf(firstOf(metadata.flow))
    while (reader.left > 0) {
      if (!writePacket(page, reader, version)) return undefined
    }
    return undefined
  },
}

/** A connection is MQTT where its first message is a CONNECT, or where WebSocket has agreed on it. */
function isMqtt(content: Buffer, { kind, flow, fromClient }: ViewMetadata): boolean {
  if (kind === 'body' || kind === 'udp') return false
  if (flow?.type === 'http' && /^mqtt/i.test(flow.response?.headers.get('sec-websocket-protocol') ?? '')) return true
  return versionOf(firstOf(flow)) !== undefined || (fromClient && versionOf(content) !== undefined)
}

function firstOf(flow: AnyFlow | undefined): Buffer | undefined {
  const messages = flow?.type === 'tcp' ? flow.messages : flow?.type === 'http' ? flow.websocket?.messages : undefined
  return messages?.[0]?.content
}

/** The version in a CONNECT; undefined for other bytes. */
function versionOf(content: Buffer | undefined): number | undefined {
  if (content?.[0] !== CONNECT) return undefined
  const reader = new ByteReader(content, 1)
  if (variable(reader) === undefined || reader.left < 10) return undefined
  const name = reader.take(reader.bytes.readUInt16BE(reader.at) === 6 ? 8 : 6).toString('latin1', 2)
  const version = name === 'MQTT' || name === 'MQIsdp' ? reader.bytes[reader.at] : undefined
  return version !== undefined && VERSIONS[version] ? version : undefined
}

/** Writes one packet; false where it is not complete, or none. */
function writePacket(page: Page, reader: ByteReader, version: number | undefined): boolean {
  const start = reader.at
  const first = reader.u8()
  const type = NAMES[first >> 4]
  const length = type ? variable(reader) : undefined
  if (!type || length === undefined || length > reader.left) {
    const what =
      type && length !== undefined ? `${type}, of which ${reader.left} of ${length} bytes are here` : 'no packet'
    page.line(`(${what})`, 'comment')
    writeHex(page, reader.bytes.subarray(start))
    return false
  }
  const body = new ByteReader(reader.take(length))
  page.text(type, 'mark')
  const { depth } = page
  try {
    writeBody(page, type, first & 15, body, version)
  } catch (error) {
    if (!(error instanceof Broken)) throw error
    page.depth = depth
    if (page.open) page.end()
    page.line(`(broken: ${error.message})`, 'error')
  }
  return true
}

function writeBody(page: Page, type: string, flags: number, body: ByteReader, version: number | undefined): void {
  const id = () => page.text(` id ${body.u16()}`)
  const properties = () => {
    if (version !== WITH_PROPERTIES || body.left === 0) return
    const bytes = body.take(variable(body) ?? body.left)
    if (bytes.length > 0) page.text(` properties ${shortHex(bytes)}`, 'comment')
  }
  if (type === 'CONNECT') {
    writeConnect(page, body, properties)
  } else if (type === 'PUBLISH') {
    const qos = (flags >> 1) & 3
    page.text(` ${text(body)}`, 'name')
    if (qos > 0) id()
    page.text(`${qos > 0 ? ` qos ${qos}` : ''}${flags & 1 ? ' retain' : ''}${flags & 8 ? ' again' : ''}`)
    properties()
    page.end()
    page.depth += 1
    page.nested(body.take(body.left))
    page.depth -= 1
  } else if (type === 'SUBSCRIBE' || type === 'UNSUBSCRIBE') {
    id()
    properties()
    page.end()
    while (body.left > 0) {
      page.text(`  ${text(body)}`, 'name')
      page.line(type === 'SUBSCRIBE' ? ` qos ${body.u8() & 3}` : '')
    }
  } else {
    if (/^(?:PUB|SUB|UNSUB)/.test(type)) id()
    else if (type === 'CONNACK') page.text(body.u8() & 1 ? ' session present' : '')
    if (/^(?:SUB|UNSUB)ACK$/.test(type)) properties()
    if (body.left > 0) page.text(` code ${[...body.take(type.endsWith('SUBACK') ? body.left : 1)].join(' ')}`)
    properties()
    page.end()
  }
}

function writeConnect(page: Page, body: ByteReader, properties: () => void): void {
  const name = text(body)
  const level = body.u8()
  const flags = body.u8()
  const seconds = body.u16()
  page.text(` ${name} ${VERSIONS[level] ?? level}, keep alive ${seconds} s${flags & 2 ? ', clean start' : ''}`)
  properties()
  page.end()
  page.depth += 1
  page.field('client', JSON.stringify(text(body)), 'string')
  if (flags & 4) {
    properties()
    if (page.open) page.end()
    page.field('will topic', JSON.stringify(text(body)), 'string')
    page.line('will', 'name')
    page.depth += 1
    page.nested(body.take(body.u16()))
    page.depth -= 1
  }
  if (flags & 0x80) page.field('user', JSON.stringify(text(body)), 'string')
  if (flags & 0x40) page.field('password', JSON.stringify(text(body)), 'string')
  page.depth -= 1
}

const text = (reader: ByteReader): string => reader.take(reader.u16()).toString()

/** A number of one to four bytes, the lowest first (MQTT 5.0, 1.5.5); undefined where it has no end. */
function variable(reader: ByteReader): number | undefined {
  let value = 0
  for (let index = 0; index < 4 && reader.left > 0; index++) {
    const byte = reader.u8()
    value += (byte & 0x7f) * 128 ** index
    if (byte < 0x80) return value
  }
  return undefined
}
