// The notes of addons: in a flow file they may be bytes, in a record they are plain data.
import type { Tnet, TnetDict } from './tnetstring.js'

/** Values that JSON can carry. Bytes have the form that JSON gives a Buffer; whole numbers that are too large become texts. */
export function toNotes(values: TnetDict): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, toNote(value)]))
}

function toNote(value: Tnet): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toJSON()
  if (typeof value === 'bigint') return String(value)
  if (Array.isArray(value)) return value.map(toNote)
  return typeof value === 'object' && value !== null ? toNotes(value as TnetDict) : value
}

/** Notes as a flow file has them. What is no plain data is left out. */
export function fromNotes(notes: Readonly<Record<string, unknown>>): TnetDict {
  return fromNote(JSON.parse(JSON.stringify(notes))) as TnetDict
}

function fromNote(value: unknown): Tnet {
  if (typeof value !== 'object' || value === null) return value as Tnet
  if (Array.isArray(value)) return value.map(fromNote)
  const { type, data, ...rest } = value as Record<string, unknown>
  if (type === 'Buffer' && Array.isArray(data) && Object.keys(rest).length === 0) return Buffer.from(data as number[])
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, fromNote(one)]))
}
