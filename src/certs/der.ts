// DER (X.690) as far as certificates need it: functions that write values, and a reader that checks every length.

/** The tags of the values in certificates. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** Writes one value: its tag, the length in its shortest form, its content. */
export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0
  for (const part of parts) length += part.length
  const digits: number[] = []
  if (length < 0x80) digits.push(length)
  else {
    for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest & 0xff)
    digits.unshift(0x80 | digits.length)
  }
  return Buffer.concat([Buffer.from([tag, ...digits]), ...parts])
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(TAG.sequence, ...parts)
export const set = (...parts: readonly Uint8Array[]): Buffer => der(TAG.set, ...parts)
export const octetString = (bytes: Uint8Array): Buffer => der(TAG.octetString, bytes)
export const boolean = (value: boolean): Buffer => der(TAG.boolean, Buffer.from([value ? 0xff : 0]))
export const utf8String = (text: string): Buffer => der(TAG.utf8String, Buffer.from(text))
export const nothing: Buffer = der(TAG.null)

/** `[number]` around whole values (explicit, or an implicit sequence). */
export const tagged = (number: number, ...parts: readonly Uint8Array[]): Buffer => der(0xa0 | number, ...parts)

/** `[number]` in place of the tag of a string. */
export const implicit = (number: number, bytes: Uint8Array): Buffer => der(0x80 | number, bytes)

/** `unused` is the number of bits at the end of the last byte that are not part of the string. */
export const bitString = (bytes: Uint8Array, unused = 0): Buffer => der(TAG.bitString, Buffer.from([unused]), bytes)

/** Writes a number that is not negative: a JavaScript number below 2^32, or bytes, the most significant first. */
export function integer(value: number | Uint8Array): Buffer {
  let bytes = typeof value === 'number' ? Buffer.from(value.toString(16).padStart(8, '0'), 'hex') : value
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  bytes = bytes.subarray(start)
  return (bytes[0] ?? 0) & 0x80 || bytes.length === 0 ? der(TAG.integer, zero, bytes) : der(TAG.integer, bytes)
}

const zero = Buffer.alloc(1)

/** Writes an object identifier, given in its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes: number[] = []
  for (const arc of [first * 40 + second, ...rest]) {
    const digits = [arc & 0x7f]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left & 0x7f))
    bytes.push(...digits)
  }
  return der(TAG.oid, Buffer.from(bytes))
}

/** Writes a time as certificates have it: UTCTime until 2049, GeneralizedTime later (RFC 5280, 4.1.2.5). `seconds` since the epoch. */
export function time(seconds: number): Buffer {
  const digits = new Date(seconds * 1000).toISOString().replace(/\.\d+|[-:T]/g, '')
  const year = Number(digits.slice(0, 4))
  return year >= 1950 && year < 2050
    ? der(TAG.utcTime, Buffer.from(digits.slice(2)))
    : der(TAG.generalizedTime, Buffer.from(digits))
}

/** A value that `readDer` has read. */
export interface DerValue {
  readonly tag: number
  readonly content: Buffer
  /** The content with the value's tag and length before it. */
  readonly whole: Buffer
}

/** Thrown for bytes that are not DER. */
export class DerError extends Error {}

/** Reads the value at `offset`. Throws a DerError. */
export function readDer(bytes: Buffer, offset = 0): DerValue {
  const tag = bytes[offset]
  const first = bytes[offset + 1]
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new DerError('a value is cut short')
  let start = offset + 2
  let length = first
  if (first >= 0x80) {
    const digits = first & 0x7f
    if (digits === 0 || digits > 4 || start + digits > bytes.length) throw new DerError('a length makes no sense')
    length = bytes.readUIntBE(start, digits)
    start += digits
  }
  const end = start + length
  if (end > bytes.length) throw new DerError('a value is cut short')
  return { tag, content: bytes.subarray(start, end), whole: bytes.subarray(offset, end) }
}

/** Reads all values of `bytes`, which follow each other without a gap. Throws a DerError. */
export function readAll(bytes: Buffer): DerValue[] {
  const values: DerValue[] = []
  for (let offset = 0; offset < bytes.length; ) {
    const value = readDer(bytes, offset)
    values.push(value)
    offset += value.whole.length
  }
  return values
}
