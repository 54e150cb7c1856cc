// The index of a segment: 56 bytes for each flow, in an array of numbers that is written to a file as it is.
import { type Facts, REMOVED, REPLACED } from './facts.js'

/** The bytes of an entry; and of its first part, which stands before the flow's text in the segment, too. */
export const ENTRY = 56
export const FACTS = 48

/** Where the hash of the id is among the facts, and where the flags are. */
export const ID_HASH = 36
export const FLAGS = 44

/** Entries that an index has room for at first. */
const FIRST_ROOM = 64

export interface Entry extends Facts {
  /** Where the record begins in the segment, and how long it is, in bytes. */
  readonly offset: number
  readonly length: number
}

export class Entries {
  count = 0
  /** How many of them are of no use any more (`isReplaced`). */
  replaced = 0
  #bytes = new ArrayBuffer(FIRST_ROOM * ENTRY)
  #floats = new Float64Array(this.#bytes)
  #words = new Uint32Array(this.#bytes)

  /** Adds the flow whose facts stand there. */
  add(source: DataView, at: number, offset: number, length: number): void {
    if ((this.count + 1) * ENTRY > this.#bytes.byteLength) this.#use(this.#bytes.byteLength * 2)
    const words = this.#words
    const word = (this.count * ENTRY) / 4
    for (let index = 0; index < FACTS / 4; index++) words[word + index] = source.getUint32(at + 4 * index, true)
    words[word + FACTS / 4] = offset
    words[word + FACTS / 4 + 1] = length
    if (this.isReplaced(this.count)) this.replaced += 1
    this.count += 1
  }

  get(index: number): Entry {
    const float = (index * ENTRY) / 8
    const word = (index * ENTRY) / 4 + 8
    const floats = this.#floats
    const words = this.#words
    return {
      createdAt: floats[float] ?? 0,
      size: floats[float + 1] ?? 0,
      duration: floats[float + 2] ?? 0,
      method: floats[float + 3] ?? 0,
      idHead: words[word] ?? 0,
      idHash: words[word + 1] ?? 0,
      status: words[word + 2] ?? 0,
      flags: words[word + 3] ?? 0,
      offset: words[word + 4] ?? 0,
      length: words[word + 5] ?? 0,
    }
  }

  /** Whether a newer record of the flow is there, or it was forgotten. */
  isReplaced(index: number): boolean {
    return ((this.#words[(index * ENTRY) / 4 + 11] ?? 0) & (REPLACED | REMOVED)) !== 0
  }

  replace(index: number): void {
    if (!this.isReplaced(index)) this.replaced += 1
    const word = (index * ENTRY) / 4 + 11
    this.#words[word] = (this.#words[word] ?? 0) | REPLACED
  }

  /** The newest entry before `before` whose id begins with these eight digits and, unless undefined, has this hash; -1 for none. */
  find(idHead: number, idHash: number | undefined, before = this.count): number {
    const words = this.#words
    for (let index = before - 1; index >= 0; index--) {
      const word = (index * ENTRY) / 4 + 8
      if (words[word] !== idHead || (idHash !== undefined && words[word + 1] !== idHash)) continue
      if (!this.isReplaced(index)) return index
    }
    return -1
  }

  /** All entries as bytes, which change with the entries. */
  get bytes(): Buffer {
    return Buffer.from(this.#bytes, 0, this.count * ENTRY)
  }

  /** Entries from the bytes of others. */
  static from(bytes: Buffer): Entries {
    const entries = new Entries()
    entries.count = Math.floor(bytes.length / ENTRY)
    entries.#use(Math.max(FIRST_ROOM, entries.count) * ENTRY)
    bytes.copy(Buffer.from(entries.#bytes), 0, 0, entries.count * ENTRY)
    for (let index = 0; index < entries.count; index++) if (entries.isReplaced(index)) entries.replaced += 1
    return entries
  }

  #use(room: number): void {
    const before = this.#bytes
    this.#bytes = new ArrayBuffer(room)
    new Uint8Array(this.#bytes).set(new Uint8Array(before))
    this.#floats = new Float64Array(this.#bytes)
    this.#words = new Uint32Array(this.#bytes)
  }
}

/** Writes what the index knows of a flow before its text. */
export function writeFacts(target: DataView, at: number, facts: Facts): void {
  target.setFloat64(at, facts.createdAt, true)
  target.setFloat64(at + 8, facts.size, true)
  target.setFloat64(at + 16, facts.duration, true)
  target.setFloat64(at + 24, facts.method, true)
  target.setUint32(at + 32, facts.idHead, true)
  target.setUint32(at + ID_HASH, facts.idHash, true)
  target.setUint32(at + 40, facts.status, true)
  target.setUint32(at + FLAGS, facts.flags, true)
}

export const readFacts = (source: Buffer, at: number): Facts => ({
  createdAt: source.readDoubleLE(at),
  size: source.readDoubleLE(at + 8),
  duration: source.readDoubleLE(at + 16),
  method: source.readDoubleLE(at + 24),
  idHead: source.readUInt32LE(at + 32),
  idHash: source.readUInt32LE(at + ID_HASH),
  status: source.readUInt32LE(at + 40),
  flags: source.readUInt32LE(at + 44),
})
