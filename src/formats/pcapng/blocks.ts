// Blocks of a PCAPNG file (draft-ietf-opsawg-pcapng): section, interface, packet, and the secrets of TLS that decrypt what follows.

/** Link type of packets that begin with the header of IPv4 or IPv6. */
const LINKTYPE_RAW = 101

/** "TLSK": the secrets are a key log in NSS's format. */
const TLS_KEY_LOG = 0x544c534b

const TYPE = { section: 0x0a0d0d0a, interface: 1, packet: 6, secrets: 10 } as const

/** Codes of options; each block has a meaning of its own for them. */
const OPTION = { name: 2, description: 3, application: 4, timeResolution: 9 } as const

/** The exponent of the unit of times: 10^-6 seconds. */
const MICROSECONDS = 6

/** The block that begins a section. `application`: the program that has written it. All blocks are little-endian. */
export function sectionBlock(application: string): Buffer {
  const head = Buffer.alloc(16)
  head.writeUInt32LE(0x1a2b3c4d, 0)
  head.writeUInt16LE(1, 4)
  // The length of the section is not known before its end: -1.
  head.fill(0xff, 8)
  return block(TYPE.section, head, [[OPTION.application, Buffer.from(application)]])
}

/** The block of an interface; packets name it by its number in the section, from 0 on. Packets of it may have any length. */
export function interfaceBlock(name: string, description: string): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt16LE(LINKTYPE_RAW, 0)
  return block(TYPE.interface, head, [
    [OPTION.name, Buffer.from(name)],
    [OPTION.description, Buffer.from(description)],
    [OPTION.timeResolution, Buffer.from([MICROSECONDS])],
  ])
}

/** The block with lines of a TLS key log. It has to stand before the packets that it decrypts. */
export function secretsBlock(lines: Buffer): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(TLS_KEY_LOG, 0)
  head.writeUInt32LE(lines.length, 4)
  return block(TYPE.secrets, Buffer.concat([head, padded(lines)]))
}

/** The block of a packet of IP. `number`: its interface; `time`: microseconds since the epoch. */
export function packetBlock(number: number, time: number, packet: Buffer): Buffer {
  const all = Buffer.alloc(28 + ((packet.length + 3) & ~3) + 4)
  all.writeUInt32LE(TYPE.packet, 0)
  all.writeUInt32LE(all.length, 4)
  all.writeUInt32LE(number, 8)
  all.writeUInt32LE(Math.floor(time / 2 ** 32), 12)
  all.writeUInt32LE(time % 2 ** 32, 16)
  // How much of it is in the file, and how long it was.
  all.writeUInt32LE(packet.length, 20)
  all.writeUInt32LE(packet.length, 24)
  packet.copy(all, 28)
  all.writeUInt32LE(all.length, all.length - 4)
  return all
}

type Option = readonly [code: number, value: Buffer]

function block(type: number, body: Buffer, options: readonly Option[] = []): Buffer {
  const parts = options.flatMap(([code, value]) => [words(code, value.length), padded(value)])
  if (options.length > 0) parts.push(words(0, 0))
  const inner = Buffer.concat([body, ...parts])
  const all = Buffer.alloc(inner.length + 12)
  all.writeUInt32LE(type, 0)
  all.writeUInt32LE(all.length, 4)
  inner.copy(all, 8)
  all.writeUInt32LE(all.length, all.length - 4)
  return all
}

function words(first: number, second: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt16LE(first, 0)
  bytes.writeUInt16LE(second, 2)
  return bytes
}

/** The bytes, with zeros up to a multiple of four. */
const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes], (bytes.length + 3) & ~3)
