// HPACK's decoder (RFC 7541): a block of bytes becomes a flat list of names and values, and says of each what it is.
import { COMPRESSION_ERROR, ENHANCE_YOUR_CALM, Http2Error } from './error.js'
import { decodeHuffman } from './huffman.js'
import { kindOf, valueFlags } from './kinds.js'
import { DynamicTable, ENTRY_OVERHEAD, STATIC, STATIC_KINDS, STATIC_NAME_KINDS, STATIC_SIZE } from './table.js'

/** A list may be decoded up to this many times its limit, so that the table stays right and only the stream fails. */
export const BOMB_FACTOR = 4
/** No index or length of a block is near this. */
const MAX_INTEGER = 1 << 28

/** Texts of Huffman's code are decoded into this, one at a time. A text is part of a block, whose size is bounded. */
let scratch = Buffer.allocUnsafeSlow(4096)
/** Where a list is collected; what is returned is a copy of the right length. */
const list: string[] = []

export class HpackDecoder {
  /** The kinds of the last list's fields, in their order. */
  readonly kinds: Uint8Array
  /** The last list was larger than allowed: what it has is only its beginning. */
  tooLarge = false
  /** Names of the last list that came as never-indexed literals (RFC 7541, 7.1.3). */
  neverIndexed: string[] | undefined
  private readonly table = new DynamicTable(4096)
  private allowed = 4096
  private mustShrink = false
  private readonly maxList: number
  private readonly maxFields: number
  private at = 0
  private end = 0
  private bytes: Buffer = scratch
  /** What the last text was (`valueFlags`). */
  private flags = 0

  /** `maxList`: bytes of a list, as RFC 9113, 6.5.2 counts them. */
  constructor(maxList: number, maxFields: number) {
    this.maxList = maxList
    this.maxFields = maxFields
    this.kinds = new Uint8Array(maxFields)
  }

  /** What the peer may make of the table from now on: SETTINGS_HEADER_TABLE_SIZE, once it is acknowledged. */
  allow(size: number): void {
    this.allowed = size
    // The next block has to begin with the smaller size (RFC 7541, 4.2).
    this.mustShrink = size < this.table.limit
  }

  /** The fields of a whole block. Throws COMPRESSION_ERROR, and ENHANCE_YOUR_CALM for a list far beyond its limit. */
  decode(bytes: Buffer, start: number, end: number): string[] {
    let count = 0
    const { table, kinds } = this
    this.bytes = bytes
    this.at = start
    this.end = end
    this.tooLarge = false
    this.neverIndexed = undefined
    let size = 0
    let first = true
    while (this.at < end) {
      const byte = bytes[this.at++] as number
      let name: string
      let value: string
      let kind: number
      if (byte & 0x80) {
        const index = (byte & 0x7f) === 0x7f ? this.integer(0x7f) : byte & 0x7f
        if (index <= STATIC_SIZE) {
          if (index === 0) throw wrong('index 0')
          name = STATIC[2 * index - 2] as string
          value = STATIC[2 * index - 1] as string
          kind = STATIC_KINDS[index] as number
        } else {
          const entry = index - STATIC_SIZE - 1
          if (entry >= table.count) throw wrong(`index ${index}, which the table does not have`)
          name = table.name(entry)
          value = table.value(entry)
          kind = table.kind(entry)
        }
      } else if ((byte & 0xe0) === 0x20) {
        this.resize((byte & 0x1f) === 0x1f ? this.integer(0x1f) : byte & 0x1f, first)
        continue
      } else {
        const mask = byte & 0x40 ? 0x3f : 0x0f
        const index = (byte & mask) === mask ? this.integer(mask) : byte & mask
        if (index === 0) {
          name = this.text()
          kind = kindOf(name)
        } else if (index <= STATIC_SIZE) {
          name = STATIC[2 * index - 2] as string
          kind = STATIC_NAME_KINDS[index] as number
        } else {
          const entry = index - STATIC_SIZE - 1
          if (entry >= table.count) throw wrong(`index ${index}, which the table does not have`)
          name = table.name(entry)
          kind = table.kind(entry) & 0x1f
        }
        value = this.text()
        kind |= this.flags
        if (byte & 0x40) table.add(name, value, kind)
        else if (byte & 0x10) this.neverIndexed = [...(this.neverIndexed ?? []), name]
      }
      if (first && this.mustShrink) throw wrong('a table that is larger than SETTINGS allow')
      first = false
      size += name.length + value.length + ENTRY_OVERHEAD
      if (size <= this.maxList && count < this.maxFields) {
        kinds[count] = kind
        list[2 * count] = name
        list[2 * count + 1] = value
        count++
      } else {
        this.tooLarge = true
        if (size > BOMB_FACTOR * this.maxList) {
          throw new Http2Error(ENHANCE_YOUR_CALM, `a list of fields has more than ${BOMB_FACTOR * this.maxList} bytes`)
        }
      }
    }
    return list.slice(0, 2 * count)
  }

  private resize(size: number, first: boolean): void {
    if (!first) throw wrong('a table size behind a field')
    if (size > this.allowed) throw wrong(`a table size of ${size}, above the ${this.allowed} of SETTINGS`)
    this.table.setLimit(size)
    this.mustShrink = false
  }

  /** An integer whose prefix was full (RFC 7541, 5.1). */
  private integer(prefix: number): number {
    let value = prefix
    for (let shift = 0; ; shift += 7) {
      if (this.at >= this.end) throw wrong('an integer that does not end')
      const byte = this.bytes[this.at++] as number
      if (shift > 21) throw wrong('an integer that is too large')
      value += (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }

  /** A text, whose flags are in `flags` afterwards. */
  private text(): string {
    if (this.at >= this.end) throw wrong('a field without an end')
    const byte = this.bytes[this.at++] as number
    const length = (byte & 0x7f) === 0x7f ? this.integer(0x7f) : byte & 0x7f
    const start = this.at
    const end = start + length
    if (end > this.end || length > MAX_INTEGER) throw wrong('a text that is longer than its block')
    this.at = end
    if (byte < 0x80) {
      this.flags = valueFlags(this.bytes, start, end)
      return this.bytes.toString('latin1', start, end)
    }
    const most = 2 * length
    if (most > scratch.length) scratch = Buffer.allocUnsafeSlow(most)
    const decoded = decodeHuffman(this.bytes, start, end, scratch)
    this.flags = valueFlags(scratch, 0, decoded)
    return scratch.toString('latin1', 0, decoded)
  }
}

function wrong(what: string): Http2Error {
  return new Http2Error(COMPRESSION_ERROR, `a field block has ${what}`)
}
