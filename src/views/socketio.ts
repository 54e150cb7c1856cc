// Engine.IO and Socket.IO, over WebSocket and polling: packets with their names, and their arguments as JSON.

import { queryOf } from './form.js'
import { writeJson } from './json-text.js'
import type { Page } from './page.js'
import { textOf } from './text.js'
import type { View, ViewMetadata } from './view.js'

/** Packets of Engine.IO 3 and 4, and of Socket.IO 3 to 5 within the fifth of those, by their numbers. */
const ENGINE = ['open', 'close', 'ping', 'pong', 'message', 'upgrade', 'noop']
const SOCKET = ['CONNECT', 'DISCONNECT', 'EVENT', 'ACK', 'CONNECT_ERROR', 'BINARY_EVENT', 'BINARY_ACK']
const MESSAGE = 4
/** What is between packets of polling in version 4. */
const SEPARATOR = '\x1e'

export const socketio: View = {
  name: 'socketio',
  help: 'Socket.IO, Engine.IO: packets and their arguments',
  priority(content, metadata) {
    const isPacket = /^(?:[0-6]|\d+:[0-6])/.test(content.subarray(0, 12).toString('latin1'))
    return isPacket && isEngine(metadata) && !content.includes(0) ? 1 : 0
  },
  render(content, metadata, page) {
    const text = textOf(content, metadata)
    const packets = metadata.kind === 'websocket' ? [text] : packetsOf(text)
    for (const packet of packets) writePacket(page, packet)
    return undefined
  },
}

const isEngine = ({ path = '' }: ViewMetadata): boolean =>
  /\/(?:socket|engine)\.io\//.test(path) || /(?:^|&)EIO=[34](?:&|$)/.test(queryOf(path))

/** The packets of a body of polling: with lengths in front of them in version 3. */
function packetsOf(text: string): string[] {
  if (!/^\d+:/.test(text)) return text.split(SEPARATOR)
  const packets: string[] = []
  for (let at = 0; at < text.length; ) {
    const colon = text.indexOf(':', at)
    const length = colon === -1 ? Number.NaN : Number(text.slice(at, colon))
    if (!Number.isInteger(length) || length < 1) return [...packets, text.slice(at)]
    packets.push(text.slice(colon + 1, colon + 1 + length))
    at = colon + 1 + length
  }
  return packets
}

function writePacket(page: Page, packet: string): void {
  const type = Number(packet[0])
  const name = ENGINE[type]
  if (name === undefined || !/^\d/.test(packet)) {
    page.line(packet)
    return
  }
  page.text(name, 'mark')
  if (type === MESSAGE && /^[0-6]/.test(packet[1] ?? '')) {
    writeMessage(page, packet.slice(1))
    return
  }
  page.end()
  writeData(page, packet.slice(1))
}

/** `2/admin,12["event",{}]`: type, binary attachments, namespace, id of an acknowledgement, arguments. */
const PACKET = /^(\d)(?:(\d+)-)?(?:(\/[^,]*),?)?(\d+)?/

function writeMessage(page: Page, packet: string): void {
  const [head = '', type, attachments, namespace, id] = PACKET.exec(packet) ?? []
  const parts = [
    SOCKET[Number(type)],
    namespace,
    id !== undefined && `id ${id}`,
    attachments !== undefined && `with ${attachments} binary attachments`,
  ]
  page.line(` ${parts.filter(Boolean).join(' ')}`, 'name')
  writeData(page, packet.slice(head.length))
}

function writeData(page: Page, data: string): void {
  if (data === '') return
  page.depth += 1
  if (/^[[{"]/.test(data)) writeJson(page, data)
  else page.line(data)
  page.depth -= 1
}
