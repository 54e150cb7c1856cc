// Regular expressions of filters and rules: Python's, as mitmproxy takes them, compiled by way of JavaScript's.
import { BoundedRegExp } from '../regexp/bounded.js'
import { type PythonFlags, type Translated, translatePython } from '../regexp/python.js'
import { RegexpError } from '../regexp/python-text.js'

export interface RegexpKind {
  readonly caseSensitive: boolean
  /** The expression is searched for in bytes, which `Search` takes as latin1. */
  readonly bytes?: boolean | undefined
  /** `^` and `$` match at every line, which may end with a carriage return, too. */
  readonly lines?: boolean | undefined
  /** The dot matches newlines. */
  readonly dotAll?: boolean | undefined
}

/** Tells whether a text has a match. */
export type Search = (text: string) => boolean

/**
 * Compiles a regular expression, which then finds what it finds in good time, on any text (`BoundedRegExp`). Throws a SyntaxError for a text that is
 * not one, and for one that cannot be searched so.
 */
export function compileRegexp(source: string, kind: RegexpKind): Search {
  const regexp = patternOf(source, kind)
  return (text) => {
    try {
      return regexp.test(text)
    } catch {
      // The search has run out of stack while it went back over a long text.
      return false
    }
  }
}

/**
 * The same as a RegExp, for what replaces matches: `text.replace(patternOf(source, kind, 'g'), replacement)`, in good time as well. `more`:
 * further flags of JavaScript's. A text of `kind.bytes` is latin1.
 */
export function patternOf(source: string, kind: RegexpKind, more: '' | 'g' | 'y' = ''): RegExp {
  const octets = kind.bytes ? Buffer.from(source).toString('latin1') : source
  const { caseSensitive, lines = false, dotAll = false } = kind
  const flags = { ignoreCase: !caseSensitive, lines: lines && ('javascript' as const), dotAll }
  const { source: written, flags: wanted } = translated(octets, flags, kind)
  const regexp = new BoundedRegExp(written, `${more}${wanted}`)
  // JavaScript refuses an expression that is too large at its first use: that is to happen here, and not at the first flow.
  regexp.test('')
  return regexp
}

function translated(octets: string, flags: PythonFlags, { bytes = false }: RegexpKind): Translated {
  try {
    return translatePython(octets, flags, bytes)
  } catch (error) {
    if (!bytes || !(error instanceof RegexpError)) throw error
    // The place among bytes, as one among the characters that were given.
    throw new RegexpError(error.why, Buffer.from(octets.slice(0, error.at), 'latin1').toString().length)
  }
}
