// How a flow lies in a segment: a header, the facts of the index, a text, bytes, and behind all that the long bodies.
//
//   0  4  'mwf1'
//   4  4  length of the head: all from 16 on but for the long bodies
//   8  4  length of the long bodies, one behind the other
//  12  4  CRC-32 of bytes 4 to 12 and of the head
//  16 48  facts (entries.ts)
//  64  4  length of the text; 68: count of short bytes, of long bodies (4 each)
//  76     length of each of the short bytes; length and CRC-32 of each long body (4 each); text; the short bytes
import { crc32 } from 'node:zlib'
import type { StoredBytes } from '../flow/body.js'
import type { FlowRecord } from '../flow/record.js'
import { FACTS, ID_HASH, readFacts, writeFacts } from './entries.js'
import type { Facts } from './facts.js'
import type { Parts } from './parts.js'
import { putTogether } from './text.js'
import { mostBytes, readText, writeText } from './text-bytes.js'

/** `mwf1`, little-endian. The last letter is the version of the layout. */
const MARK = 0x3166776d
export const HEADER = 16
const LISTS = HEADER + FACTS + 12

/** Bytes, and the same as numbers. */
export interface Allocation {
  readonly bytes: Buffer
  readonly view: DataView
}

export const viewOf = ({ buffer, byteOffset, length }: Buffer): DataView => new DataView(buffer, byteOffset, length)

/** What a header says: the lengths of what follows it. */
export interface Lengths {
  readonly head: number
  readonly bodies: number
}

/** The most bytes that the head of these parts has. */
export function roomFor({ text, short, long }: Parts): number {
  let needed = LISTS + 4 * short.length + 8 * long.length + mostBytes(text)
  for (const one of short) needed += one.length
  return needed
}

/**
 * Writes the head of a flow, where there is room for it. What it takes to check it is left to `seal`, which is for the disk alone. Gives the end of
 * the head.
 */
export function writeHead(target: Allocation, start: number, facts: Facts, { text, short, long }: Parts): number {
  const { bytes, view } = target
  const from = start + LISTS + 4 * short.length + 8 * long.length
  let at = writeText(bytes, from, text)
  const counts = start + HEADER + FACTS
  view.setUint32(counts, at - from, true)
  view.setUint32(counts + 4, short.length, true)
  view.setUint32(counts + 8, long.length, true)
  let list = start + LISTS
  for (const one of short) {
    view.setUint32(list, one.length, true)
    list += 4
    bytes.set(one, at)
    at += one.length
  }
  let bodies = 0
  for (const one of long) {
    view.setUint32(list, one.length, true)
    list += 8
    bodies += one.length
  }
  view.setUint32(start, MARK, true)
  view.setUint32(start + 4, at - start - HEADER, true)
  view.setUint32(start + 8, bodies, true)
  writeFacts(view, start + HEADER, facts)
  return at
}

/** Writes the checksums of a head and of its long bodies into it. */
export function seal({ bytes, view }: Allocation, start: number, end: number, long: readonly Buffer[]): void {
  let list = start + LISTS + 4 * view.getUint32(start + HEADER + FACTS + 4, true)
  for (const one of long) {
    view.setUint32(list + 4, crc32(one), true)
    list += 8
  }
  view.setUint32(start + 12, sum(bytes, start, end), true)
}

/** The checksum that belongs into the header of the head that these bytes are. */
const sum = (bytes: Buffer, start: number, end: number): number =>
  crc32(bytes.subarray(start + HEADER, end), sumOfLengths(bytes, start))

/** The CRC-32 of bytes 4 to 12. To have zlib do it takes longer than the bytes. */
function sumOfLengths(bytes: Buffer, start: number): number {
  let crc = -1
  for (let at = start + 4; at < start + 12; at++) crc = (crc >>> 8) ^ (CRC[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0)
  return ~crc >>> 0
}

const CRC = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

/** What a header says; undefined for bytes that are none. */
export function readLengths(header: Buffer): Lengths | undefined {
  if (header.length < HEADER || header.readUInt32LE(0) !== MARK) return undefined
  const lengths = { head: header.readUInt32LE(4), bodies: header.readUInt32LE(8) }
  return lengths.head < LISTS - HEADER ? undefined : lengths
}

/** Whether header and head are as they were written. */
export const isWhole = (bytes: Buffer): boolean => bytes.readUInt32LE(12) === sum(bytes, 0, bytes.length)

export const factsIn = (bytes: Buffer, start = 0): Facts => readFacts(bytes, start + HEADER)

/** Of the facts of a head the hash of the id alone. */
export const idHashIn = (bytes: Buffer, start: number): number => bytes.readUInt32LE(start + HEADER + ID_HASH)

/** Where a long body lies: `at` bytes behind the beginning of its flow. */
export interface LongBody {
  readonly at: number
  readonly size: number
  readonly crc: number
}

/** The long bodies of a flow, by its header and head. */
export function longBodies(bytes: Buffer): LongBody[] {
  const lists = LISTS + 4 * bytes.readUInt32LE(HEADER + FACTS + 4)
  let at = HEADER + bytes.readUInt32LE(4)
  return Array.from({ length: bytes.readUInt32LE(HEADER + FACTS + 8) }, (_, index) => {
    const size = bytes.readUInt32LE(lists + 8 * index)
    const body = { at, size, crc: bytes.readUInt32LE(lists + 8 * index + 4) }
    at += size
    return body
  })
}

/** The record of a flow from its header and head, with handles of its long bodies. Throws for bytes that are not as they were written. */
export function readRecord(bytes: Buffer, long: readonly StoredBytes[]): FlowRecord {
  const shorts = bytes.readUInt32LE(HEADER + FACTS + 4)
  const end = LISTS + 4 * shorts + 8 * bytes.readUInt32LE(HEADER + FACTS + 8) + bytes.readUInt32LE(HEADER + FACTS)
  const text = readText(bytes, end - bytes.readUInt32LE(HEADER + FACTS), end)
  const short: Buffer[] = []
  let at = end
  for (let index = 0; index < shorts; index++) {
    const length = bytes.readUInt32LE(LISTS + 4 * index)
    short.push(bytes.subarray(at, at + length))
    at += length
  }
  return putTogether(text, factsIn(bytes).createdAt, short, long)
}
