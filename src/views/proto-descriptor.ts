// Reads descriptor sets, which `protoc --descriptor_set_out` and buf write (google/protobuf/descriptor.proto).

import { type ProtoField, ProtoSchema } from './proto-schema.js'
import { BYTES, readFields, VARINT, type WireField } from './protobuf-wire.js'

/** Messages within messages. */
const MAX_DEPTH = 64

/** The types of fields by their numbers (FieldDescriptorProto.Type); 10, 11 and 14 are groups, messages and enumerations. */
const KINDS = [
  ...['', 'double', 'float', 'int64', 'uint64', 'int32', 'fixed64', 'fixed32', 'bool', 'string', 'named', 'named'],
  ...['bytes', 'uint32', 'named', 'sfixed32', 'sfixed64', 'sint32', 'sint64'],
]

/** Throws an Error for what is no FileDescriptorSet. */
export function readDescriptorSet(bytes: Buffer): ProtoSchema {
  const schema = new ProtoSchema()
  const files = new Parts(bytes).all(1)
  if (files.length === 0) throw new Error('it has no files')
  for (const file of files) {
    const parts = new Parts(file)
    const name = parts.text(2)
    for (const message of parts.all(4)) readMessage(schema, message, name, 0)
    for (const one of parts.all(5)) readEnum(schema, one, name)
    for (const service of parts.all(6)) readService(schema, service, name)
  }
  return schema
}

/** The fields of a message. */
class Parts {
  readonly #fields: readonly WireField[]

  constructor(bytes: Buffer) {
    const { fields, end } = readFields(bytes)
    if (end !== bytes.length) throw new Error('it is no descriptor set')
    this.#fields = fields
  }

  all(number: number): Buffer[] {
    return this.#fields.filter((field) => field.number === number && field.wire === BYTES).map(({ bytes }) => bytes)
  }

  text(number: number): string {
    return this.all(number).at(-1)?.toString() ?? ''
  }

  number(number: number): number {
    const field = this.#fields.findLast((one) => one.number === number && one.wire === VARINT)
    return Number(BigInt.asIntN(32, field?.value ?? 0n))
  }
}

const within = (scope: string, name: string): string => (scope === '' ? name : `${scope}.${name}`)

function readMessage(schema: ProtoSchema, bytes: Buffer, scope: string, depth: number): void {
  if (depth > MAX_DEPTH) throw new Error('there are too many messages within messages')
  const parts = new Parts(bytes)
  const name = within(scope, parts.text(1))
  const fields = new Map<number, ProtoField>()
  for (const part of parts.all(2)) {
    const field = new Parts(part)
    const kind = KINDS[field.number(5)] ?? ''
    const type = kind === 'named' ? field.text(6).replace(/^\./, '') : undefined
    fields.set(field.number(3), { name: field.text(1), kind, type })
  }
  schema.messages.set(name, { name, fields })
  for (const message of parts.all(3)) readMessage(schema, message, name, depth + 1)
  for (const one of parts.all(4)) readEnum(schema, one, name)
}

function readEnum(schema: ProtoSchema, bytes: Buffer, scope: string): void {
  const parts = new Parts(bytes)
  const values = new Map<number, string>()
  for (const part of parts.all(2)) {
    const value = new Parts(part)
    if (!values.has(value.number(2))) values.set(value.number(2), value.text(1))
  }
  schema.enumerations.set(within(scope, parts.text(1)), values)
}

function readService(schema: ProtoSchema, bytes: Buffer, scope: string): void {
  const parts = new Parts(bytes)
  const service = within(scope, parts.text(1))
  for (const part of parts.all(2)) {
    const method = new Parts(part)
    const type = (number: number) => method.text(number).replace(/^\./, '')
    schema.methods.set(`/${service}/${method.text(1)}`, { input: type(2), output: type(3) })
  }
}
