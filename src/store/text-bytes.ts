// The text of a flow as bytes: numbers and characters of latin1; or, of what is unusual, JSON in UTF-8.

/** The first byte where there are numbers. JSON begins with a brace. */
const NUMBERS = 0x69

/** Bytes of a number at most: it is a safe integer. */
const NUMBER = 8

/** Characters of JSON whose bytes are counted; of a shorter text they are taken to be three each. */
const COUNTED = 16 * 1024

export interface Text {
  readonly text: string
  /** Safe integers from 0 on that stand before a text in latin1; undefined for JSON. */
  readonly numbers: readonly number[] | undefined
}

/** The largest number that JavaScript shifts as it is. */
const MAX_INT = 0x7fffffff

const BEYOND_LATIN1 = /[^\0-\xff]/

export const isLatin1 = (text: string): boolean => !BEYOND_LATIN1.test(text)

/** The most bytes that a text has. */
export function mostBytes({ text, numbers }: Text): number {
  if (numbers) return 1 + NUMBER * (numbers.length + 1) + text.length
  return text.length > COUNTED ? Buffer.byteLength(text) : 3 * text.length
}

/** Writes a text where there is room for it. Gives the end of what was written. */
export function writeText(target: Buffer, start: number, { text, numbers }: Text): number {
  if (!numbers) return start + target.write(text, start)
  target[start] = NUMBERS
  let at = writeNumber(target, start + 1, numbers.length)
  for (const number of numbers) at = writeNumber(target, at, number)
  return at + target.write(text, at, 'latin1')
}

/** Seven bits a byte, the lowest first; all bytes but the last have the eighth bit. */
function writeNumber(target: Buffer, start: number, number: number): number {
  let at = start
  let rest = number
  for (; rest > MAX_INT; rest = Math.floor(rest / 0x80)) target[at++] = (rest % 0x80) | 0x80
  for (; rest > 0x7f; rest >>= 7) target[at++] = (rest & 0x7f) | 0x80
  target[at] = rest
  return at + 1
}

export function readText(bytes: Buffer, start: number, end: number): Text {
  if (bytes[start] !== NUMBERS) return { text: bytes.toString('utf8', start, end), numbers: undefined }
  let at = start + 1
  const readNumber = () => {
    let number = 0
    for (let unit = 1; ; unit *= 0x80) {
      const byte = bytes[at++] ?? 0
      number += (byte & 0x7f) * unit
      if (byte <= 0x7f) return number
    }
  }
  // A damaged text has no more numbers than bytes.
  const numbers = Array.from({ length: Math.min(readNumber(), end - start) }, readNumber)
  return { text: bytes.toString('latin1', at, end), numbers }
}
