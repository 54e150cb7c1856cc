// Typed netstrings, the encoding of mitmproxy's flow files: `LENGTH:PAYLOAD` and a character for the type.

/** Bytes and texts are kept apart, as mitmproxy does: `,` is bytes, `;` a text in UTF-8. A whole number too large for a number is a bigint. */
export type Tnet = null | boolean | number | bigint | string | Uint8Array | readonly Tnet[] | TnetDict
export interface TnetDict {
  readonly [key: string]: Tnet
}

/** Lists and dictionaries inside each other. mitmproxy needs about five. */
const MAX_DEPTH = 100

/** What is wrong with bytes, and where: counted from the first of those that were given. */
export class TnetError extends Error {
  readonly at: number

  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}

/** Writes a value. Whole numbers become `#`, others `^`. Throws a TypeError for a value that is none of the type's. */
export function writeTnet(value: Tnet): Buffer {
  const parts: Uint8Array[] = []
  write(value, parts, 0)
  return Buffer.concat(parts.reverse())
}

/** Adds the parts of a value, the last first, because a length is known only when what it counts is written. Returns their bytes. */
function write(value: Tnet, parts: Uint8Array[], depth: number): number {
  if (depth > MAX_DEPTH) throw new TypeError(`lists are more than ${MAX_DEPTH} deep inside each other`)
  const framed = (type: string, payload: Uint8Array) => {
    parts.push(Buffer.from(type), payload)
    return prefixed(parts, payload.length)
  }
  const text = (type: string, payload: string) => framed(type, Buffer.from(payload))
  if (value === null) return text('~', '')
  if (typeof value === 'boolean') return text('!', String(value))
  if (typeof value === 'bigint') return text('#', String(value))
  if (typeof value === 'number') return Number.isSafeInteger(value) ? text('#', String(value)) : text('^', real(value))
  if (typeof value === 'string') return text(';', value)
  if (value instanceof Uint8Array) return framed(',', value)
  if (typeof value !== 'object') throw new TypeError(`${typeof value} cannot be written`)
  let length = 0
  if (Array.isArray(value)) {
    parts.push(Buffer.from(']'))
    for (const one of value.toReversed()) length += write(one, parts, depth + 1)
  } else {
    parts.push(Buffer.from('}'))
    for (const [key, one] of Object.entries(value).reverse()) {
      length += write(one, parts, depth + 1)
      length += write(key, parts, depth + 1)
    }
  }
  return prefixed(parts, length)
}

/** Puts the length before a payload and its type; returns the bytes of all three. */
function prefixed(parts: Uint8Array[], length: number): number {
  const prefix = Buffer.from(`${length}:`)
  parts.push(prefix)
  return prefix.length + length + 1
}

/** A number as Python's `float` reads it. */
function real(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf'
}

/** The most digits of a length. */
const MAX_DIGITS = 10

/** The length of the payload at the beginning of `bytes`, and how long its prefix is; undefined where the prefix is cut. Throws a TnetError. */
export function readPrefix(bytes: Buffer, at = 0): { prefix: number; length: number } | undefined {
  let length = 0
  for (let digits = 0; digits <= MAX_DIGITS; digits += 1) {
    const one = bytes[at + digits]
    if (one === undefined) return undefined
    if (one === 0x3a && digits > 0) return { prefix: digits + 1, length }
    if (one < 0x30 || one > 0x39) break
    length = length * 10 + one - 0x30
  }
  throw new TnetError(at, 'a length and a colon were expected')
}

/** Reads the one value that `bytes` is. Bytes in it are views of `bytes`. Throws a TnetError. */
export function readTnet(bytes: Buffer): Tnet {
  const { value, end } = read(bytes, 0, bytes.length, 0)
  if (end < bytes.length) throw new TnetError(end, 'more follows than the length says')
  return value
}

function read(bytes: Buffer, at: number, end: number, depth: number): { value: Tnet; end: number } {
  if (depth > MAX_DEPTH) throw new TnetError(at, `lists are more than ${MAX_DEPTH} deep inside each other`)
  const head = readPrefix(bytes, at)
  const from = at + (head?.prefix ?? 0)
  const to = from + (head?.length ?? 0)
  if (!head || to >= end) throw new TnetError(at, 'a value is longer than what it is in')
  const payload = bytes.subarray(from, to)
  const type = String.fromCharCode(bytes[to] as number)
  if (type === ']') return { value: readList(bytes, from, to, depth), end: to + 1 }
  if (type === '}') return { value: readDict(bytes, from, to, depth), end: to + 1 }
  return { value: scalar(type, payload, to), end: to + 1 }
}

function scalar(type: string, payload: Buffer, at: number): Tnet {
  if (type === ',') return payload
  if (type === ';') return payload.toString()
  const text = payload.toString('latin1')
  if (type === '#' && /^[+-]?\d{1,400}$/.test(text)) {
    return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text.replace('+', ''))
  }
  if (type === '^') {
    const number = floats[text] ?? (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined)
    if (number !== undefined) return number
  }
  if (type === '!' && (text === 'true' || text === 'false')) return text === 'true'
  if (type === '~' && text === '') return null
  if ('#^!~'.includes(type)) throw new TnetError(at, `${JSON.stringify(text.slice(0, 20))} is no value of type ${type}`)
  throw new TnetError(at, `${JSON.stringify(type)} is no type`)
}

const floats: Readonly<Record<string, number>> = {
  ...{ inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY, nan: Number.NaN },
}

function readList(bytes: Buffer, from: number, to: number, depth: number): Tnet[] {
  const list: Tnet[] = []
  for (let at = from; at < to; ) {
    const { value, end } = read(bytes, at, to, depth + 1)
    list.push(value)
    at = end
  }
  return list
}

/** The dictionary has no prototype: its keys come from a file. */
function readDict(bytes: Buffer, from: number, to: number, depth: number): TnetDict {
  const dict: Record<string, Tnet> = Object.create(null)
  for (let at = from; at < to; ) {
    const key = read(bytes, at, to, depth + 1)
    if (key.end >= to) throw new TnetError(at, 'a key has no value')
    const { value, end } = read(bytes, key.end, to, depth + 1)
    if (typeof key.value === 'string') dict[key.value] = value
    else if (key.value instanceof Uint8Array) dict[key.value.toString()] = value
    else throw new TnetError(at, 'a key is no text')
    at = end
  }
  return dict
}
