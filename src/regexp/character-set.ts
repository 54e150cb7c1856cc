// Sets of characters (UTF-16 code units) as ranges: what classes and escapes of Python's expressions become before they are written for JavaScript.

/** First and last of a range. */
export type Range = readonly [from: number, to: number]

const LAST = 0xffff
const A_TO_Z: Range = [65, 90]
/** From an upper-case letter of ASCII to the lower-case one. */
const TO_LOWER = 32
/** Characters of a range of which each is looked at for its other case; of longer ranges ASCII alone. */
const MAX_FOLDED = 0x500

const DIGITS: readonly Range[] = [[48, 57]]
const WORDS: readonly Range[] = [...DIGITS, A_TO_Z, [95, 95], [97, 122]]
const SPACES: readonly Range[] = [
  [9, 13],
  [32, 32],
]
/** The white space of Python's texts: `str.isspace`. */
const WIDE_SPACES: readonly Range[] = [
  ...SPACES,
  ...([
    [28, 31],
    [0x85, 0x85],
    [0xa0, 0xa0],
    [0x1680, 0x1680],
    [0x2000, 0x200a],
  ] as const),
  ...([
    [0x2028, 0x2029],
    [0x202f, 0x202f],
    [0x205f, 0x205f],
    [0x3000, 0x3000],
  ] as const),
]

/** `\d`, `\w`, `\s` and what is none of these; undefined for another letter. Digits and words are those of ASCII, spaces where `ascii` is said. */
export function rangesOf(letter: string, ascii: boolean): readonly Range[] | undefined {
  const named = { d: DIGITS, w: WORDS, s: ascii ? SPACES : WIDE_SPACES }[letter.toLowerCase()]
  return named && letter !== letter.toLowerCase() ? others(named) : named
}

/** All characters that are in none of the ranges. */
function others(ranges: readonly Range[]): Range[] {
  const found: Range[] = []
  let next = 0
  for (const [from, to] of ranges.toSorted(([one], [other]) => one - other)) {
    if (from > next) found.push([next, from - 1])
    next = Math.max(next, to + 1)
  }
  if (next <= LAST) found.push([next, LAST])
  return found
}

/** The ranges and their other case. `ascii`: bytes have no other letters with two cases. */
export function folded(ranges: readonly Range[], ascii: boolean): Range[] {
  return ranges.flatMap((range) => [range, ...inAscii(range), ...(ascii ? [] : beyondAscii(range))])
}

function inAscii([from, to]: Range): Range[] {
  const [first, last] = A_TO_Z
  const shifted = (by: number): Range[] => {
    const [start, end] = [Math.max(from, first - by), Math.min(to, last - by)]
    return start <= end ? [[start + by, end + by]] : []
  }
  return [...shifted(-TO_LOWER), ...shifted(0).map(([one, other]): Range => [one + TO_LOWER, other + TO_LOWER])]
}

function beyondAscii([from, to]: Range): Range[] {
  if (to - from > MAX_FOLDED) return []
  const found: Range[] = []
  for (let code = Math.max(from, 0x80); code <= to; code++) {
    const letter = String.fromCharCode(code)
    for (const other of [letter.toLowerCase(), letter.toUpperCase()]) {
      if (other.length === 1 && other !== letter) found.push([other.charCodeAt(0), other.charCodeAt(0)])
    }
  }
  return found
}

/** The set as JavaScript writes it. A set without characters matches nothing. */
export function writtenSet(ranges: readonly Range[], isNegated = false): string {
  const [only] = ranges
  if (!isNegated && ranges.length === 1 && only && only[0] === only[1]) return writtenCharacter(only[0])
  const members = ranges.map(([from, to]) =>
    from === to ? writtenCharacter(from) : `${writtenCharacter(from)}-${writtenCharacter(to)}`,
  )
  return `[${isNegated ? '^' : ''}${members.join('')}]`
}

export function writtenCharacter(code: number): string {
  const text = String.fromCharCode(code)
  if (/\w/.test(text)) return text
  if (code > 0xff) return `\\u${code.toString(16).padStart(4, '0')}`
  return code < 32 || code > 126
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : /[\^$\\.*+?()[\]{}|/-]/.test(text)
      ? `\\${text}`
      : text
}
