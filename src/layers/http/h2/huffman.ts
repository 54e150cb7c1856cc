// The Huffman code of HPACK (RFC 7541, 5.2 and appendix B): decoded by a table of nibbles, encoded by a table of codes.
import { COMPRESSION_ERROR, Http2Error } from './error.js'

/** How many bits the code of each byte has; the last is EOS. Codes of one length follow each other, so lengths are all that is needed. */
// biome-ignore format: a table of 16 columns
const LENGTHS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
  28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
  5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
  7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
  6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
  24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
  21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
  26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
]
const EOS = 256

/** Bits of each byte's code. A value of 0 stands for no byte at all (a character above U+00FF). */
export const CODE_LENGTHS = Uint8Array.from(LENGTHS.slice(0, EOS))
const CODES = new Uint32Array(EOS + 1)

/**
 * A row of 16 for each inner node of the tree, by the next four bits: the row that follows in the low 12 bits (already times 16), and the
 * byte that is complete in the 8 bits above them, if EMITS is set.
 */
const NEXT = new Uint32Array(256 * 16)
const EMITS = 1 << 20
/** EOS, or what begins with it: an error (RFC 7541, 5.2). */
const FAILS = 1 << 21
/** 1 where a text may end: less than 8 bits since the last byte, all of them ones. */
const MAY_END = new Uint8Array(256)

build()

function build(): void {
  const order = LENGTHS.map((_, symbol) => symbol).sort(
    (one, other) => (LENGTHS[one] as number) - (LENGTHS[other] as number) || one - other,
  )
  // Inner nodes of the tree: two children each, of which a negative one is the byte -1 - child.
  const nodes: [number, number][] = [[0, 0]]
  let code = 0
  let length = LENGTHS[order[0] as number] as number
  for (const symbol of order) {
    const bits = LENGTHS[symbol] as number
    code *= 2 ** (bits - length)
    length = bits
    CODES[symbol] = code
    let node = 0
    for (let bit = bits - 1; bit >= 0; bit--) {
      const side = (code >>> bit) & 1
      const pair = nodes[node] as [number, number]
      if (bit === 0) pair[side] = -1 - symbol
      else if (pair[side] === 0) pair[side] = nodes.push([0, 0]) - 1
      node = pair[side] as number
    }
    code++
  }
  for (let node = 0; node < nodes.length; node++) {
    for (let nibble = 0; nibble < 16; nibble++) NEXT[node * 16 + nibble] = follow(nodes, node, nibble)
  }
  for (let node = 0, ones = 0; ones < 8; ones++) {
    MAY_END[node] = 1
    node = nodes[node]?.[1] as number
  }
}

/** What four bits do from a node on: at most one byte is complete, since the shortest code has five bits. */
function follow(nodes: [number, number][], from: number, nibble: number): number {
  let node = from
  let entry = 0
  for (let bit = 3; bit >= 0; bit--) {
    const child = nodes[node]?.[(nibble >> bit) & 1] as number
    if (child === -1 - EOS) return FAILS
    if (child < 0) entry = EMITS | ((-1 - child) << 12)
    node = Math.max(child, 0)
  }
  return entry | (node << 4)
}

/**
 * Decodes the bytes from `start` to `end` into `target`, which has room for 8 / 5 of them, and returns the number of bytes that it got.
 * Throws COMPRESSION_ERROR for EOS, and for padding that is longer than 7 bits or not made of ones.
 */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let row = 0
  let length = 0
  let seen = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number
    let entry = NEXT[row | (byte >> 4)] as number
    if (entry & EMITS) target[length++] = entry >> 12
    seen |= entry
    entry = NEXT[(entry & 0xfff) | (byte & 15)] as number
    if (entry & EMITS) target[length++] = entry >> 12
    seen |= entry
    row = entry & 0xfff
  }
  if (seen & FAILS) throw new Http2Error(COMPRESSION_ERROR, 'a Huffman text has EOS in it')
  if (MAY_END[row >> 4] === 0) throw new Http2Error(COMPRESSION_ERROR, 'a Huffman text has a wrong padding')
  return length
}

/** Writes the code of `text`, whose characters are bytes, at `from` of `target`, and returns the index after it. */
export function encodeHuffman(text: string, target: Uint8Array, from: number): number {
  let at = from
  // The bits that are not written yet, right-aligned: less than 8 of them between two characters.
  let bits = 0
  let count = 0
  for (let index = 0; index < text.length; index++) {
    const symbol = text.charCodeAt(index)
    const length = CODE_LENGTHS[symbol] as number
    const code = CODES[symbol] as number
    if (length > 24) {
      // 7 and 30 bits are more than 32, so the code goes in two parts.
      bits = (bits << 15) | (code >>> (length - 15))
      for (count += 15; count >= 8; count -= 8) target[at++] = bits >>> (count - 8)
      bits = (bits << (length - 15)) | (code & ((1 << (length - 15)) - 1))
      count += length - 15
    } else {
      bits = (bits << length) | code
      count += length
    }
    for (; count >= 8; count -= 8) target[at++] = bits >>> (count - 8)
  }
  if (count > 0) target[at++] = (bits << (8 - count)) | (0xff >> count)
  return at
}
