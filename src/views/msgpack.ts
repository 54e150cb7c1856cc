// MessagePack (its specification of 2013, with timestamps) in the look of JSON.
import { Broken, ByteReader } from './bytes.js'
import { shortHex } from './hex.js'
import { floatText, type Items, writeItems } from './items.js'
import { mediaType, type View } from './view.js'

const TYPE = /^application\/(?:(?:x-|vnd\.)?(?:msgpack|messagepack)|.+\+msgpack)$/

export const msgpack: View = {
  name: 'msgpack',
  help: 'MessagePack in the look of JSON',
  priority: (content, { contentType }) => (content.length > 0 && TYPE.test(mediaType(contentType)) ? 1 : 0),
  render(content, _, page) {
    writeItems(page, new ByteReader(content), item)
    return undefined
  },
}

const TIMESTAMP = 0xff

function item(items: Items, isKey: boolean): void {
  const { reader } = items
  const first = reader.u8()
  const count = (length: number) => (index: number) => index >= length
  const number = (value: number | bigint) => items.value(`${value}`, isKey ? 'name' : 'number')
  const string = (length: number) => items.string(reader.take(length).toString(), isKey)
  const binary = (length: number) => items.value(shortHex(reader.take(length)), 'string')
  if (first < 0x80) number(first)
  else if (first < 0x90) items.map(count(first & 15))
  else if (first < 0xa0) items.list(count(first & 15))
  else if (first < 0xc0) string(first & 31)
  else if (first >= 0xe0) number(first - 256)
  else {
    const forms: Partial<Record<number, () => void>> = {
      192: () => items.value('null', 'literal'),
      194: () => items.value('false', 'literal'),
      195: () => items.value('true', 'literal'),
      196: () => binary(reader.u8()),
      197: () => binary(reader.u16()),
      198: () => binary(reader.u32()),
      199: () => extension(items, reader.u8()),
      200: () => extension(items, reader.u16()),
      201: () => extension(items, reader.u32()),
      202: () => items.value(floatText(reader.take(4).readFloatBE(0)), 'number'),
      203: () => items.value(floatText(reader.take(8).readDoubleBE(0)), 'number'),
      204: () => number(reader.u8()),
      205: () => number(reader.u16()),
      206: () => number(reader.u32()),
      207: () => number(reader.u64()),
      208: () => number(reader.take(1).readInt8(0)),
      209: () => number(reader.take(2).readInt16BE(0)),
      210: () => number(reader.take(4).readInt32BE(0)),
      211: () => number(reader.take(8).readBigInt64BE(0)),
      212: () => extension(items, 1),
      213: () => extension(items, 2),
      214: () => extension(items, 4),
      215: () => extension(items, 8),
      216: () => extension(items, 16),
      217: () => string(reader.u8()),
      218: () => string(reader.u16()),
      219: () => string(reader.u32()),
      220: () => items.list(count(reader.u16())),
      221: () => items.list(count(reader.u32())),
      222: () => items.map(count(reader.u16())),
      223: () => items.map(count(reader.u32())),
    }
    const form = forms[first]
    if (!form) throw new Broken('0xc1 is never used')
    form()
  }
}

function extension(items: Items, length: number): void {
  const type = items.reader.u8()
  const data = items.reader.take(length)
  const seconds = type === TIMESTAMP ? timestamp(data) : undefined
  if (seconds === undefined) items.value(`ext(${type > 127 ? type - 256 : type}, ${shortHex(data)})`, 'string')
  else items.value(`timestamp(${seconds})`, 'number')
}

/** Seconds since the epoch, with the fraction that a timestamp may have. */
function timestamp(data: Buffer): string | undefined {
  const parts = (seconds: bigint | number, nanoseconds: number) =>
    nanoseconds === 0 ? `${seconds}` : `${seconds}.${`${nanoseconds}`.padStart(9, '0')}`
  if (data.length === 4) return parts(data.readUInt32BE(0), 0)
  if (data.length === 12) return parts(data.readBigInt64BE(4), data.readUInt32BE(0))
  if (data.length !== 8) return undefined
  const both = data.readBigUInt64BE(0)
  return parts(both & 0x3_ffff_ffffn, Number(both >> 34n))
}
