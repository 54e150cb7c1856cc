// Translates Python's regular expressions into JavaScript's. What JavaScript cannot say, or takes differently, is refused at its character.
import { folded, type Range, writtenCharacter, writtenSet } from './character-set.js'
import { PythonText, RegexpError } from './python-text.js'

/** How an expression is read where it says nothing itself. */
export interface PythonFlags {
  readonly ignoreCase: boolean
  /** `^` and `$` match at lines: those of Python end with a newline, those of JavaScript also with a carriage return. */
  readonly lines: 'python' | 'javascript' | false
  readonly dotAll: boolean
}

export interface Translated {
  readonly source: string
  /** JavaScript's flags that it wants. */
  readonly flags: string
}

interface Flags extends PythonFlags {
  readonly verbose: boolean
  readonly ascii: boolean
}

/** A part of a sequence: whether it may be repeated, and the groups that it surely sets. */
interface Part {
  readonly kind: 'item' | 'place' | 'repeat'
  readonly text: string
  readonly sets: readonly number[]
}

const MAX_DEPTH = 500
const NO_SPACE = /[ \t\n\r\v\f]+|#[^\n]*\n?/y
const QUANTIFIER = /[*+?]|\{(?!\})(\d*)(,(\d*))?\}/y
const GROUP_FLAGS = /([aiLmsux]*)(?:-([aiLmsux]*))?([:)])/y
const NUMBER = /[1-9]\d?/y
const START = '(?<![\\s\\S])'
const END = '(?![\\s\\S])'

/** `bytes`: the expression and the texts are latin1, a character for each byte. Throws a RegexpError. */
export function translatePython(source: string, flags: PythonFlags, bytes: boolean): Translated {
  // Cases are folded by the flag where it says the same: not for bytes, of which Python folds the letters of ASCII alone.
  const byFlag = new Translator(source, flags, bytes, true)
  const text = byFlag.translate()
  const { hasFolded, hasUnfolded, folding } = byFlag
  const wantsFlag = folding !== undefined
  if (wantsFlag && hasUnfolded)
    throw new RegexpError(
      'a reference to a group without regard to case stands here beside parts that regard it',
      folding,
    )
  if (hasFolded && (wantsFlag || (!bytes && !hasUnfolded))) return { source: text, flags: byFlag.lineFlag('i') }
  const byHand = hasFolded ? new Translator(source, flags, bytes, false).translate() : text
  return { source: byHand, flags: byFlag.lineFlag('') }
}

class Translator {
  readonly #text: PythonText
  readonly #bytes: boolean
  readonly #byFlag: boolean
  #flags: Flags
  #depth = 0
  #groups = 0
  readonly #names = new Map<string, number>()
  readonly #closed = new Set<number>()
  #isWithinLookbehind = false
  #wantsLines = false
  hasFolded = false
  hasUnfolded = false
  /** Where the first reference to a group is that disregards case. */
  folding: number | undefined

  constructor(source: string, flags: PythonFlags, bytes: boolean, byFlag: boolean) {
    this.#text = new PythonText(source, bytes)
    this.#bytes = bytes
    this.#byFlag = byFlag
    this.#flags = { ...flags, verbose: false, ascii: bytes }
  }

  translate(): string {
    const { text } = this.#choice(new Set(), true)
    if (this.#text.next !== '') this.#text.fail('there is no ( for this )')
    return text
  }

  lineFlag(flags: string): string {
    return flags + (this.#wantsLines ? 'm' : '')
  }

  /** `sure`: the groups that have surely matched before. */
  #choice(sure: ReadonlySet<number>, isWhole = false): { text: string; sets: number[] } {
    const branches = [this.#sequence(sure, isWhole)]
    while (this.#text.skips('|')) branches.push(this.#sequence(sure, false))
    const [first, ...others] = branches
    const sets = (first?.sets ?? []).filter((group) => others.every(({ sets }) => sets.includes(group)))
    return { text: branches.map(({ text }) => text).join('|'), sets }
  }

  #sequence(before: ReadonlySet<number>, isStart: boolean): { text: string; sets: number[] } {
    const text = this.#text
    const parts: Part[] = []
    while (text.next !== '' && text.next !== '|' && text.next !== ')') {
      if (this.#flags.verbose && text.take(NO_SPACE)) continue
      const start = text.at
      const quantifier = text.take(QUANTIFIER)
      if (quantifier) {
        parts.push(this.#repeated(parts.pop(), quantifier, start))
        continue
      }
      const sure = new Set([...before, ...parts.flatMap(({ sets }) => sets)])
      const part = this.#part(start, sure, isStart && parts.length === 0)
      if (part) parts.push(part)
    }
    return { text: parts.map((part) => part.text).join(''), sets: parts.flatMap(({ sets }) => sets) }
  }

  #repeated(part: Part | undefined, [written, least, comma, most]: RegExpExecArray, start: number): Part {
    const text = this.#text
    if (!part || part.kind === 'place') return text.fail('there is nothing to repeat', start)
    if (part.kind === 'repeat') return text.fail('this is repeated twice', start)
    const from = written === '+' ? 1 : Number(least || 0)
    const isBackwards = comma !== undefined && most && Number(most) < from
    if (isBackwards) text.fail('the end of this quantifier is before its beginning', start)
    if (text.next === '+') text.fail('possessive quantifiers are not understood')
    const lazy = text.skips('?') ? '?' : ''
    const counted = least === undefined ? written : comma === undefined ? `{${from}}` : `{${from},${most}}`
    return { kind: 'repeat', text: `${part.text}${counted}${lazy}`, sets: from > 0 ? part.sets : [] }
  }

  #part(start: number, sure: ReadonlySet<number>, isStart: boolean): Part | undefined {
    const text = this.#text
    const next = text.next
    if (next === '(') return this.#group(start, sure, isStart)
    const { ascii, dotAll } = this.#flags
    const code = text.source.codePointAt(text.at) as number
    text.at += code > 0xffff ? 2 : 1
    if (next === '\\') return this.#escape(start, sure)
    if (next === '[') {
      const { ranges, isNegated } = text.set(start, ascii)
      return item(this.#set(ranges, isNegated))
    }
    if (next === '.') return item(dotAll ? '[\\s\\S]' : '[^\\n]')
    if (next === '^') return place(this.#line('^', '(?<![^\\n])', START))
    if (next === '$') return place(this.#line('$', '(?![^\\n])', `(?=\\n?${END})`))
    if (code <= 0xffff) return item(this.#set([[code, code]]))
    const units = Array.from({ length: 2 }, (_, index) => writtenCharacter(text.source.charCodeAt(start + index)))
    return item(`(?:${units.join('')})`)
  }

  #line(javascript: string, python: string, plain: string): string {
    const { lines } = this.#flags
    if (lines === 'javascript') this.#wantsLines = true
    return lines === 'javascript' ? javascript : lines === 'python' ? python : plain
  }

  #set(ranges: readonly Range[], isNegated = false): string {
    const { ignoreCase } = this.#flags
    const both = folded(ranges, this.#bytes || this.#flags.ascii)
    if (both.length > ranges.length) {
      if (ignoreCase) this.hasFolded = true
      else this.hasUnfolded = true
    }
    return writtenSet(ignoreCase && !this.#byFlag ? both : ranges, isNegated)
  }

  #escape(start: number, sure: ReadonlySet<number>): Part {
    const text = this.#text
    const letter = text.next
    if (text.skips('b') || text.skips('B')) return place(`\\${letter}`)
    if (text.skips('A')) return place(START)
    if (text.skips('Z')) return place(END)
    if (text.skips('k<')) return this.#reference(this.#named(text.name('>'), start), start, sure)
    // Three octal digits are a character.
    if (/[1-9]/.test(letter) && !/^[0-7]{3}/.test(text.source.slice(text.at, text.at + 3))) {
      return this.#reference(Number(text.take(NUMBER)?.[0]), start, sure)
    }
    return item(this.#set(text.escape(start, this.#flags.ascii, false)))
  }

  #named(name: string, start: number): number {
    return this.#names.get(name) ?? this.#text.fail(`there is no group ${name} before this`, start)
  }

  #reference(group: number, start: number, sure: ReadonlySet<number>): Part {
    const text = this.#text
    if (group > this.#groups) text.fail(`there is no group ${group} before this`, start)
    if (!this.#closed.has(group)) text.fail(`this stands within group ${group} itself`, start)
    if (this.#isWithinLookbehind) text.fail('references within a lookbehind are not understood', start)
    // To Python such a reference matches nothing, to JavaScript the empty text.
    if (!sure.has(group)) text.fail(`group ${group} may have no match here, which is not understood`, start)
    if (this.#flags.ignoreCase) {
      this.hasFolded = true
      this.folding ??= start
    } else this.hasUnfolded = true
    return item(`(?:\\${group})`)
  }

  #group(start: number, sure: ReadonlySet<number>, isStart: boolean): Part | undefined {
    const text = this.#text
    text.at += 1
    if (!text.skips('?')) return this.#captured(undefined, start, sure)
    if (text.skips('P=')) return this.#reference(this.#named(text.name(')'), start), start, sure)
    if (text.skips('P<') || text.take(/<(?![=!])/y)) return this.#captured(text.name('>'), start, sure)
    if (text.skips('#')) {
      const end = text.source.indexOf(')', text.at)
      if (end < 0) text.fail('this comment has no ) at its end', start)
      text.at = end + 1
      return undefined
    }
    if (text.skips(':')) return this.#inner('(?:', start, sure)
    if (text.skips('=')) return this.#look('(?=', start, sure)
    if (text.skips('!')) return { ...this.#look('(?!', start, sure), sets: [] }
    if (text.skips('<=')) return this.#lookbehind('(?<=', start, sure)
    if (text.skips('<!')) return this.#lookbehind('(?<!', start, sure)
    if (text.next === '>') text.fail('atomic groups are not understood', start)
    if (text.next === '(') text.fail('conditions are not understood', start)
    return this.#flagged(start, sure, isStart)
  }

  #captured(name: string | undefined, start: number, sure: ReadonlySet<number>): Part {
    const group = ++this.#groups
    if (name !== undefined) {
      if (this.#names.has(name)) this.#text.fail(`there are two groups with the name ${name}`, start)
      this.#names.set(name, group)
    }
    const inner = this.#inner(name === undefined ? '(' : `(?<${name}>`, start, sure)
    this.#closed.add(group)
    return { ...inner, sets: [...inner.sets, group] }
  }

  #inner(open: string, start: number, sure: ReadonlySet<number>): Part {
    if (++this.#depth > MAX_DEPTH) this.#text.fail(`there are more than ${MAX_DEPTH} groups in each other`, start)
    const { text, sets } = this.#choice(sure)
    if (!this.#text.skips(')')) this.#text.fail('there is no ) for this (', start)
    this.#depth -= 1
    return { kind: 'item', text: `${open}${text})`, sets }
  }

  /** Within a group of its own, because JavaScript repeats no lookbehind. */
  #look(open: string, start: number, sure: ReadonlySet<number>): Part {
    const { text, sets } = this.#inner(open, start, sure)
    return item(`(?:${text})`, sets)
  }

  #lookbehind(open: string, start: number, sure: ReadonlySet<number>): Part {
    const outer = this.#isWithinLookbehind
    this.#isWithinLookbehind = true
    const part = this.#look(open, start, sure)
    this.#isWithinLookbehind = outer
    return { ...part, sets: [] }
  }

  /** Flags for the whole expression, `(?i)`, or for a group, `(?s-i:...)`. */
  #flagged(start: number, sure: ReadonlySet<number>, isStart: boolean): Part | undefined {
    const text = this.#text
    const found = text.take(GROUP_FLAGS) ?? text.fail('there is no group of this kind', start)
    const [, on = '', off, end] = found
    const wrong = (what: string) => text.fail(what, start)
    if ((on + (off ?? '')).includes('L')) wrong('the flag L, of locales, is not understood')
    if (this.#bytes && on.includes('u')) wrong('the flag u is not for bytes')
    if (on.includes('a') && on.includes('u')) wrong('the flags a and u exclude each other')
    if (off !== undefined && (off === '' || /[au]/.test(off))) wrong('only the flags i, m, s and x can be taken away')
    if ([...on].some((flag) => off?.includes(flag))) wrong('a flag is set and taken away')
    if (end === ')') {
      if (off !== undefined) wrong('flags are taken away from a group alone')
      if (on === '') wrong('there is no flag')
      if (!isStart) wrong('flags for the whole expression stand at its start alone')
    } else if (on === '' && off === undefined) wrong('there is no group of this kind')
    const outer = this.#flags
    const has = (flag: string, before: boolean) => (before || on.includes(flag)) && !off?.includes(flag)
    this.#flags = {
      ignoreCase: has('i', outer.ignoreCase),
      lines: off?.includes('m') ? false : outer.lines || (on.includes('m') ? 'python' : false),
      dotAll: has('s', outer.dotAll),
      verbose: has('x', outer.verbose),
      ascii: this.#bytes || (!on.includes('u') && (outer.ascii || on.includes('a'))),
    }
    if (end === ')') return undefined
    const part = this.#inner('(?:', start, sure)
    this.#flags = outer
    return part
  }
}

const item = (text: string, sets: readonly number[] = []): Part => ({ kind: 'item', text, sets })
const place = (text: string): Part => ({ kind: 'place', text, sets: [] })
