// Reads the field lines of heads and trailers (RFC 9112, 5): strict about their form, exact about names and values.

import { fault, type Side, shown } from '../error.js'
import { COLON, CR, FLAGS, LF, SPACE, TAB, TEXT, TOKEN } from './bytes.js'

/** The most bytes of a head, from its first line to its empty line, and of a trailer section. */
export const MAX_HEAD: Readonly<Record<Side, number>> = { request: 64 * 1024, response: 256 * 1024 }
/** The most fields of a head, and of a trailer section. */
export const MAX_FIELDS = 2_000

/**
 * Reads field lines up to the empty line, which ends at `end`, into a flat array of names and values. `text` is the latin1 string of
 * `bytes` from `start` on: bytes are faster to check, and a string is faster to slice.
 */
export function parseFields(
  bytes: Buffer,
  text: string,
  start: number,
  from: number,
  end: number,
  side: Side,
): string[] {
  const raw: string[] = []
  let at = from
  for (;;) {
    const line = at
    let byte = bytes[at] as number
    if (byte === CR && bytes[at + 1] === LF) break
    while (((FLAGS[byte] as number) & TOKEN) !== 0) byte = bytes[++at] as number
    if (byte !== COLON || at === line || at >= end) throw badName(bytes, line, at, end, raw, side)
    const name = text.slice(line - start, at - start)
    do byte = bytes[++at] as number
    while (byte === SPACE || byte === TAB)
    const value = at
    while (((FLAGS[byte] as number) & TEXT) !== 0) byte = bytes[++at] as number
    if (byte !== CR || bytes[at + 1] !== LF || at >= end) {
      const what = shown(at < end ? byte : undefined)
      throw fault(side, `the value of ${name} has ${what} at byte ${at - value} of it`)
    }
    let last = at
    while (last > value && (bytes[last - 1] === SPACE || bytes[last - 1] === TAB)) last--
    if (raw.length === 2 * MAX_FIELDS) throw fault(side, `there are more than ${MAX_FIELDS} fields`, 431)
    raw.push(name, text.slice(value - start, last - start))
    at += 2
  }
  if (at + 2 !== end) throw fault(side, 'the empty line stands before the end of the fields')
  return raw
}

function badName(bytes: Buffer, line: number, at: number, end: number, raw: string[], side: Side): Error {
  const byte = at < end ? bytes[at] : undefined
  const where = `field line ${(raw.length >> 1) + 1}`
  if (at === line && (byte === SPACE || byte === TAB)) {
    return fault(side, `${where} begins with ${shown(byte)}: folded lines are not allowed`)
  }
  if (byte === COLON) return fault(side, `${where} has no name before its colon`)
  const name = bytes.toString('latin1', line, Math.min(at, line + 40))
  if (byte === CR || byte === undefined) return fault(side, `${where} has no colon: "${name}"`)
  return fault(side, `${where} has ${shown(byte)} in its name, after "${name}"`)
}
