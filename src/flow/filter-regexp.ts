// Regular expressions of filters and rules: Python's, as mitmproxy takes them, as far as JavaScript can say the same.
import { BoundedRegExp } from '../regexp/bounded.js'

export interface RegexpKind {
  readonly caseSensitive: boolean
  /** The expression is searched for in bytes, which `Search` takes as latin1. */
  readonly bytes?: boolean | undefined
  /** `^` and `$` match at every line. */
  readonly lines?: boolean | undefined
  /** The dot matches newlines. */
  readonly dotAll?: boolean | undefined
}

/** Tells whether a text has a match. */
export type Search = (text: string) => boolean

/**
 * The parts of an expression that Python and JavaScript write differently, and escapes and classes of characters, in which the same
 * text means something else. In Python a `]` right after the `[` of a class is one of its characters.
 */
const PARTS =
  /\[(\^?)(\]?)((?:\\[\s\S]|[^\]\\])*)|\\[\s\S]|\(\?#[^)]*\)|\(\?P<|\(\?P=(\w+)\)|\(\?([aimsuxL]+):|\{,(\d+)\}|\$/g
const GLOBAL_FLAGS = /^\(\?([aimsuxL]+)\)/

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
  const flags = new Set<string>(more)
  if (!kind.caseSensitive) flags.add('i')
  if (kind.lines) flags.add('m')
  if (kind.dotAll) flags.add('s')
  const [start = '', given = ''] = GLOBAL_FLAGS.exec(source) ?? []
  if (given.includes('x')) throw new SyntaxError('(?x) is not understood')
  for (const flag of given) if ('ims'.includes(flag)) flags.add(flag)
  const pattern = translate(source.slice(start.length), flags)
  const octets = kind.bytes ? Buffer.from(pattern).toString('latin1') : pattern
  const regexp = new BoundedRegExp(octets, [...flags].join(''))
  // JavaScript refuses an expression that is too large at its first use: that is to happen here, and not at the first flow.
  regexp.test('')
  return regexp
}

function translate(source: string, flags: ReadonlySet<string>): string {
  return source.replace(PARTS, (part: string, ...groups: (string | undefined)[]) => {
    const [not = '', first, members = '', name, scoped, most] = groups
    if (part.startsWith('[')) return `[${not}${first ? '\\]' : ''}${members}`
    if (part === '\\A') return '(?<![\\s\\S])'
    if (part === '\\Z') return '(?![\\s\\S])'
    // Without the flag m, Python's $ matches before a newline at the end of the text, too.
    if (part === '$') return flags.has('m') ? '$' : '(?=\\n?(?![\\s\\S]))'
    if (part.startsWith('(?#')) return ''
    if (part === '(?P<') return '(?<'
    if (name !== undefined) return `\\k<${name}>`
    if (most !== undefined) return `{0,${most}}`
    // A group with flags, (?i:...), is understood where the flags are on for the whole expression.
    const idle = scoped !== undefined && [...scoped].every((flag) => flags.has(flag) || 'auL'.includes(flag))
    return idle ? '(?:' : part
  })
}
