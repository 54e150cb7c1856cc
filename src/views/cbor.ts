// CBOR (RFC 8949) and sequences of it (RFC 8742) in diagnostic notation (RFC 8949, 8).
import { Broken, ByteReader } from './bytes.js'
import { shortHex } from './hex.js'
import { floatText, type Items, writeItems } from './items.js'
import { mediaType, type View } from './view.js'

const TYPE = /[/+]cbor(?:-seq)?$/

export const cbor: View = {
  name: 'cbor',
  help: 'CBOR in diagnostic notation',
  priority: (content, { contentType }) => (content.length > 0 && TYPE.test(mediaType(contentType)) ? 1 : 0),
  render(content, _, page) {
    writeItems(page, new ByteReader(content), (items, isKey) => item(items, isKey))
    return undefined
  },
}

/** The additional information of a length that is not known, and the byte that ends such an item. */
const INDEFINITE = 31
const BREAK = 0xff
/** Tags of numbers that are longer than 64 bits (RFC 8949, 3.4.3), and bytes of one that is shown as a number. */
const POSITIVE = 2n
const NEGATIVE = 3n
const MAX_NUMBER = 256
/** Tags around tags: they have no brackets that would be counted. */
const MAX_TAGS = 16
/** Pieces of a string, which together are shown as one. */
const MAX_PIECES = 10_000

function item(items: Items, isKey: boolean, tags = 0): void {
  const { reader } = items
  const first = reader.u8()
  const [major, information] = [first >> 5, first & 31]
  if (major === 7) {
    simple(items, information)
    return
  }
  const length = information === INDEFINITE ? undefined : argument(reader, information)
  const number = (value: bigint) => items.value(`${value}`, isKey ? 'name' : 'number')
  if (major === 4 || major === 5) {
    const ends = length === undefined ? () => atBreak(reader) : (index: number) => index >= length
    if (major === 4) items.list(ends)
    else items.map(ends)
  } else if (major === 2 || major === 3) {
    const bytes = length === undefined ? pieces(reader, major) : reader.take(Number(length))
    if (major === 3) items.string(bytes.toString(), isKey)
    else items.value(shortHex(bytes), 'string')
  } else if (length === undefined) throw new Broken('a number has no length')
  else if (major === 0) number(length)
  else if (major === 1) number(-1n - length)
  else tagged(items, length, tags)
}

function tagged(items: Items, tag: bigint, tags: number): void {
  const { reader } = items
  const next = reader.bytes[reader.at] ?? 0
  if ((tag === POSITIVE || tag === NEGATIVE) && next >> 5 === 2 && (next & 31) < 25) {
    const start = reader.at
    const bytes = reader.take(Number(argument(reader, reader.u8() & 31)))
    if (bytes.length <= MAX_NUMBER) {
      const value = BigInt(`0x${bytes.toString('hex') || '0'}`)
      items.value(`${tag === POSITIVE ? value : -1n - value}`, 'number')
      return
    }
    reader.at = start
  }
  if (tags >= MAX_TAGS) throw new Broken(`there are more than ${MAX_TAGS} tags around a value`)
  items.value(`${tag}(`)
  item(items, false, tags + 1)
  items.value(')')
}

function argument(reader: ByteReader, information: number): bigint {
  if (information < 24) return BigInt(information)
  if (information === 24) return BigInt(reader.u8())
  if (information === 25) return BigInt(reader.u16())
  if (information === 26) return BigInt(reader.u32())
  if (information === 27) return reader.u64()
  throw new Broken(`the additional information ${information} is reserved`)
}

function atBreak(reader: ByteReader): boolean {
  if (reader.bytes[reader.at] !== BREAK) return false
  reader.at += 1
  return true
}

/** The pieces of a string without a length, of the same type each. */
function pieces(reader: ByteReader, major: number): Buffer {
  const all: Buffer[] = []
  while (!atBreak(reader)) {
    const first = reader.u8()
    if (first >> 5 !== major || (first & 31) === INDEFINITE) throw new Broken('a piece of a string is of another type')
    if (all.length >= MAX_PIECES) throw new Broken(`a string has more than ${MAX_PIECES} pieces`)
    all.push(reader.take(Number(argument(reader, first & 31))))
  }
  return Buffer.concat(all)
}

const SIMPLE: Partial<Record<number, string>> = { 20: 'false', 21: 'true', 22: 'null', 23: 'undefined' }

function simple(items: Items, information: number): void {
  const { reader } = items
  const number = (value: number) => items.value(floatText(value), 'number')
  if (information === 25) number(half(reader.u16()))
  else if (information === 26) number(reader.take(4).readFloatBE(0))
  else if (information === 27) number(reader.take(8).readDoubleBE(0))
  else if (information === INDEFINITE) throw new Broken('a break ends nothing')
  else if (information > 27) throw new Broken(`the additional information ${information} is reserved`)
  else {
    const value = information === 24 ? reader.u8() : information
    items.value(SIMPLE[value] ?? `simple(${value})`, 'literal')
  }
}

/** A number of 16 bits (RFC 8949, appendix D). */
function half(bits: number): number {
  const exponent = (bits >> 10) & 31
  const fraction = bits & 0x3ff
  const value =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Infinity
          : Number.NaN
        : (fraction + 1024) * 2 ** (exponent - 25)
  return bits & 0x8000 ? -value : value
}
