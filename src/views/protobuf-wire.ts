// Protocol buffers on the wire (protobuf.dev, "Encoding"): the fields of a message, without knowing their types.

/** Wire types. */
export const VARINT = 0
export const FIXED64 = 1
export const BYTES = 2
export const GROUP = 3
const END_GROUP = 4
export const FIXED32 = 5

export interface WireField {
  readonly number: number
  readonly wire: number
  /** Of a varint; 0 for others. */
  readonly value: bigint
  /** Of all but varints: the bytes; of a group those between its tags. */
  readonly bytes: Buffer
}

export interface WireMessage {
  readonly fields: readonly WireField[]
  /** The bytes that the fields take: all of them, unless the message is broken or cut. */
  readonly end: number
}

/** Groups within groups that are read. */
const MAX_GROUPS = 32
/** The greatest number of a field. */
const MAX_NUMBER = 536_870_911
const NONE = Buffer.alloc(0)

/** Reads fields as far as the bytes have the form of some. */
export function readFields(bytes: Buffer): WireMessage {
  const fields: WireField[] = []
  let end = 0
  for (;;) {
    const next = end < bytes.length ? readField(bytes, end, 0) : undefined
    if (!next?.field) return { fields, end }
    fields.push(next.field)
    end = next.end
  }
}

interface Next {
  /** Undefined for the end of a group. */
  readonly field: WireField | undefined
  readonly number: number
  readonly end: number
}

function readField(bytes: Buffer, start: number, groups: number): Next | undefined {
  const tag = readVarint(bytes, start)
  if (!tag || tag.value > 0xffff_ffffn) return undefined
  const number = Number(tag.value >> 3n)
  const wire = Number(tag.value & 7n)
  if (number === 0 || number > MAX_NUMBER) return undefined
  const at = tag.end
  const found = (content: Buffer, end: number): Next => ({
    field: { number, wire, value: 0n, bytes: content },
    number,
    end,
  })
  if (wire === VARINT) {
    const varint = readVarint(bytes, at)
    return varint && { field: { number, wire, value: varint.value, bytes: NONE }, number, end: varint.end }
  }
  if (wire === END_GROUP) return { field: undefined, number, end: at }
  if (wire === GROUP) {
    const inside = groups < MAX_GROUPS ? groupEnd(bytes, at, number, groups + 1) : undefined
    return inside && found(bytes.subarray(at, inside.content), inside.end)
  }
  const length = wire === BYTES ? readVarint(bytes, at) : wire === FIXED64 ? EIGHT : wire === FIXED32 ? FOUR : undefined
  if (!length) return undefined
  const from = wire === BYTES ? length.end : at
  if (length.value > BigInt(bytes.length - from)) return undefined
  const end = from + Number(length.value)
  return found(bytes.subarray(from, end), end)
}

const EIGHT = { value: 8n, end: 0 }
const FOUR = { value: 4n, end: 0 }

function groupEnd(
  bytes: Buffer,
  start: number,
  number: number,
  groups: number,
): { content: number; end: number } | undefined {
  for (let at = start; ; ) {
    const next = readField(bytes, at, groups)
    if (!next) return undefined
    if (!next.field) return next.number === number ? { content: at, end: next.end } : undefined
    at = next.end
  }
}

/** A number in groups of seven bits, the lowest first; undefined where it has no end. */
export function readVarint(bytes: Buffer, start: number): { value: bigint; end: number } | undefined {
  let low = 0
  for (let index = 0; index < 4; index++) {
    const byte = bytes[start + index]
    if (byte === undefined) return undefined
    low |= (byte & 0x7f) << (7 * index)
    if (byte < 0x80) return { value: BigInt(low), end: start + index + 1 }
  }
  let value = BigInt(low)
  for (let index = 4; index < 10; index++) {
    const byte = bytes[start + index]
    if (byte === undefined) return undefined
    value |= BigInt(byte & 0x7f) << BigInt(7 * index)
    if (byte < 0x80) return { value: BigInt.asUintN(64, value), end: start + index + 1 }
  }
  return undefined
}
