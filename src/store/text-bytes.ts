// The text of a flow as bytes: values one behind the other in latin1, with their lengths before them; or, of what is unusual, JSON in UTF-8.

/** The first byte of values. JSON begins with a brace. */
const VALUES = 0x69

/** The values of flows that were recorded until 0.1: they begin with this, and NUL stands between them. */
const OLD_VALUES = 'h\0'

/** Bytes of a length at most. */
const LENGTH = 5

/** Characters of a text whose bytes are counted; of a shorter one they are taken to be three each. */
const COUNTED = 16 * 1024

/** `lengths`: those of the values that the text consists of; undefined for JSON. */
export interface Text {
  readonly text: string
  readonly lengths: readonly number[] | undefined
}

/** What a text was: its values, or JSON. */
export type ReadText = { readonly values: string[] } | { readonly json: string }

const lengthOf = ({ length }: string): number => length

const BEYOND_LATIN1 = /[^\0-\xff]/

/**
 * The values as one text; undefined where a character is none of latin1. They are put together first and written at once: what it takes to hand a text
 * to Node is more than what it takes to write it.
 */
export function joined(values: readonly string[]): Text | undefined {
  const lengths = values.map(lengthOf)
  let text = ''
  for (const value of values) text += value
  return BEYOND_LATIN1.test(text) ? undefined : { text, lengths }
}

/** The most bytes that a text has. */
export function mostBytes({ text, lengths }: Text): number {
  if (lengths) return 1 + LENGTH * (lengths.length + 1) + text.length
  return text.length > COUNTED ? Buffer.byteLength(text) : 3 * text.length
}

/** Writes a text where there is room for it. Gives the end of what was written. */
export function writeText(target: Buffer, start: number, { text, lengths }: Text): number {
  if (!lengths) return start + target.write(text, start)
  target[start] = VALUES
  let at = writeLength(target, start + 1, lengths.length)
  for (const length of lengths) at = writeLength(target, at, length)
  return at + target.write(text, at, 'latin1')
}

/** Seven bits a byte, the lowest first; all bytes but the last have the eighth bit. */
function writeLength(target: Buffer, start: number, length: number): number {
  let at = start
  let rest = length
  for (; rest > 0x7f; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80
  target[at] = rest
  return at + 1
}

export function readText(bytes: Buffer, start: number, end: number): ReadText {
  if (bytes[start] === VALUES) return { values: readValues(bytes, start + 1, end) }
  const text = bytes.toString('utf8', start, end)
  return text.startsWith(OLD_VALUES) ? { values: inOrder(text.split('\0')) } : { json: text }
}

function readValues(bytes: Buffer, start: number, end: number): string[] {
  let at = start
  const readLength = () => {
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0
      length |= (byte & 0x7f) << shift
      if (byte <= 0x7f) return length
    }
  }
  const lengths = Array.from({ length: readLength() }, readLength)
  const text = bytes.toString('latin1', at, end)
  let from = 0
  return lengths.map((length) => {
    from += length
    return text.slice(from - length, from)
  })
}

/** Old values as today's: these are without the first one, and without when the flow began, which the index has. */
const inOrder = ([, id, client, server, , ...rest]: string[]): string[] => [
  id ?? '',
  client ?? '',
  server ?? '',
  ...rest,
]
