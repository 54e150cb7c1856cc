// HPACK's encoder (RFC 7541): a flat list of names and values becomes a block, in its order, with a table that the peer rebuilds.
import { Http2Error, INTERNAL_ERROR } from './error.js'
import { CODE_LENGTHS, encodeHuffman } from './huffman.js'
import { BAD_NAME, CONTROL, flagsOfText, kindOf, PADDED, UNKNOWN_PSEUDO } from './kinds.js'
import type { Output } from './output.js'
import { ENTRY_OVERHEAD, STATIC, STATIC_SIZE } from './table.js'

/** The table is this large at most, however much the peer allows: more is seldom worth its memory. */
export const MAX_ENCODER_TABLE = 4096
/** Entries that such a table can have: a power of two. */
const RING = MAX_ENCODER_TABLE / ENTRY_OVERHEAD

// How a field that the tables do not have is written, by its name.
const INDEXED = 0
/** Differs from message to message: would only drive other entries out (what nghttp2 leaves out, too). */
const PASSING = 1
/** RFC 7541, 7.1.3: no hop may put it into a table. */
const NEVER = 2
/** As NEVER where the value is so short that it could be guessed (as in nghttp2 and Firefox), else as INDEXED. */
const SHORT_NEVER = 3
const SHORT = 20

const POLICIES: Readonly<Record<string, number>> = {
  ':path': PASSING,
  age: PASSING,
  'content-length': PASSING,
  etag: PASSING,
  'if-modified-since': PASSING,
  'if-none-match': PASSING,
  location: PASSING,
  'set-cookie': PASSING,
  authorization: NEVER,
  'proxy-authorization': NEVER,
  cookie: SHORT_NEVER,
}

/** A name of the static table: its first index, and the indices of its values. */
interface StaticName {
  index: number
  values: Map<string, number>
}

const STATIC_NAMES = new Map<string, StaticName>()
for (let index = 1; index <= STATIC_SIZE; index++) {
  const text = STATIC[2 * index - 2] as string
  const value = STATIC[2 * index - 1] as string
  const name = STATIC_NAMES.get(text) ?? { index, values: new Map() }
  STATIC_NAMES.set(text, name)
  if (value !== '') name.values.set(value, index)
}

/** What the tables have of one name. A session has those of the static table that it has used, and those of its entries. */
class Name {
  readonly text: string
  /** Its first index in the static table; 0 if it is not there. */
  readonly index: number
  readonly policy: number
  readonly fixed: ReadonlyMap<string, number> | undefined
  /** Values of the dynamic table, by the number of their entries. */
  values: Map<string, number> | undefined
  /** The value that was looked up last, with its index in the static table, or the negative number of its entry. */
  lastValue: string | undefined
  last = 0
  /** The number of the newest entry with this name. */
  newest = 0

  constructor(text: string, fixed: StaticName | undefined) {
    this.text = text
    this.index = fixed?.index ?? 0
    this.fixed = fixed?.values
    this.policy = POLICIES[text] ?? INDEXED
  }
}

export class HpackEncoder {
  private readonly names = new Map<string, Name>()
  /** The entries of the dynamic table, by their numbers, which begin at 1. */
  private readonly entries: (Name | undefined)[] = new Array(RING)
  private readonly values: (string | undefined)[] = new Array(RING)
  private oldest = 1
  private next = 1
  private size = 0
  private limit = MAX_ENCODER_TABLE
  /** The smallest limit since the last block, which the next one has to say (RFC 7541, 4.2). */
  private smallest = MAX_ENCODER_TABLE
  private told = MAX_ENCODER_TABLE

  /** What the peer's SETTINGS_HEADER_TABLE_SIZE allows. */
  setLimit(allowed: number): void {
    this.limit = Math.min(allowed, MAX_ENCODER_TABLE)
    if (this.limit < this.smallest) this.smallest = this.limit
    this.evict(this.limit)
  }

  /**
   * Writes the block behind what `output` has. `never` holds names that came as never-indexed literals, and go on as such. Throws
   * INTERNAL_ERROR for a name or value that HTTP/2 cannot have; then nothing is written, and the table begins anew.
   */
  encode(fields: readonly string[], output: Output, never?: readonly string[]): void {
    const before = output.length
    if (this.smallest < this.told || this.limit !== this.told) {
      output.reserve(16)
      if (this.smallest < this.limit) integer(output, 0x20, 0x1f, this.smallest)
      integer(output, 0x20, 0x1f, this.limit)
      this.told = this.limit
      this.smallest = this.limit
    }
    try {
      for (let at = 0; at < fields.length; at += 2) {
        const name = fields[at] as string
        this.field(name, fields[at + 1] as string, output, never?.includes(name) === true)
      }
    } catch (error) {
      output.cut(before)
      this.evict(0)
      this.smallest = 0
      // Not what any limit is, so that the next block says that the table was emptied.
      this.told = -1
      throw error
    }
  }

  private field(text: string, value: string, output: Output, kept: boolean): void {
    const name = this.names.get(text) ?? this.adopt(text)
    const never = kept || (name !== undefined && isSecret(name.policy, value))
    if (name !== undefined && !never) {
      const index = this.indexOf(name, value)
      if (index > 0) {
        output.reserve(8)
        integer(output, 0x80, 0x7f, index)
        return
      }
    }
    checkField(text, value, name !== undefined)
    const cost = text.length + value.length + ENTRY_OVERHEAD
    const add = !never && name?.policy !== PASSING && cost <= this.limit
    output.reserve(24 + text.length + value.length)
    const index = name === undefined ? 0 : name.index || this.dynamicIndex(name.newest)
    if (add) integer(output, 0x40, 0x3f, index)
    else integer(output, never ? 0x10 : 0, 0x0f, index)
    if (index === 0) writeText(output, text)
    writeText(output, value)
    if (add) this.add(text, value, cost)
  }

  /** A name of the static table, which the session uses for the first time. */
  private adopt(text: string): Name | undefined {
    const fixed = STATIC_NAMES.get(text)
    if (fixed === undefined) return undefined
    const name = new Name(text, fixed)
    this.names.set(text, name)
    return name
  }

  /** The index of a whole field, or 0. */
  private indexOf(name: Name, value: string): number {
    let last = name.last
    if (name.lastValue !== value) {
      last = name.fixed?.get(value) ?? -(name.values?.get(value) ?? 0)
      if (last === 0) return 0
      name.lastValue = value
      name.last = last
    }
    return last > 0 ? last : this.dynamicIndex(-last)
  }

  /** The index of an entry by its number, or 0 if it has left. */
  private dynamicIndex(number: number): number {
    return number >= this.oldest ? STATIC_SIZE + this.next - number : 0
  }

  private add(text: string, value: string, cost: number): void {
    this.evict(this.limit - cost)
    let name = this.names.get(text)
    if (!name) {
      name = new Name(text, undefined)
      this.names.set(text, name)
    }
    const number = this.next++
    this.entries[number & (RING - 1)] = name
    this.values[number & (RING - 1)] = value
    this.size += cost
    name.newest = number
    name.values ??= new Map()
    name.values.set(value, number)
    name.lastValue = value
    name.last = -number
  }

  /** Drops the oldest entries until the rest has at most `room` bytes. */
  private evict(room: number): void {
    while (this.size > room && this.oldest < this.next) {
      const number = this.oldest++
      const name = this.entries[number & (RING - 1)] as Name
      const value = this.values[number & (RING - 1)] as string
      this.size -= name.text.length + value.length + ENTRY_OVERHEAD
      if (name.values?.get(value) === number) name.values.delete(value)
      if (name.last === -number) name.lastValue = undefined
      if (name.newest === number && name.index === 0) this.names.delete(name.text)
      this.entries[number & (RING - 1)] = undefined
      this.values[number & (RING - 1)] = undefined
    }
  }
}

function isSecret(policy: number, value: string): boolean {
  return policy === NEVER || (policy === SHORT_NEVER && value.length < SHORT)
}

/** Throws where `encode` would. */
export function checkFields(fields: readonly string[]): void {
  for (let at = 0; at < fields.length; at += 2) checkField(fields[at] as string, fields[at + 1] as string, false)
}

/** A name that the tables have was checked before; so was a value that they have. */
function checkField(name: string, value: string, known: boolean): void {
  if (!known) {
    const kind = kindOf(name)
    if (kind === BAD_NAME || kind === UNKNOWN_PSEUDO) {
      throw new Http2Error(INTERNAL_ERROR, `HTTP/2 cannot have a field name ${JSON.stringify(name)}`)
    }
  }
  if (flagsOfText(value) & (CONTROL | PADDED)) {
    const what = 'a control character, one above U+00FF, or whitespace at an end'
    throw new Http2Error(INTERNAL_ERROR, `the value of ${name} has ${what}: ${JSON.stringify(value)}`)
  }
}

/** An integer behind the bits of `first` (RFC 7541, 5.1). */
function integer(output: Output, first: number, prefix: number, value: number): void {
  const { bytes } = output
  if (value < prefix) {
    bytes[output.end++] = first | value
    return
  }
  bytes[output.end++] = first | prefix
  let rest = value - prefix
  for (; rest > 0x7f; rest >>>= 7) bytes[output.end++] = 0x80 | (rest & 0x7f)
  bytes[output.end++] = rest
}

/** A text in Huffman's code where that is shorter. */
function writeText(output: Output, text: string): void {
  let bits = 7
  for (let at = 0; at < text.length; at++) bits += CODE_LENGTHS[text.charCodeAt(at)] as number
  const length = bits >>> 3
  if (length < text.length) {
    integer(output, 0x80, 0x7f, length)
    output.end = encodeHuffman(text, output.bytes, output.end)
    return
  }
  integer(output, 0, 0x7f, text.length)
  const { bytes } = output
  let { end } = output
  for (let at = 0; at < text.length; at++) bytes[end++] = text.charCodeAt(at)
  output.end = end
}
