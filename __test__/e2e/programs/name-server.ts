// The name server of the system that midwire runs on: a zone with one name for each kind of answer.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  decode,
  encode,
  type Packet,
  RECURSION_AVAILABLE,
  TRUNCATED_RESPONSE,
} from 'dns-packet'

const RCODE = { ok: 0, serverFailure: 2, noSuchName: 3 }

/** Of type HTTPS (RFC 9460), which dns-packet does not know: priority 1, target `.`, alpn h2. */
const HTTPS = Buffer.from([0, 1, 0, 0, 1, 0, 3, 2, 0x68, 0x32])

const record = (name: string, type: string, data: unknown) => ({ name, type, ttl: 60, data }) as Answer

const ZONE: Record<string, Answer[]> = {
  'www.zone.test': [
    record('www.zone.test', 'A', '198.51.100.10'),
    record('www.zone.test', 'AAAA', '2001:db8:51::10'),
    record('www.zone.test', 'UNKNOWN_65', HTTPS),
  ],
  'zone.test': [
    record('zone.test', 'TXT', ['v=test', 'and more']),
    record('zone.test', 'MX', { preference: 10, exchange: 'mail.zone.test' }),
  ],
  /** Longer than a datagram without EDNS, and than one with it. */
  'long.zone.test': Array.from({ length: 40 }, (_, at) => record('long.zone.test', 'TXT', `${at} `.padEnd(120, '-'))),
}

const asked: string[] = []

/** What was asked since the last time, as `udp A www.zone.test`. */
export const questions = (): string[] => asked.splice(0)

function answer(query: Packet, by: 'udp' | 'tcp'): Packet {
  const [question] = query.questions ?? []
  const name = question?.name.toLowerCase() ?? ''
  const type: string = question?.type ?? ''
  asked.push(`${by} ${type} ${name}`)
  const known = ZONE[name]
  const answers = (known ?? []).filter((one) => one.type === type)
  const rcode = name.startsWith('broken.') ? RCODE.serverFailure : known ? RCODE.ok : RCODE.noSuchName
  const flags = AUTHORITATIVE_ANSWER | RECURSION_AVAILABLE | rcode | ((query.flags ?? 0) & 0x100)
  const packet: Packet = { type: 'response', flags, questions: query.questions ?? [], answers }
  return { ...packet, ...(query.id !== undefined && { id: query.id }) }
}

/** As much as goes into 512 bytes; the rest has to be asked for by TCP. */
function datagram(packet: Packet): Buffer {
  const whole = encode(packet)
  return whole.length <= 512
    ? whole
    : encode({ ...packet, flags: (packet.flags ?? 0) | TRUNCATED_RESPONSE, answers: [] })
}

export async function start(address: string): Promise<void> {
  const udp = createSocket('udp4')
  udp.on('message', (message, { address, port }) => {
    udp.send(datagram(answer(decode(message), 'udp')), port, address)
  })
  udp.bind(53, address)
  const tcp = createServer((socket) => {
    let received = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE()) {
        const end = 2 + received.readUInt16BE()
        const message = encode(answer(decode(received.subarray(2, end)), 'tcp'))
        const head = Buffer.alloc(2)
        head.writeUInt16BE(message.length)
        socket.write(Buffer.concat([head, message]))
        received = received.subarray(end)
      }
    })
  })
  tcp.listen(53, address)
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')])
}
