// Protocol buffers: fields by their numbers, with types that are guessed; or by their names, where definitions are given.
import { shortHex, writeHex } from './hex.js'
import { floatText } from './items.js'
import type { Page } from './page.js'
import type { ProtoField, ProtoMessage, ProtoSchema } from './proto-schema.js'
import { BYTES, FIXED32, FIXED64, GROUP, readFields, readVarint, VARINT, type WireField } from './protobuf-wire.js'
import { mediaType, parameter, type View, type ViewMetadata } from './view.js'

const TYPE = /^application\/(?:(?:x-|vnd\.google\.)?protobuf(?:fer)?|x-protobuffer|(?!grpc).+\+proto(?:buf)?)$/

/** Messages within messages that are shown. */
const MAX_DEPTH = 32

/** The view, with definitions where there are some: the type is a parameter of Content-Type, that of the path as gRPC has it, or the only one. */
export function protobufView(schema?: ProtoSchema): View {
  return {
    name: 'protobuf',
    help: 'protocol buffers, by numbers; by names with protobuf_definitions',
    priority: (content, { contentType }) => (content.length > 0 && TYPE.test(mediaType(contentType)) ? 1 : 0),
    render(content, metadata, page) {
      const type = schema && typeFor(schema, metadata)
      const end = writeMessage(page, content, schema, type)
      if (end === 0 && content.length > 0) throw new Error('it is no message of protocol buffers')
      return undefined
    },
  }
}

export const protobuf = protobufView()

function typeFor(schema: ProtoSchema, { contentType, path, fromClient }: ViewMetadata): ProtoMessage | undefined {
  for (const name of ['proto', 'messagetype', 'message', 'type']) {
    const type = schema.message(parameter(contentType, name))
    if (type) return type
  }
  return schema.ofPath(path, fromClient) ?? schema.only
}

/** Writes the fields of a message, and what is none as a dump. Returns how many bytes the fields take. */
export function writeMessage(page: Page, bytes: Buffer, schema?: ProtoSchema, type?: ProtoMessage, depth = 0): number {
  const { fields, end } = readFields(bytes)
  for (const field of fields) writeField(page, field, schema, type?.fields.get(field.number), depth)
  if (end < bytes.length && end > 0) {
    page.line(`(no field from byte ${end} on)`, 'error')
    writeHex(page, bytes.subarray(end))
  }
  return end
}

function writeField(
  page: Page,
  field: WireField,
  schema: ProtoSchema | undefined,
  known: ProtoField | undefined,
  depth: number,
): void {
  page.text(known?.name ?? `${field.number}`, 'name')
  const { wire, bytes } = field
  if (known && known.type === undefined && writeKnown(page, field, known)) return
  const names = known?.type === undefined ? undefined : schema?.enumeration(known.type)
  if (names && writeEnum(page, field, names)) return
  const message = known?.type === undefined ? undefined : schema?.message(known.type)
  if (wire === GROUP || (wire === BYTES && depth < MAX_DEPTH && (message || isMessage(bytes)))) {
    page.line(' {')
    page.depth += 1
    const end = depth < MAX_DEPTH ? writeMessage(page, bytes, schema, message, depth + 1) : 0
    if (end === 0 && bytes.length > 0) page.line(shortHex(bytes), 'string')
    page.depth -= 1
    page.line('}')
    return
  }
  page.text(': ')
  if (wire === VARINT) writeVarint(page, field.value)
  else if (wire === FIXED32) page.line(`${bytes.readUInt32LE(0)} (float ${floatText(bytes.readFloatLE(0))})`, 'number')
  else if (wire === FIXED64)
    page.line(`${bytes.readBigUInt64LE(0)} (double ${floatText(bytes.readDoubleLE(0))})`, 'number')
  else if (isPrintable(bytes)) page.line(JSON.stringify(bytes.toString()), 'string')
  else page.line(shortHex(bytes), 'string')
}

function writeVarint(page: Page, value: bigint): void {
  const signed = BigInt.asIntN(64, value)
  page.line(signed < 0n ? `${value} (${signed})` : `${value}`, 'number')
}

/** Whether bytes whose type is not known are a message: each of them belongs to a field, and they are no text. */
function isMessage(bytes: Buffer): boolean {
  if (bytes.length === 0 || ((bytes[0] as number) >= 0x20 && isPrintable(bytes))) return false
  const { fields, end } = readFields(bytes)
  return end === bytes.length && fields.length > 0
}

function isPrintable(bytes: Buffer): boolean {
  const text = bytes.toString()
  return !/[^\P{Cc}\t\r\n]|\ufffd/u.test(text)
}

/** How a value of a scalar type is read: its wire type, and its text. */
interface Scalar {
  readonly wire: number
  text(field: WireField): string
}

const varint = (text: (value: bigint) => bigint | boolean): Scalar => ({
  wire: VARINT,
  text: ({ value }) => `${text(value)}`,
})
const fixed32 = (text: (bytes: Buffer) => number | string): Scalar => ({
  wire: FIXED32,
  text: ({ bytes }) => `${text(bytes)}`,
})
const fixed64 = (text: (bytes: Buffer) => bigint | string): Scalar => ({
  wire: FIXED64,
  text: ({ bytes }) => `${text(bytes)}`,
})
const signed = varint((value) => BigInt.asIntN(64, value))
const zigzag = varint((value) => (value >> 1n) ^ -(value & 1n))

const SCALARS: Partial<Record<string, Scalar>> = {
  int32: signed,
  int64: signed,
  uint32: varint((value) => value),
  uint64: varint((value) => value),
  sint32: zigzag,
  sint64: zigzag,
  bool: varint((value) => value !== 0n),
  fixed32: fixed32((bytes) => bytes.readUInt32LE(0)),
  sfixed32: fixed32((bytes) => bytes.readInt32LE(0)),
  float: fixed32((bytes) => floatText(bytes.readFloatLE(0))),
  fixed64: fixed64((bytes) => bytes.readBigUInt64LE(0)),
  sfixed64: fixed64((bytes) => bytes.readBigInt64LE(0)),
  double: fixed64((bytes) => floatText(bytes.readDoubleLE(0))),
}

/** Writes a value of a scalar type; false where its wire type is not that of the definition. */
function writeKnown(page: Page, field: WireField, { kind }: ProtoField): boolean {
  const { wire, bytes } = field
  if (wire === BYTES && (kind === 'string' || kind === 'bytes')) {
    page.text(': ')
    page.line(kind === 'string' ? JSON.stringify(bytes.toString()) : shortHex(bytes), 'string')
    return true
  }
  const scalar = SCALARS[kind]
  const values = scalar && (scalar.wire === wire ? [field] : wire === BYTES ? unpacked(bytes, scalar.wire) : undefined)
  if (!scalar || !values) return false
  const text = values.map((value) => scalar.text(value)).join(', ')
  page.text(': ')
  page.line(wire === BYTES ? `[${text}]` : text, kind === 'bool' ? 'literal' : 'number')
  return true
}

function writeEnum(page: Page, field: WireField, names: ReadonlyMap<number, string>): boolean {
  const values = field.wire === VARINT ? [field] : field.wire === BYTES ? unpacked(field.bytes, VARINT) : undefined
  if (!values) return false
  const text = values
    .map(({ value }) => names.get(Number(BigInt.asIntN(32, value))) ?? `${BigInt.asIntN(32, value)}`)
    .join(', ')
  page.text(': ')
  page.line(field.wire === BYTES ? `[${text}]` : text, 'literal')
  return true
}

/** The values of a repeated field that is packed; undefined where the bytes are none. */
function unpacked(bytes: Buffer, wire: number): WireField[] | undefined {
  const values: WireField[] = []
  const size = wire === FIXED32 ? 4 : 8
  for (let at = 0; at < bytes.length; ) {
    const read = wire === VARINT ? readVarint(bytes, at) : undefined
    const end = wire === VARINT ? read?.end : at + size
    if (end === undefined || end > bytes.length) return undefined
    values.push({ number: 0, wire, value: read?.value ?? 0n, bytes: bytes.subarray(at, end) })
    at = end
  }
  return values
}
