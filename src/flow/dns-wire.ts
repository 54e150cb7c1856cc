// What DNS messages are made of: numbers, and names with their labels, compression and text form (RFC 1035, 3.1 and 4.1.4).

/** A message that breaks a rule of the protocol. The sentence says which, and where. */
export class DnsError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'DnsError'
  }
}

/** The most octets of a name, with those of its labels' lengths and of the root (RFC 1035, 2.3.4). */
const MAX_NAME = 255

/** The most pointers of a name: no name has more labels, so a message that keeps the rules needs no more. */
const MAX_POINTERS = 127

const DOT = 0x2e
const BACKSLASH = 0x5c

export class DnsReader {
  readonly bytes: Buffer
  at: number
  /** Where reading ends; only a pointer of a name may lead beyond it. */
  end: number
  /** Whether a name that was read had a pointer. */
  compressed = false

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  #advance(count: number): number {
    const from = this.at
    if (from + count > this.end)
      throw new DnsError(`the message ends at ${this.end}, within a field that starts at ${from}`)
    this.at = from + count
    return from
  }

  u8(): number {
    return this.bytes[this.#advance(1)] as number
  }

  u16(): number {
    return this.bytes.readUInt16BE(this.#advance(2))
  }

  u32(): number {
    return this.bytes.readUInt32BE(this.#advance(4))
  }

  /** The next octets, as a view of the message. */
  take(count: number): Buffer {
    const from = this.#advance(count)
    return this.bytes.subarray(from, from + count)
  }

  rest(): Buffer {
    return this.take(this.end - this.at)
  }

  /** A `<character-string>` (RFC 1035, 3.3): a length octet, and so many octets. */
  string(): Buffer {
    return this.take(this.u8())
  }

  /** A name as text: `example.org`, `.` for the root. Its case is kept, and octets that are not printable are escaped. */
  name(): string {
    let text = ''
    this.#labels((from, to) => {
      const label = labelText(this.bytes, from, to)
      text = text ? `${text}.${label}` : label
    })
    return text || '.'
  }

  /** A name's octets without compression. */
  nameBytes(): Buffer {
    const parts: Buffer[] = []
    this.#labels((from, to) => parts.push(this.bytes.subarray(from - 1, to)))
    return Buffer.concat([...parts, Buffer.of(0)])
  }

  /** Calls `each` with the bounds of every label of a name, and moves the reader behind the name. */
  #labels(each: (from: number, to: number) => void): void {
    let at = this.at
    let end = this.end
    let after = -1
    let length = 1
    let pointers = 0
    for (;;) {
      if (at >= end) throw new DnsError(`the message ends at ${end}, within a name`)
      const size = this.bytes[at] as number
      if (size === 0) break
      if (size < 0x40) {
        length += size + 1
        if (length > MAX_NAME) throw new DnsError(`the name at ${this.at} is longer than ${MAX_NAME} octets`)
        if (at + 1 + size > end) throw new DnsError(`the message ends at ${end}, within a label`)
        each(at + 1, at + 1 + size)
        at += size + 1
        continue
      }
      if (size < 0xc0) throw new DnsError(`the label at ${at} has the unknown type 0x${(size & 0xc0).toString(16)}`)
      if (at + 2 > end) throw new DnsError(`the message ends at ${end}, within a pointer`)
      const target = this.bytes.readUInt16BE(at) & 0x3fff
      // A pointer must lead towards the start of the message, so that pointers cannot form a loop.
      if (target >= at) throw new DnsError(`the pointer at ${at} leads forward, to ${target}`)
      this.compressed = true
      pointers += 1
      if (pointers > MAX_POINTERS) throw new DnsError(`the name at ${this.at} has more than ${MAX_POINTERS} pointers`)
      if (after < 0) after = at + 2
      // A name that is reached through a pointer may go on up to that pointer, and no further.
      end = at
      at = target
    }
    this.at = after < 0 ? at + 1 : after
  }
}

function labelText(bytes: Buffer, from: number, to: number): string {
  let plain = true
  for (let at = from; at < to; at += 1) {
    const octet = bytes[at] as number
    if (octet <= 0x20 || octet >= 0x7f || octet === DOT || octet === BACKSLASH) plain = false
  }
  const text = bytes.toString('latin1', from, to)
  return plain ? text : escapeText(text, '.\\')
}

/** Puts a backslash before `special` characters, and writes octets that are not printable as `\DDD` (RFC 1035, 5.1). */
export function escapeText(latin1: string, special: string, space = false): string {
  let text = ''
  for (const char of latin1) {
    const code = char.charCodeAt(0)
    if (code < 0x20 || code >= 0x7f || (code === 0x20 && !space)) text += `\\${String(code).padStart(3, '0')}`
    else text += special.includes(char) ? `\\${char}` : char
  }
  return text
}

/** The labels of a name's text: where each starts, and its octets. */
function labelsOf(name: string): { start: number; octets: Buffer }[] {
  if (name === '.' || name === '') return []
  const labels: { start: number; octets: Buffer }[] = []
  let octets: number[] = []
  let start = 0
  let length = 1
  const close = (next: number) => {
    if (octets.length === 0) throw new DnsError(`the name ${JSON.stringify(name)} has an empty label`)
    if (octets.length > 63) throw new DnsError(`the name ${JSON.stringify(name)} has a label of more than 63 octets`)
    length += octets.length + 1
    if (length > MAX_NAME) throw new DnsError(`the name ${JSON.stringify(name)} is longer than ${MAX_NAME} octets`)
    labels.push({ start, octets: Buffer.from(octets) })
    octets = []
    start = next
  }
  for (let at = 0; at < name.length; at += 1) {
    const code = name.charCodeAt(at)
    if (code === DOT) {
      close(at + 1)
    } else if (code === BACKSLASH) {
      const digits = /^\d{3}/.exec(name.slice(at + 1, at + 4))?.[0]
      const octet = digits ? Number(digits) : name.charCodeAt(at + 1)
      if (!(octet <= 0xff)) throw new DnsError(`the name ${JSON.stringify(name)} has a wrong escape at ${at}`)
      octets.push(octet)
      at += digits ? 3 : 1
    } else {
      if (code > 0x7f) throw new DnsError(`the name ${JSON.stringify(name)} is not ASCII: write it in Punycode`)
      octets.push(code)
    }
  }
  if (start < name.length) close(name.length)
  return labels
}

/** The octets of a name, not compressed. Throws a DnsError for a text that is not a name. */
export function nameBytes(name: string): Buffer {
  const parts = labelsOf(name).flatMap(({ octets }) => [Buffer.of(octets.length), octets])
  return Buffer.concat([...parts, Buffer.of(0)])
}

/** Writes a message. A name that ends like one before it, in the same case, becomes a pointer to that one. */
export class DnsWriter {
  readonly #bytes: Buffer
  #at = 0
  readonly #offsets = new Map<string, number>()

  /** `room` is at least the number of octets that will be written. */
  constructor(room: number) {
    this.#bytes = Buffer.allocUnsafe(room)
  }

  get length(): number {
    return this.#at
  }

  u16(value: number, what: string): void {
    if (!(Number.isInteger(value) && value >= 0 && value <= 0xffff))
      throw new DnsError(`${what} is ${value}: not 0 to 65535`)
    this.#at = this.#bytes.writeUInt16BE(value, this.#at)
  }

  u32(value: number, what: string): void {
    if (!(Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff)) {
      throw new DnsError(`${what} is ${value}: not 0 to 4294967295`)
    }
    this.#at = this.#bytes.writeUInt32BE(value, this.#at)
  }

  bytes(data: Uint8Array): void {
    this.#bytes.set(data, this.#at)
    this.#at += data.length
  }

  name(name: string): void {
    const text = name.endsWith('.') && !name.endsWith('\\.') ? name.slice(0, -1) : name
    for (const { start, octets } of labelsOf(text)) {
      const suffix = text.slice(start)
      const offset = this.#offsets.get(suffix)
      if (offset !== undefined) {
        this.u16(0xc000 | offset, 'a pointer')
        return
      }
      if (this.#at < 0x4000) this.#offsets.set(suffix, this.#at)
      this.#bytes[this.#at] = octets.length
      this.#at += 1
      this.bytes(octets)
    }
    this.#bytes[this.#at] = 0
    this.#at += 1
  }

  finish(): Buffer {
    if (this.#at > 0xffff) throw new DnsError(`the message has ${this.#at} octets, more than 65535`)
    return this.#bytes.subarray(0, this.#at)
  }
}
