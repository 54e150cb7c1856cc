// The frames of HTTP/2 (RFC 9113, 4 and 6): types, flags, and how they are written. `reader.ts` reads them.
import type { Output } from './output.js'

export const DATA = 0x0
export const HEADERS = 0x1
export const PRIORITY = 0x2
export const RST_STREAM = 0x3
export const SETTINGS = 0x4
export const PUSH_PROMISE = 0x5
export const PING = 0x6
export const GOAWAY = 0x7
export const WINDOW_UPDATE = 0x8
export const CONTINUATION = 0x9

export const END_STREAM = 0x1
export const ACK = 0x1
export const END_HEADERS = 0x4
export const PADDED = 0x8
export const PRIORITY_FLAG = 0x20

/** Bytes of a frame's header. */
export const HEADER_SIZE = 9
/** What a client begins with (RFC 9113, 3.4). */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** The header of a frame at `at`, where there is room for it. */
export function putHeader(
  bytes: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): void {
  bytes[at] = length >>> 16
  bytes[at + 1] = length >>> 8
  bytes[at + 2] = length
  bytes[at + 3] = type
  bytes[at + 4] = flags
  putNumber(bytes, at + 5, stream)
}

function putNumber(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

/** Room for a frame, with its header written; the index of its payload. */
function begin(output: Output, length: number, type: number, flags: number, stream: number): number {
  output.reserve(HEADER_SIZE + length)
  const at = output.end
  putHeader(output.bytes, at, length, type, flags, stream)
  output.end = at + HEADER_SIZE + length
  return at + HEADER_SIZE
}

export function writeData(output: Output, stream: number, data: Buffer, from: number, to: number, end: boolean): void {
  const at = begin(output, to - from, DATA, end ? END_STREAM : 0, stream)
  if (to > from) data.copy(output.bytes, at, from, to)
}

/** RST_STREAM and WINDOW_UPDATE: a frame with one number. */
export function writeNumber(output: Output, type: number, stream: number, value: number): void {
  // `begin` may move the bytes, so it comes first; and so below.
  const at = begin(output, 4, type, 0, stream)
  putNumber(output.bytes, at, value)
}

export function writeSettings(output: Output, settings: readonly (readonly [number, number])[]): void {
  let at = begin(output, 6 * settings.length, SETTINGS, 0, 0)
  for (const [id, value] of settings) {
    output.bytes[at] = id >>> 8
    output.bytes[at + 1] = id
    putNumber(output.bytes, at + 2, value)
    at += 6
  }
}

/** A PING, or an acknowledgement of PING or SETTINGS. */
export function writePlain(output: Output, type: number, flags: number, payload: Buffer): void {
  const at = begin(output, payload.length, type, flags, 0)
  payload.copy(output.bytes, at)
}

export function writeGoaway(output: Output, last: number, code: number, debug: Buffer): void {
  const at = begin(output, 8 + debug.length, GOAWAY, 0, 0)
  putNumber(output.bytes, at, last)
  putNumber(output.bytes, at + 4, code)
  debug.copy(output.bytes, at + 8)
}

/**
 * Writes the header of HEADERS in front of a block, which `output` has behind its first `before + HEADER_SIZE` bytes. A block that is
 * longer than `most` is split, and CONTINUATION frames carry the rest.
 */
export function frameBlock(output: Output, before: number, stream: number, end: boolean, most: number): void {
  const start = output.start + before
  const length = output.end - start - HEADER_SIZE
  const flag = end ? END_STREAM : 0
  if (length <= most) {
    putHeader(output.bytes, start, length, HEADERS, flag | END_HEADERS, stream)
    return
  }
  const block = Buffer.from(output.bytes.subarray(start + HEADER_SIZE, output.end))
  output.cut(before)
  for (let from = 0; from < length; from += most) {
    const to = Math.min(length, from + most)
    const flags = (to === length ? END_HEADERS : 0) | (from === 0 ? flag : 0)
    const at = begin(output, to - from, from === 0 ? HEADERS : CONTINUATION, flags, stream)
    block.copy(output.bytes, at, from, to)
  }
}
