// The text of an expression of Python's, read from left to right: escapes, classes, names and numbers.
import { type Range, rangesOf } from './character-set.js'

/** An expression is none of Python's, or JavaScript cannot say the same. `why` is a sentence; `at` is the character, counted from 0. */
export class RegexpError extends SyntaxError {
  readonly why: string
  readonly at: number

  constructor(why: string, at: number) {
    super(`Invalid regular expression, character ${at + 1}: ${why}`)
    this.why = why
    this.at = at
  }
}

const SIMPLE: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 }

export class PythonText {
  readonly source: string
  readonly #bytes: boolean
  at = 0

  constructor(source: string, bytes: boolean) {
    this.source = source
    this.#bytes = bytes
  }

  get next(): string {
    return this.source[this.at] ?? ''
  }

  fail(message: string, at = this.at): never {
    throw new RegexpError(message, at)
  }

  /** Passes over the match of a sticky expression at this place, and gives it; undefined where there is none. */
  take(what: RegExp): RegExpExecArray | undefined {
    what.lastIndex = this.at
    const found = what.exec(this.source) ?? undefined
    if (found) this.at += found[0].length
    return found
  }

  /** Whether the text is there; it is passed over then. */
  skips(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  /** The name of a group up to this end. */
  name(end: string): string {
    const start = this.at
    const stop = this.source.indexOf(end, start)
    if (stop < 0) this.fail(`there is no ${end} behind the name of the group`, start)
    this.at = stop + 1
    const name = this.source.slice(start, stop)
    const isName = this.#bytes ? /^[A-Za-z_]\w*$/ : /^[\p{ID_Start}_][\p{ID_Continue}]*$/u
    return isName.test(name) ? name : this.fail('this is no name of a group', start)
  }

  /** The character or the characters that an escape stands for, of which the backslash is at `start` and passed over. `inClass`: within `[...]`. */
  escape(start: number, ascii: boolean, inClass: boolean): readonly Range[] {
    const letter = this.next
    if (letter === '') this.fail('a backslash ends the expression', start)
    this.at += 1
    const one = (code: number): readonly Range[] => [[code, code]]
    const named = rangesOf(letter, ascii)
    if (named) return named
    if (SIMPLE[letter] !== undefined) return one(SIMPLE[letter] as number)
    if (inClass && letter === 'b') return one(8)
    const digits = { x: /[\da-fA-F]{2}/y, ...(!this.#bytes && { u: /[\da-fA-F]{4}/y, U: /0000[\da-fA-F]{4}/y }) }[
      letter
    ]
    if (digits) {
      const [hex] = this.take(digits) ?? this.fail(`the escape \\${letter} wants its digits in base 16`, start)
      return one(Number.parseInt(hex, 16))
    }
    if (/[0-7]/.test(letter)) {
      const [octal] = this.take(inClass || letter === '0' ? /[0-7]{0,2}/y : /[0-7]{2}/y) as RegExpExecArray
      const code = Number.parseInt(letter + octal, 8)
      return code > 0o377 ? this.fail('an octal escape goes to \\377', start) : one(code)
    }
    if (/[A-Za-z89]/.test(letter)) this.fail(`there is no escape \\${letter}`, start)
    this.at -= 1
    return this.#literal(start)
  }

  /** One character that stands for itself. */
  #literal(start: number): readonly Range[] {
    const code = this.source.codePointAt(this.at) as number
    if (code > 0xffff) this.fail('characters beyond U+FFFF are not understood here', start)
    this.at += 1
    return [[code, code]]
  }

  /** A class, of which the `[` at `start` is passed over. */
  set(start: number, ascii: boolean): { ranges: Range[]; isNegated: boolean } {
    const isNegated = this.skips('^')
    const ranges: Range[] = []
    const first = this.at
    const member = () => {
      const from = this.at
      if (this.next === '') this.fail('this class has no ] at its end', start)
      return this.skips('\\') ? this.escape(from, ascii, true) : this.#literal(from)
    }
    while (this.next !== ']' || this.at === first) {
      const from = this.at
      const low = member()
      if (this.next !== '-' || this.source[this.at + 1] === ']') {
        ranges.push(...low)
        continue
      }
      this.at += 1
      const high = member()
      const [[least = 0, most = 0] = [], [end = 0, last = 0] = []] = [low[0], high[0]]
      const isRange = low.length === 1 && high.length === 1 && least === most && end === last && least <= end
      if (!isRange) this.fail('this range of a class has no two ends in order', from)
      ranges.push([least, end])
    }
    this.at += 1
    return { ranges, isNegated }
  }
}
