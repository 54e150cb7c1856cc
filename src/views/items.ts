// What MessagePack and CBOR have in common: values one after the other, in the look of JSON, as far as the bytes have their form.
import { Broken, type ByteReader } from './bytes.js'
import { writeHex } from './hex.js'
import type { Page, ViewStyle } from './page.js'
import { Tree } from './tree.js'

/** Levels of values within values that are read. */
const MAX_DEPTH = 64

/** Reads and writes one value. `isKey`: it is the key of a map. Throws Broken. */
export type ItemReader = (items: Items, isKey: boolean) => void

export class Items {
  readonly reader: ByteReader
  readonly #tree: Tree
  readonly #read: ItemReader

  constructor(page: Page, reader: ByteReader, read: ItemReader) {
    this.reader = reader
    this.#tree = new Tree(page)
    this.#read = read
  }

  value(text: string, style?: ViewStyle): void {
    this.#tree.value(text, style)
  }

  string(text: string, isKey: boolean): void {
    this.#tree.value(JSON.stringify(text), isKey ? 'name' : 'string')
  }

  item(isKey = false): void {
    this.#read(this, isKey)
  }

  /** The elements of a list; `ends` tells, before each, that there are no more. */
  list(ends: (index: number) => boolean): void {
    this.#nested('[', ']', ends, () => this.item())
  }

  map(ends: (index: number) => boolean): void {
    this.#nested('{', '}', ends, () => {
      this.item(true)
      this.#tree.value(': ')
      this.item()
    })
  }

  #nested(open: string, close: string, ends: (index: number) => boolean, entry: () => void): void {
    if (this.#tree.depth >= MAX_DEPTH) throw new Broken(`it has more than ${MAX_DEPTH} levels`)
    this.#tree.open(open)
    for (let index = 0; !ends(index); index++) {
      this.#tree.entry()
      entry()
    }
    this.#tree.close(close)
  }
}

/** Writes all values of the content. Throws where not even the first byte belongs to one. */
export function writeItems(page: Page, reader: ByteReader, read: ItemReader): void {
  const { depth } = page
  while (reader.left > 0) {
    const start = reader.at
    try {
      new Items(page, reader, read).item()
      page.end()
    } catch (error) {
      if (!(error instanceof Broken)) throw error
      page.depth = depth
      if (page.open) page.end()
      page.line(`(broken at byte ${reader.at}: ${error.message})`, 'error')
      writeHex(page, reader.bytes.subarray(Math.max(start, reader.at)))
      return
    }
  }
}

/** A number with a fraction as it has to be shown to be told from a whole one. */
export const floatText = (value: number): string =>
  Number.isInteger(value) && Math.abs(value) < 1e21 ? `${Object.is(value, -0) ? '-0' : value}.0` : `${value}`
