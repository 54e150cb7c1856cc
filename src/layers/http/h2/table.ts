// The tables of HPACK that a decoder reads (RFC 7541, 2.3 and appendix A): the static one, and the dynamic one as a ring.
import { flagsOfText, kindOf } from './kinds.js'

/** Name, value, name, value ... of the static table; entry 1 begins at 0. */
// biome-ignore format: a table
export const STATIC: readonly string[] = [
  ':authority', '', ':method', 'GET', ':method', 'POST', ':path', '/', ':path', '/index.html', ':scheme', 'http',
  ':scheme', 'https', ':status', '200', ':status', '204', ':status', '206', ':status', '304', ':status', '400',
  ':status', '404', ':status', '500', 'accept-charset', '', 'accept-encoding', 'gzip, deflate', 'accept-language', '',
  'accept-ranges', '', 'accept', '', 'access-control-allow-origin', '', 'age', '', 'allow', '', 'authorization', '',
  'cache-control', '', 'content-disposition', '', 'content-encoding', '', 'content-language', '', 'content-length', '',
  'content-location', '', 'content-range', '', 'content-type', '', 'cookie', '', 'date', '', 'etag', '', 'expect', '',
  'expires', '', 'from', '', 'host', '', 'if-match', '', 'if-modified-since', '', 'if-none-match', '', 'if-range', '',
  'if-unmodified-since', '', 'last-modified', '', 'link', '', 'location', '', 'max-forwards', '',
  'proxy-authenticate', '', 'proxy-authorization', '', 'range', '', 'referer', '', 'refresh', '', 'retry-after', '',
  'server', '', 'set-cookie', '', 'strict-transport-security', '', 'transfer-encoding', '', 'user-agent', '',
  'vary', '', 'via', '', 'www-authenticate', '',
]
/** Entries of the static table: the dynamic one begins at the index after it. */
export const STATIC_SIZE = STATIC.length / 2
/** What an entry costs beside its name and value (RFC 7541, 4.1). */
export const ENTRY_OVERHEAD = 32

/** The kinds of the static table's names, and of its fields, by index. */
export const STATIC_NAME_KINDS = new Uint8Array(STATIC_SIZE + 1)
export const STATIC_KINDS = new Uint8Array(STATIC_SIZE + 1)
for (let index = 1; index <= STATIC_SIZE; index++) {
  const kind = kindOf(STATIC[2 * index - 2] as string)
  STATIC_NAME_KINDS[index] = kind
  STATIC_KINDS[index] = kind | flagsOfText(STATIC[2 * index - 1] as string)
}

/** The dynamic table of a decoder. Entry 0 is the newest one. `limit` is its size in bytes as the peer has set it. */
export class DynamicTable {
  /** Rings of the same length, a power of two. */
  private names: (string | undefined)[] = new Array(64)
  private values: (string | undefined)[] = new Array(64)
  private kinds = new Uint8Array(64)
  private mask = 63
  /** Where the next entry comes. */
  private next = 0
  count = 0
  size = 0
  limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  /** These take an index below `count`. */
  name(index: number): string {
    return this.names[(this.next - 1 - index) & this.mask] as string
  }
  value(index: number): string {
    return this.values[(this.next - 1 - index) & this.mask] as string
  }
  kind(index: number): number {
    return this.kinds[(this.next - 1 - index) & this.mask] as number
  }

  /** An entry that is larger than the table empties it (RFC 7541, 4.4). */
  add(name: string, value: string, kind: number): void {
    const cost = name.length + value.length + ENTRY_OVERHEAD
    this.evict(this.limit - cost)
    if (cost > this.limit) return
    if (this.count > this.mask) this.grow()
    this.names[this.next] = name
    this.values[this.next] = value
    this.kinds[this.next] = kind
    this.next = (this.next + 1) & this.mask
    this.count++
    this.size += cost
  }

  setLimit(limit: number): void {
    this.limit = limit
    this.evict(limit)
  }

  /** Drops the oldest entries until the rest has at most `room` bytes. */
  private evict(room: number): void {
    while (this.size > room && this.count > 0) {
      const at = (this.next - this.count) & this.mask
      this.size -= (this.names[at] as string).length + (this.values[at] as string).length + ENTRY_OVERHEAD
      this.names[at] = undefined
      this.values[at] = undefined
      this.count--
    }
  }

  private grow(): void {
    const [names, values, kinds] = [this.names, this.values, this.kinds]
    const from = this.next
    const old = this.mask
    this.mask = 2 * old + 1
    this.names = new Array(this.mask + 1)
    this.values = new Array(this.mask + 1)
    this.kinds = new Uint8Array(this.mask + 1)
    for (let index = 0; index < this.count; index++) {
      const at = (from - this.count + index) & old
      this.names[index] = names[at]
      this.values[index] = values[at]
      this.kinds[index] = kinds[at] as number
    }
    this.next = this.count
  }
}
