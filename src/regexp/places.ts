// What a place in a text is like, by the characters on both sides of it: ends, lines and words.
import type { Place } from './tree.js'

/** The kind of a character beside a place. The last newline of a text is a kind of its own. */
export const OTHER = 0
export const WORD = 1
/** The character ends a line to JavaScript, and not to Python. */
export const RETURN = 2
export const LINE = 3
export const LAST_LINE = 4
/** There is none: the text begins or ends. */
export const EDGE = 5

export function kindOf(code: number): number {
  if (code === 10) return LINE
  if (code === 13 || code === 0x2028 || code === 0x2029) return RETURN
  const isWord = (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122)
  return isWord ? WORD : OTHER
}

/** The kind of the character at an index, as what comes next. */
export function kindAt(text: string, index: number): number {
  if (index >= text.length) return EDGE
  const code = text.charCodeAt(index)
  return code === 10 && index === text.length - 1 ? LAST_LINE : kindOf(code)
}

/** Whether a place is there between characters of these kinds. */
export function isThere(place: Place, before: number, after: number): boolean {
  switch (place) {
    case 'start':
      return before === EDGE
    case 'end':
      return after === EDGE
    case 'last-line':
      return after === EDGE || after === LAST_LINE
    case 'line-start':
      return before >= RETURN
    case 'line-end':
      return after >= RETURN
    case 'newline-start':
      return before >= LINE
    case 'newline-end':
      return after >= LINE
    case 'word-edge':
      return (before === WORD) !== (after === WORD)
    case 'no-word-edge':
      return (before === WORD) === (after === WORD)
  }
}
