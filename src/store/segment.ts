// A segment of the store's log: a file of flows, one behind the other, with an index that is kept in memory and in a file beside it.
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { StoredBytes } from '../flow/body.js'
import type { FlowRecord } from '../flow/record.js'
import { ENTRY, Entries, FACTS } from './entries.js'
import { factsIn, HEADER, isWhole, type LongBody, longBodies, readLengths, readRecord, viewOf } from './layout.js'

/** `mwi1`, little-endian, at the beginning of an index. Then come a CRC-32 of the rest, 8 bytes for the length it covers, and the entries. */
const INDEX_MARK = 0x3169776d
const INDEX_HEADER = 16

/** Bytes that are read at once where flows are looked for: most heads are shorter. */
const SCAN = 256 * 1024

/** Flows of an index that are looked at, about, until one is where the index says. */
const PROBES = 8
/** The bytes of a flow up to the end of its facts. */
const FACTS_END = HEADER + FACTS

/** Eight digits, and more where these are used up: somebody has renamed a file. */
const NAME = /^(\d{8,15})\.log$/

export class Segment {
  readonly number: number
  readonly path: string
  readonly indexPath: string
  entries = new Entries()
  /** The bytes up to the end of the last whole flow. */
  length = 0

  constructor(folder: string, number: number) {
    this.number = number
    const name = `${number}`.padStart(8, '0')
    this.path = join(folder, `${name}.log`)
    this.indexPath = join(folder, `${name}.idx`)
  }

  /** The bytes of both files. */
  get size(): number {
    return this.length + INDEX_HEADER + this.entries.count * ENTRY
  }

  /** The number of the segment with this file name; undefined for another name. */
  static numberOf(name: string): number | undefined {
    const digits = NAME.exec(name)?.[1]
    return digits === undefined ? undefined : Number(digits)
  }

  /** Finds the flows that are in the file and not yet in the index. Gives the length of the file. Throws where it cannot be read. */
  catchUp(): number {
    const descriptor = openSync(this.path, 'r')
    try {
      const { size } = fstatSync(descriptor)
      if (this.length === 0) this.#readIndex(descriptor, size)
      this.#scan(descriptor, size)
      return size
    } finally {
      closeSync(descriptor)
    }
  }

  /** The index as a file has it. */
  get index(): Buffer {
    const header = Buffer.alloc(INDEX_HEADER)
    header.writeUInt32LE(INDEX_MARK, 0)
    header.writeDoubleLE(this.length, 8)
    const bytes = Buffer.concat([header, this.entries.bytes])
    bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4)
    return bytes
  }

  #readIndex(descriptor: number, size: number): void {
    try {
      const bytes = readFileSync(this.indexPath)
      if (bytes.length < INDEX_HEADER || bytes.readUInt32LE(0) !== INDEX_MARK) return
      const length = bytes.readDoubleLE(8)
      if (bytes.readUInt32LE(4) !== crc32(bytes.subarray(8)) || length > size) return
      const entries = Entries.from(bytes.subarray(INDEX_HEADER))
      if (!isOf(descriptor, entries)) return
      this.entries = entries
      this.length = length
    } catch {
      // There is none: the segment itself says everything.
    }
  }

  #scan(descriptor: number, size: number): void {
    let window: Buffer = Buffer.alloc(0)
    let start = 0
    const at = (offset: number, length: number): Buffer => {
      if (offset < start || offset + length > start + window.length) {
        start = offset
        window = readAt(descriptor, offset, Math.min(Math.max(length, SCAN), size - offset))
      }
      return window.subarray(offset - start, offset - start + length)
    }
    while (this.length + HEADER <= size) {
      const lengths = readLengths(at(this.length, HEADER))
      if (!lengths) return
      const length = HEADER + lengths.head + lengths.bodies
      if (this.length + length > size) return
      const bytes = at(this.length, HEADER + lengths.head)
      // A flow whose bytes have changed on the disk is left out, and the next one is found behind it.
      if (bytes.length === HEADER + lengths.head && isWhole(bytes)) {
        this.entries.add(viewOf(bytes), HEADER, this.length, HEADER + lengths.head)
      }
      this.length += length
    }
  }
}

/**
 * Whether an index belongs to a file: files may have been renamed, or come back from a backup without the other. One of some flows is enough,
 * because others may have been damaged.
 */
function isOf(descriptor: number, entries: Entries): boolean {
  const step = Math.max(1, Math.floor(entries.count / PROBES))
  for (let index = 0; index < entries.count; index += step) {
    const { offset, idHead, idHash } = entries.get(index)
    const bytes = readAt(descriptor, offset, FACTS_END)
    if (bytes.length < FACTS_END || !readLengths(bytes)) continue
    const facts = factsIn(bytes)
    if (facts.idHead === idHead && facts.idHash === idHash) return true
  }
  return false
}

/** The bytes of a file from an offset on, fewer where the file ends before. */
function readAt(descriptor: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let read = 0
  while (read < length) {
    const count = readSync(descriptor, bytes, read, length - read, offset + read)
    if (count === 0) break
    read += count
  }
  return bytes.subarray(0, read)
}

/** A long body in a segment. */
export class BodyInFile implements StoredBytes {
  readonly size: number
  readonly #path: string
  readonly #at: number
  readonly #crc: number

  constructor(path: string, { at, size, crc }: LongBody) {
    this.size = size
    this.#path = path
    this.#at = at
    this.#crc = crc
  }

  bytes(): Buffer {
    try {
      const descriptor = openSync(this.#path, 'r')
      try {
        const bytes = readAt(descriptor, this.#at, this.size)
        return bytes.length === this.size && crc32(bytes) === this.#crc ? bytes : NONE
      } finally {
        closeSync(descriptor)
      }
    } catch {
      // The segment was the oldest, and is gone.
      return NONE
    }
  }
}

const NONE = Buffer.alloc(0)

/** Handles of the long bodies of a flow that begins at an offset with this header and head. */
export const bodiesIn = (segment: Segment, offset: number, bytes: Buffer): BodyInFile[] =>
  longBodies(bytes).map((body) => new BodyInFile(segment.path, { ...body, at: offset + body.at }))

/** Reads flows, and keeps the segment open that it has read last. */
export class SegmentReader {
  #segment: Segment | undefined
  #descriptor = -1

  /** The record of an entry; undefined where it cannot be read any more. */
  read(segment: Segment, index: number): FlowRecord | undefined {
    const { offset, length } = segment.entries.get(index)
    try {
      if (this.#segment !== segment) this.#open(segment)
      const bytes = readAt(this.#descriptor, offset, length)
      if (bytes.length < length || !isWhole(bytes)) return undefined
      return readRecord(bytes, bodiesIn(segment, offset, bytes))
    } catch {
      return undefined
    }
  }

  #open(segment: Segment): void {
    this.close()
    this.#descriptor = openSync(segment.path, 'r')
    this.#segment = segment
  }

  close(): void {
    if (this.#segment) closeSync(this.#descriptor)
    this.#segment = undefined
  }
}
