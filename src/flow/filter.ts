// The language of filters, which choose flows: `~d example.org & (~m POST | ~c 500)`.
import { MidwireError, nearest } from '../errors.js'
import { RegexpError } from '../regexp/python-text.js'
import { compileRegexp } from './filter-regexp.js'
import { TERMS, type Term } from './filter-terms.js'
import type { AnyFlow } from './index.js'

export { FILTER_HELP } from './filter-terms.js'

/** Tells whether a flow matches. Never throws. */
export type FlowFilter = (flow: AnyFlow) => boolean

export interface FilterOptions {
  /** Regular expressions respect case. Default: false, and true where the environment has MITMPROXY_CASE_SENSITIVE_FILTERS=1. */
  readonly caseSensitive?: boolean | undefined
}

/** What counts where a caller says nothing. It is set once for the process, from the environment. */
export const FILTER_DEFAULTS = { caseSensitive: false }

/** The most parentheses and `!` within each other: each is a call on the stack. */
const MAX_DEPTH = 100
/** Characters that end a word; in quotes they are part of it. */
const WORD_END = /[()~'"\s]/

/** How tightly operators bind. Terms side by side bind the loosest, as in mitmproxy: `~d a | ~d b ~m POST` is `(~d a | ~d b) & ~m POST`. */
const SIDE_BY_SIDE = 1
const OR = 2
const AND = 3

/**
 * Makes a function of a filter. Throws ERR_FILTER, which shows the place and says what was expected there.
 *
 * Regular expressions are Python's, searched for anywhere: with flags (`(?i)`, `(?m)`, `(?s)`, `(?x)`, `(?a)` at the start, `(?s-i:...)` for a group), names
 * (`(?P<name>...)`, `(?P=name)`; JavaScript's `(?<name>...)` and `\k<name>` as well), comments, `\A`, `\Z`. Possessive quantifiers, atomic groups, conditions,
 * the flag L, references to groups that may have no match, or within a lookbehind, and `\N{...}` are refused. `\d`, `\w` and `\b` know ASCII alone, and
 * a lookbehind may have any length. No expression takes for ever: one that goes back too often is searched for in another way, and with
 * lookaround or backreferences, which that way does not know, only in the beginning of a long text; what may take for ever all the
 * same is refused (`(a+)+\\1`). In quotes, a backslash makes a quote or a backslash a plain character; before any other it stays.
 */
export function parseFilter(text: string, options: FilterOptions = {}): FlowFilter {
  return new Parser(text, options.caseSensitive ?? FILTER_DEFAULTS.caseSensitive).parse()
}

/** Whether a filter has `~process` or `~container` in it. Throws ERR_FILTER. */
export function seeksProcesses(text: string): boolean {
  const parser = new Parser(text, false)
  parser.parse()
  return parser.operators.has('process') || parser.operators.has('container')
}

/** Whether a filter has `~b`, `~bq` or `~bs` in it. Throws ERR_FILTER. */
export function seeksBodies(text: string): boolean {
  const parser = new Parser(text, false)
  parser.parse()
  return ['b', 'bq', 'bs'].some((name) => parser.operators.has(name))
}

class Parser {
  /** The names of the operators that were read. */
  readonly operators = new Set<string>()
  readonly #text: string
  readonly #caseSensitive: boolean
  #at = 0
  #depth = 0

  constructor(text: string, caseSensitive: boolean) {
    this.#text = text
    this.#caseSensitive = caseSensitive
  }

  parse(): FlowFilter {
    const filter = this.#expression(SIDE_BY_SIDE)
    if (this.#peek() !== '') this.#fail('there is no ( for this )')
    return filter
  }

  /** Skips white space, and gives the next character; empty at the end. */
  #peek(): string {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at++
    return this.#text[this.#at] ?? ''
  }

  /** Reads a term, and the terms after it that bind at least as tightly as `least`. */
  #expression(least: number): FlowFilter {
    let left = this.#prefixed()
    for (;;) {
      const operator = this.#binding()
      if (operator < least) return left
      const parts = [left]
      while (this.#binding() === operator) {
        if (operator !== SIDE_BY_SIDE) this.#at++
        parts.push(this.#expression(operator + 1))
      }
      left = join(operator, parts)
    }
  }

  /** How tightly the next term binds to the one before; 0 where there is no next term. */
  #binding(): number {
    const next = this.#peek()
    if (next === '' || next === ')') return 0
    return next === '&' ? AND : next === '|' ? OR : SIDE_BY_SIDE
  }

  #prefixed(): FlowFilter {
    if (++this.#depth > MAX_DEPTH) this.#fail(`there are more than ${MAX_DEPTH} ( and ! in each other`)
    const filter = this.#inner()
    this.#depth--
    return filter
  }

  #inner(): FlowFilter {
    const next = this.#peek()
    if (next === '!') {
      this.#at++
      const inner = this.#prefixed()
      return (flow) => !inner(flow)
    }
    if (next === '(') {
      const start = this.#at++
      const inner = this.#expression(SIDE_BY_SIDE)
      if (this.#peek() !== ')') this.#fail('there is no ) for this (', start)
      this.#at++
      return inner
    }
    if (next === '~') return this.#operator()
    if (next === '' || next === ')' || next === '&' || next === '|') {
      this.#fail('a term is expected here: an operator (~d, ~u ...), a regular expression for URLs, or (')
    }
    return this.#regexp(TERMS.u)
  }

  #operator(): FlowFilter {
    const start = this.#at++
    const from = this.#at
    while (/[a-z]/i.test(this.#text[this.#at] ?? '')) this.#at++
    const name = this.#text.slice(from, this.#at)
    const term = Object.hasOwn(TERMS, name) ? TERMS[name as keyof typeof TERMS] : undefined
    if (!term) this.#fail(unknown(name), start)
    this.operators.add(name)
    if (term.takes === 'nothing') return term.make()
    return term.takes === 'number' ? term.make(this.#number(name)) : this.#regexp(term, name)
  }

  #number(name: string): number {
    this.#peek()
    const [digits] = /^\d+/.exec(this.#text.slice(this.#at)) ?? this.#fail(`~${name} takes a whole number`)
    this.#at += digits.length
    return Number(digits)
  }

  #regexp(term: Term & { takes: 'regexp' }, name?: string): FlowFilter {
    const next = this.#peek()
    const start = this.#at
    const operator = /^[&|](?=\s|$)/.test(this.#text.slice(start, start + 2))
    if (next === '' || operator || (next !== '"' && next !== "'" && WORD_END.test(next))) {
      this.#fail(`~${name} takes a regular expression, in quotes if it has spaces or one of ( ) ~ ' "`)
    }
    const source = next === '"' || next === "'" ? this.#quoted(next) : this.#word()
    try {
      return term.make(compileRegexp(source, { ...term, caseSensitive: this.#caseSensitive }))
    } catch (error) {
      const at = error instanceof RegexpError ? this.#placeIn(start, error.at) : start
      return this.#fail(`this is no regular expression that midwire understands (${reason(error)})`, at)
    }
  }

  /** Where a character of a word stands that begins at `start`, in quotes or not. */
  #placeIn(start: number, index: number): number {
    if (!`"'`.includes(this.#text[start] as string)) return start + index
    let at = start + 1
    for (let left = index; left > 0; left--) at += /^\\["'\\]/.test(this.#text.slice(at, at + 2)) ? 2 : 1
    return at
  }

  #word(): string {
    const start = this.#at
    while (this.#at < this.#text.length && !WORD_END.test(this.#text[this.#at] as string)) this.#at++
    return this.#text.slice(start, this.#at)
  }

  #quoted(quote: string): string {
    const start = this.#at++
    let value = ''
    for (; this.#at < this.#text.length; this.#at++) {
      const character = this.#text[this.#at] as string
      if (character === quote) {
        this.#at++
        return value
      }
      const after = this.#text[this.#at + 1] ?? ''
      const escaped = character === '\\' && /["'\\]/.test(after)
      value += escaped ? after : character
      if (escaped) this.#at++
    }
    return this.#fail(`there is no closing ${quote} for this one`, start)
  }

  #fail(what: string, at = this.#at): never {
    if (this.#text.trim() === '') throw new MidwireError('ERR_FILTER', 'it is empty; ~all matches everything')
    throw new MidwireError('ERR_FILTER', `${what} (character ${at + 1})\n${pointed(this.#text, at)}`)
  }
}

/** One function for any number of terms: a function for each two would be a deep call in a long filter. */
function join(operator: number, parts: readonly FlowFilter[]): FlowFilter {
  return operator === OR ? (flow) => parts.some((part) => part(flow)) : (flow) => parts.every((part) => part(flow))
}

function unknown(name: string): string {
  const near = name.length > 1 ? nearest(name, Object.keys(TERMS)) : undefined
  const meant = near === undefined ? '' : `; did you mean ~${near}?`
  return name === '' ? 'the name of an operator is expected after ~' : `there is no operator ~${name}${meant}`
}

/** The message of JavaScript's error without the expression, which `pointed` shows. */
function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.slice(message.lastIndexOf(': ') + 1).trim()
}

const BEFORE = 50
const AFTER = 20

/** The filter around a place, and below it a line that points to the place. */
function pointed(text: string, at: number): string {
  const from = Math.max(0, at - BEFORE)
  const shown = text.slice(from, at + AFTER).replace(/[\s\p{C}]/gu, ' ')
  return `  ${shown}\n  ${' '.repeat(at - from)}^`
}
