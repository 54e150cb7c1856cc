// The records between Node and the addon, written and read independently of the sources: the contract, a second time.

export const EVENTS = {
  opened: 1,
  data: 2,
  end: 3,
  reset: 4,
  writable: 5,
  closed: 6,
  datagram: 7,
  icmp: 8,
  log: 9,
  died: 10,
  stopped: 11,
  connected: 12,
  datagramExpired: 13,
} as const

const COMMANDS = [
  '?',
  'accept',
  'refuse',
  'write',
  'credit',
  'end',
  'reset',
  'sendDatagram',
  'refuseDatagram',
  'sendIcmp',
  'close',
  'impair',
] as const

/** A command as it fell. */
export interface Fallen {
  kind: (typeof COMMANDS)[number]
  id: number
  payload: Buffer
}

/** Why a stream ends, in a RESET event. */
export const REASONS = { byPeer: 1, timedOut: 2, refused: 3, unreachable: 4, peerRemoved: 5, evicted: 6 } as const

export function record(kind: number, id: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(12 + Math.ceil(payload.length / 4) * 4)
  bytes.writeUInt32LE(kind, 0)
  bytes.writeUInt32LE(id, 4)
  bytes.writeUInt32LE(payload.length, 8)
  bytes.set(payload, 12)
  return bytes
}

export function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** The commands in the first `length` bytes. Throws when a record is cut short, unknown or too long. */
export function commandsIn(bytes: Uint8Array, length: number): Fallen[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, length)
  const fallen: Fallen[] = []
  for (let at = 0; at < length; ) {
    const kind = COMMANDS[buffer.readUInt32LE(at)]
    const size = buffer.readUInt32LE(at + 8)
    if (!kind || kind === '?') throw new Error(`command ${buffer.readUInt32LE(at)} is none`)
    if (size > 65 * 1024 || (kind === 'write' && size > 64 * 1024)) throw new Error(`a ${kind} of ${size} bytes`)
    if (at + 12 + size > length) throw new Error(`a ${kind} that is cut short`)
    fallen.push({
      kind,
      id: buffer.readUInt32LE(at + 4),
      payload: Buffer.from(buffer.subarray(at + 12, at + 12 + size)),
    })
    at += 12 + Math.ceil(size / 4) * 4
  }
  return fallen
}

export interface Ends {
  peer?: number
  held?: boolean
  /** `[address, port]`, IPv4 dotted; IPv6 as 32 hexadecimal digits. */
  source: [string, number]
  destination: [string, number]
}

function addressBytes(address: string): Buffer {
  return address.includes('.') ? Buffer.from(address.split('.').map(Number)) : Buffer.from(address, 'hex')
}

/** The address header of 44 bytes. */
export function addressHeader({ peer = 0, held = false, source, destination }: Ends): Buffer {
  const header = Buffer.alloc(44)
  const ipv6 = !source[0].includes('.')
  header.writeUInt32LE(peer, 0)
  header.writeUInt32LE((held ? 1 : 0) | (ipv6 ? 2 : 0), 4)
  header.writeUInt16LE(source[1], 8)
  header.writeUInt16LE(destination[1], 10)
  header.set(addressBytes(source[0]), 12)
  header.set(addressBytes(destination[0]), 28)
  return header
}
